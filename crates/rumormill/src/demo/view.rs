//! The demo's table: a row for each node, and for many nodes a summary.

use std::time::Duration;

use rumormill_proto::{Bounded, Certified, Estimate, State};

use crate::demo::judge::{NodeReading, Truth, worst};
use crate::demo::screen::{Line, Tone};
use crate::term::format;
use crate::term::format::{Align, UNKNOWN};

/// The digits in the wide table: the tolerance of a right answer is 1e-6, so eight show that it is met.
const DIGITS: usize = 8;
/// The width of the whole table. On a narrower terminal the average's bounds are left out.
const WIDE: usize = 117;
const AVERAGE_BOUNDS: usize = 6;
/// The digits in the narrow table, which fits into the classic 80 columns.
const NARROW_DIGITS: usize = 6;

/// Returns the readings as a table of at most `rows` nodes, with a summary if there are more, for a
/// terminal of this width.
pub(crate) fn table(
    readings: &[NodeReading],
    truth: &Truth,
    rows: usize,
    columns: usize,
) -> Vec<Line> {
    let wide = columns >= WIDE;
    let digits = if wide { DIGITS } else { NARROW_DIGITS };
    let mut head = vec![
        ("node", Align::Left),
        ("input", Align::Right),
        ("sum now", Align::Right),
        ("certified sum", Align::Left),
        ("age", Align::Right),
        ("average", Align::Right),
        ("certified average", Align::Left),
        ("count", Align::Right),
        ("", Align::Left),
    ];
    let bounds = |bounded: Option<Bounded>| {
        let (lower, upper) = (bounded.map(|b| b.lower), bounded.map(|b| b.upper));
        format::bounds(lower, upper, digits)
    };
    let value = |estimate: &Estimate| format::known(estimate.value, digits);
    let row = |reading: &NodeReading| {
        vec![
            reading.name.clone(),
            format::number(reading.input, digits),
            value(&reading.sum),
            bounds(reading.certified.map(|certified| certified.sum)),
            age(reading.certified),
            value(&reading.average),
            bounds(reading.certified.and_then(|certified| certified.average)),
            value(&reading.count),
            mark(reading, wide),
        ]
    };
    let mut cells: Vec<_> = readings.iter().take(rows).map(row).collect();
    let truth = [
        "truth".to_owned(),
        String::new(),
        format::number(truth.sum, digits),
        String::new(),
        String::new(),
        format::number(truth.average, digits),
        String::new(),
        truth.count.to_string(),
    ];
    cells.push(truth.into());
    let tones = readings.iter().take(rows).map(tone);
    let tones = [Tone::Faint].into_iter().chain(tones).chain([Tone::Title]);
    if !wide {
        head.remove(AVERAGE_BOUNDS);
        cells.iter_mut().for_each(|row| drop(row.remove(AVERAGE_BOUNDS)));
    }
    let lines = format::table(&head, &cells);
    let mut lines: Vec<_> =
        lines.into_iter().zip(tones).map(|(text, tone)| Line::row(text, tone)).collect();
    if readings.len() > rows {
        let truth = lines.pop();
        lines.push(Line::new(format!("… and {} more", readings.len() - rows), Tone::Faint));
        lines.extend(truth);
        let text = format!("all {}: {}", readings.len(), summary(readings));
        lines.push(Line::new(text, Tone::Plain));
        lines.extend(worst(readings).map(|worst| {
            let error = format::known(worst.relative_error, 3);
            let text = format!("worst: {}, relative error {error}", worst.name);
            Line::new(text, Tone::Plain)
        }));
    }
    lines
}

fn age(certified: Option<Certified>) -> String {
    let age = certified.map(|certified| format::seconds(certified.age.as_secs_f64()));
    age.unwrap_or_else(|| UNKNOWN.to_owned())
}

/// Returns the state of a reading, and whether it is right; in the narrow table only one of them.
fn mark(reading: &NodeReading, wide: bool) -> String {
    let state = reading.state.map_or("", State::name);
    match (reading.right, wide) {
        (true, true) => format!("{state}, right"),
        (true, false) if reading.converged => "right".to_owned(),
        _ => state.to_owned(),
    }
}

