//! The values that nodes start from, on the command line and in files.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use anyhow::Context;
use rumormill_sim::rounds::average::{MAX_INPUT, Values};

use crate::exit::Usage;

/// Where the values come from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum ValuesArg {
    Uniform,
    Spike,
    Linear,
    File(PathBuf),
}

impl FromStr for ValuesArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "uniform" => Ok(Self::Uniform),
            None if text == "spike" => Ok(Self::Spike),
            None if text == "linear" => Ok(Self::Linear),
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.into())),
            _ => Err("must be uniform, spike, linear or file:CSV".into()),
        }
    }
}

impl fmt::Display for ValuesArg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uniform => f.write_str("uniform"),
            Self::Spike => f.write_str("spike"),
            Self::Linear => f.write_str("linear"),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}

impl ValuesArg {
    /// The values as the simulator takes them.
    ///
    /// # Errors
    /// If the file cannot be read, or holds a line that is no value: with its number.
    pub(crate) fn read(&self) -> anyhow::Result<Values> {
        Ok(match self {
            Self::Uniform => Values::Uniform,
            Self::Spike => Values::Spike,
            Self::Linear => Values::Linear,
            Self::File(path) => Values::Given(file(path)?),
        })
    }
}

fn file(path: &Path) -> anyhow::Result<Arc<[f64]>> {
    let name = path.display();
    let text = std::fs::File::open(path)
        .map_err(|error| Usage(format!("--values: cannot read {name}: {error}")))?;
    let values = parse(text).with_context(|| format!("--values file:{name}"))?;
    Ok(values.into())
}

/// One node on a line: its value is the last field. A first line of words is a heading; what follows
/// a `#` at the start of a line is a comment.
fn parse(text: impl std::io::Read) -> Result<Vec<f64>, Usage> {
    let mut lines = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .comment(Some(b'#'))
        .trim(csv::Trim::All)
        .from_reader(text);
    let mut values = vec![];
    let mut first = true;
    for line in lines.records() {
        let line = line.map_err(|error| Usage(format!("cannot be read: {error}")))?;
        let heading = first && line.iter().all(|field| field.parse::<f64>().is_err());
        first = false;
        let field = line.iter().next_back().unwrap_or_default();
        if heading && !field.is_empty() {
            continue;
        }
        let number = line.position().map_or(0, csv::Position::line);
        let wrong = |what: String| Usage(format!("line {number}: {what}"));
        let value: f64 = field.parse().map_err(|_| {
            wrong(format!("{field:?} is not a number; the last field of a line is a node's value"))
        })?;
        if !value.is_finite() || value.abs() > MAX_INPUT {
            let range = format!("{field} must be a finite number within ±{MAX_INPUT:e}");
            return Err(wrong(range));
        }
        values.push(value);
    }
    if values.len() < 2 {
        let why = format!("has {} values, but must have at least 2, one on a line", values.len());
        return Err(Usage(why));
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_a_value_on_each_line() {
        let read = |text: &str| parse(text.as_bytes()).map_err(|error| error.to_string());
        assert_eq!(read("5\n10\n"), Ok(vec![5.0, 10.0]));
        assert_eq!(read("host,load\na, 0.5\n# spare\n\nb,1e3\n"), Ok(vec![0.5, 1000.0]));
        assert_eq!(
            read("5\n"),
            Err("has 1 values, but must have at least 2, one on a line".into())
        );
        let error = read("load\n1\n2\nthree\n").expect_err("no number");
        assert!(error.starts_with("line 4: \"three\" is not a number"), "{error}");
        let error = read("1\n2,\n").expect_err("no number");
        assert!(error.starts_with("line 2: \"\" is not a number"), "{error}");
        let error = read("1\ninf\n").expect_err("not finite");
        assert!(error.starts_with("line 2: inf must be a finite number"), "{error}");
        let error = read("1\n1e300\n").expect_err("too large");
        assert!(error.contains("line 2") && error.contains("9.007"), "{error}");
    }

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
