//! The parameters of pushing and pulling.

use crate::codec::Envelope;
use crate::rumor::settings::{EventSettings, Style};
use crate::rumor::stop::Stop;
use crate::time::Duration;

/// The parameters by which a protocol's entries are pushed and pulled.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    pub(crate) style: Style,
    pub(crate) fanout: usize,
    pub(crate) stop: Stop,
    pub(crate) interval: Duration,
    pub(crate) pull_interval: Duration,
    /// Whether a new entry is pushed at once.
    pub(crate) eager: bool,
    /// The shortest time between two such pushes: entries that come within it are pushed together.
    pub(crate) gap: Duration,
    /// The longest message that is sent as a datagram, in bytes.
    pub(crate) datagram: usize,
}

impl Policy {
    pub(crate) fn new(config: &EventSettings, max_datagram: usize) -> Self {
        Self {
            style: config.style,
            fanout: config.fanout as usize,
            stop: config.stop,
            interval: config.interval,
            pull_interval: config.pull_interval,
            eager: config.eager,
            gap: Duration::ZERO,
            datagram: max_datagram - Envelope::SIZE,
        }
    }

    /// Returns the parameters for keys: writes in quick succession are pushed together, and since pull
    /// completes it, push need not reach every node.
    pub(crate) fn for_kv(self) -> Self {
        let gap = self.interval / 4;
        Self { style: Style::PushThenPull, stop: Stop::Log(1.0), eager: true, gap, ..self }
    }
}
