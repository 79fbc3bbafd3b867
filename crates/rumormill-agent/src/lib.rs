//! Real rumormill agents: UDP and TCP sockets, an HTTP API and metrics around the protocol core.
//!
//! An agent in a program of your own:
//!
//! ```
//! use std::time::Duration;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let any = "127.0.0.1:0".parse()?;
//! let a = rumormill_agent::Agent::builder("a").bind(any).start().await?;
//! let seed = a.udp_addr().to_string();
//! let b = rumormill_agent::Agent::builder("b").bind(any).join([seed]).start().await?;
//! a.aggregates().set("requests", 5.0).await?;
//! b.aggregates().set("requests", 10.0).await?;
//! let reading = b.aggregates().get("requests").await?.expect("has an input");
//! assert_eq!(reading.name, "requests");
//! b.leave().await;
//! a.leave().await;
//! # Ok(())
//! # }
//! ```
//!
//! The example `embed` goes on to wait for the sum.
#![forbid(unsafe_code)]

mod agent;
pub mod api;
mod builder;
mod clock;
mod core;
mod driver;
mod error;
mod http;
mod inbox;
mod metrics;
pub mod page;
mod query;
mod resolve;
mod seeds;
mod socket;
mod store;
mod stream;
mod subscription;
mod supervisor;

pub use agent::Agent;
pub use agent::aggregates::Aggregates;
pub use agent::events::Events;
pub use agent::kv::Kv;
pub use agent::queries::Queries;
pub use builder::Builder;
pub use error::{AddressError, Error, StartError, StopReason};
pub use query::Answers;
pub use resolve::check_address;
pub use rumormill_proto as proto;
pub use rumormill_proto::{
    AggregateSettings, Config, EventSettings, KvSettings, MembershipSettings, Mode,
};
pub use store::Store;
pub use store::error::{FileProblem, KeepError, StoreError};
pub use subscription::{Missed, Subscription};
