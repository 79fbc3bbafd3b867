//! How entries are pushed and pulled.

use crate::codec::Envelope;
use crate::rumor::settings::{EventSettings, Style};
use crate::rumor::stop::Stop;
use crate::time::Duration;

/// How entries are told.
#[derive(Clone, Debug)]
pub(crate) struct Manner {
    pub(crate) style: Style,
    pub(crate) fanout: usize,
    pub(crate) stop: Stop,
    pub(crate) interval: Duration,
    pub(crate) pull_interval: Duration,
    /// Whether what is heard is told on at once.
    pub(crate) eager: bool,
    /// The least time between two tellings at once: what comes within it is told together.
    pub(crate) gap: Duration,
    /// How long a message may be to go as a datagram.
    pub(crate) datagram: usize,
}

impl Manner {
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

    /// For state instead of news: several updates in quick succession go together, and since pull
    /// stands behind it in any case, push need not reach the last.
    pub(crate) fn of_state(self) -> Self {
        let gap = self.interval / 4;
        Self { style: Style::PushThenPull, stop: Stop::Log(1.0), eager: true, gap, ..self }
    }

    pub(crate) fn pull_interval(&self) -> Duration {
        self.pull_interval
    }
}
