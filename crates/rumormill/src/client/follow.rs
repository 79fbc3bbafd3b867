//! Following what happens at an agent until a signal.

use rumormill_agent::api::Event;

use crate::client::http::{Client, Path};
use crate::term::exit;
use crate::term::exit::Exit;
use crate::term::signal::Signals;

/// Calls `each` with every event of `path` until it fails, the agent ends or a signal comes.
pub(crate) fn follow(
    client: Client,
    path: Path,
    mut each: impl FnMut(&Event) -> anyhow::Result<()> + Send + 'static,
) -> anyhow::Result<Exit> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let exit = runtime.block_on(async {
        let mut signals = Signals::listen()?;
        // Reading blocks, so that it has a thread of its own; the process ends without it.
        let follow = tokio::task::spawn_blocking(move || {
            client.follow(&path, |data| {
                if data.is_empty() {
                    return exit::probe();
                }
                each(&serde_json::from_str(data)?)
            })?;
            anyhow::bail!("the agent ended the stream; it has probably left the cluster")
        });
        tokio::select! {
            // To watch until a signal is to be done.
            _ = signals.ended() => Ok(Exit::Done),
            followed = follow => followed?,
        }
    });
    runtime.shutdown_background();
    exit
}
