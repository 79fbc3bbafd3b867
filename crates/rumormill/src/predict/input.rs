//! How numbers are written on the command line.

use std::time::Duration;

use clap::ValueEnum;
use rumormill_theory::{Style, Targets};

/// A whole number: `1000000`, `1_000_000` or `1e6`.
pub(crate) fn count(text: &str) -> Result<u64, String> {
    let plain = text.replace('_', "");
    if let Ok(n) = plain.parse() {
        return Ok(n);
    }
    match plain.parse::<f64>() {
        Ok(x) if (0.0..=1e18).contains(&x) && x.fract() == 0.0 => Ok(x as u64),
        _ => Err("must be a whole number from 0 to 1e18, such as 1000000 or 1e6".into()),
    }
}

/// A duration with its unit: `200ms`, `3s`, `1.5m`, `50us`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let unit_at = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let scale = match unit {
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err("must be a number and a unit (us, ms, s, m, h), such as 200ms".into()),
    };
    number
        .parse::<f64>()
        .ok()
        .and_then(|x| Duration::try_from_secs_f64(x * scale).ok())
        .ok_or_else(|| "must be a number from 0 and a unit, such as 200ms".into())
}

/// [`Style`] as clap knows it.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum StyleArg {
    /// Nodes that know call.
    Push,
    /// Nodes that do not know call.
    Pull,
    /// All nodes call.
    PushPull,
}

impl From<StyleArg> for Style {
    fn from(style: StyleArg) -> Self {
        match style {
            StyleArg::Push => Self::Push,
            StyleArg::Pull => Self::Pull,
            StyleArg::PushPull => Self::PushPull,
        }
    }
}

/// [`Targets`] as clap knows it.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum TargetsArg {
    /// A caller's picks of one round all differ.
    Distinct,
    /// Each pick is drawn afresh.
    Independent,
}

impl From<TargetsArg> for Targets {
    fn from(targets: TargetsArg) -> Self {
        match targets {
            TargetsArg::Distinct => Self::Distinct,
            TargetsArg::Independent => Self::Independent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_may_be_written_short() {
        assert_eq!(count("1e15"), Ok(1_000_000_000_000_000));
        assert_eq!(count("1_000"), Ok(1000));
        assert!(count("1.5").is_err() && count("-3").is_err() && count("x").is_err());
    }

    #[test]
    fn durations_need_a_unit() {
        assert_eq!(duration("200ms"), Ok(Duration::from_millis(200)));
        assert_eq!(duration("1.5s"), Ok(Duration::from_millis(1500)));
        assert!(duration("3").is_err() && duration("-1s").is_err() && duration("s").is_err());
    }
}
