//! The picture of a cluster's run over time: faults, errors of the aggregates, members known.

use rumormill_plot::lane::{Lane, Mark, Span, Tick};
use rumormill_plot::number::{number, percent};
use rumormill_plot::panel::{Axis, Legend, Panel};
use rumormill_plot::series::{BLACK, BLUE, Colour, GREEN, GREY, ORANGE, PURPLE, Series};
use rumormill_plot::sheet::Sheet;
use rumormill_sim::scenario::{Action, LatencyText, LinkSettings, Sample, Scenario, Slice, Tone};

use crate::cluster::args::Seen;
use crate::cluster::timeline::{least_converged, worst};
use crate::cluster::verdict::after_the_faults;
use crate::term::format::plural;

/// Backgrounds of faults, and of the calm at the end.
const FAULT: Colour = Colour(252, 236, 228);
const CALM: Colour = Colour(232, 244, 238);

/// Smaller errors are drawn at the bottom, larger ones at the top.
const ERRORS: (f64, f64) = (1e-9, 2.2);

/// Draws a run over time.
pub(crate) fn sheet(seen: &Seen) -> Sheet {
    let Seen { scenario, slices, outcome, .. } = seen;
    let end = slices.last().map_or(1.0, |slice| slice.sample.at.seconds());
    let lane = Lane { range: 0.0..end, spans: spans(scenario, end), ticks: ticks(slices) };
    let aggregates: Vec<String> = scenario.aggregates().into_keys().collect();
    let link = scenario.first_link();
    let mut links = format!("links {}", LatencyText(link.latency));
    if link.loss > 0.0 {
        links = format!("{links}, {} % lost", 100.0 * link.loss);
    }
    let verdict = match (&outcome.failure, outcome.settled_after) {
        (Some(_), _) => "failed".to_owned(),
        (None, Some(after)) => format!("settled {}", after_the_faults(after)),
        (None, None) => "no check failed".to_owned(),
    };
    Sheet {
        size: (1200, 900),
        title: format!("{}: {}", plural(scenario.nodes as usize, "node"), aggregates.join(", ")),
        subtitle: format!("{links}   ·   seed {}   ·   {verdict}", scenario.seed),
        stacked: true,
        panels: vec![
            (0.44, errors(slices, &lane)),
            (0.25, shares(slices, &lane)),
            (0.31, members(slices, &lane)),
        ],
        lane: Some(lane),
    }
}

/// A line over time, with gaps where nothing is known.
fn line(slices: &[Slice], colour: Colour, of: impl Fn(&Sample) -> Option<f64>) -> Series {
    let value = |slice: &Slice| (slice.sample.at.seconds(), of(&slice.sample).unwrap_or(f64::NAN));
    Series::line(slices.iter().map(value), colour)
}

/// A chart over the run's time, with the lane's spans and ticks behind its series.
fn panel(
    lane: &Lane,
    title: &str,
    x: &str,
    y: (f64, f64),
    axis: Axis,
    series: Vec<Series>,
) -> Panel {
    let spans = lane.spans.iter();
    let spans = spans.map(|s| Series::block((s.time.start, y.0), (s.time.end, y.1), s.back));
    let ticks = lane.ticks.iter().map(|tick| {
        let points = [(tick.at, y.0), (tick.at, y.1)];
        Series::line(points, tick.colour).opacity(0.35).size(1)
    });
    let x = Axis::new(lane.range.clone()).named(x).labels(13, |x| number(x, 4));
    Panel::new(title, x, axis, Legend::Above, spans.chain(ticks).chain(series).collect())
}

fn errors(slices: &[Slice], lane: &Lane) -> Panel {
    let drawn = |x: Option<f64>| x.map(|x| x.clamp(ERRORS.0, ERRORS.1));
    let width = line(slices, BLUE, |sample| drawn(worst(sample, |aggregate| aggregate.width)));
    let error =
        line(slices, ORANGE, |sample| drawn(worst(sample, |aggregate| aggregate.worst_error)));
    let series = vec![width.labelled("widest bounds"), error.labelled("worst node's error")];
    let y = Axis::log(ERRORS.0..ERRORS.1);
    panel(lane, "Relative to the true sum", "", ERRORS, y, series)
}

