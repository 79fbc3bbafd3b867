//! The output of a verb: as text, or as JSON.

use serde::Serialize;

use crate::term::exit;
use crate::term::exit::Exit;

/// Significant digits in text.
pub(crate) const DIGITS: usize = 10;

/// The flag of all reading verbs.
#[derive(clap::Args, Clone, Copy, Debug)]
pub(crate) struct Json {
    /// Print JSON, as the HTTP API returns it; what arrives over time, one line each
    #[arg(long)]
    pub(crate) json: bool,
}

impl Json {
    /// Prints a value as JSON with `--json`, otherwise as text.
    pub(crate) fn show<T: Serialize>(
        self,
        value: &T,
        text: impl FnOnce(&T) -> String,
    ) -> anyhow::Result<Exit> {
        if self.json { exit::finish_json(value) } else { exit::finish(&text(value)) }
    }
}
