//! Following an agent's notices until a signal.

use rumormill_agent::api::Update;

use crate::client::http::{Client, Path};
use crate::term::exit;
use crate::term::exit::Exit;
use crate::term::signal::Signals;

/// Prints a line for each notice of `path` until printing fails, the agent ends or a signal comes.
pub(crate) fn follow(
    client: Client,
    path: Path,
    line: impl Fn(&Update) -> anyhow::Result<String> + Send + 'static,
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
                exit::print(&line(&serde_json::from_str(data)?)?)
            })?;
            anyhow::bail!("the agent ended the stream; it has probably left the cluster")
        });
        tokio::select! {
            // A signal is the normal end.
            _ = signals.ended() => Ok(Exit::Done),
            followed = follow => followed?,
        }
    });
    runtime.shutdown_background();
    exit
}
