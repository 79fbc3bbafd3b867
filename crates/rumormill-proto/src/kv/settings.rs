//! The settings of the key-value store.

use serde::{Deserialize, Serialize};

use crate::config::range::{ConfigError, lasts, within};
use crate::kv::key::MAX_KEY;
use crate::time::Duration;

/// The settings of the key-value store: the table `[kv]` of a configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct KvSettings {
    /// The longest key, in bytes. Default 512; 1 to 4096.
    #[serde(deserialize_with = "crate::size::deserialize")]
    pub max_key: usize,
    /// The longest value, in bytes. Default 65,536; at most 1 MiB.
    #[serde(deserialize_with = "crate::size::deserialize")]
    pub max_value: usize,
    /// The most bytes of keys and values together; beyond that a node refuses to put more. Entries of
    /// other nodes are always stored. Default 256 MiB.
    #[serde(deserialize_with = "crate::size::deserialize")]
    pub max_bytes: usize,
    /// How long a deletion is remembered. A node that has been away, or cut off, for longer could bring
    /// deleted keys back. Default 24 h; at least 1 min.
    #[serde(with = "crate::json::duration")]
    #[cfg_attr(feature = "schema", schema(value_type = String, example = "1d"))]
    pub tombstone_life: Duration,
    /// Whether changes are kept for [`crate::Kv::poll_store`]. Default false: a driver that
    /// stores nothing needs none. The driver decides, so no configuration has this key.
    #[serde(skip)]
    pub journal: bool,
}

impl Default for KvSettings {
    fn default() -> Self {
        Self {
            max_key: 512,
            max_value: 65_536,
            max_bytes: 256 << 20,
            tombstone_life: Duration::from_secs(86_400),
            journal: false,
        }
    }
}

impl KvSettings {
    /// Checks every setting against its range.
    ///
    /// # Errors
    /// Names the first setting that is out of range, with its value and the range.
    pub fn check(&self) -> Result<(), ConfigError> {
        within("kv.max_key", self.max_key, 1..=MAX_KEY, "from 1 to 4096 bytes")?;
        within("kv.max_value", self.max_value, ..=1 << 20, "at most 1048576 bytes")?;
        lasts("kv.tombstone_life", self.tombstone_life, Duration::from_secs(60).., "at least 1min")
    }
}
