//! Bytes in JSON: as text if they are UTF-8, otherwise in base64.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// Why the bytes of a request can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BytesError(String);

macro_rules! bytes {
    ($name:ident, $module:ident: $text:ident or $base64:ident, $what:literal) => {
        #[doc = $what]
        ///
        /// JSON has the first field if the bytes are UTF-8, otherwise the second.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
        pub struct $name {
            /// The bytes as text.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub $text: Option<String>,
            /// The bytes in base64, with padding.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub $base64: Option<String>,
        }

        impl $name {
            /// Returns the bytes, none if both fields are missing.
            ///
            /// # Errors
            /// Fails if both fields are there, or the second is malformed.
            pub fn bytes(&self) -> Result<Vec<u8>, BytesError> {
                let (text, base64) = (stringify!($text), stringify!($base64));
                match (&self.$text, &self.$base64) {
                    (Some(_), Some(_)) => {
                        Err(BytesError(format!("{text} and {base64} exclude each other; give one")))
                    }
                    (Some(text), None) => Ok(text.clone().into_bytes()),
                    (None, Some(coded)) => STANDARD
                        .decode(coded)
                        .map_err(|error| BytesError(format!("{base64} is not base64: {error}"))),
                    (None, None) => Ok(Vec::new()),
                }
            }
        }

        impl From<&[u8]> for $name {
            fn from(bytes: &[u8]) -> Self {
                match core::str::from_utf8(bytes) {
                    Ok(text) => Self { $text: Some(text.to_owned()), $base64: None },
                    Err(_) => Self { $text: None, $base64: Some(STANDARD.encode(bytes)) },
                }
            }
        }

        #[doc = concat!("Bytes as a flattened [`", stringify!($name), "`].")]
        pub mod $module {
            use serde::de::Error;
            use serde::{Deserialize, Deserializer, Serialize, Serializer};

            use super::$name;

            /// Writes the bytes.
            ///
            /// # Errors
            /// Fails if the serializer does.
            pub fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
                $name::from(bytes).serialize(to)
            }

            /// Reads the bytes.
            ///
            /// # Errors
            /// Fails if both fields are there, or the second is malformed.
            pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
                $name::deserialize(from)?.bytes().map_err(Error::custom)
            }
        }
    };
}

bytes!(Payload, payload: payload or payload_base64, "The payload of an event, a query or an answer.");
bytes!(KvValue, value: value or value_base64, "The value of a key.");

/// The value of a key, or its deletion.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DeletableValue {
    /// Whether the key was deleted.
    deleted: bool,
    /// The value, if it was not.
    #[serde(flatten)]
    value: KvValue,
}

/// Values that may be deleted as a flattened [`DeletableValue`].
pub mod deletable {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{DeletableValue, KvValue};

    /// Writes the value.
    ///
    /// # Errors
    /// Fails if the serializer does.
    pub fn serialize<S: Serializer>(bytes: &Option<Vec<u8>>, to: S) -> Result<S::Ok, S::Error> {
        let value = bytes.as_deref().map(KvValue::from).unwrap_or_default();
        DeletableValue { deleted: bytes.is_none(), value }.serialize(to)
    }

    /// Reads the value.
    ///
    /// # Errors
    /// Fails if the value is malformed.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<u8>>, D::Error> {
        let DeletableValue { deleted, value } = DeletableValue::deserialize(from)?;
        let bytes = value.bytes().map_err(Error::custom)?;
        Ok((!deleted).then_some(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_whatever_they_are() {
        for bytes in [&b""[..], b"text", "größer".as_bytes(), b"\xff\x00", b"\0"] {
            let json = serde_json::to_string(&Payload::from(bytes)).unwrap();
            let read: Payload = serde_json::from_str(&json).unwrap();
            assert_eq!(read.bytes().as_deref(), Ok(bytes), "{json}");
        }
        let read = |json| serde_json::from_str::<KvValue>(json).unwrap().bytes();
        assert_eq!(read("{}"), Ok(Vec::new()));
        for (json, says) in [
            (r#"{"value":"a","value_base64":"YQ=="}"#, "exclude each other"),
            (r#"{"value_base64":"a"}"#, "value_base64 is not base64"),
        ] {
            let error = read(json).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }
}
