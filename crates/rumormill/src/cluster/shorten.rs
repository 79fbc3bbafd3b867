//! Looks for the shortest scenario that still fails, with progress.

use rumormill_sim::scenario::{Scenario, Shrink, Shrunk};

use crate::term::exit::Usage;
use crate::term::progress::Progress;
use crate::term::signal::Interrupt;

/// Tries up to `tries` shorter scenarios. Ctrl-C ends the search with the best so far.
pub(crate) fn run(
    scenario: &Scenario,
    runs: usize,
    interrupt: &Interrupt,
) -> anyhow::Result<Option<Shrunk>> {
    if interrupt.raised() {
        return Ok(None);
    }
    let refused = |error: rumormill_sim::scenario::ScenarioError| Usage(error.to_string());
    let progress = Progress::unbounded();
    progress.note(|| "the run failed; looking for a shorter scenario that fails".into());
    let Some(mut shrink) = Shrink::new(scenario).map_err(refused)? else { return Ok(None) };
    while !interrupt.raised() && shrink.runs() < runs && shrink.advance().map_err(refused)? {
        progress.note(|| {
            let (steps, runs) = (shrink.steps(), shrink.runs());
            format!("the run failed; {steps} steps left after {runs} shorter runs")
        });
    }
    Ok(Some(shrink.best()))
}
