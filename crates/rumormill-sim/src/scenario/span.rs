//! Lengths of virtual time as people write them: `200ms`, `1.5s`, `1m 30s`.

use core::fmt;
use core::str::FromStr;

use rumormill_proto::{Duration, DurationError, Instant, parse_duration, show_duration};
use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A length of virtual time, or an instant by its distance from the start of the run.
///
/// ```
/// use rumormill_sim::scenario::Span;
/// let span: Span = "1m 30.5s".parse()?;
/// assert_eq!(span.to_string(), "1m30.5s");
/// # Ok::<(), rumormill_proto::DurationError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Span(#[serde(with = "rumormill_proto::duration")] pub Duration);

impl Span {
    /// Returns this many seconds; zero if negative or not finite.
    pub fn from_secs_f64(seconds: f64) -> Self {
        Self(Duration::try_from_secs_f64(seconds).unwrap_or_default())
    }

    /// Returns the instant this long after the start of the run.
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
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        parse_duration(text).map(Self)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&show_duration(self.0))
    }
}

/// By how much a wall clock is stepped: `+2d`, `-30s`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shift {
    /// Milliseconds, forwards; negative for backwards.
    pub millis: i64,
}

impl FromStr for Shift {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        let text = text.trim();
        let (sign, length) = match text.strip_prefix('-') {
            Some(length) => (-1, length),
            None => (1, text.strip_prefix('+').unwrap_or(text)),
        };
        let span: Span = length.parse().map_err(|_| DurationError(text.to_owned()))?;
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
