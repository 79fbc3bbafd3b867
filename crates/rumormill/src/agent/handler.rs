//! Query handlers that are commands: the payload on standard input, the answer on standard output.

use std::process::Stdio;

use rumormill_agent::api::Rumor;
use rumormill_proto::Name;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

use crate::values;

/// The longest answer, in bytes; the agent's own limit, `rumor.max_payload`, is below or the same.
const LONGEST: u64 = 1 << 20;
/// How much of what a failed command says is told.
const COMPLAINT: usize = 500;

/// A query's name, and the command that answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Handler {
    pub(super) name: Name,
    /// The program and its arguments. No shell reads them.
    pub(super) command: Vec<String>,
}

/// `NAME=COMMAND`, the command in words as a shell would split it; nothing else of a shell.
pub(super) fn parse(text: &str) -> Result<Handler, String> {
    let Some((name, command)) = text.split_once('=') else {
        return Err(format!("{text:?} has no command; write NAME=COMMAND, such as disk='df -h /'"));
    };
    let name = values::name(name.trim())?;
    let words = shlex::split(command);
    let command = words.ok_or_else(|| format!("{command:?} has a quote that doesn't end"))?;
    if command.first().is_none_or(String::is_empty) {
        return Err(format!("the command for {name} is empty"));
    }
    Ok(Handler { name, command })
}

impl Handler {
    /// Runs the command. It is killed if it takes longer than the query waits.
    pub(super) async fn answer(self, query: Rumor) -> Result<Vec<u8>, String> {
        let payload = query.payload.bytes().map_err(|error| error.to_string())?;
        let [program, arguments @ ..] = self.command.as_slice() else {
            return Err("no command".to_owned());
        };
        let mut child = Command::new(program)
            .args(arguments)
            .env("RUMORMILL_QUERY", &query.name)
            .env("RUMORMILL_ORIGIN", &query.origin)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("{program} can't be run: {error}"))?;
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let write = async {
            if let Some(mut stdin) = stdin {
                // A command need not read.
                let _ = stdin.write_all(&payload).await;
            }
        };
        let ((), out, err) = tokio::join!(write, read(stdout, LONGEST), read(stderr, 4096));
        if out.len() as u64 > LONGEST {
            return Err(format!("{program} answers with more than {LONGEST} bytes, the limit"));
        }
        let status = child.wait().await.map_err(|error| format!("{program}: {error}"))?;
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

/// Reads up to a byte more than `limit`. The pipe is closed then, which ends a chatty command.
async fn read(pipe: Option<impl tokio::io::AsyncRead + Unpin>, limit: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        // What came before an error is what there is.
        let _ = pipe.take(limit + 1).read_to_end(&mut bytes).await;
    }
    bytes
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
