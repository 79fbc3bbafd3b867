//! Query handlers that are commands: the payload on standard input, the answer on standard output.

use std::process::Stdio;
use std::time::Duration;

use rumormill_proto::{Event, Name};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::agent::group::Group;
use crate::term::parse;

/// The longest answer, in bytes; the agent's own limit, `events.max_payload`, is below or the same.
const LONGEST: u64 = 1 << 20;
/// The longest part of a failed command's standard error that is reported, in bytes.
const COMPLAINT: usize = 500;
/// How long the pipes may stay open once the command has exited.
const DRAIN: Duration = Duration::from_millis(100);

/// The topic of queries, and the command that answers them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Handler {
    pub(crate) topic: Name,
    /// The program and its arguments; they are run without a shell.
    pub(crate) command: Vec<String>,
}

/// Reads `TOPIC=COMMAND`. The command is split into words as a shell does; nothing is expanded.
pub(crate) fn parse(text: &str) -> Result<Handler, String> {
    let Some((topic, command)) = text.split_once('=') else {
        return Err(format!(
            "{text:?} has no command; write TOPIC=COMMAND, such as disk='df -h /'"
        ));
    };
    let topic = parse::name(topic.trim())?;
    let words = shlex::split(command);
    let command = words.ok_or_else(|| format!("{command:?} has a quote that doesn't end"))?;
    if command.first().is_none_or(String::is_empty) {
        return Err(format!("the command for {topic} is empty"));
    }
    Ok(Handler { topic, command })
}

impl Handler {
    /// Runs the command and returns its output. All processes that it has started are killed when it
    /// exits, or when the future is dropped.
    pub(crate) async fn answer(self, query: Event) -> Result<Vec<u8>, String> {
        let [program, arguments @ ..] = self.command.as_slice() else {
            return Err("no command".to_owned());
        };
        let mut group = Group::new();
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env("RUMORMILL_QUERY", query.topic.as_str())
            .env("RUMORMILL_ORIGIN", query.origin.as_str())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let spawned = group.spawn(&mut command);
        let mut child = spawned.map_err(|error| format!("{program} can't be run: {error}"))?;
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let status = {
            let (stdin, stdout, stderr) =
                (child.stdin.take(), child.stdout.take(), child.stderr.take());
            let copy = async {
                tokio::try_join!(
                    feed(stdin, &query.payload),
                    read(stdout, &mut out),
                    read_beginning(stderr, &mut err)
                )
                .map_err(|TooLong| {
                    format!("{program} answers with more than {LONGEST} bytes, the limit")
                })
            };
            tokio::pin!(copy);
            let (status, copied) = tokio::select! {
                status = child.wait() => (status, false),
                copied = &mut copy => {
                    copied?;
                    (child.wait().await, true)
                }
            };
            // What it has started in the background may keep the pipes open, but what the command
            // itself has written is in them.
            if !copied && let Ok(copied) = timeout(DRAIN, copy).await {
                copied?;
            }
            status.map_err(|error| format!("{program}: {error}"))?
        };
        if status.success() {
            return Ok(out);
        }
        let complaint: String =
            String::from_utf8_lossy(&err).trim().chars().take(COMPLAINT).collect();
        Err(if complaint.is_empty() {
            format!("{program}: {status}")
        } else {
            format!("{program}: {status}: {complaint}")
        })
    }
}

/// The command has printed more than [`LONGEST`] bytes.
struct TooLong;

/// Writes the payload. Commands may leave it unread.
async fn feed(pipe: Option<ChildStdin>, payload: &[u8]) -> Result<(), TooLong> {
    if let Some(mut pipe) = pipe {
        let _ = pipe.write_all(payload).await;
    }
    Ok(())
}

/// Reads to the end, to an error, or until it is too much.
async fn read(pipe: Option<ChildStdout>, bytes: &mut Vec<u8>) -> Result<(), TooLong> {
    if let Some(pipe) = pipe {
        let _ = pipe.take(LONGEST + 1).read_to_end(bytes).await;
    }
    if bytes.len() as u64 > LONGEST { Err(TooLong) } else { Ok(()) }
}

/// Reads to the end, and keeps only the beginning.
async fn read_beginning(pipe: Option<ChildStderr>, bytes: &mut Vec<u8>) -> Result<(), TooLong> {
    if let Some(mut pipe) = pipe {
        let _ = (&mut pipe).take(4 * COMPLAINT as u64).read_to_end(bytes).await;
        let _ = tokio::io::copy(&mut pipe, &mut tokio::io::sink()).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_words_and_nothing_more() {
        let words = |text: &str| parse(text).map(|handler| handler.command);
        assert_eq!(words("disk=df -h /"), Ok(vec!["df".into(), "-h".into(), "/".into()]));
        assert_eq!(words("x=sh -c 'echo $HOME'").unwrap()[2], "echo $HOME");
        assert_eq!(words("x=a=b"), Ok(vec!["a=b".into()]));
        for bad in ["disk", "disk=", "no spaces=df", "x='open", "", "=df", "x= ", "x=''", "x='' -h"]
        {
            assert!(words(bad).is_err(), "{bad} was accepted");
        }
    }
}
