//! Waiting for readings: for the agent to be there, for members, and for a precision.

use std::thread;
use std::time::{Duration, Instant};

use rumormill_proto::{Reading, State};

use crate::client::http::{Answer, Refusal};
use crate::term::format;
use crate::term::progress::Progress;

/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// How many standard errors of the estimate count as its error: the estimate errs by less in all but a
/// few readings of a hundred.
const ERRORS: f64 = 3.0;

/// What a reading must have.
pub(crate) struct Goal {
    /// The precision of the sum, as a share of it; `None` if it must have settled.
    pub(crate) within: Option<f64>,
    /// The number of members that must be up.
    pub(crate) members: Option<u32>,
}

impl Goal {
    /// Returns what a reading lacks, in words; `None` if it has all.
    pub(crate) fn missing(&self, reading: &Reading) -> Option<String> {
        let lacks = [self.missing_members(reading), self.missing_precision(reading)];
        let lacks: Vec<String> = lacks.into_iter().flatten().collect();
        (!lacks.is_empty()).then(|| format!("{}: {}", reading.name, lacks.join("; ")))
    }

    fn missing_members(&self, reading: &Reading) -> Option<String> {
        let wanted = self.members? as usize;
        let up = reading.members;
        (up < wanted).then(|| format!("{up} of {} up", format::plural(wanted, "member")))
    }

    fn missing_precision(&self, reading: &Reading) -> Option<String> {
        let why = || reading.caveats.first().map_or_else(String::new, |why| format!(" ({why})"));
        let Some(within) = self.within else {
            return match reading.state {
                State::Settled => None,
                State::Disturbed => Some(format!("it is disturbed{}", why())),
                State::Following => Some("it has not settled: inputs still move".to_owned()),
            };
        };
        if reading.state == State::Disturbed {
            return Some(format!("it is disturbed{}", why()));
        }
        let percent = |share: f64| format!("{} %", format::number(100.0 * share, 3));
        match precision(reading) {
            Some(precision) if precision <= within => None,
            Some(precision) => Some(format!(
                "the sum is known to {}, not to {}",
                percent(precision),
                percent(within)
            )),
            None => Some("no precision of the sum is known yet".to_owned()),
        }
    }
}

/// Returns the precision of the sum now: three standard errors as a share of it, infinite if the sum is
/// 0 and uncertain. Before there is a standard error, the width of the certified bounds.
fn precision(reading: &Reading) -> Option<f64> {
    let share = |error: f64, of: f64| if error == 0.0 { 0.0 } else { error / of.abs() };
    let now = reading.sum.value.zip(reading.sum.standard_error);
    now.map(|(value, error)| share(ERRORS * error, value))
        .or_else(|| reading.certified.map(|c| share(c.sum.width(), c.sum.value)))
}

/// Looks again and again, until nothing is missing or the time is up. Returns the last thing seen with
/// what it lacks.
///
/// # Errors
/// Fails if the agent refuses the request, or if the time is up and there is no agent or no such
/// aggregate.
pub(crate) fn wait<T>(
    time: Duration,
    look: impl Fn() -> Answer<T>,
    missing: impl Fn(&T) -> Option<String>,
) -> anyhow::Result<(T, Option<String>)> {
    let progress = Progress::unbounded();
    let deadline = Instant::now() + time;
    loop {
        let (seen, lacks) = match look() {
            Ok(seen) => match missing(&seen) {
                None => return Ok((seen, None)),
                Some(lacks) => (Ok(seen), lacks),
            },
            // The aggregate is not known yet; the agent starts, or ends and may come back.
            Err(refusal @ (Refusal::Absent(_) | Refusal::Refused { status: 404 | 503, .. })) => {
                let error = anyhow::Error::from(refusal);
                let lacks = format!("{error:#}");
                (Err(error), lacks)
            }
            Err(refusal) => return Err(refusal.into()),
        };
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return seen.map(|seen| (seen, Some(lacks)));
        }
        progress.note(|| format!("waiting, {} left: {lacks}", format::seconds(left.as_secs_f64())));
        thread::sleep(PAUSE.min(left));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reading(state: &str, sum: f64, standard_error: Option<f64>) -> Reading {
        let bounded = |x: f64| {
            let error = 0.02 * x.abs();
            json!({"value": x, "lower": x - error, "upper": x + error})
        };
        let known = json!({"value": sum, "standard_error": standard_error});
        serde_json::from_value(json!({
            "name": "requests", "mode": "live", "epoch": null, "state": state,
            "sum": known, "average": known, "count": known,
            "variance": null, "standard_deviation": null,
            "certified": {
                "seconds_ago": 1.0, "sum": bounded(sum), "average": null, "count": bounded(3.0),
                "min": null, "max": null, "variance": null,
            },
            "converged": state == "settled", "members": 3, "disturbed_seconds_ago": null,
            "caveats": ["alone"],
        }))
        .expect("a reading")
    }

    #[test]
    fn the_precision_is_three_standard_errors_now() {
        let goal = |within| Goal { within: Some(within), members: None };
        let following = |error| reading("following", -600.0, error);
        assert_eq!(goal(0.01).missing(&following(Some(2.0))), None);
        let lacks = goal(0.01).missing(&following(Some(4.0)));
        assert_eq!(lacks.as_deref(), Some("requests: the sum is known to 2 %, not to 1 %"));
        assert_eq!(goal(0.041).missing(&following(None)), None, "the width of the bounds");
        assert!(goal(0.03).missing(&following(None)).is_some());
        assert_eq!(goal(0.01).missing(&reading("settled", 0.0, Some(0.0))), None);
        assert!(goal(1.0).missing(&reading("settled", 0.0, Some(1e-9))).is_some());
        let lacks = goal(1.0).missing(&reading("disturbed", 600.0, Some(0.0)));
        assert_eq!(lacks.as_deref(), Some("requests: it is disturbed (alone)"));
    }

    #[test]
    fn without_a_precision_it_must_have_settled_and_all_that_lacks_is_said() {
        let goal = |members| Goal { within: None, members };
        assert_eq!(goal(Some(3)).missing(&reading("settled", 5.0, None)), None);
        assert_eq!(
            goal(Some(5)).missing(&reading("following", 5.0, None)).as_deref(),
            Some("requests: 3 of 5 members up; it has not settled: inputs still move")
        );
    }
}
