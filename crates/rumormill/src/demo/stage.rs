//! Runs a demo to its end or to the first signal; then all agents leave.

use crate::demo::Settings;
use crate::demo::agents::Cluster;
use crate::term::exit::Exit;
use crate::term::format;
use crate::term::signal::Signals;

/// A demo.
pub(crate) trait Play {
    /// Plays it to its end.
    async fn play(&mut self) -> anyhow::Result<()>;
    /// Reports the result; returns whether every node was right.
    fn end(&mut self, interrupted: bool) -> anyhow::Result<bool>;
    /// Returns the agents.
    fn cluster(&mut self) -> &mut Cluster;
}

/// Plays a demo to its end or to the first signal.
pub(crate) async fn run(
    mut demo: impl Play,
    keep: bool,
    signals: &mut Signals,
) -> anyhow::Result<Exit> {
    let ended = tokio::select! {
        played = demo.play() => played.map(|()| None),
        ended = signals.ended() => Ok(Some(ended)),
    };
    let outcome = match ended {
        Ok(exit) => {
            let right = demo.end(exit.is_some());
            if exit.is_none() && keep && right.is_ok() {
                // A signal is the normal end of --keep.
                signals.ended().await;
            }
            match (right, exit) {
                // The terminal may be gone by now.
                (_, Some(exit)) => Ok(exit),
                (right, None) => right.map(|right| if right { Exit::Done } else { Exit::Failed }),
            }
        }
        Err(error) => Err(error),
    };
    // A second signal ends the wait for the agents.
    tokio::select! {
        () = demo.cluster().leave() => {}
        _ = signals.again() => {}
    }
    outcome
}

/// Returns the first line of a demo: the agents, what each does (`one push`), and how often.
pub(crate) fn greeting(settings: &Settings, does: &str) -> String {
    let Settings { nodes, interval, loss, seed, .. } = settings;
    let loss = match loss {
        0.0 => String::new(),
        loss => format!(", {} % of the datagrams dropped", format::number(loss * 100.0, 6)),
    };

    format!(
        "{nodes} agents in this process, each with its own UDP socket on 127.0.0.1, {does} every \
         {interval:?}{loss}; seed {seed}"
    )
}
