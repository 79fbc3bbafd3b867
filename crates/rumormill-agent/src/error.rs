//! Errors, and the reasons why an agent stops.

use std::io;
use std::net::SocketAddr;

use rumormill_proto::{ConfigError, InputError, Name, NameError, PublishError, PutError, Reading};

use crate::store::error::{KeepError, StoreError};

/// Why an agent did not start. It leaves nothing behind.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The agent's name is malformed.
    #[error("the agent's name is malformed: {0}")]
    Name(#[from] NameError),
    /// A setting is out of its range.
    #[error("the setting {0}")]
    Config(#[from] ConfigError),
    /// The loss is not a probability.
    #[error("the loss is {0}, but must be a probability, from 0 to 1")]
    Loss(f64),
    /// The store can't be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An address to join is malformed.
    #[error(transparent)]
    Join(#[from] AddressError),
    /// The other members could not reach the agent at the address that it would advertise.
    #[error(
        "the agent would advertise {0}, which is no address that others can reach; advertise \
         one that they can, or bind to it"
    )]
    Advertise(SocketAddr),
    /// The address is in use.
    #[error(
        "the {protocol} address {addr} is in use by another program, maybe another agent; \
         stop that program, or choose another port (0 takes any free one)"
    )]
    Taken {
        /// UDP, TCP or HTTP.
        protocol: &'static str,
        /// The address.
        addr: SocketAddr,
    },
    /// The operating system refused the address for another reason.
    #[error(
        "can't bind the {protocol} address {addr}; \
         choose an address of this machine and a port that you may use"
    )]
    Bind {
        /// UDP, TCP or HTTP.
        protocol: &'static str,
        /// The address.
        addr: SocketAddr,
        /// The operating system's error.
        source: io::Error,
    },
}

impl StartError {
    pub(crate) fn bind(protocol: &'static str, addr: SocketAddr, source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::AddrInUse {
            Self::Taken { protocol, addr }
        } else {
            Self::Bind { protocol, addr, source }
        }
    }
}

/// An address that can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// Not of the form `host:port`.
    #[error("the address {0:?} is not of the form HOST:PORT, such as 192.0.2.7:7946")]
    Form(String),
    /// The host has no usable address, or the lookup failed.
    #[error("the address {address:?} can't be used: {reason}; check the host")]
    Unresolved {
        /// The address.
        address: String,
        /// What went wrong.
        reason: String,
    },
}

impl AddressError {
    /// Returns the reason without the address.
    pub(crate) fn reason(self) -> String {
        match self {
            Self::Unresolved { reason, .. } => reason,
            Self::Form(_) => self.to_string(),
        }
    }
}

/// Why a request to an agent failed. Nothing has changed, except where an error says otherwise.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A name is malformed.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The input was refused.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The address can't be used.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The event or the query was refused.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// The write to a key was refused.
    #[error(transparent)]
    Put(#[from] PutError),
    /// The change could not be written to the agent's store.
    #[error(transparent)]
    Keep(#[from] KeepError),
    /// The aggregate has not converged in time. Holds the last reading.
    #[error("{} has not converged in time{}", .0.name, reasons(.0))]
    NotConverged(Box<Reading>),
    /// The agent does not know the aggregate.
    #[error("there is no aggregate named {name}; {}", known(.names))]
    Unknown {
        /// The name.
        name: String,
        /// The aggregates that the agent knows.
        names: Vec<Name>,
    },
    /// The agent has stopped.
    #[error("the agent has stopped: {0}")]
    Stopped(StopReason),
}

fn reasons(reading: &Reading) -> String {
    let caveats: String = reading.caveats.iter().map(|caveat| format!("; {caveat}")).collect();
    if caveats.is_empty() { "; wait longer".to_owned() } else { caveats }
}

/// Lists the aggregates that an agent knows, in words.
fn known(names: &[Name]) -> String {
    if names.is_empty() {
        return "this agent knows no aggregate yet; set an input first".to_owned();
    }
    let names: Vec<_> = names.iter().map(Name::as_str).collect();
    format!("this agent knows {}", names.join(", "))
}

/// Why an agent has stopped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StopReason {
    /// It left the cluster, as requested.
    #[error("it left the cluster")]
    Left,
    /// It was killed.
    #[error("it was killed")]
    Killed,
    /// All its handles were dropped.
    #[error("all its handles were dropped")]
    Dropped,
    /// The cluster has a live member with its name.
    #[error("the name {name} is taken by the live member at {by}; choose another name")]
    NameTaken {
        /// The name.
        name: String,
        /// The member's address.
        by: SocketAddr,
    },
    /// Its UDP socket failed permanently.
    #[error("its UDP socket failed: {0}")]
    Socket(String),
    /// A protocol panicked.
    #[error("it panicked: {0}")]
    Panicked(String),
}
