//! What a running agent holds, and what requests may look at and change: the node, and what
//! stands around it.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use rumormill_proto::{Instant, MemberState, Node};
use tokio::time;

use crate::api::counters::SocketStats;
use crate::error::Error;
use crate::query::{Askers, Handlers};
use crate::resolve::Address;
use crate::seeds::{AT_ONCE, Seeds, Standing};
use crate::store::{Ticket, Writer};
use crate::subscription::Missed;

/// The core's clock: nanoseconds since the agent's start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(time::Instant);

impl Clock {
    pub(crate) fn start() -> Self {
        Self(time::Instant::now())
    }

    pub(crate) fn now(self) -> Instant {
        Instant::from_nanos(u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    pub(crate) fn at(self, instant: Instant) -> time::Instant {
        self.0 + Duration::from_nanos(instant.as_nanos())
    }
}

/// What a request may look at and change.
pub(crate) struct Core {
    pub(crate) node: Node,
    /// What keeps changes on disk; `None` if nothing does.
    pub(crate) store: Option<Writer>,
    pub(crate) askers: Askers,
    pub(crate) handlers: Handlers,
    /// How many events subscribers have missed.
    pub(crate) missed: Missed,
    pub(crate) clock: Clock,
    pub(crate) sockets: SocketStats,
    pub(crate) loss: f64,
    /// The names to join.
    pub(crate) seeds: Seeds,
    /// Whether another member has ever been up.
    pub(crate) joined: bool,
}

/// Whether an agent can do its work.
pub(crate) enum Readiness {
    /// It can; what is worth knowing of the names to join.
    Ready(Option<String>),
    /// It can't yet, and why.
    Waiting(String),
}

impl Core {
    pub(crate) fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Whether no other member is up.
    pub(crate) fn is_alone(&self) -> bool {
        self.node.roster().is_empty()
    }

    /// A lookup of a name to join has ended: asks the addresses that it means, but for the agent's
    /// own, which is often in a list that all agents of a cluster share, and those of members; and
    /// stops asking those that no name means any more. Returns how many lookups of the name have
    /// failed in a row.
    pub(crate) fn looked_up(
        &mut self,
        address: &Address,
        result: Result<Vec<SocketAddr>, String>,
    ) -> u32 {
        let now = self.now();
        let roster = self.node.roster();
        let members: BTreeSet<_> = roster.peers().map(|(_, peer)| peer.addr).collect();
        let me = self.node.identity().addr;
        let down = |(_, state): &(_, MemberState)| *state == MemberState::Down;
        let seeking = roster.is_empty() || self.node.members().iter().any(down);
        let skip = |addr| addr == me || members.contains(&addr);
        let (asks, failed) = self.seeds.looked_up(now, address, result, seeking, skip);
        let pending: BTreeSet<_> = self.node.joining().collect();
        for &addr in pending.iter().filter(|addr| !self.seeds.asks(**addr)) {
            self.node.stop_joining(addr);
        }
        for addr in asks.into_iter().filter(|addr| !pending.contains(addr)) {
            self.node.join(now, addr);
        }
        failed
    }

    /// Runs a change that must survive the agent. It is not made if it can't be expected to; the
    /// ticket tells when it is on the disk.
    pub(crate) fn keep<R>(
        &mut self,
        change: impl FnOnce(&mut Self) -> Result<R, Error>,
    ) -> Result<(R, Ticket), Error> {
        if let Some(store) = &self.store {
            store.check()?;
        }
        let result = change(self)?;
        let ticket = self.store.as_ref().map_or_else(Ticket::nothing, Writer::ticket);
        Ok((result, ticket))
    }

    /// Hands what the replica has changed to the store.
    pub(crate) fn store_changes(&mut self) {
        while let Some(entry) = self.node.poll_store() {
            if let Some(store) = &self.store {
                let bytes = entry.encode();
                store.entry(entry.key, Some(bytes));
            }
        }
    }

    /// Joins what a name means now, and keeps the name.
    pub(crate) fn join(&mut self, address: &Address, found: &[SocketAddr]) {
        let now = self.now();
        self.seeds.add(now, address.clone());
        self.looked_up(address, Ok(found.to_vec()));
        let me = self.node.identity().addr;
        for &addr in found.iter().filter(|addr| **addr != me).take(AT_ONCE) {
            self.seeds.forget(addr);
            self.node.join(now, addr);
        }
    }

    /// Whether the agent has yet to reach a member, or to reach one again.
    pub(crate) fn is_joining(&self) -> bool {
        let standing = self.seeds.standing(self.node.identity().addr);
        self.is_alone() && standing == Standing::Unreached
    }

    /// An agent is ready if it was told of nobody to join, if another member has been up since it
    /// started, or if the names to join mean this agent itself and nobody else: then it may be the
    /// first of its cluster.
    pub(crate) fn readiness(&self) -> Readiness {
        let me = self.node.identity().addr;
        let standing = self.seeds.standing(me);
        if !self.is_alone() || standing == Standing::Nothing {
            return Readiness::Ready(None);
        }
        let names = self.seeds.describe(me);
        if self.joined {
            let text = format!("no other member is up any more; names to join: {names}");
            return Readiness::Ready(Some(text));
        }
        if standing == Standing::OnlyItself {
            let text = format!(
                "no other member has been reached: the names to join mean only this agent \
                 itself: {names}"
            );
            return Readiness::Ready(Some(text));
        }
        Readiness::Waiting(format!("no member has been reached: {names}"))
    }
}
