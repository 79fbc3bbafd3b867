//! Two protocols of a user's own, one of each kind that `gen_gossip` has: [`epidemic`] spreads rumors,
//! [`round_based`] computes in rounds. Both only use [`rumormill_proto::Protocol`], so the agent's
//! examples run them over real sockets, and the virtual network's tests over a simulated one,
//! unchanged.
#![forbid(unsafe_code)]

pub mod epidemic;
pub mod round_based;

#[cfg(test)]
mod harness;
