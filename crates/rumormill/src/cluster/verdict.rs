//! The result of a run, as text and JSON.

use std::fmt::Write as _;
use std::time::Duration;

use rumormill_sim::scenario::{LatencyText, Mark, Outcome, Sample, Shrunk};
use serde_json::{Value, json};

use crate::cluster::args::{Args, Seen};
use crate::cluster::file;
use crate::cluster::many::Many;
use crate::cluster::timeline::at;
use crate::term::format::{plural, seconds};

/// A failing scenario with more events than this is not printed in full if a file has it.
const MOST_LINES: usize = 60;

/// All that is known at the end.
pub(crate) struct Report<'a> {
    pub(crate) seen: &'a Seen,
    pub(crate) many: Option<&'a Many>,
    pub(crate) shrunk: Option<Shrunk>,
    pub(crate) shortest: Option<String>,
    pub(crate) args: &'a Args,
}

impl Report<'_> {
    /// What was run, and what the columns mean.
    pub(crate) fn head(&self) -> String {
        let scenario = &self.seen.scenario;
        let link = scenario.first_link();
        let mut head = format!(
            "{}, {}, links {}",
            plural(scenario.nodes as usize, "node"),
            seconds(scenario.duration.0.as_secs_f64()),
            LatencyText(link.latency),
        );
        for (what, share) in
            [("lost", link.loss), ("repeated", link.duplication), ("reordered", link.reordering)]
        {
            if share > 0.0 {
                let _ = write!(head, ", {} % {what}", 100.0 * share);
            }
        }
        if scenario.starts_formed() {
            head.push_str(", formed from the start");
        }
        let _ = write!(head, ", seed {}", scenario.seed);
        if let Some(many) = self.many {
            let _ = writeln!(head, ": {}", summary(many));
        }
        head.push('\n');
        let aggregates: Vec<String> = scenario.aggregates().into_keys().collect();
        let _ = writeln!(
            head,
            "Error and width of the bounds: of the worst node, for {}, relative to the true sum.",
            aggregates.join(", ")
        );
        let most = scenario.config().map_or(usize::MAX, |config| config.most_enclosed());
        if scenario.nodes as usize > most {
            let _ = writeln!(
                head,
                "Enclosures cover up to {most} nodes with node.max_datagram as it is; of more, none \
                 has an enclosure or calls a aggregate converged."
            );
        }
        head
    }

    /// The verdict.
    pub(crate) fn text(&self) -> String {
        let Seen { outcome, scenario, complete, .. } = self.seen;
        let mut text = match (&outcome.failure, outcome.settled_after) {
            (Some(failure), _) => format!("FAILED, with seed {}: {failure}.\n", scenario.seed),
            (None, _) if !complete => {
                let at = at(outcome.at.into());
                format!("Interrupted at {at}; no check failed until then.\n")
            }
            (None, Some(after)) => format!(
                "Everything holds: {} all {} agreed on the members and on every aggregate.\n",
                after_the_faults(after),
                plural(outcome.survivors, "node"),
            ),
            (None, None) => "No check failed; the end was not checked.\n".to_owned(),
        };
        let _ = writeln!(
            text,
            "Checked: {} bounds against the true value, the sum of all masses at {} instants.",
            outcome.enclosures, outcome.balances
        );
        let happened = outcome.counters.iter().filter(|(_, count)| *count > 0);
        let happened: Vec<String> =
            happened.map(|(name, count)| format!("{} {count}", name.replace('_', " "))).collect();
        let _ = writeln!(text, "Happened: {}.", happened.join(", "));
        let _ = writeln!(text, "Digest {:016x}.", outcome.digest);
        self.shortest_in_words(&mut text);
        if let Some(path) = &self.args.record {
            let _ = writeln!(text, "Recorded. To replay: rumormill replay {}", path.display());
        }
        text
    }

    fn shortest_in_words(&self, text: &mut String) {
        let (Some(shrunk), Some(scenario)) = (&self.shrunk, &self.shortest) else { return };
        let _ = writeln!(
            text,
            "\nThe shortest failing scenario found takes {} ({} tried):",
            plural(shrunk.steps, "step"),
            plural(shrunk.runs, "run"),
        );
        if let Some(failure) = &shrunk.outcome.failure {
            let _ = writeln!(text, "{failure}.");
        }
        let lines: Vec<&str> = scenario.lines().collect();
        let shown = if self.args.shrunk.is_some() { MOST_LINES } else { usize::MAX };
        for line in lines.iter().take(shown) {
            let _ = writeln!(text, "{}{line}", if line.is_empty() { "" } else { "    " });
        }
        if lines.len() > shown {
            let _ = writeln!(text, "    … and {} more lines", lines.len() - shown);
        }
        match &self.args.shrunk {
            Some(path) => {
                let _ = writeln!(text, "To repeat: rumormill simulate cluster {}", path.display());
                let _ = writeln!(text, "To watch it: rumormill explore {}", path.display());
            }
            None => {
                text.push_str("--shrunk FILE writes it to a file.\n");
                if let Ok(link) = file::link(&shrunk.scenario) {
                    let _ = writeln!(
                        text,
                        "To watch it: rumormill explore, and at its address\n{link}"
                    );
                }
            }
        }
    }

    /// The same as JSON. Times are seconds, shares are from 0 to 1.
    pub(crate) fn json(&self) -> anyhow::Result<Value> {
        let Seen { scenario, slices, outcome, complete } = self.seen;
        let samples: Vec<&Sample> = slices.iter().map(|slice| &slice.sample).collect();
        let marks: Vec<&Mark> = slices.iter().flat_map(|slice| &slice.marks).collect();
        let mut json = outcome_json(outcome, *complete);
        json["scenario"] = serde_json::to_value(scenario)?;
        json["samples"] = serde_json::to_value(samples)?;
        json["marks"] = serde_json::to_value(marks)?;
        json["shrunk"] = match &self.shrunk {
            Some(shrunk) => json!({
                "scenario": shrunk.scenario,
                "steps": shrunk.steps,
                "runs": shrunk.runs,
                "failure": shrunk.outcome.failure.as_ref().map(ToString::to_string),
                "link": file::link(&shrunk.scenario)?,
            }),
            None => Value::Null,
        };
        if let Some(many) = self.many {
            let all = many.outcomes.iter().map(|outcome| outcome_json(outcome, true));
            json["runs"] = json!({ "asked": many.asked, "outcomes": all.collect::<Vec<_>>() });
        }
        Ok(json)
    }
}

