//! One question, four answers: how many nodes are informed of an event after each round?
//!
//! [`Exact`] is the theory's; [`round_model`], [`virtual_network`] and [`agents()`] measure the
//! same [`Setting`], each as a [`Curve`]; [`Curve::beyond`] says where a measured one is further
//! from the exact one than chance explains.

pub mod agents;
mod curve;
mod exact;
mod network;
pub mod plot;
mod rounds;

pub use agents::agents;
pub use curve::{Beyond, Curve};
pub use exact::Exact;
pub use network::virtual_network;
pub use rounds::{RoundModel, round_model};

use rumormill_model::spread::Spread;
use rumormill_proto::{Config, Duration, EventSettings, Stop, Style};

/// The question: push among this many nodes, without loss and dead nodes, in synchronous rounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Number of nodes, at least 2.
    pub nodes: u32,
    /// Number of distinct nodes that an informed node pushes to in each round.
    pub fanout: u32,
    /// Rounds after which all nodes stop pushing.
    pub rounds: u32,
}

impl Setting {
    /// Returns the question to the models.
    fn spread(self) -> Spread {
        Spread { fanout: self.fanout.into(), ..Spread::new(self.nodes.into(), Style::Push) }
    }

    /// Returns the configuration of a node that does this, with rounds of this length.
    fn config(self, interval: Duration) -> Config {
        let event = EventSettings {
            style: Style::Push,
            fanout: self.fanout,
            stop: Stop::Rounds(self.rounds),
            interval,
            eager: false,
            ..EventSettings::default()
        };
        Config { events: event, ..Config::default() }
    }

    /// Returns the node at which the event of this number is published. All nodes have their turn.
    fn origin(self, event: u32) -> usize {
        (u64::from(event) * 7 % u64::from(self.nodes)) as usize
    }
}
