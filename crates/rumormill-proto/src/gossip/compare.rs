//! Anti-entropy: two nodes whose digests differ compare what they hold until they hold the same.
//!
//! No message depends on an earlier one, so each may be lost or repeated. What makes every
//! comparison come nearer to its end: whatever is found in a message is answered, also where none
//! of what was given was new here; a node that is given what it holds in a newer version gives that
//! back; and where an answer had no room for everything, the two compare again.

use crate::clock::Stamp;
use crate::gossip::item::{Item, Part};
use crate::gossip::messages::{Heard, Message, Talk};
use crate::gossip::reconcile::{MANY, Reply};
use crate::gossip::shelf::{Shelf, Taken};
use crate::gossip::{Difference, FEW, Gossip, PATIENCE, Progress, random_peers};
use crate::identity::NodeId;
use crate::protocol::Context;
use crate::rumor::settings::Style;
use crate::sabotage::{Rule, broken};
use crate::time::{Duration, Instant};

/// How many bytes of entries one message on the reliable path gives: a newcomer catches up in
/// chunks of this size, and neither side needs more memory than that.
const CHUNK: usize = 256 << 10;

/// More entries than this at once are taken for a part of something larger.
const LOT: usize = 32;

/// How long two openings of one pair may cross each other.
const CROSSING: Duration = Duration::from_millis(500);

/// How long nothing is compared with a member of which everything was refused: at first, and at
/// most.
const REST: Duration = Duration::from_secs(1);
const LONGEST_REST: Duration = Duration::from_secs(10);

/// Members that have differed for so long, in more than what was just written, are reported.
const LONG: Duration = Duration::from_secs(60);

/// What was written within this time, in milliseconds, may still be on its way.
const RECENT_MILLIS: u64 = 30_000;

impl Difference {
    fn seen(now: Instant) -> Self {
        Self { since: now, old_since: now, reported: false, rest_until: now, rest: REST }
    }
}

impl Gossip {
    /// A pull interval has passed.
    pub(crate) fn pull(&mut self, cx: &mut Context<'_>) {
        let now = cx.now();
        self.asked.retain(|_, (until, _)| *until > now);
        let peers = match self.manner.style {
            Style::Push => 0,
            Style::Pull | Style::PushPull => self.manner.fanout,
            Style::PushThenPull => usize::from(self.awake_until > now),
        };
        for peer in random_peers(cx, peers) {
            self.compare(cx, peer);
        }
    }

    /// A peer is known to hold something else. Returns for how long it has, once that is long and
    /// not only because something is written all the time.
    pub(crate) fn differs(&mut self, cx: &mut Context<'_>, peer: NodeId) -> Option<Duration> {
        let now = cx.now();
        let difference = self.differing.entry(peer).or_insert(Difference::seen(now));
        let lasts = now.since(difference.old_since);
        let news = lasts >= LONG && !difference.reported;
        difference.reported |= news;
        if self.manner.style.pulls() && self.next_compare <= now {
            self.next_compare = now + self.manner.interval / 2;
            self.compare(cx, peer);
        }
        news.then_some(lasts)
    }

    /// A peer is known to hold the same.
    pub(crate) fn agrees(&mut self, peer: NodeId) {
        self.differing.remove(&peer);
    }

    /// Since when the digests of each member that is known to differ have differed.
    pub(crate) fn differing(&self) -> impl Iterator<Item = Instant> {
        self.differing.values().map(|difference| difference.since)
    }

    /// How many members have differed for long.
    pub(crate) fn differing_long(&self) -> usize {
        self.differing.values().filter(|difference| difference.reported).count()
    }

    fn compare(&mut self, cx: &mut Context<'_>, peer: NodeId) {
        if broken(Rule::Compare) || self.is_talking(cx, |_| true) || self.rests(cx, peer) {
            return;
        }
        self.stats(cx).comparisons += 1;
        self.opened = Some((peer, cx.now() + CROSSING));
        let talk = Talk { opening: true, parts: vec![self.set.overview()], ..self.talk() };
        self.send(cx, peer, &Message::Talk(talk));
    }

    /// Whether all that this peer had to give was refused not long ago.
    fn rests(&self, cx: &Context<'_>, peer: NodeId) -> bool {
        self.differing.get(&peer).is_some_and(|difference| difference.rest_until > cx.now())
    }

    /// Whether an answer is awaited from a peer of which this is true.
    fn is_talking(&self, cx: &Context<'_>, with: impl FnOnce(NodeId) -> bool) -> bool {
        self.talking.is_some_and(|(peer, until)| until > cx.now() && with(peer))
    }

    pub(super) fn talk(&self) -> Talk {
        Talk { holds: self.set.len() as u64, ..Talk::default() }
    }

    /// Whether a comparison that this peer opens is not gone into.
    fn passes_over(&self, cx: &Context<'_>, peer: NodeId) -> bool {
        // One peer at a time, or all would say and give the same.
        let busy = self.is_talking(cx, |other| other != peer);
        // A ping and its answer show both of a pair that the other differs, and both may have
        // opened a comparison. That of the lower id goes on.
        let crossed = |(other, until)| other == peer && until > cx.now() && cx.id() < peer;
        busy || self.opened.is_some_and(crossed) || self.rests(cx, peer)
    }