fn tone(reading: &NodeReading) -> Tone {
    if reading.settled() { Tone::Good } else { Tone::Plain }
}

/// Summarizes the readings in one line.
pub(crate) fn summary(readings: &[NodeReading]) -> String {
    let sums = || readings.iter().filter_map(|reading| reading.sum.value);
    let (low, high) = (sums().reduce(f64::min), sums().reduce(f64::max));
    let sums = match (low, high) {
        (Some(low), Some(high)) => {
            let (low, high) = (format::number(low, DIGITS), format::number(high, DIGITS));
            if low == high { format!("sum {low}") } else { format!("sums {low} to {high}") }
        }
        _ => format!("sum {UNKNOWN}"),
    };
    let count =
        |which: fn(&NodeReading) -> bool| readings.iter().filter(|reading| which(reading)).count();
    let oldest = readings.iter().filter_map(|reading| reading.certified);
    let oldest = oldest.max_by(|a, b| a.age.cmp(&b.age));
    let certified = match oldest {
        Some(_) => format!(
            "{} at {}, at most {} ago",
            widest(readings),
            count(|reading| reading.certified.is_some()),
            age(oldest),
        ),
        None => "at none".to_owned(),
    };
    format!(
        "{sums} now; certified {certified}; settled {}, right {} of {}",
        count(|reading| reading.converged),
        count(|reading| reading.right),
        readings.len(),
    )
}

/// Returns the smallest interval that contains the bounds of the sum at every node.
fn widest(readings: &[NodeReading]) -> String {
    let sums = || readings.iter().filter_map(|reading| Some(reading.certified?.sum));
    let lower = sums().map(|sum| sum.lower).reduce(f64::min);
    let upper = sums().map(|sum| sum.upper).reduce(f64::max);
    format::bounds(lower, upper, DIGITS)
}

/// Returns the number of gossip periods that have begun in this time.
pub(crate) fn rounds(elapsed: Duration, interval: Duration) -> u64 {
    (elapsed.as_secs_f64() / interval.as_secs_f64()).ceil() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounded(x: f64) -> Bounded {
        Bounded { value: x, lower: x * 0.987_654_321, upper: x * 1.012_345_678 }
    }

    fn reading(name: &str, sum: f64) -> NodeReading {
        let about =
            |x: f64| Estimate { value: Some(x * 1.000_012_345), standard_error: Some(x / 300.0) };
        let certified = serde_json::json!({
            "seconds_ago": 12.3, "min": 1.0, "max": 20.0, "variance": null,
            "sum": bounded(sum), "average": bounded(sum / 500.0), "count": bounded(500.0),
        });
        let truth = Truth { sum, average: sum / 500.0, count: 500 };
        let mut reading = NodeReading::new(name, 20.0, None, &truth);
        (reading.sum, reading.average, reading.count) =
            (about(sum), about(sum / 500.0), about(500.0));
        reading.certified = serde_json::from_value(certified).expect("what is certain");
        (reading.converged, reading.right) = (true, true);
        reading.state = Some(State::Settled);
        reading
    }

    #[test]
    fn the_table_fits_into_80_columns_with_all_that_was_promised() {
        let truth = Truth { sum: 5234.0, average: 10.468, count: 500 };
        let readings = [reading("n001", truth.sum), reading("n500", truth.sum)];
        let narrow = table(&readings, &truth, 20, 79);
        for line in &narrow {
            assert!(line.text.chars().count() <= 79, "{}", line.text);
        }
        for word in ["node", "input", "sum now", "certified sum", "age", "average", "count"] {
            assert!(narrow[0].text.contains(word), "no {word} in {}", narrow[0].text);
        }
        assert!(narrow[1].text.ends_with("  right"), "{}", narrow[1].text);
        let wide = table(&readings, &truth, 20, WIDE);
        assert_eq!(wide[0].text.matches("certified").count(), 2);
        assert!(wide[1].text.ends_with("settled, right"), "{}", wide[1].text);
        assert!(wide.iter().all(|line| line.text.chars().count() <= WIDE));
    }
}
