//! Runs one [`Protocol`] inside a node: its ticks, its alarm, its rounds.

use std::collections::{BTreeMap, BTreeSet};

use rand::RngExt;

use crate::Rng;
use crate::clock::HybridClock;
use crate::config::Config;
use crate::identity::{NodeId, tag};
use crate::node::{Notice, Plane};
use crate::protocol::{Context, Protocol};
use crate::roster::Roster;
use crate::stats::Stats;
use crate::time::{Duration, Instant};
use crate::wire::{Reader, WireError, Write};

/// Periods of silence after which a node that is in no round begins the first one.
const SILENCE: u32 = 8;

/// The largest step by which a round that was heard of moves a node on: one message with a number
/// far ahead does not bring the end of all numbers near.
const MAX_STEP: u64 = 1 << 40;

/// What the node lends to the protocol that is being called.
pub(crate) struct Lent<'a> {
    pub(crate) now: Instant,
    pub(crate) roster: &'a Roster,
    pub(crate) config: &'a Config,
    pub(crate) rng: &'a mut Rng,
    pub(crate) clock: &'a mut HybridClock,
    pub(crate) stats: &'a mut Stats,
    pub(crate) notices: &'a mut Vec<Notice>,
}

pub(crate) struct Host {
    pub(crate) tag: u32,
    name: String,
    protocol: Box<dyn Protocol>,
    next_tick: Instant,
    wake: Option<Instant>,
    rounds: Option<Rounds>,
    /// Messages to send; the node drains them after every call.
    pub(crate) outbox: Vec<(NodeId, Plane, Vec<u8>)>,
}

/// Where a round-based protocol stands.
struct Rounds {
    length: u32,
    /// The current round; 0 before the first.
    number: u64,
    /// Periods since it began, or of silence before the first.
    periods: u32,
    newcomer: bool,
    /// How many have been members since it began.
    present: usize,
    /// Who has become one since.
    came: BTreeSet<NodeId>,
    /// When it began.
    entered: Instant,
    /// The round in which each peer was when it was last heard of, since then.
    heard: BTreeMap<NodeId, u64>,
}

impl Rounds {
    /// The last round that a peer may have reached since this node entered its own, if both go
    /// through the same ones: clocks may differ by a factor of 2.
    fn furthest(&self, now: Instant, period: Duration) -> u64 {
        let round = (period * self.length).as_nanos().max(1);
        let elapsed = now.since(self.entered).as_nanos();
        let rounds = u64::try_from(2 * elapsed / round).unwrap_or(u64::MAX);
        self.number.saturating_add(1).saturating_add(rounds)
    }

    /// The round after this one, and whether the node comes to it from elsewhere. A number that is
    /// out of reach is followed if at least half of those heard of, this node included, are ahead
    /// of it by more than a round; it is given up if more than half are behind it by more. So one
    /// wrong number throws nobody off for longer than a round.
    fn next(&self) -> (u64, bool) {
        let mine = self.number;
        let votes = self.heard.len() + 1;
        let ahead = || self.heard.values().filter(|&&theirs| theirs > mine.saturating_add(1));
        let behind = || self.heard.values().filter(|&&theirs| theirs.saturating_add(1) < mine);
        let first_ahead = ahead().min().filter(|_| 2 * ahead().count() >= votes);
        let last_behind = behind().max().filter(|_| 2 * behind().count() > votes);
        match (first_ahead, last_behind) {
            (Some(&theirs), _) => (theirs.min(mine.saturating_add(MAX_STEP)), true),
            (None, Some(&theirs)) => (theirs, true),
            (None, None) => (mine.saturating_add(1), false),
        }
    }
}

impl Host {
    pub(crate) fn new(protocol: Box<dyn Protocol>, lent: Lent<'_>) -> Self {
        let first = protocol.period().mul_f64(lent.rng.random_range(0.0..1.0));
        let name = protocol.name().to_owned();
        let rounds = protocol.round_length().map(|length| Rounds {
            length: length.max(1),
            number: 0,
            periods: 0,
            newcomer: false,
            present: 0,
            came: BTreeSet::new(),
            entered: lent.now,
            heard: BTreeMap::new(),
        });
        let next_tick = lent.now + first;
        let mut host =
            Self { tag: tag(&name), name, protocol, next_tick, wake: None, rounds, outbox: vec![] };
        host.call(lent, Protocol::start);
        host
    }

    pub(crate) fn protocol(&self) -> &dyn Protocol {
        &*self.protocol
    }

    /// The protocol, if it is a `P`, to change without a context.
    pub(crate) fn protocol_mut<P: Protocol>(&mut self) -> Option<&mut P> {
        (&mut *self.protocol as &mut dyn core::any::Any).downcast_mut()
    }

