//! The demo's table: one row a node, and for many nodes what they say together.

use std::time::Duration;

use rumormill_proto::Statistic;

use crate::demo::judge::{Said, Truth, worst};
use crate::demo::screen::{Line, Tone};
use crate::term::format;
use crate::term::format::{Align, UNKNOWN};

/// Digits shown: the tolerance of a right answer is 1e-6, so eight show that it is met.
const DIGITS: usize = 8;
/// What the whole table takes. With fewer columns, the average's enclosure is left out.
const WIDE: usize = 117;
/// Digits shown in the narrow table, which fits into the classic 80 columns.
const NARROW_DIGITS: usize = 7;

/// What the nodes say, as a table of at most `rows` nodes, and a summary if there are more; fit
/// for a terminal of this width.
pub(crate) fn table(said: &[Said], truth: &Truth, rows: usize, columns: usize) -> Vec<Line> {
    let wide = columns >= WIDE;
    let digits = if wide { DIGITS } else { NARROW_DIGITS };
    let head = [
        ("node", Align::Left),
        ("input", Align::Right),
        ("sum", Align::Right),
        ("bounds", Align::Left),
        ("average", Align::Right),
        ("bounds", Align::Left),
        ("count", Align::Right),
        ("", Align::Left),
    ];
    // All but the average's enclosure.
    let shown = |at: usize| wide || at != 5;
    let enclosure =
        |statistic: &Statistic| format::enclosure(statistic.lower, statistic.upper, digits);
    let value = |statistic: &Statistic| format::known(statistic.value, digits);
    let row = |said: &Said| {
        vec![
            said.name.clone(),
            format::number(said.input, digits),
            value(&said.sum),
            enclosure(&said.sum),
            value(&said.average),
            enclosure(&said.average),
            value(&said.count),
            mark(said, wide).to_owned(),
        ]
    };
    let mut cells: Vec<_> = said.iter().take(rows).map(row).collect();
    let truth = [
        "truth".to_owned(),
        String::new(),
        format::number(truth.sum, digits),
        String::new(),
        format::number(truth.average, digits),
        String::new(),
        truth.count.to_string(),
    ];
    cells.push(truth.to_vec());
    let tones = said.iter().take(rows).map(tone);
    let tones = [Tone::Faint].into_iter().chain(tones).chain([Tone::Title]);
    let head: Vec<_> = only(&head, shown).copied().collect();
    let cells: Vec<Vec<_>> = cells.iter().map(|row| only(row, shown).cloned().collect()).collect();
    let lines = format::table(&head, &cells);
    let mut lines: Vec<_> =
        lines.into_iter().zip(tones).map(|(text, tone)| Line::row(text, tone)).collect();
    if said.len() > rows {
        let truth = lines.pop();
        lines.push(Line::new(format!("… and {} more", said.len() - rows), Tone::Faint));
        lines.extend(truth);
        lines.extend(together(said));
    }
    lines
}

/// The elements at the places that are shown.
fn only<T>(all: &[T], shown: impl Fn(usize) -> bool) -> impl Iterator<Item = &T> {
    all.iter().enumerate().filter(move |(at, _)| shown(*at)).map(|(_, one)| one)
}

fn mark(said: &Said, wide: bool) -> &'static str {
    match (said.converged, said.right) {
        (true, true) if wide => "converged, right",
        (true, true) => "conv, right",
        (true, false) => "converged",
        (false, true) => "right",
        (false, false) => "",
    }
}

fn tone(said: &Said) -> Tone {
    if said.settled() { Tone::Good } else { Tone::Plain }
}

fn together(said: &[Said]) -> Vec<Line> {
    let mut lines = vec![Line::new(format!("all {}: {}", said.len(), summary(said)), Tone::Plain)];
    if let Some(worst) = worst(said) {
        let error = format::known(worst.relative_error, 3);
        let text = format!("worst: {}, relative error {error}", worst.name);
        lines.push(Line::new(text, Tone::Plain));
    }
    lines
}

/// What the nodes say, in one line.
pub(crate) fn summary(said: &[Said]) -> String {
    let sums = || said.iter().filter_map(|said| said.sum.value);
    let (low, high) = (sums().reduce(f64::min), sums().reduce(f64::max));
    let sums = match (low, high) {
        (Some(low), Some(high)) => {
            let (low, high) = (format::number(low, DIGITS), format::number(high, DIGITS));
            if low == high { format!("sum {low}") } else { format!("sums {low} to {high}") }
        }
        _ => format!("sum {UNKNOWN}"),
    };
    let count = |which: fn(&Said) -> bool| said.iter().filter(|said| which(said)).count();
    format!(
        "{sums}, bounds {} at {}; converged {}, right {} of {}",
        widest(said),
        count(|said| said.sum.lower.is_some()),
        count(|said| said.converged),
        count(|said| said.right),
        said.len(),
    )
}

/// The smallest interval that holds every node's enclosure of the sum.
fn widest(said: &[Said]) -> String {
    let lower = said.iter().filter_map(|said| said.sum.lower).reduce(f64::min);
    let upper = said.iter().filter_map(|said| said.sum.upper).reduce(f64::max);
    format::enclosure(lower, upper, DIGITS)
}

/// How many gossip periods have begun in this time.
pub(crate) fn rounds(elapsed: Duration, interval: Duration) -> u64 {
    (elapsed.as_secs_f64() / interval.as_secs_f64()).ceil() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(name: &str, sum: f64) -> Said {
        let about = |x: f64| Statistic {
            value: Some(x * 1.000_012_345),
            lower: Some(x * 0.987_654_321),
            upper: Some(x * 1.012_345_678),
        };
        let truth = Truth { sum, average: sum / 500.0, count: 500 };
        let mut said = Said::new(name, 20.0, None, &truth);
        (said.sum, said.average, said.count) = (about(sum), about(sum / 500.0), about(500.0));
        (said.converged, said.right) = (true, true);
        said
    }

    #[test]
    fn the_table_fits_into_80_columns_with_all_that_was_promised() {
        let truth = Truth { sum: 5234.0, average: 10.468, count: 500 };
        let said = [said("n001", truth.sum), said("n500", truth.sum)];
        let narrow = table(&said, &truth, 20, 79);
        for line in &narrow {
            assert!(line.text.chars().count() <= 79, "{}", line.text);
        }
        for word in ["node", "input", "sum", "bounds", "average", "count"] {
            assert!(narrow[0].text.contains(word), "no {word} in {}", narrow[0].text);
        }
        assert!(narrow[1].text.ends_with("conv, right"), "{}", narrow[1].text);
        let wide = table(&said, &truth, 20, WIDE);
        assert_eq!(wide[0].text.matches("bounds").count(), 2);
        assert!(wide.iter().all(|line| line.text.chars().count() <= WIDE));
    }
}
