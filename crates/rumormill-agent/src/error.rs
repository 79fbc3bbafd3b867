//! What can go wrong, and why an agent stopped.

use std::io;
use std::net::SocketAddr;

use rumormill_proto::{ConfigError, InputError, NameError, PublishError, PutError};

use crate::api::Reading;
use crate::store::error::{KeepError, StoreError};

/// Why an agent did not start. Nothing is left behind then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The agent's name can't be one.
    #[error("the agent's name is no good: {0}")]
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
    /// An address to join can't be one.
    #[error(transparent)]
    Join(#[from] AddressError),
    /// The others could not reach the agent under the address that it would tell them.
    #[error(
        "the agent would tell the others to reach it at {0}, which means any address; \
         give the address that they can reach as the one to advertise, or bind to it"
    )]
    Advertise(SocketAddr),
    /// The address is in use.
    #[error(
        "the {protocol} address {addr} is taken by another program, maybe another agent; \
         stop that one, or choose another port (0 takes any free one)"
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
        /// What the operating system said.
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

/// An address that can't be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// Not of the form `host:port`.
    #[error("the address {0:?} is not of the form host:port, such as 192.0.2.7:7946")]
    Form(String),
    /// The name has no address, or the resolver did not answer.
    #[error("the address {address:?} can't be used: {reason}; check the host")]
    Unresolved {
        /// What was asked for.
        address: String,
        /// What the resolver said.
        reason: String,
    },
}

impl AddressError {
    /// Why, without the address.
    pub(crate) fn reason(self) -> String {
        match self {
            Self::Unresolved { reason, .. } => reason,
            Self::Form(_) => self.to_string(),
        }
    }
}

/// Why a request to a running agent failed. Nothing has changed then, except where an error says
/// otherwise.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A figure's name can't be one.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The input was refused.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The address can't be asked.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The rumor or the query was refused.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// The write to the replica was refused.
    #[error(transparent)]
    Put(#[from] PutError),
    /// The change could not be written to the agent's store.
    #[error(transparent)]
    Keep(#[from] KeepError),
    /// The agent runs no more.
    #[error("the agent has stopped: {0}")]
    Stopped(StopReason),
}

/// Why [`Aggregates::wait`](crate::Aggregates::wait) has no converged reading.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum WaitError {
    /// The figure had not converged when the time was over.
    /// This is the last reading.
    #[error("{} has not converged in time{}", .0.name, reasons(.0))]
    NotConverged(Box<Reading>),
    /// No figure of that name was heard of in all the time.
    #[error("there is no figure named {name}; {}", known(.names))]
    Unknown {
        /// The name.
        name: String,
        /// The figures that there are.
        names: Vec<String>,
    },
    /// The name can't be one.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The agent runs no more.
    #[error("the agent has stopped: {0}")]
    Stopped(StopReason),
}

fn reasons(reading: &Reading) -> String {
    let caveats: String = reading.caveats.iter().map(|caveat| format!("; {caveat}")).collect();
    if caveats.is_empty() { "; wait longer".to_owned() } else { caveats }
}

/// The figures that exist, in words.
pub(crate) fn known(names: &[String]) -> String {
    if names.is_empty() {
        "this agent has heard of no figure yet; set an input first".to_owned()
    } else {
        format!("this agent has heard of: {}", names.join(", "))
    }
}

/// Why an agent stopped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StopReason {
    /// It left the cluster, as it was asked to.
    #[error("it left the cluster")]
    Left,
    /// It was killed.
    #[error("it was killed")]
    Killed,
    /// All its handles were dropped.
    #[error("all its handles were dropped")]
    Dropped,
    /// The cluster has a live member of its name.
    #[error("the name {name} is taken by the live member at {by}; choose another name")]
    NameTaken {
        /// The name.
        name: String,
        /// Where the member is that has it.
        by: SocketAddr,
    },
    /// A socket failed for good.
    #[error("its UDP socket failed: {0}")]
    Socket(String),
    /// A protocol panicked.
    #[error("it panicked: {0}")]
    Panicked(String),
}
