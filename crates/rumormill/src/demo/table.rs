//! The demo's table: one row a node, and for many nodes what they say together.

use std::time::Duration;

use rumormill_agent::api::Figure;

use super::judge::{Said, Truth, worst};
use super::screen::{Line, Tone};
use crate::format::{self, Align, UNKNOWN};

/// Digits shown: the tolerance of a right answer is 1e-6, so eight show that it is met.
const DIGITS: usize = 8;

/// What the nodes say, as a table of at most `rows` nodes, and a summary if there are more.
pub(crate) fn table(said: &[Said], truth: &Truth, rows: usize) -> Vec<Line> {
    let head = [
        ("node", Align::Left),
        ("input", Align::Right),
        ("sum", Align::Right),
        ("enclosure", Align::Left),
        ("average", Align::Right),
        ("enclosure", Align::Left),
        ("count", Align::Right),
        ("", Align::Left),
    ];
    let enclosure = |figure: &Figure| format::enclosure(figure.lower, figure.upper, DIGITS);
    let value = |figure: &Figure| format::known(figure.value, DIGITS);
    let row = |said: &Said| {
        vec![
            said.name.clone(),
            format::number(said.input, DIGITS),
            value(&said.sum),
            enclosure(&said.sum),
            value(&said.average),
            enclosure(&said.average),
            value(&said.count),
            mark(said).to_owned(),
        ]
    };
    let mut cells: Vec<_> = said.iter().take(rows).map(row).collect();
    let truth = [
        "truth".to_owned(),
        String::new(),
        format::number(truth.sum, DIGITS),
        String::new(),
        format::number(truth.average, DIGITS),
        String::new(),
        truth.count.to_string(),
    ];
    cells.push(truth.to_vec());
    let tones = said.iter().take(rows).map(tone);
    let tones = [Tone::Faint].into_iter().chain(tones).chain([Tone::Title]);
    let lines = format::table(&head, &cells);
    let mut lines: Vec<_> =
        lines.into_iter().zip(tones).map(|(text, tone)| Line::new(text, tone)).collect();
    if said.len() > rows {
        let truth = lines.pop();
        lines.push(Line::new(format!("… and {} more", said.len() - rows), Tone::Faint));
        lines.extend(truth);
        lines.extend(together(said));
    }
    lines
}

fn mark(said: &Said) -> &'static str {
    match (said.converged, said.right) {
        (true, true) => "converged, right",
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
        "{sums}, enclosed in {} by {}; converged {}, right {} of {}",
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
