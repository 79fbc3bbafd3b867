//! The spread round by round: the exact mean beside the curves of the usual story.

use crate::error::Error;
use crate::exact::kernel::Kernel;
use crate::exact::spread::Distribution;
use crate::exact::usual::{growth, mean_told};
use crate::spread::Spread;
use rumormill_proto::Style;

/// How many are informed after a round, exactly and as the story tells it.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Point {
    /// The round, from 0.
    pub round: u64,
    /// Mean number informed, exactly.
    pub exact: f64,
    /// Of the logistic equation u′ = r u (n−u)/n.
    pub logistic: f64,
    /// Of u′ = (n−u) P(an uninformed node is reached | u).
    pub collisions: f64,
    /// Of the same to second order, u′ = (n−u)(x − x²/2), x = r u/n; push only.
    #[serde(rename = "collisions_taylor")]
    pub taylor: Option<f64>,
    /// Of the recurrence, each round the mean of the next as if the mean were the state: for one
    /// call without loss x → x (1−1/n)^{n(1−x)} under push and x → x² under pull, x the share
    /// uninformed.
    pub recurrence: f64,
}

/// Steps of the equations in a round.
const STEPS: u32 = 64;

/// Returns the curves up to a round.
///
/// # Errors
/// If a setting is out of range or has no exact means, or `rounds` above a million.
///
/// ```
/// use rumormill_model::exact::usual::curve;
/// use rumormill_model::spread::Spread;
/// use rumormill_proto::Style;
/// let points = curve(&Spread::new(1000, Style::Pull), 14)?;
/// // The recurrence squares the share uninformed: from the mean it promises far too much.
/// let missed = |informed: f64| 1.0 - informed / 1000.0;
/// assert!(missed(points[14].recurrence) < 1e-7 && missed(points[14].exact) > 0.018);
/// # Ok::<(), rumormill_model::error::Error>(())
/// ```
pub fn curve(spread: &Spread, rounds: u64) -> Result<Vec<Point>, Error> {
    let means = spread.expected_informed(rounds)?;
    let (n, origins) = (spread.alive() as f64, spread.origins as f64);
    let rate = growth(spread);
    let kernel = Kernel::new(spread);
    // The story divides by n: as if a node might call itself.
    let story = Kernel::new(&Spread { include_self: true, ..spread.clone() });
    let pushes = kernel.has_pushes() && !spread.pulls();
    let second = |u: f64| {
        let x = (rate * u / n).min(1.0);
        (n - u) * (x - 0.5 * x * x)
    };
    let mut now = Point {
        round: 0,
        exact: origins,
        logistic: origins,
        collisions: origins,
        taylor: pushes.then_some(origins),
        recurrence: origins,
    };
    let mut points = Vec::with_capacity(means.len());
    for (round, exact) in (0..).zip(means) {
        let odds = origins / (n - origins) * (rate * round as f64).exp();
        now.logistic = if odds.is_finite() { n * (odds / (1.0 + odds)) } else { n };
        points.push(Point { round, exact, ..now });
        now.collisions = one_round(now.collisions, n, |u| mean_told(&kernel, u, n - u));
        now.taylor = now.taylor.map(|u| one_round(u, n, second));
        now.recurrence =
            (now.recurrence + mean_told(&story, now.recurrence, n - now.recurrence)).min(n);
    }
    Ok(points)
}

/// Returns the mean number of messages sent up to each round, exactly, for a goal of all nodes: who
/// calls in a round follows from the mean and from the chance that all are informed already. `None`
/// for another goal, for a change of style, and for a spread that never finishes.
///
/// ```
/// use rumormill_model::exact::usual::{curve, sent};
/// use rumormill_model::spread::Spread;
/// use rumormill_proto::Style;
/// let spread = Spread::new(128, Style::Push);
/// let by_round = sent(&spread, &spread.solve()?, &curve(&spread, 60)?).expect("all is the goal");
/// assert!((by_round[3] - 7.0).abs() < 0.05); // 1 + 2 + 4, less a few collisions
/// assert!((by_round[60] - 751.94).abs() < 0.005);
/// # Ok::<(), rumormill_model::error::Error>(())
/// ```
#[must_use]
pub fn sent(spread: &Spread, law: &Distribution, points: &[Point]) -> Option<Vec<f64>> {
    let whole = spread.goal() == spread.alive() && spread.switches_after().is_none();
    if !whole || !law.mean.is_finite() {
        return None;
    }
    let (alive, picks) = (spread.alive() as f64, spread.picks() as f64);
    let mut sum = 0.0;
    let by_round = points.iter().map(|point| {
        let before = sum;
        let (open, done) = (law.survival(point.round), law.success(point.round));
        let callers = match spread.style {
            Style::Pull => alive - point.exact,
            Style::PushPull => alive * open,
            Style::Push | Style::PushThenPull => point.exact - alive * done,
        };
        sum += picks * callers.max(0.0);
        before
    });
    Some(by_round.collect())
}

/// Returns one round of u′ = slope(u), by the classical method of Runge and Kutta.
fn one_round(mut u: f64, most: f64, slope: impl Fn(f64) -> f64) -> f64 {
    let h = 1.0 / f64::from(STEPS);
    let at = |u: f64| slope(u.min(most));
    for _ in 0..STEPS {
        let a = at(u);
        let b = at(u + 0.5 * h * a);
        let c = at(u + 0.5 * h * b);
        let d = at(u + h * c);
        u += h / 6.0 * (a + 2.0 * (b + c) + d);
    }
    u.min(most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exact::usual::{expected_pull, expected_push, time_collisions, time_taylor};

    #[test]
    fn recurrences_are_those_of_the_story() {
        for style in [Style::Push, Style::Pull] {
            let points = curve(&Spread::new(50, style), 6).expect("a question");
            let mut x = 49.0 / 50.0;
            for point in points {
                assert!((point.recurrence - 50.0 * (1.0 - x)).abs() < 1e-12, "{point:?}");
                x = if style == Style::Push { expected_push(x, 50.0) } else { expected_pull(x) };
            }
        }
    }

    #[test]
    fn equations_take_their_time() {
        let spread = Spread::new(200, Style::Push);
        let points = curve(&spread, 30).expect("a question");
        // Where a curve crosses n − 1, by a straight line between two rounds of ln(n − u).
        let cross = |value: &dyn Fn(&Point) -> f64| {
            let at = points.iter().position(|p| value(p) > 199.0).expect("it ends");
            let [a, b] = [at - 1, at].map(|i| (200.0 - value(&points[i])).ln());
            (at - 1) as f64 + a / (a - b)
        };
        assert!((cross(&|p| p.collisions) - time_collisions(&spread)).abs() < 0.01);
        assert!((cross(&|p| p.taylor.expect("push")) - time_taylor(&spread)).abs() < 0.01);
        assert!((cross(&|p| p.logistic) - 2.0 * 199f64.ln()).abs() < 0.02);
    }

    #[test]
    fn few_of_many_have_their_digits() {
        // 2^j, until two of them may meet.
        let points =
            curve(&Spread::new(1_000_000_000_000_000, Style::Push), 10).expect("a question");
        for (round, point) in points.iter().enumerate() {
            assert!((point.exact / f64::powi(2.0, round as i32) - 1.0).abs() < 1e-11, "{point:?}");
        }
    }

    #[test]
    fn the_mean_of_four_nodes_by_hand() {
        let points = curve(&Spread::new(4, Style::Push), 2).expect("a question");
        assert!((points[2].exact - (2.0 + 10.0 / 9.0)).abs() < 1e-14, "{}", points[2].exact);
    }
}
