//! The bounds of the replica.

use crate::config::ConfigError;
use crate::time::Duration;

/// The settings of the replica: the table `[replica]` of a configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplicaConfig {
    /// The longest key, in bytes. Default 512; 1 to 4096.
    pub max_key: usize,
    /// The longest value, in bytes. Default 65,536; at most 1 MiB.
    pub max_value: usize,
    /// How many bytes keys and values may have together before a node refuses to put more. What
    /// other nodes have put is always taken. Default 256 MiB.
    pub max_bytes: usize,
    /// How long it is remembered that a key was deleted. A node that has been away, or cut off, for
    /// longer could bring deleted keys back. Default 24 h; at least 1 min.
    pub tombstone_life: Duration,
    /// Whether changes are kept for [`crate::Node::poll_store`]. Default false: a driver that
    /// stores nothing needs none.
    pub journal: bool,
}

impl Default for ReplicaConfig {
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

impl ReplicaConfig {
    /// Checks every setting against its range.
    ///
    /// # Errors
    /// Names the first setting that is out of range, with its value and the range.
    pub fn check(&self) -> Result<(), ConfigError> {
        let fail = |setting, value: String, range| Err(ConfigError { setting, value, range });
        if !(1..=super::MAX_KEY).contains(&self.max_key) {
            return fail("replica.max_key", self.max_key.to_string(), "from 1 to 4096 bytes");
        }
        if self.max_value > 1 << 20 {
            return fail("replica.max_value", self.max_value.to_string(), "at most 1048576 bytes");
        }
        if self.tombstone_life < Duration::from_secs(60) {
            let value = format!("{:?}", self.tombstone_life);
            return fail("replica.tombstone_life", value, "at least 1min");
        }
        Ok(())
    }
}
