//! Gossip protocols as state machines without I/O.
//!
//! A [`Node`] is one member of a cluster. It has no socket, no clock and no thread, and all its random
//! numbers follow from a seed: a *driver* hands in packets and timers, and takes out messages and
//! notices. Agents on a network, the virtual network and the browser are three drivers of the same
//! code, and one seed replays one run bit for bit in each of them.
//!
//! ```
//! use rumormill_proto::{Config, Identity, Instant, Mode, Name, Node, Plane};
//!
//! // Two nodes, and a driver that is a loop.
//! let identity = |name: &str, port: u16| -> Result<Identity, Box<dyn std::error::Error>> {
//!     Ok(Identity { name: Name::new(name)?, addr: ([127, 0, 0, 1], port).into(), incarnation: 1 })
//! };
//! let mut nodes = [
//!     Node::new(Instant::ZERO, identity("a", 1)?, Config::default(), 1)?,
//!     Node::new(Instant::ZERO, identity("b", 2)?, Config::default(), 2)?,
//! ];
//! let requests = Name::new("requests")?;
//! nodes[0].aggregates_mut().set(Instant::ZERO, &requests, 5.0, Mode::Live)?;
//! nodes[1].aggregates_mut().set(Instant::ZERO, &requests, 10.0, Mode::Live)?;
//! let first = nodes[0].identity().addr;
//! nodes[1].join(Instant::ZERO, first);
//! let mut now = Instant::ZERO;
//! while !nodes.iter().all(|n| n.aggregates().get(now, &requests).is_some_and(|r| r.converged && r.members == 2)) {
//!     now = nodes.iter().filter_map(Node::poll_timeout).min().unwrap_or(now).max(now);
//!     for at in 0..2 {
//!         nodes[at].handle_timeout(now);
//!     }
//!     // A network that loses nothing and takes no time.
//!     let mut busy = true;
//!     while busy {
//!         busy = false;
//!         for at in 0..2 {
//!             let from = nodes[at].identity().addr;
//!             while let Some(message) = nodes[at].poll_transmit() {
//!                 busy = true;
//!                 match message.plane {
//!                     Plane::Datagram => nodes[1 - at].handle_datagram(now, from, &message.bytes),
//!                     Plane::Stream => nodes[1 - at].handle_stream(now, from, &message.bytes),
//!                 }
//!             }
//!         }
//!     }
//! }
//! let reading = nodes[0].aggregates().get(now, &requests).ok_or("unknown")?;
//! assert!((reading.sum.value.ok_or("unknown")? - 15.0).abs() < 1e-4);
//! assert!(reading.certified.ok_or("no bounds")?.sum.encloses(15.0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Overview
//!
//! A driver sees:
//!
//! | | |
//! |---|---|
//! | [`Node`] | one member: the methods `handle_…` take packets and timers, the methods `poll_…` return messages and notices |
//! | [`Node::aggregates`] | sums, averages, counts and variances over the inputs of all members |
//! | [`Node::events`] | events: each reaches every node once, as a rumor spreads |
//! | [`Node::kv`] | keys and values that every member stores |
//! | [`Node::queries_mut`] | queries that all members answer |
//! | [`Notice`], [`Transmit`] | what a node reports; a message to send |
//! | [`Config`] | all settings, each protocol's in a struct of its own |
//! | [`Protocol`], [`RoundProtocol`] | the traits for a protocol of your own, which the built-in protocols implement, too |
//!
//! Inside, each module has its settings, its messages and its state. No two files import each other.
//!
//! | module | its subject |
//! |---|---|
//! | `node` | the state machine: an `impl Node` for each group of verbs; `node/settle.rs` routes notices and sends messages, `node/ask.rs` and `node/sync.rs` do joining and the exchange of the membership, `node/probe.rs` tests paths |
//! | `host`, `rounds`, `numbering` | run one protocol: its ticks and its alarm; its rounds; the numbers of rounds and epochs |
//! | `aggregate` | ledgered symmetric push-sum: the ledger, the schedule, the windows that enclose the truth, epochs, readings |
//! | `rumor` | events, which spread as rumors: kept, delivered once, and stopped |
//! | `kv` | the last-writer-wins map and its tombstones |
//! | `query` | the answers to queries, which go directly to the node that asked |
//! | `gossip` | what events and keys share: push (`push.rs`) and pull (`compare.rs`) by reconciling sets (`reconcile.rs`) |
//! | `protocol`, `core` | the trait and its `Context`; the state that a node lends to protocols |
//! | `membership` | SWIM (the library `foca`), the roster of members that are up, join attempts |
//! | `clock` | a hybrid logical clock, and how members' wall clocks compare |
//! | `config`, `stats`, `notice`, `transmit`, `codec`, `trace` | settings, counters, notices, messages; the envelope and the reader of bytes; reports to `tracing` |
//! | `identity`, `time`, `size`, `words`, `json`, `text` | names and incarnations; instants and durations; sizes; the text forms of values |
//! | `spsp` | plain symmetric push-sum, the worked example |
//!
//! # Features
//!
//! - `schema`: JSON schemas of settings and data.
//! - `tracing`: a span for each packet and each timer, with an event for each dropped packet, refused
//!   stamp and notice, at the level debug of the library `tracing`.
//! - `sabotage`: for tests alone.
#![forbid(unsafe_code)]

