//! The state of a running agent, which requests read and change: the node, and what belongs to it.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rumormill_proto::{
    EventId, Expected, Instant, Member, MemberState, Node, PublishError, VERSION,
};

use crate::api::{Counters, Info, NarrowPath, SocketStats};
use crate::clock::{Clock, unix_millis};
use crate::error::Error;
use crate::query::{Answers, Askers, Handlers};
use crate::resolve::Address;
use crate::seeds::{AT_ONCE, Seeds, Standing};
use crate::store::writer::{Ticket, Writer};

/// What requests read and change.
pub(crate) struct Core {
    pub(crate) node: Node,
    /// What writes changes to disk, if the agent has a store.
    pub(crate) store: Option<Writer>,
    pub(crate) askers: Askers,
    pub(crate) handlers: Handlers,
    /// The number of notices that subscribers have missed.
    pub(crate) missed: Arc<AtomicU64>,
    pub(crate) clock: Clock,
    pub(crate) sockets: SocketStats,
    pub(crate) loss: f64,
    /// The address of the HTTP API.
    pub(crate) http: Option<SocketAddr>,
    /// The names to join.
    pub(crate) seeds: Seeds,
    /// Whether another member has ever been up.
    pub(crate) joined: bool,
    /// The number of other members that were up when the agent last ran, if it keeps a store.
    pub(crate) knew: usize,
    /// The number of log lines that the program could not write, if it counts them.
    pub(crate) log_lines_dropped: Option<Arc<AtomicU64>>,
}

/// Whether an agent is ready.
pub(crate) enum Readiness {
    /// It is; with a note about the names to join, if there is one.
    Ready(Option<String>),
    /// It is not yet, and why.
    Waiting(String),
}

impl Core {
    /// Returns the core's time. Reads the wall clock for the node first, so that the node never acts
    /// on an outdated time of day.
    pub(crate) fn now(&mut self) -> Instant {
        let now = self.clock.now();
        self.node.handle_wall_clock(now, unix_millis());
        now
    }

    pub(crate) fn counters(&self) -> Counters {
        Counters { node: self.node.stats().clone(), sockets: self.sockets.clone() }
    }

    /// Returns a description of the agent.
    pub(crate) fn info(&mut self) -> Info {
        let uptime_seconds = self.now().since(Instant::ZERO).as_secs_f64();
        let node = &self.node;
        let me = node.identity();
        let lines = self.log_lines_dropped.as_ref();
        Info {
            name: me.name.clone(),
            address: me.addr,
            http_address: self.http,
            incarnation: me.incarnation,
            id: me.id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            wire_version: VERSION,
            cluster: node.config().cluster.clone(),
            uptime_seconds,
            members: node.roster().len(),
            joining: self.is_joining(),
            join: self.seeds.targets(me.addr),
            loss: self.loss,
            settings: node.config().clone(),
            events: node.events().load(),
            kv: node.kv().load(),
            clock: node.clock_status(),
            narrow_paths: NarrowPath::all(node),
            store: self.store.as_ref().map(Writer::info),
            handlers: self.handlers.topics().map(ToString::to_string).collect(),
            inputs: node.aggregates().inputs(),
            log_lines_dropped: lines.map(|lines| lines.load(Ordering::Relaxed)),
            counters: self.counters(),
        }
    }

    /// Asks all members that are up, in the way of `ask`, and returns their answers.
    pub(crate) fn ask(
        &mut self,
        ask: impl FnOnce(&mut Node, Instant) -> Result<EventId, PublishError>,
    ) -> Result<Answers, Error> {
        let (now, silent) = (self.now(), self.up());
        let id = ask(&mut self.node, now)?;
        Ok(Answers::new(id, self.askers.open(id), silent))
    }

    /// Returns whether no other member is up.
    pub(crate) fn is_alone(&self) -> bool {
        self.node.roster().is_empty()
    }

    /// Returns the names of the members that are up, this agent included.
    fn up(&self) -> BTreeSet<String> {
        let members = self.node.members().into_iter();
        let up = members.filter(|member| member.state != MemberState::Down);
        up.map(|member| member.identity.name.to_string()).collect()
    }

    /// Takes the result of a lookup of a name to join. Contacts its addresses, except the agent's own
    /// (often in a list that all agents of a cluster share) and those of members; and stops contacting
    /// those that no name resolves to any more. Returns how many lookups of the name have failed in a
    /// row.
    pub(crate) fn looked_up(
        &mut self,
        address: &Address,
        result: Result<Vec<SocketAddr>, String>,
    ) -> u32 {
        let now = self.now();
        let roster = self.node.roster();
        let members: BTreeSet<_> = roster.peers().map(|(_, peer)| peer.addr).collect();
        let me = self.node.identity().addr;
        let down = |member: &Member| member.state == MemberState::Down;
        let seeking = roster.is_empty() || self.node.members().iter().any(down);
        let skip = |addr| addr == me || members.contains(&addr);
        let (contacts, failed) = self.seeds.looked_up(now, address, result, seeking, skip);
        let pending: BTreeSet<_> = self.node.joining().collect();
        for &addr in pending.iter().filter(|addr| !self.seeds.contacts(**addr)) {
            self.node.stop_joining(addr);
        }
        for addr in contacts.into_iter().filter(|addr| !pending.contains(addr)) {
            self.node.join(now, addr);
        }
        failed
    }

    /// Makes a change that must be on disk, unless the store can't be written. The ticket says when it
    /// is on disk.
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

    /// Hands changed entries to the store.
    pub(crate) fn store_changes(&mut self) {
        if let Some(store) = &self.store {
            store.all_if_wanted(|| {
                (self.node.aggregates().inputs(), Box::new(self.node.kv().entries()))
            });
        }
        while let Some((key, entry)) = self.node.kv_mut().poll_store() {
            if let Some(store) = &self.store {
                store.entry(key, entry.map(|entry| entry.encode()));
            }
        }
    }

    /// Joins the addresses that a name resolves to now, and keeps the name.
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

    /// Returns whether the agent is alone and has names to join that lead to others or nowhere yet.
    pub(crate) fn is_joining(&self) -> bool {
        let standing = self.seeds.standing(self.node.identity().addr);
        self.is_alone() && standing == Standing::Unreached
    }

    /// Tells the node whether others are expected: those that the agent knew when it last ran, or
    /// those that it was given to join.
    pub(crate) fn expect_others(&mut self) {
        if self.joined {
            return;
        }
        let me = self.node.identity().addr;
        let expected = match (self.knew, self.seeds.standing(me)) {
            (0, Standing::Unreached) => Some(Expected::Joining),
            (0, Standing::Nothing | Standing::OnlyItself) => None,
            (others, _) => Some(Expected::Known(others)),
        };
        self.node.expect_others(expected);
    }

    /// Returns whether the agent is ready. It is if it has no names to join, if another member has been
    /// up since it started, or if the names to join lead to this agent itself alone: then it may be the
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
                "no other member has been reached: the names to join lead to this agent itself \
                 alone: {names}"
            );
            return Readiness::Ready(Some(text));
        }
        Readiness::Waiting(format!("no member has been reached: {names}"))
    }
}

/// A request of a handle to the driver.
pub(crate) enum Command {
    /// Run this with the core.
    Call(Box<dyn FnOnce(&mut Core) + Send>),
    /// Leave the cluster, then stop.
    Leave,
    /// Stop at once.
    Kill,
}
