//! How types of this crate are written in JSON and in files, for `#[serde(with = …)]`: durations as
//! text or numbers, bytes as text or base64.

pub mod bytes;
pub mod stamp;

use core::fmt::{self, Display};

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::time::{Duration, DurationError, parse_duration, show_duration};

/// Reads a value from its text. Another type is refused with the words `expected`.
pub(crate) fn from_text<'de, T, E: Display, D: Deserializer<'de>>(
    from: D,
    expected: &'static str,
    parse: fn(&str) -> Result<T, E>,
) -> Result<T, D::Error> {
    struct Text<T, E>(&'static str, fn(&str) -> Result<T, E>);

    impl<T, E: Display> Visitor<'_> for Text<T, E> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }

        fn visit_str<F: Error>(self, text: &str) -> Result<T, F> {
            (self.1)(text).map_err(F::custom)
        }
    }

    from.deserialize_str(Text(expected, parse))
}

/// A duration, or one that may be missing: `null` in JSON.
pub trait MaybeDuration: Sized {
    /// Returns the duration.
    fn get(&self) -> Option<Duration>;

    /// Returns the value for a duration; `None` if it must not be missing.
    fn of(duration: Option<Duration>) -> Option<Self>;
}

impl MaybeDuration for Duration {
    fn get(&self) -> Option<Duration> {
        Some(*self)
    }

    fn of(duration: Option<Duration>) -> Option<Self> {
        duration
    }
}

impl MaybeDuration for Option<Duration> {
    fn get(&self) -> Option<Duration> {
        *self
    }

    fn of(duration: Option<Duration>) -> Option<Self> {
        Some(duration)
    }
}

macro_rules! durations {
    ($name:ident: $as:literal, $form:ty, $write:expr, $read:expr) => {
        #[doc = concat!("Durations, which may be missing, as ", $as, ".")]
        pub mod $name {
            use super::*;

            /// Writes a duration.
            ///
            /// # Errors
            /// Fails if the serializer does.
            pub fn serialize<T: MaybeDuration, S: Serializer>(
                duration: &T,
                to: S,
            ) -> Result<S::Ok, S::Error> {
                duration.get().map($write).serialize(to)
            }

            /// Reads a duration.
            ///
            /// # Errors
            /// Fails if the value is no duration, or is negative or too large.
            pub fn deserialize<'de, T: MaybeDuration, D: Deserializer<'de>>(
                from: D,
            ) -> Result<T, D::Error> {
                let read = Option::<$form>::deserialize(from)?.map($read).transpose();
                let missing = || D::Error::custom(concat!("missing duration: expected ", $as));
                T::of(read.map_err(D::Error::custom)?).ok_or_else(missing)
            }
        }
    };
}

/// A duration as text.
struct Text(Duration);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let expected = "a duration such as \"200ms\" or \"1.5s\"";
        from_text(from, expected, parse_duration).map(Self)
    }
}

fn number(duration: Duration, per_second: f64) -> f64 {
    duration.as_nanos() as f64 / (1e9 / per_second)
}

durations!(duration: "text such as \"200ms\"", Text, show_duration, |text| Ok::<_, DurationError>(text.0));
durations!(seconds: "numbers of seconds", f64, |d| number(d, 1.0), Duration::try_from_secs_f64);
durations!(millis: "numbers of milliseconds", f64, |d| number(d, 1e3), |n: f64| {
    Duration::try_from_secs_f64(n / 1e3)
});

/// Signed milliseconds as numbers of seconds.
pub mod seconds_of_millis {
    use super::{Deserialize, Deserializer, Serializer};

    /// Writes milliseconds as seconds.
    ///
    /// # Errors
    /// Fails if the serializer does.
    pub fn serialize<S: Serializer>(millis: &i64, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(*millis as f64 / 1e3)
    }

    /// Reads milliseconds from seconds.
    ///
    /// # Errors
    /// Fails if there is no number.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
        Ok((f64::deserialize(from)? * 1e3).round() as i64)
    }
}

/// Numbers of 64 bits as 16 hexadecimal digits.
pub mod hex {
    use super::{Deserialize, Deserializer, Error, Serializer};

    /// Writes a number in hexadecimal digits.
    ///
    /// # Errors
    /// Fails if the serializer does.
    pub fn serialize<S: Serializer>(number: &u64, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{number:016x}"))
    }

    /// Reads a number from hexadecimal digits.
    ///
    /// # Errors
    /// Fails if there is no text, or another one.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
        u64::from_str_radix(&String::deserialize(from)?, 16).map_err(Error::custom)
    }
}
