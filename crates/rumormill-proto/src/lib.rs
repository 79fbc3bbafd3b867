//! Gossip protocols as state machines without I/O.
#![forbid(unsafe_code)]

mod aggregate;
mod config;
mod host;
mod identity;
mod join;
mod membership;
mod node;
mod protocol;
mod roster;
#[doc(hidden)]
pub mod sabotage;
mod spsp;
mod stats;
mod time;
mod wire;

pub use aggregate::{
    AnchorLine, Caveat, ComponentLine, Explanation, Figure, InputError, LinkLine, MAX_FIGURES,
    MAX_INPUT, Mode, Reading, WindowLine,
};
pub use config::{Config, ConfigError, Overlap};
pub use identity::{Identity, MAX_NAME, Name, NameError, NodeId};
pub use membership::MemberState;
pub use node::{Event, Node, Plane, Transmit};
pub use protocol::{Context, Protocol};
pub use roster::Roster;
pub use spsp::Spsp;
pub use stats::Stats;
pub use time::{Duration, Instant};
pub use wire::{VERSION, WireError};

/// The generator of every random number in the core: small, fast, the same on every machine.
pub type Rng = rand_pcg::Pcg64Mcg;
