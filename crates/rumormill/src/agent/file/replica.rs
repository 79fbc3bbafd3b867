//! The table `[replica]`: the bounds of the map that every node stores.

use rumormill_proto::KvSettings;
use serde::Deserialize;

use crate::agent::file::text::{Span, Text};

/// The table `[replica]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Replica {
    max_key: Option<usize>,
    max_value: Option<usize>,
    max_bytes: Option<usize>,
    tombstone_life: Option<Text<Span>>,
}

impl Replica {
    /// The settings, with defaults for what the table leaves out.
    pub(crate) fn config(&self) -> KvSettings {
        let default = KvSettings::default();
        let life = self.tombstone_life.as_ref().map(|text| text.0.0);
        KvSettings {
            max_key: self.max_key.unwrap_or(default.max_key),
            max_value: self.max_value.unwrap_or(default.max_value),
            max_bytes: self.max_bytes.unwrap_or(default.max_bytes),
            tombstone_life: life.unwrap_or(default.tombstone_life),
            ..default
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::agent::file::File;

    #[test]
    fn every_key_is_read() {
        let text = "[replica]\nmax_key = 64\nmax_value = 100\nmax_bytes = 1000\n\
                    tombstone_life = \"2h\"";
        let want = KvSettings {
            max_key: 64,
            max_value: 100,
            max_bytes: 1000,
            tombstone_life: Duration::from_secs(7200),
            ..KvSettings::default()
        };
        assert_eq!(File::parse(text).map(|file| file.replica.config()), Ok(want));
        assert_eq!(File::parse("").map(|file| file.replica.config()), Ok(KvSettings::default()));
    }
}