fn shares(slices: &[Slice], lane: &Lane) -> Panel {
    type Share = fn(&Sample) -> Option<f64>;
    let all: [(Share, Colour, &str); 4] = [
        (|sample| sample.events.map(|events| events.delivered), GREEN, "events delivered"),
        (|sample| sample.kv.map(|kv| kv.equal), PURPLE, "equal keys and values"),
        (|sample| Some(sample.agreed), BLUE, "exact member list"),
        (|sample| Some(least_converged(sample)), ORANGE, "aggregates converged"),
    ];
    // Only those that the run has.
    let there = all.iter().filter(|(of, ..)| slices.iter().any(|s| of(&s.sample).is_some()));
    let series = there.map(|(of, colour, label)| line(slices, *colour, of).labelled(*label));
    let range = (-0.04, 1.08);
    let y = Axis::new(range.0..range.1).labels(5, percent);
    panel(lane, "Share of nodes", "", range, y, series.collect())
}

fn members(slices: &[Slice], lane: &Lane) -> Panel {
    let bands = || slices.iter().filter_map(|slice| Some((&slice.sample, slice.sample.members?)));
    let bounds = bands().map(|(sample, band)| (sample.at.seconds(), band.min, band.max));
    let mean = bands().map(|(sample, band)| (sample.at.seconds(), band.mean));
    let running = bands().map(|(sample, _)| (sample.at.seconds(), f64::from(sample.running)));
    let highest = bands().map(|(sample, band)| band.max.max(f64::from(sample.running)));
    let highest = highest.fold(1.0, f64::max) * 1.12;
    let last = bands().next_back().map_or(0.0, |(sample, _)| sample.at.seconds());
    let series = vec![
        Series::band(bounds, BLUE).labelled("fewest to most"),
        Series::line(mean, BLUE).labelled("mean"),
        Series::steps(running, last, BLACK).size(1).labelled("running nodes"),
    ];
    let y = Axis::new(0.0..highest).labels(6, |members| format!("{members:.0}"));
    panel(lane, "Members known", "seconds", (0.0, highest), y, series)
}

/// The times at which nodes were cut off or links were worse than at first, and the calm.
fn spans(scenario: &Scenario, end: f64) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut split: Option<(f64, &str)> = None;
    let mut links: Option<(f64, &str)> = None;
    let mut close = |open: &mut Option<(f64, &str)>, to: f64| {
        if let Some((from, what)) = open.take() {
            let (time, text) = (from..to.min(end), what.to_owned());
            spans.push(Span { time, text, back: FAULT, ink: ORANGE });
        }
    };
    for step in scenario.steps().unwrap_or_default() {
        let at = step.at.as_nanos() as f64 / 1e9;
        match step.action {
            _ if at > end => break,
            Action::Partition(_) => {
                close(&mut split, at);
                split = Some((at, "partition"));
            }
            Action::Cut(_) if split.is_none() => split = Some((at, "cut")),
            Action::Heal(_) => close(&mut split, at),
            Action::Link(settings) => {
                close(&mut links, at);
                links = (settings != LinkSettings::default()).then_some((at, "bad links"));
            }
            _ => {}
        }
    }
    let calm = scenario.duration.0.as_secs_f64();
    close(&mut split, calm);
    close(&mut links, calm);
    if end > calm {
        spans.push(Span { time: calm..end, text: "calm".into(), back: CALM, ink: GREEN });
    }
    spans
}

/// What happened to nodes, as ticks.
fn ticks(slices: &[Slice]) -> Vec<Tick> {
    let marks = slices.iter().flat_map(|slice| &slice.marks);
    let tick = |mark: &rumormill_sim::scenario::Mark| {
        let (shape, colour) = match mark.tone {
            Tone::Fault => (Mark::Down, ORANGE),
            Tone::Repair => (Mark::Up, GREEN),
            _ => (Mark::Dot, GREY),
        };
        Tick { at: mark.at.seconds(), text: mark.text.clone(), mark: shape, colour }
    };
    marks.filter(|mark| mark.tone != Tone::Phase).map(tick).collect()
}