mod aggregate;
mod clock;
mod codec;
mod config;
mod core;
mod gossip;
mod host;
mod identity;
pub mod json;
mod kv;
mod membership;
mod node;
mod notice;
mod numbering;
mod protocol;
mod query;
mod rounds;
mod rumor;
#[doc(hidden)]
pub mod sabotage;
mod size;
mod spsp;
mod stats;
pub mod text;
mod time;
mod trace;
mod transmit;
mod words;

pub use crate::aggregate::input::{Input, InputError, MAX_AGGREGATES, MAX_INPUT, Mode};
pub use crate::aggregate::reading::{
    AnchorLine, Bounded, Caveat, Certified, ComponentKind, ComponentLine, Estimate, Explanation,
    LinkLine, Reading, State, WindowLine, WindowPhase,
};
pub use crate::aggregate::settings::{
    AggregateSettings, BURST, BURST_BROADCASTS, GAPS_PER_INTERVAL, HURRIED_BROADCASTS,
    KEPT_EXCHANGES, Overlap, REST_INTERVALS, Schedule,
};
pub use crate::clock::{ClockStatus, Stamp};
pub use crate::codec::{VERSION, WireError};
pub use crate::config::Config;
pub use crate::config::beside::{Beside, read_beside};
pub use crate::config::range::ConfigError;
pub use crate::identity::{Identity, MAX_NAME, Name, NameError, NodeId};
pub use crate::json::duration;
pub use crate::kv::entry::{Entry, KeyChange, Version};
pub use crate::kv::key::{MAX_KEY, PutError, check_key};
pub use crate::kv::settings::KvSettings;
pub use crate::membership::directory::Directory;
pub use crate::membership::expected::Expected;
pub use crate::membership::member::{Member, MemberState};
pub use crate::membership::roster::Roster;
pub use crate::membership::settings::MembershipSettings;
pub use crate::node::Node;
pub use crate::node::aggregates::Aggregates;
pub use crate::node::events::{EventLoad, Events};
pub use crate::node::initial::InitialMembers;
pub use crate::node::kv::{Kv, KvLoad};
pub use crate::node::queries::Queries;
pub use crate::node::summary::Summary;
pub use crate::notice::Notice;
pub use crate::protocol::{Context, Protocol};
pub use crate::query::AnswerError;
pub use crate::rounds::{RoundProtocol, Rounds};
pub use crate::rumor::event::{Event, EventId, PublishError, Validator};
pub use crate::rumor::record::EventRecord;
pub use crate::rumor::settings::{EventSettings, Style};
pub use crate::rumor::stop::{Counted, Decided, Stop, StopError};
pub use crate::size::{SizeError, parse_size};
pub use crate::spsp::Spsp;
pub use crate::stats::{GossipStats, Stats};
pub use crate::time::{Duration, DurationError, Instant, parse_duration, show_duration};
pub use crate::transmit::{Plane, Transmit};
pub use crate::words::UnknownWord;

/// The generator of all random numbers in the core: small, fast, the same on every machine.
pub type Rng = rand_pcg::Pcg64Mcg;
