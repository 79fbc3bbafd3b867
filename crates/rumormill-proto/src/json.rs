//! How types of this crate are written in JSON, for `#[serde(with = …)]`: durations as numbers, bytes
//! as text or base64.

pub mod bytes;
pub mod stamp;

use core::fmt::Display;
use core::str::FromStr;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

/// Reads a value from its text.
pub(crate) fn from_text<'de, T, D>(from: D) -> Result<T, D::Error>
where
    T: FromStr<Err: Display>,
    D: Deserializer<'de>,
{
    String::deserialize(from)?.parse().map_err(Error::custom)
}

macro_rules! durations {
    ($name:ident: $unit:literal, $per_second:literal) => {
        #[doc = concat!("Durations as numbers of ", $unit, ".")]
        pub mod $name {
            use serde::de::Error;
            use serde::{Deserialize, Deserializer, Serializer};

            use crate::time::Duration;

            /// Writes a duration as a number.
            ///
            /// # Errors
            /// Fails if the serializer does.
            pub fn serialize<S: Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_f64(duration.as_nanos() as f64 / (1e9 / $per_second))
            }

            /// Reads a duration from a number.
            ///
            /// # Errors
            /// Fails if there is no number, or a negative or too large one.
            pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
                let number = f64::deserialize(from)? / $per_second;
                Duration::try_from_secs_f64(number).map_err(Error::custom)
            }

            /// Durations that may be unknown: `null` then.
            pub mod option {
                use super::{Deserialize, Deserializer, Duration, Error, Serializer};

                /// Writes a duration as a number.
                ///
                /// # Errors
                /// Fails if the serializer does.
                pub fn serialize<S: Serializer>(
                    duration: &Option<Duration>,
                    to: S,
                ) -> Result<S::Ok, S::Error> {
                    match duration {
                        Some(duration) => super::serialize(duration, to),
                        None => to.serialize_none(),
                    }
                }

                /// Reads a duration from a number.
                ///
                /// # Errors
                /// Fails if there is something else than `null`, or a number out of range.
                pub fn deserialize<'de, D: Deserializer<'de>>(
                    from: D,
                ) -> Result<Option<Duration>, D::Error> {
                    let number = Option::<f64>::deserialize(from)?;
                    let read = |number| Duration::try_from_secs_f64(number / $per_second);
                    number.map(read).transpose().map_err(Error::custom)
                }
            }
        }
    };
}

durations!(seconds: "seconds", 1.0);
durations!(millis: "milliseconds", 1e3);

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
