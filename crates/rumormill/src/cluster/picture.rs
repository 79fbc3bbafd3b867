//! What of a run is drawn.

use std::path::Path;

use rumormill_sim::scenario::{Action, LatencyText, LinkSettings, Sample, Scenario, Slice, Tone};

use crate::cluster::args::Seen;
use crate::cluster::plot::{self, Members, Picture, Shade, Tick};
use crate::cluster::timeline::{least_converged, worst};
use crate::cluster::verdict::after_the_faults;
use crate::term::format::plural;

/// Draws a run over time to a file.
pub(crate) fn save(path: &Path, seen: &Seen) -> anyhow::Result<()> {
    plot::save(path, &picture(seen))
}

fn picture(seen: &Seen) -> Picture {
    let Seen { scenario, slices, outcome, .. } = seen;
    let end = slices.last().map_or(1.0, |slice| slice.sample.at.seconds());
    let series = |of: &dyn Fn(&Sample) -> Option<f64>| -> Vec<(f64, Option<f64>)> {
        slices.iter().map(|slice| (slice.sample.at.seconds(), of(&slice.sample))).collect()
    };
    let figures: Vec<String> = scenario.figures().into_keys().collect();
    let link = scenario.first_link();
    let mut links = format!("links {}", LatencyText(link.latency));
    if link.loss > 0.0 {
        links = format!("{links}, {} % lost", 100.0 * link.loss);
    }
    let verdict = match (&outcome.failure, outcome.settled_after) {
        (Some(_), _) => "failed".to_owned(),
        (None, Some(after)) => format!("all was right {}", after_the_faults(after)),
        (None, None) => "nothing violated".to_owned(),
    };
    Picture {
        title: format!("{}: {}", plural(scenario.nodes as usize, "node"), figures.join(", ")),
        subtitle: format!("{links}   ·   seed {}   ·   {verdict}", scenario.seed),
        end,
        error: series(&|sample| worst(sample, |figure| figure.worst_error)),
        width: series(&|sample| worst(sample, |figure| figure.width)),
        converged: series(&|sample| Some(least_converged(sample))),
        rumors: series(&|sample| sample.rumors.map(|rumors| rumors.delivered)),
        replica: series(&|sample| sample.replica.map(|replica| replica.equal)),
        agreed: series(&|sample| Some(sample.agreed)),
        members: slices.iter().filter_map(|slice| members(&slice.sample)).collect(),
        shades: shades(scenario, end),
        ticks: ticks(slices),
    }
}

fn members(sample: &Sample) -> Option<Members> {
    let band = sample.members?;
    let (at, running) = (sample.at.seconds(), f64::from(sample.running));
    Some(Members { at, min: band.min, mean: band.mean, max: band.max, running })
}

/// The times at which something stood between nodes, or links were worse than at first; and the
/// calm.
fn shades(scenario: &Scenario, end: f64) -> Vec<Shade> {
    let mut shades = Vec::new();
    let mut split: Option<(f64, &str)> = None;
    let mut links: Option<(f64, &str)> = None;
    let mut close = |open: &mut Option<(f64, &str)>, to: f64| {
        if let Some((from, what)) = open.take() {
            shades.push(Shade { from, to: to.min(end), what: what.to_owned(), calm: false });
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
            Action::Cut(..) if split.is_none() => split = Some((at, "cut")),
            Action::Heal => close(&mut split, at),
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
        shades.push(Shade { from: calm, to: end, what: "calm".into(), calm: true });
    }
    shades
}

/// What befalls nodes, as ticks.
fn ticks(slices: &[Slice]) -> Vec<Tick> {
    let marks = slices.iter().flat_map(|slice| &slice.marks);
    let marks = marks.filter(|mark| mark.tone != Tone::Phase);
    let tick = |mark: &rumormill_sim::scenario::Mark| Tick {
        at: mark.at.seconds(),
        fault: mark.tone == Tone::Fault,
        repair: mark.tone == Tone::Repair,
        text: mark.text.clone(),
    };
    marks.map(tick).collect()
}