    /// Calls the protocol with a context.
    pub(crate) fn call<R>(
        &mut self,
        lent: Lent<'_>,
        f: impl FnOnce(&mut dyn Protocol, &mut Context<'_>) -> R,
    ) -> R {
        let sent = self.outbox.len();
        let Lent { now, roster, config, rng, clock, stats, notices } = lent;
        let mut cx = Context {
            now,
            roster,
            config,
            rng,
            clock,
            stats,
            outbox: &mut self.outbox,
            notices,
            wake: &mut self.wake,
            name: &self.name,
        };
        let result = f(&mut *self.protocol, &mut cx);
        if let Some(rounds) = &self.rounds {
            let mut prefix = Vec::new();
            prefix.put_varint(u128::from(rounds.number));
            for (.., message) in &mut self.outbox[sent..] {
                message.splice(0..0, prefix.iter().copied());
            }
        }
        result
    }

    pub(crate) fn poll_timeout(&self) -> Instant {
        self.wake.map_or(self.next_tick, |wake| wake.min(self.next_tick))
    }

    pub(crate) fn handle_timeout(&mut self, mut lent: Lent<'_>) {
        if self.wake.is_some_and(|wake| wake <= lent.now) {
            self.wake = None;
            self.call(lent.again(), Protocol::wake);
        }
        if self.next_tick <= lent.now {
            let period = self.protocol.period();
            // After a pause (a stopped process, a laptop asleep) missed ticks are not made up for.
            self.next_tick = (self.next_tick + period).max(lent.now + period / 2);
            self.advance_round(lent.again());
            if self.rounds.as_ref().is_none_or(|rounds| rounds.number > 0) {
                self.call(lent, Protocol::tick);
            }
        }
    }

    fn advance_round(&mut self, lent: Lent<'_>) {
        let Some(rounds) = &mut self.rounds else { return };
        rounds.periods += 1;
        let over = if rounds.number == 0 { SILENCE } else { rounds.length };
        if rounds.periods > over {
            let (next, newcomer) = rounds.next();
            self.enter_round(next, newcomer, lent);
        }
    }

    fn enter_round(&mut self, number: u64, newcomer: bool, mut lent: Lent<'_>) {
        let Some(rounds) = &mut self.rounds else { return };
        let finished = rounds.number;
        let complete = finished > 0 && !rounds.newcomer && number == finished.saturating_add(1);
        let participants = rounds.present;
        if complete {
            self.call(lent.again(), |p, cx| p.round_finished(cx, finished, participants));
        }
        if let Some(rounds) = &mut self.rounds {
            rounds.number = number;
            rounds.periods = 0;
            rounds.newcomer = newcomer;
            rounds.present = lent.roster.len();
            rounds.came.clear();
            rounds.entered = lent.now;
            rounds.heard.clear();
        }
        self.call(lent, |protocol, cx| protocol.round_started(cx, number, newcomer));
    }

    pub(crate) fn receive(
        &mut self,
        mut lent: Lent<'_>,
        from: NodeId,
        body: &[u8],
    ) -> Result<(), WireError> {
        let mut reader = Reader(body);
        let period = self.protocol.period();
        if let Some(rounds) = &mut self.rounds {
            let theirs = reader.varint64()?;
            let mine = rounds.number;
            if theirs == 0 {
                return Ok(());
            }
            rounds.heard.insert(from, theirs);
            if theirs < mine {
                return Ok(());
            }
            if mine > 0 && theirs > rounds.furthest(lent.now, period) {
                lent.stats.refused_jumps += 1;
                return Ok(());
            }
            if theirs > mine {
                let next = theirs.min(mine.saturating_add(MAX_STEP));
                // Those who wait for the first round are no newcomers to it.
                self.enter_round(next, next != mine + 1, lent.again());
                if next < theirs {
                    return Ok(());
                }
            }
        }
        self.call(lent, |protocol, cx| protocol.receive(cx, from, reader.0));
        Ok(())
    }

    pub(crate) fn peer_joined(&mut self, id: NodeId) {
        if let Some(rounds) = &mut self.rounds
            && rounds.number > 0
        {
            rounds.came.insert(id);
        }
    }

    pub(crate) fn peer_expired(&mut self, id: NodeId) {
        if let Some(rounds) = &mut self.rounds {
            rounds.heard.remove(&id);
        }
        if let Some(rounds) = &mut self.rounds
            && !rounds.came.remove(&id)
        {
            rounds.present = rounds.present.saturating_sub(1);
        }
    }
}

impl Lent<'_> {
    /// Lends the same again, for a shorter time.
    pub(crate) fn again(&mut self) -> Lent<'_> {
        Lent {
            now: self.now,
            roster: self.roster,
            config: self.config,
            rng: self.rng,
            clock: self.clock,
            stats: self.stats,
            notices: self.notices,
        }
    }
}
