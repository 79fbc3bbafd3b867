//! A refused question in the words of the command line.

use rumormill_model::error::Error;

use crate::term::exit::Usage;
use crate::term::format::memory;

/// Settings that stand in the value of `--graph`.
const IN_GRAPH: [&str; 5] = ["degree", "mean degree", "edges", "edge probability", "rewired"];

/// Turns a refused question into a usage error: one line that names the flag and its range.
pub(crate) fn refuse(error: &Error) -> anyhow::Error {
    Usage(match error {
        Error::Setting { name, value, range } if IN_GRAPH.contains(name) => {
            format!("--graph: {name} is {value}, but must be {range}")
        }
        Error::Setting { name, value, range } => {
            let flag = match *name {
                "coin" | "counter" => "stop".to_owned(),
                name => name.replace([' ', '_'], "-"),
            };
            format!("--{flag} is {value}, but must be {range}")
        }
        Error::NoGraph { .. } => format!("--graph: {error}"),
        Error::Unsupported { .. } => format!("--engine: {error}"),
        Error::Memory { what, need, limit } => format!(
            "{what} needs {} of memory, but {} may be used; ask for less, use fewer --threads, or \
             raise --memory",
            memory(*need),
            memory(*limit)
        ),
        Error::TooManyRounds { .. }
        | Error::TooLong { .. }
        | Error::Unplannable { .. }
        | Error::NeverArrives { .. } => format!("--{error}"),
        other => other.to_string(),
    })
    .into()
}
