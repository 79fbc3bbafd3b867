//! Following an agent's notices until a signal.

use rumormill_agent::api::Update;

use crate::client::http::{Client, Path};
use crate::term::exit;
use crate::term::exit::Exit;
use crate::term::signal::until_signal;

/// Prints a line for each notice of `path` until printing fails, the agent ends or a signal comes,
/// which is the normal end.
pub(crate) fn follow(
    client: Client,
    path: Path,
    line: impl Fn(&Update) -> anyhow::Result<String> + Send + 'static,
) -> anyhow::Result<Exit> {
    let follow = move || {
        client.follow(&path, |data| {
            if data.is_empty() {
                return exit::probe();
            }
            exit::print(&line(&serde_json::from_str(data)?)?)
        })?;
        anyhow::bail!("the agent ended the stream; it has probably left the cluster")
    };
    until_signal(follow, |_| Exit::Done)
}
