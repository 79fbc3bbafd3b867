//! The values that nodes start from, on the command line and in files.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use anyhow::Context;
use rumormill_model::simulate::average::Values;

use crate::average::columns;
use crate::term::read;

/// Where the values come from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ValuesArg {
    Named(&'static str, Values),
    File(PathBuf),
}

/// The values that are not read from a file.
const NAMED: [(&str, Values); 3] =
    [("uniform", Values::Uniform), ("spike", Values::Spike), ("linear", Values::Linear)];

impl FromStr for ValuesArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((name, values)) = NAMED.into_iter().find(|(name, _)| *name == text) {
            return Ok(Self::Named(name, values));
        }
        match text.strip_prefix("file:") {
            Some(path) if !path.is_empty() => Ok(Self::File(path.into())),
            _ => Err("must be uniform, spike, linear or file:CSV".into()),
        }
    }
}

impl fmt::Display for ValuesArg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name, _) => f.write_str(name),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

impl ValuesArg {
    /// Returns the values as the simulator takes them.
    ///
    /// # Errors
    /// If the file cannot be read, or has a line that is no value, with the line's number.
    pub(crate) fn read(&self) -> anyhow::Result<Values> {
        match self {
            Self::Named(_, values) => Ok(values.clone()),
            Self::File(path) => Ok(Values::Given(file(path)?)),
        }
    }
}

fn file(path: &Path) -> anyhow::Result<Arc<[f64]>> {
    let text = read::read(path).context("--values")?;
    let values =
        columns::last(&text).with_context(|| format!("--values file:{}", path.display()))?;
    Ok(values.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_they_are_read() {
        for text in ["uniform", "spike", "linear", "file:a:b.csv"] {
            assert_eq!(text.parse::<ValuesArg>().map(|v| v.to_string()), Ok(text.to_owned()));
        }
        for bad in ["", "file:", "uniform:3", "normal"] {
            assert!(bad.parse::<ValuesArg>().is_err(), "{bad:?} was accepted");
        }
    }
}
