//! A run over time, for people: rows at even times, and what happened between them.

use rumormill_sim::scenario::{AggregateSample, Mark, Moment, Sample, Slice, Tone};

use crate::term::format::{Align, UNKNOWN, number, table};

/// The approximate number of rows.
const ROWS: f64 = 24.0;

/// More lines of what happened than this are not shown one by one.
const MARKS: usize = 200;

/// Steps between rows, in seconds, that people count in.
const STEPS: [f64; 14] =
    [0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 3600.0];

/// What is shown of a run.
pub(crate) struct Timeline<'a> {
    rows: Vec<&'a Sample>,
    marks: Vec<&'a Mark>,
}

impl<'a> Timeline<'a> {
    /// The time line of these slices.
    pub(crate) fn of(slices: &'a [Slice]) -> Self {
        let end = slices.last().map_or(0.0, |slice| slice.sample.at.seconds());
        let step = STEPS.into_iter().find(|step| end / step <= ROWS).unwrap_or(end / ROWS);
        let mut rows = Vec::new();
        let mut next = 0.0;
        for (at, slice) in slices.iter().enumerate() {
            let seconds = slice.sample.at.seconds();
            if seconds >= next || at + 1 == slices.len() {
                rows.push(&slice.sample);
                next = ((seconds / step + 1e-9).floor() + 1.0) * step;
            }
        }
        Self { rows, marks: slices.iter().flat_map(|slice| &slice.marks).collect() }
    }

    /// The time line as text.
    pub(crate) fn text(&self) -> String {
        let mut head = vec![
            ("time", Align::Right),
            ("up", Align::Right),
            ("members", Align::Right),
            ("worst error", Align::Right),
            ("bounds", Align::Right),
            ("settled", Align::Right),
            ("disturbed", Align::Right),
        ];
        // Only of runs that have them.
        let events = self.rows.iter().any(|sample| sample.events.is_some());
        let kv = self.rows.iter().any(|sample| sample.kv.is_some());
        head.extend(events.then_some(("events delivered", Align::Right)));
        head.extend(kv.then_some(("keys equal", Align::Right)));
        let cells = self.rows.iter().map(|sample| {
            let mut cells = cells(sample);
            let share = |share: Option<f64>| share.map_or(UNKNOWN.to_owned(), percent);
            cells.extend(events.then(|| share(sample.events.map(|events| events.delivered))));
            cells.extend(kv.then(|| share(sample.kv.map(|kv| kv.equal))));
            cells
        });
        let cells: Vec<Vec<String>> = cells.collect();
        let lines = table(&head, &cells);
        let mut text = format!("  {}\n", lines[0]);
        let mut marks = self.marks.iter().take(MARKS).peekable();
        for (row, line) in self.rows.iter().zip(&lines[1..]) {
            while let Some(mark) = marks.next_if(|mark| mark.at <= row.at) {
                text.push_str(&mark_line(mark));
            }
            text.push_str(&format!("  {line}\n"));
        }
        for mark in marks {
            text.push_str(&mark_line(mark));
        }
        if let Some(more) = self.marks.len().checked_sub(MARKS + 1) {
            text.push_str(&format!("  … and {} more actions\n", more + 1));
        }
        text
    }
}

/// Something that happened, with a sign that does not need colours.
pub(crate) fn mark_line(mark: &Mark) -> String {
    format!("{} {:>9}  {}\n", sign(mark.tone), at(mark.at), mark.text)
}

pub(crate) fn sign(tone: Tone) -> char {
    match tone {
        Tone::Fault => '✗',
        Tone::Repair => '+',
        Tone::Change => '·',
        Tone::Phase => '=',
    }
}

/// A time, to the millisecond at most.
pub(crate) fn at(moment: Moment) -> String {
    let seconds = (moment.seconds() * 1000.0).round() / 1000.0;
    format!("{seconds} s")
}

fn cells(sample: &Sample) -> Vec<String> {
    let members = sample.members.map_or(UNKNOWN.to_owned(), |band| {
        if band.min == band.max {
            number(band.min, 6)
        } else {
            format!("{}–{}", band.min, band.max)
        }
    });
    vec![
        at(sample.at),
        sample.running.to_string(),
        members,
        small(worst(sample, |aggregate| aggregate.worst_error)),
        small(worst(sample, |aggregate| aggregate.width)),
        percent(least_converged(sample)),
        worst(sample, |aggregate| Some(aggregate.disturbed)).map_or(UNKNOWN.to_owned(), percent),
    ]
}

/// The largest of something over all aggregates that have it.
pub(crate) fn worst(sample: &Sample, of: impl Fn(&AggregateSample) -> Option<f64>) -> Option<f64> {
    sample.aggregates.iter().filter_map(of).max_by(f64::total_cmp)
}

/// The share of nodes that have converged, of the aggregate that fewest have.
pub(crate) fn least_converged(sample: &Sample) -> f64 {
    sample.aggregates.iter().map(|aggregate| aggregate.converged).fold(1.0, f64::min)
}

/// A relative error: percents while it is large, then powers of ten.
pub(crate) fn small(x: Option<f64>) -> String {
    match x {
        None => UNKNOWN.to_owned(),
        Some(0.0) => "0".to_owned(),
        Some(x) if x >= 0.0995 => format!("{:.0} %", 100.0 * x),
        Some(x) if x >= 0.001 => format!("{:.1} %", 100.0 * x),
        Some(x) => format!("{x:.0e}"),
    }
}

/// A share in percents; all is all, and less is less.
pub(crate) fn percent(share: f64) -> String {
    let percents = 100.0 * share;
    let whole = if share < 1.0 { percents.round().min(99.0) } else { 100.0 };
    format!("{whole:.0} %")
}
