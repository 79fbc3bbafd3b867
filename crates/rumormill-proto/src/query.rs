//! Queries: the question travels as an event does, the answers come directly back.

use rand::RngExt;
use std::collections::{BTreeMap, BTreeSet};

use crate::codec::{Envelope, Reader, WireError, Write};
use crate::identity::{Name, NodeId};
use crate::notice::Notice;
use crate::protocol::{Context, Protocol};
use crate::rumor::event::EventId;
use crate::time::{Duration, Instant};

/// The topics of the queries that nodes answer by themselves: for their record of an event, and for
/// what they hold.
pub(crate) const TRACE: &str = "_trace";
pub(crate) const COMPARE: &str = "_compare";

/// The pause before an answer that was not acknowledged is first sent again; doubles each time.
const RESEND: Duration = Duration::from_millis(300);

/// Answers start at a random point of this time multiplied by the number of members, so that they
/// don't flood the node that asked.
const SPREAD: Duration = Duration::from_micros(100);

/// The most queries that wait for an answer of this node, and the most answers on their way.
const MOST: usize = 1024;

/// Why an answer was not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// No such query is open here: it is unknown, answered, or its time is up.
    #[error("no query {0} waits for an answer here: it is unknown, answered, or over")]
    NotOpen(EventId),
    /// The answer is too long.
    #[error("the answer has {bytes} bytes, the limit is {limit} (events.max_payload)")]
    TooLarge {
        /// Its length.
        bytes: usize,
        /// The longest that is allowed.
        limit: usize,
    },
}

/// A query of this node.
struct Asked {
    deadline: Instant,
    expected: usize,
    waiting: BTreeSet<NodeId>,
    answered: BTreeSet<NodeId>,
}

/// An answer on its way.
struct Answer {
    to: NodeId,
    payload: Vec<u8>,
    next: Instant,
    pause: Duration,
    deadline: Instant,
}

#[derive(Default)]
pub(crate) struct QueryProtocol {
    asked: BTreeMap<EventId, Asked>,
    /// The queries that wait for this node's answer: the node that asked, and the deadline. Those whose
    /// time is up are dropped when the next one arrives.
    open: BTreeMap<EventId, (NodeId, Instant)>,
    answers: BTreeMap<EventId, Answer>,
}

impl QueryProtocol {
    /// Notes a query of this node to all members, itself included.
    pub(crate) fn ask(&mut self, cx: &mut Context<'_>, query: EventId, timeout: Duration) {
        let waiting: BTreeSet<NodeId> = cx.roster().ids().iter().copied().collect();
        let expected = waiting.len();
        let asked =
            Asked { deadline: cx.now() + timeout, expected, waiting, answered: BTreeSet::new() };
        self.asked.insert(query, asked);
        self.alarm(cx);
    }

    /// Notes a query that has arrived.
    pub(crate) fn receive_query(
        &mut self,
        now: Instant,
        query: EventId,
        from: NodeId,
        left: Duration,
    ) {
        self.open.retain(|_, (_, deadline)| *deadline > now);
        if self.open.len() < MOST {
            self.open.insert(query, (from, now + left));
        }
    }

    pub(crate) fn answer(
        &mut self,
        cx: &mut Context<'_>,
        query: EventId,
        payload: &[u8],
    ) -> Result<(), AnswerError> {
        let limit = cx.config().events.max_payload;
        if payload.len() > limit {
            return Err(AnswerError::TooLarge { bytes: payload.len(), limit });
        }
        let open = self.open.remove(&query).filter(|(_, deadline)| *deadline > cx.now());
        let (to, deadline) = open.ok_or(AnswerError::NotOpen(query))?;
        if to == cx.id() {
            self.gather(cx, query, to, payload);
        } else if self.answers.len() < MOST {
            let spread = (SPREAD * cx.roster().len() as u32).min(deadline.since(cx.now()) / 4);
            let next = cx.now() + spread.mul_f64(cx.rng().random_range(0.0..1.0));
            let payload = payload.to_vec();
            self.answers.insert(query, Answer { to, payload, next, pause: RESEND, deadline });
        }
        self.alarm(cx);
        Ok(())
    }

    fn gather(&mut self, cx: &mut Context<'_>, query: EventId, from: NodeId, payload: &[u8]) {
        let Some(asked) = self.asked.get_mut(&query) else { return };
        let Some(name) = name_of(cx, from) else { return };
        if asked.answered.insert(from) {
            asked.waiting.remove(&from);
            cx.notify(Notice::Answer { query, from: name, payload: payload.to_vec() });
        }
        if asked.waiting.is_empty() {
            self.finish(cx, query);
        }
    }

    fn finish(&mut self, cx: &mut Context<'_>, query: EventId) {
        if let Some(Asked { answered, expected, .. }) = self.asked.remove(&query) {
            let answered = answered.len();
            cx.notify(Notice::QueryFinished { query, answered, expected: expected.max(answered) });
        }
    }

    fn alarm(&self, cx: &mut Context<'_>) {
        let deadlines = self.asked.values().map(|asked| asked.deadline);
        cx.wake_at(deadlines.chain(self.answers.values().map(|a| a.next)).min());
    }

    fn message(
        &mut self,
        cx: &mut Context<'_>,
        from: NodeId,
        bytes: &[u8],
    ) -> Result<(), WireError> {
        let mut reader = Reader(bytes);
        let acknowledges = match reader.u8()? {
            0 => false,
            1 => true,
            _ => return Err(WireError::Malformed),
        };
        let query = EventId(reader.u64()?);
        if acknowledges {
            self.answers.remove(&query);
        } else {
            let mut acknowledgement = vec![1];
            acknowledgement.put(&query.0.to_be_bytes());
            cx.send(from, &acknowledgement);
            self.gather(cx, query, from, reader.0);
        }
        Ok(())
    }
}

fn name_of(cx: &Context<'_>, id: NodeId) -> Option<Name> {
    let me = (id == cx.id()).then(|| cx.roster().me());
    me.or_else(|| cx.roster().peer(id)).map(|identity| identity.name.clone())
}

impl Protocol for QueryProtocol {
    fn name(&self) -> &str {
        "query"
    }

    fn receive(&mut self, cx: &mut Context<'_>, from: NodeId, message: &[u8]) {
        if self.message(cx, from, message).is_err() {
            cx.stats().dropped_malformed += 1;
        }
        self.alarm(cx);
    }

    fn wake(&mut self, cx: &mut Context<'_>) {
        let now = cx.now();
        let over = self.asked.iter().filter(|(_, asked)| asked.deadline <= now);
        for query in over.map(|(query, _)| *query).collect::<Vec<_>>() {
            self.finish(cx, query);
        }
        self.answers.retain(|_, answer| answer.deadline > now);
        let longest = cx.config().max_datagram - Envelope::SIZE;
        for (query, answer) in self.answers.iter_mut().filter(|(_, answer)| answer.next <= now) {
            answer.next = now + answer.pause;
            answer.pause *= 2;
            let mut bytes = vec![0];
            bytes.put(&query.0.to_be_bytes());
            bytes.put(&answer.payload);
            if bytes.len() <= longest {
                cx.send(answer.to, &bytes);
            } else {
                cx.send_stream(answer.to, bytes);
            }
        }
        self.alarm(cx);
    }

    fn peer_expired(&mut self, _: &mut Context<'_>, peer: &crate::identity::Identity) {
        self.answers.retain(|_, answer| answer.to != peer.id());
    }
}
