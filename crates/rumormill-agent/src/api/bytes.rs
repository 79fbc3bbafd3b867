//! Bytes in JSON: as text where they are text, otherwise in base64.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Bytes that can't be read from a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BytesError(String);

macro_rules! bytes {
    ($name:ident: $text:ident or $base64:ident, $what:literal) => {
        #[doc = $what]
        ///
        /// In JSON either the first field, if the bytes are UTF-8, or the second.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        pub struct $name {
            /// The bytes as text.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub $text: Option<String>,
            /// The bytes in base64, with padding.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub $base64: Option<String>,
        }

        impl $name {
            /// The bytes; none at all if neither field is there.
            ///
            /// # Errors
            /// When both are there, or the second is not base64.
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

        impl From<Vec<u8>> for $name {
            fn from(bytes: Vec<u8>) -> Self {
                match String::from_utf8(bytes) {
                    Ok(text) => Self { $text: Some(text), $base64: None },
                    Err(error) => {
                        let coded = STANDARD.encode(error.as_bytes());
                        Self { $text: None, $base64: Some(coded) }
                    }
                }
            }
        }
    };
}

bytes!(Payload: payload or payload_base64, "What a rumor, a query or an answer carries.");
bytes!(Value: value or value_base64, "What a key of the replica holds.");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_whatever_they_are() {
        for bytes in [&b""[..], b"text", "größer".as_bytes(), b"\xff\x00", b"\0"] {
            let json = serde_json::to_string(&Payload::from(bytes.to_vec())).unwrap();
            let read: Payload = serde_json::from_str(&json).unwrap();
            assert_eq!(read.bytes().as_deref(), Ok(bytes), "{json}");
        }
        let read = |json| serde_json::from_str::<Value>(json).unwrap().bytes();
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
