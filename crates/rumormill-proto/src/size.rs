//! The grammar of sizes in bytes, in flags and files.

use core::fmt;

use serde::de::{Deserializer, Error, Visitor};

/// A text that is not a size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a size; write a number of bytes above 0, with a unit: 64KiB, 512MiB, 8GiB")]
pub struct SizeError(pub String);

/// The units of sizes, in small letters.
const UNITS: [(&[&str], f64); 9] = [
    (&["", "b"], 1.0),
    (&["kb"], 1e3),
    (&["mb"], 1e6),
    (&["gb"], 1e9),
    (&["tb"], 1e12),
    (&["kib", "k"], 1024.0),
    (&["mib", "m"], 1_048_576.0),
    (&["gib", "g"], 1_073_741_824.0),
    (&["tib", "t"], 1_099_511_627_776.0),
];

/// Reads a size in bytes: `8GiB`, `500MB`, `64k` (of 1024), `65536` or `1e9`; above 0, below 10¹⁸.
///
/// # Errors
/// Fails if the text is not a size.
///
/// ```
/// use rumormill_proto::parse_size;
/// assert_eq!(parse_size("64 KiB"), Ok(65_536));
/// assert!(parse_size("64 parsec").is_err());
/// ```
pub fn parse_size(text: &str) -> Result<u64, SizeError> {
    let plain = text.trim().replace('_', "").to_ascii_lowercase();
    let end = plain.trim_end_matches(|c: char| c.is_ascii_alphabetic()).len();
    let (number, unit) = plain.split_at(end);
    let scale = UNITS.iter().find(|(names, _)| names.contains(&unit)).map(|(_, scale)| scale);
    let bytes = scale.and_then(|scale| Some(number.trim().parse::<f64>().ok()? * scale));
    match bytes {
        Some(bytes) if bytes > 0.0 && bytes < 1e18 => Ok(bytes as u64),
        _ => Err(SizeError(text.to_owned())),
    }
}

/// Reads a size from a number of bytes, or from text: for `#[serde(deserialize_with = …)]`.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<usize, D::Error> {
    struct Size;

    impl Visitor<'_> for Size {
        type Value = usize;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a number of bytes, or a size such as \"64MiB\"")
        }

        fn visit_u64<E: Error>(self, bytes: u64) -> Result<usize, E> {
            usize::try_from(bytes).map_err(E::custom)
        }

        fn visit_i64<E: Error>(self, bytes: i64) -> Result<usize, E> {
            usize::try_from(bytes).map_err(E::custom)
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<usize, E> {
            parse_size(text).map_err(E::custom).and_then(|bytes| self.visit_u64(bytes))
        }
    }

    from.deserialize_any(Size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn sizes_have_units() {
        assert_eq!(parse_size("8GiB"), Ok(8 << 30));
        assert_eq!(parse_size("1.5 MB"), Ok(1_500_000));
        assert_eq!(parse_size("1e9"), Ok(1_000_000_000));
        assert_eq!(parse_size("64k"), Ok(65536));
        for bad in ["8 parsec", "-1GB", "", "0", "inf", "nan"] {
            assert_eq!(parse_size(bad), Err(SizeError(bad.to_owned())));
        }
    }

    #[test]
    fn settings_take_sizes_as_numbers_and_as_text() {
        let read = |json: &str| serde_json::from_str::<Config>(json);
        let config = read(r#"{"kv": {"max_bytes": "64MiB", "max_value": 1000}}"#).unwrap();
        assert_eq!((config.kv.max_bytes, config.kv.max_value), (64 << 20, 1000));
        for (json, says) in [
            (r#"{"max_datagram": "big"}"#, "\"big\" is not a size"),
            (r#"{"max_datagram": -1}"#, "out of range"),
            (r#"{"max_datagram": true}"#, "a size such as"),
        ] {
            let error = read(json).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
