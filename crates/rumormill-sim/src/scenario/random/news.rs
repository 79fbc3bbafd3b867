//! What is published and written in the chaos phase.

use rand::RngExt;
use rumormill_proto::{Name, PublishError};

use super::{Failure, Run};

/// The keys that are written and deleted; few, so that writes collide.
const KEYS: u64 = 24;

impl Run {
    /// Takes down what nodes have said; to be called before any of them is stopped.
    pub(super) fn take_notes(&mut self) -> Result<(), Failure> {
        let now = self.net.now();
        let noted = self.chronicle.record_all(&mut self.net);
        noted.map_err(|violation| Failure::Broken(now, violation))
    }

    /// Publishes some rumors and writes some keys, at any nodes.
    pub(super) fn make_news(&mut self) -> Result<(), Failure> {
        if self.plan.node.bare {
            return Ok(());
        }
        if self.rng.random_ratio(2, 3) {
            self.publish()?;
        }
        let writes = if self.rng.random_ratio(1, 10) { 20 } else { self.rng.random_range(0..3u32) };
        for _ in 0..writes {
            self.write()?;
        }
        Ok(())
    }

    /// A payload of any kind: empty, short, or too long for a datagram.
    fn payload(&mut self) -> Vec<u8> {
        let length = match self.rng.random_range(0..8u32) {
            0 => 0,
            1 => self.rng.random_range(1000..4000usize),
            _ => self.rng.random_range(1..100),
        };
        (0..length).map(|_| self.rng.random()).collect()
    }

    fn publish(&mut self) -> Result<(), Failure> {
        let Some(node) = self.any(1) else { return Ok(()) };
        let topic = Name::new("news").map_err(crate::SimError::from)?;
        let payload = self.payload();
        let published =
            self.net.with_node(node, |node, now| node.publish(now, &topic, &payload))?;
        // Nothing else is in the way of a short rumor.
        assert!(matches!(published, Ok(_) | Err(PublishError::QueueFull { .. })));
        Ok(())
    }

    fn write(&mut self) -> Result<(), Failure> {
        let Some(node) = self.any(1) else { return Ok(()) };
        let key = format!("key/{}", self.rng.random_range(0..KEYS));
        let value = (!self.rng.random_ratio(1, 4)).then(|| self.payload());
        self.net.with_node(node, |node, now| match value {
            Some(value) => node.put(now, &key, &value).is_ok(),
            None => node.delete(now, &key).is_some(),
        })?;
        Ok(())
    }
}
