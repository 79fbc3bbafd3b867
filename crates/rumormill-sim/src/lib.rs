//! A deterministic virtual network that runs the protocol core itself.
//!
//! [`VirtualNetwork`] drives any number of [`rumormill_proto::Node`]s on a virtual clock, through
//! links that delay, lose, repeat and reorder, while nodes crash, restart, stop for a while, are
//! cut off, and have clocks that drift. A run is a pure function of its seed: the same calls with
//! the same seed deliver the same packets at the same nanoseconds, and
//! [`VirtualNetwork::digest`] is one number to compare two runs by.
//!
//! A [`scenario::Scenario`] says what happens in a run, and [`scenario::ScenarioRun`] carries it out
//! and checks what must hold ([`check`]). [`scenario::random::Random`] draws a scenario full of faults
//! from a seed. [`trace`] records runs.
//!
//! ```
//! use rumormill_proto::{Duration, Instant};
//! use rumormill_sim::{NetworkConfig, NodeSpec, VirtualNetwork};
//!
//! let mut net = VirtualNetwork::new(NetworkConfig { seed: 7, ..NetworkConfig::default() })?;
//! let a = net.add_node(NodeSpec::named("a")?)?;
//! let b = net.add_node(NodeSpec::named("b")?)?;
//! net.join(b, a);
//! let met = |net: &VirtualNetwork| net.running().all(|(_, node)| node.roster().len() == 2);
//! assert!(net.run_until(Instant::ZERO + Duration::from_secs(5), met));
//! # Ok::<(), rumormill_sim::SimError>(())
//! ```
#![deny(unsafe_code)]

pub mod check;
pub mod network;
pub mod scenario;
pub mod trace;

pub use check::chronicle::Chronicle;
pub use check::truth::{Truth, Units};
pub use check::violation::Failure;
pub use network::VirtualNetwork;
pub use network::counters::Counters;
pub use network::error::SimError;
pub use network::index::NodeIndex;
pub use network::link::{Latency, Link};
pub use network::slot::NodeState;
pub use network::spec::{NetworkConfig, NodeSpec, Protocols};
