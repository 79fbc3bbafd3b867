//! Two protocols of one's own, one of each kind that `gen_gossip` has: [`epidemic`] spreads news,
//! [`round_based`] computes in rounds. Both are written against [`rumormill_proto::Protocol`] and
//! nothing else, so the agent's examples run them over real sockets and the virtual network's
//! tests run them over a simulated one, unchanged.
#![forbid(unsafe_code)]

pub mod epidemic;
pub mod round_based;

#[cfg(test)]
mod harness;