/// How long after the end of all faults something was so.
pub(crate) fn after_the_faults(after: Duration) -> String {
    // The first look comes a moment later.
    if after < Duration::from_millis(100) {
        return "as soon as the faults ended".to_owned();
    }
    format!("{} after the faults ended", seconds(after.as_secs_f64()))
}

/// Many runs in a few words.
fn summary(many: &Many) -> String {
    let mut took: Vec<f64> = many
        .outcomes
        .iter()
        .filter_map(|outcome| outcome.settled_after.map(|after| after.as_secs_f64()))
        .collect();
    took.sort_by(f64::total_cmp);
    let mut text = format!("the worst of {} seeds", many.outcomes.len());
    if many.outcomes.len() as u64 != many.asked {
        let _ = write!(text, " (of {} asked for)", many.asked);
    }
    let failed: Vec<String> = many.failed().map(|outcome| outcome.seed.to_string()).collect();
    if !failed.is_empty() {
        let shown = failed.iter().take(10).cloned().collect::<Vec<_>>().join(", ");
        let more = if failed.len() > 10 { ", …" } else { "" };
        let _ = write!(text, "\n{} failed: {shown}{more}", plural(failed.len(), "seed"));
    }
    if let (Some(median), Some(most)) = (took.get(took.len() / 2), took.last()) {
        let _ = write!(
            text,
            "\nSettled {} after the faults ended (median), {} at most",
            seconds(*median),
            seconds(*most)
        );
    }
    text
}

fn outcome_json(outcome: &Outcome, complete: bool) -> Value {
    let verdict = match &outcome.failure {
        Some(_) => "failed",
        None if complete => "holds",
        None => "interrupted",
    };
    let counters: serde_json::Map<String, Value> =
        outcome.counters.iter().map(|(name, count)| (name.to_owned(), count.into())).collect();
    json!({
        "seed": outcome.seed,
        "verdict": verdict,
        "failure": outcome.failure.as_ref().map(ToString::to_string),
        "seconds": outcome.at.as_nanos() as f64 / 1e9,
        "settled_after_seconds": outcome.settled_after.map(|after| after.as_secs_f64()),
        "survivors": outcome.survivors,
        "enclosures_checked": outcome.enclosures,
        "balances_checked": outcome.balances,
        "digest": format!("{:016x}", outcome.digest),
        "counters": counters,
    })
}