    pub(super) fn talked(
        &mut self,
        cx: &mut Context<'_>,
        shelf: &mut dyn Shelf,
        from: NodeId,
        talk: &Talk,
    ) -> Progress {
        self.stats(cx).talks += 1;
        if talk.opening && self.passes_over(cx, from) {
            return Progress::default();
        }
        let now = cx.now();
        let given = talk.given.len();
        let behind = talk.holds > self.set.len() as u64 + MANY;
        let mut reply = Reply::default();
        let (mut new, mut refused) = (0, 0);
        for heard in &talk.given {
            match self.take(cx, shelf, heard, Some(given <= FEW)) {
                Taken::New { .. } => new += 1,
                Taken::Outdated(newer) => reply.give.push(newer.id),
                Taken::Refused => refused += 1,
                Taken::Known(_) | Taken::Stale => {}
            }
        }
        self.note_outcome(now, from, new, refused);
        self.note_extent(cx, from, talk);
        if broken(Rule::GoOn) && given > LOT && new == 0 {
            return Progress { given, catching_up: None };
        }
        let elsewhere = self.is_talking(cx, |peer| peer != from);
        if self.is_talking(cx, |peer| peer == from) {
            self.talking = None;
        }
        for part in &talk.parts {
            self.set.answer(part, &mut reply);
        }
        let size: usize = talk.given.iter().map(|heard| heard.entry.len()).sum();
        let much = given > LOT || size > CHUNK / 2;
        match talk.more {
            Some((lower, upper)) if new > 0 => reply.parts.push(Part::WantRange { lower, upper }),
            // What came is here already. If another conversation brings it, that one goes on; if
            // not, only what differs is worth asking for.
            Some((lower, upper)) if !elsewhere => reply.parts.push(self.set.outline(lower, upper)),
            // That was a part of something larger: go on.
            None if much && new > 0 => reply.parts.push(self.set.overview()),
            Some(_) | None => {}
        }
        let mut answer = self.talk();
        self.give(cx, shelf, reply.give, &reply.give_ranges, &mut answer);
        let asks = !reply.parts.is_empty();
        answer.parts = reply.parts;
        if asks || !answer.given.is_empty() {
            self.stats(cx).given += answer.given.len() as u64;
            let length = self.send(cx, from, &Message::Talk(answer));
            if asks {
                let long = behind || length > self.manner.datagram;
                self.talking = Some((from, now + if long { PATIENCE } else { PATIENCE / 6 }));
            }
        }
        let catching_up = (behind || (much && new > 0)).then_some(talk.holds);
        Progress { given, catching_up }
    }

    /// Takes note of what became of the entries that a peer has given.
    fn note_outcome(&mut self, now: Instant, from: NodeId, new: usize, refused: usize) {
        let Some(difference) = self.differing.get_mut(&from) else { return };
        if new > 0 {
            difference.rest = REST;
        } else if refused > 0 {
            difference.rest_until = now + difference.rest;
            difference.rest = (difference.rest * 2).min(LONGEST_REST);
        }
    }

    /// Takes note of it if a comparison has come down to what was written just now.
    fn note_extent(&mut self, cx: &Context<'_>, from: NodeId, talk: &Talk) {
        let lower = |part: &Part| match part {
            Part::Ranges { lower, .. } | Part::Ids { lower, .. } => Some(lower.stamp),
            Part::WantRange { lower, .. } => Some(lower.stamp),
            Part::Want(_) => None,
        };
        let oldest = talk.parts.iter().filter_map(lower).min().map(Stamp::millis);
        let recent = cx.cluster_millis().saturating_sub(RECENT_MILLIS);
        if oldest.is_some_and(|oldest| oldest >= recent)
            && let Some(difference) = self.differing.get_mut(&from)
        {
            difference.old_since = cx.now();
            difference.reported = false;
        }
    }

    /// Puts what the peer lacks into the answer, up to a chunk of it.
    fn give(
        &mut self,
        cx: &Context<'_>,
        shelf: &dyn Shelf,
        mut ids: Vec<u64>,
        ranges: &[(Item, Item)],
        answer: &mut Talk,
    ) {
        let mut room = CHUNK;
        let mut add = |id: u64| {
            let Some(heard) = shelf.heard(cx.now(), id) else { return true };
            let fits = room >= heard.entry.len();
            if fits || answer.given.is_empty() {
                room = room.saturating_sub(Heard::size(heard.entry.len()));
                answer.given.push(heard);
            }
            fits
        };
        ids.sort_unstable();
        ids.dedup();
        if !ids.into_iter().all(&mut add) {
            // The rest shows in the next comparison.
            return;
        }
        for &(lower, upper) in ranges {
            for item in self.set.iter(lower, upper) {
                if !add(item.id) {
                    // If this entry alone filled the chunk it has been given.
                    answer.more = Some((item, upper));
                    return;
                }
            }
        }
    }
}
