//! Lengths of virtual time as people write them: `200ms`, `1.5s`, `1m 30s`.

use core::fmt;
use core::str::FromStr;

use rumormill_proto::{Duration, Instant};
use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A length of virtual time, or an instant by its distance from the start of the run.
///
/// ```
/// use rumormill_sim::scenario::Span;
/// let span: Span = "1m 30.5s".parse()?;
/// assert_eq!(span.to_string(), "90.5s");
/// # Ok::<(), rumormill_sim::scenario::NotASpan>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

/// A text that is no length of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a duration; write a number with its unit: 200ms, 1.5s, 2m")]
pub struct NotASpan(pub String);

/// The units and their lengths in nanoseconds.
const UNITS: [(&str, f64); 7] = [
    ("ns", 1.0),
    ("us", 1e3),
    ("ms", 1e6),
    ("s", 1e9),
    ("m", 60e9),
    ("h", 3600e9),
    ("d", 86_400e9),
];

impl Span {
    /// So many seconds; zero for what is no length of time.
    pub fn from_secs_f64(seconds: f64) -> Self {
        Self(Duration::try_from_secs_f64(seconds).unwrap_or_default())
    }

    /// The instant so long after the start of the run.
    pub fn instant(self) -> Instant {
        Instant::ZERO + self.0
    }
}

impl From<Instant> for Span {
    fn from(instant: Instant) -> Self {
        Self(Duration::from_nanos(instant.as_nanos()))
    }
}

impl FromStr for Span {
    type Err = NotASpan;

    fn from_str(text: &str) -> Result<Self, NotASpan> {
        let wrong = || NotASpan(text.to_owned());
        let mut rest = text.trim();
        if rest.is_empty() {
            return Err(wrong());
        }
        let mut nanos = 0.0;
        while !rest.is_empty() {
            let unit_at = rest.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(wrong)?;
            let (number, tail) = rest.split_at(unit_at);
            let end = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
            let (unit, tail) = tail.split_at(end);
            let scale = UNITS.iter().find(|known| known.0 == unit).ok_or_else(wrong)?.1;
            let number: f64 = number.trim().parse().map_err(|_| wrong())?;
            if number.is_nan() || number < 0.0 {
                return Err(wrong());
            }
            nanos += number * scale;
            rest = tail.trim_start();
        }
        // A longer time than this does not fit an instant.
        if nanos >= 9e18 {
            return Err(wrong());
        }
        Ok(Self(Duration::from_nanos(nanos.round() as u64)))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        let (unit, scale, digits) = match nanos {
            0 => return f.pad("0s"),
            1..1_000_000_000 if nanos.is_multiple_of(1_000_000) => ("ms", 1_000_000, 0),
            1..1_000_000 if nanos.is_multiple_of(1000) => ("us", 1000, 0),
            _ => ("s", 1_000_000_000, 9),
        };
        let (whole, fraction) = (nanos / scale, nanos % scale);
        let decimals = format!("{fraction:0digits$}");
        let decimals = decimals.trim_end_matches('0');
        let point = if decimals.is_empty() { "" } else { "." };
        f.pad(&format!("{whole}{point}{decimals}{unit}"))
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Span;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration with its unit, such as \"200ms\" or \"1.5s\"")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Span, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// By how much a wall clock is stepped: `+2d`, `-30s`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shift {
    /// Milliseconds, forwards; negative for backwards.
    pub millis: i64,
}

impl FromStr for Shift {
    type Err = NotASpan;

    fn from_str(text: &str) -> Result<Self, NotASpan> {
        let text = text.trim();
        let (sign, length) = match text.strip_prefix('-') {
            Some(length) => (-1, length),
            None => (1, text.strip_prefix('+').unwrap_or(text)),
        };
        let span: Span = length.parse().map_err(|_| NotASpan(text.to_owned()))?;
        Ok(Self { millis: sign * span.0.as_millis() as i64 })
    }
}

impl fmt::Display for Shift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.millis < 0 { '-' } else { '+' };
        let span = Span(Duration::from_millis(self.millis.unsigned_abs()));
        f.pad(&format!("{sign}{span}"))
    }
}

impl Serialize for Shift {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Shift {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|_| {
            de::Error::custom(format!("{text:?} is not a step; write a sign and a duration: +2d"))
        })
    }
}

/// When something happens: at a given time, or at a random one between two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// So long after the start.
    At(Span),
    /// Uniformly between the two; written `["10s", "20s"]`.
    Between(Span, Span),
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(at) => at.fmt(f),
            Self::Between(from, to) => write!(f, "[{from}, {to}]"),
        }
    }
}

impl Serialize for When {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::At(at) => at.serialize(serializer),
            Self::Between(from, to) => [from, to].serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrTwo;
        impl<'de> Visitor<'de> for OneOrTwo {
            type Value = When;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a time such as \"10s\", or two to draw one between: [\"10s\", \"20s\"]",
                )
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<When, E> {
                text.parse().map(When::At).map_err(E::custom)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<When, A::Error> {
                let mut next =
                    |at| seq.next_element()?.ok_or_else(|| de::Error::invalid_length(at, &self));
                let (from, to) = (next(0)?, next(1)?);
                match seq.next_element::<Span>()? {
                    None => Ok(When::Between(from, to)),
                    Some(_) => Err(de::Error::invalid_length(3, &self)),
                }
            }
        }
        deserializer.deserialize_any(OneOrTwo)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_read_again() {
        for nanos in [0, 1, 999, 1000, 1_500_000, 200_000_000, 1_500_000_000, 12_345_678_901] {
            let span = Span(Duration::from_nanos(nanos));
            assert_eq!(span.to_string().parse(), Ok(span), "{span}");
        }
        let text = |text: &str| text.parse::<Span>().map(|span| span.to_string());
        assert_eq!(text("0.2s").as_deref(), Ok("200ms"));
        assert_eq!(text("2m").as_deref(), Ok("120s"));
        assert_eq!(text("1m 30s").as_deref(), Ok("90s"));
        for bad in ["", "5", "s", "-1s", "1 parsec", "infs", "nans", "9e99s", "1s 5"] {
            assert!(bad.parse::<Span>().is_err(), "{bad:?}");
        }
    }
}
