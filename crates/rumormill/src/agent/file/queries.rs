//! The table `[queries.handlers]`: commands that answer queries.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::agent::handler::Handler;
use crate::term::parse;

/// The table `[queries]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Queries {
    handlers: BTreeMap<String, Command>,
}

/// A command, in both ways of writing.
#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "expected an array of a program and its arguments, or a text for a shell"
)]
enum Command {
    /// A program and its arguments, without a shell.
    Words(Vec<String>),
    /// A line for `sh -c`.
    Shell(String),
}

impl Queries {
    /// Checks and returns the handlers.
    pub(crate) fn handlers(self) -> Result<Vec<Handler>, String> {
        let one = |(name, command): (String, Command)| {
            let name =
                parse::name(&name).map_err(|error| format!("[queries.handlers]: {error}"))?;
            let command = match command {
                Command::Words(words)
                    if words.first().is_some_and(|program| !program.is_empty()) =>
                {
                    words
                }
                Command::Shell(line) if !line.trim().is_empty() => {
                    vec!["sh".into(), "-c".into(), line]
                }
                _ => {
                    return Err(format!("queries.handlers.{name} is empty, but must be a command"));
                }
            };
            Ok(Handler { topic: name, command })
        };
        self.handlers.into_iter().map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::agent::file::Settings;

    #[test]
    fn commands_are_words_or_lines_for_a_shell() {
        let read = |text: &str| {
            let settings = toml::from_str::<Settings>(&format!("[queries.handlers]\n{text}"));
            let handlers = settings.map_err(|error| error.to_string())?.agent.handlers;
            Ok::<_, String>(handlers.into_iter().map(|handler| handler.command).collect::<Vec<_>>())
        };
        assert_eq!(read("disk = [\"df\", \"-h\"]"), Ok(vec![vec!["df".into(), "-h".into()]]));
        let shell = vec!["sh".to_owned(), "-c".into(), "df | tail -1".into()];
        assert_eq!(read("disk = \"df | tail -1\""), Ok(vec![shell]));
        for (bad, says) in [
            ("disk = []", "queries.handlers.disk is empty"),
            ("disk = \"\"", "queries.handlers.disk is empty"),
            ("disk = [\"\", \"-h\"]", "queries.handlers.disk is empty"),
            ("disk = 7", "disk = 7"),
            ("\"no spaces\" = \"df\"", "no spaces"),
        ] {
            let error = read(bad).expect_err(bad);
            assert!(error.contains(says), "{bad}: {error}");
        }
    }
}
