//! The user's verbs for rumors, questions and the replica.

use super::*;
use crate::query::{AnswerError, Queries, TRACE};
use crate::replica::{Entry, Kv, PutError, Version};
use crate::rumor::{EventRecord, Kind, PublishError, Rumors, Validator};

/// What a node can say of the room that rumors and the replica take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Load {
    /// Rumors that are kept.
    pub rumors: usize,
    /// Rumors that are being told.
    pub rumors_hot: usize,
    /// Bytes of the payloads of those that are kept.
    pub rumor_bytes: usize,
    /// Keys that exist.
    pub keys: usize,
    /// Deleted keys that are remembered.
    pub tombstones: usize,
    /// Bytes of keys and values.
    pub replica_bytes: usize,
    /// Members whose replicas have differed from this node's for longer than a minute.
    pub members_differing: usize,
}

impl Node {
    /// Adds the protocols of events and of queries, which are asked by events.
    pub fn add_events(&mut self, now: Instant) {
        let rumors = Rumors::new(&self.config.events, self.config.max_datagram);
        self.add_protocol(now, Box::new(rumors));
        self.add_protocol(now, Box::new(Queries::default()));
    }

    /// Adds the key-value store.
    pub fn add_kv(&mut self, now: Instant) {
        let replica = Kv::new(&self.config);
        self.add_protocol(now, Box::new(replica));
    }

    /// Tells all nodes that are up, this one included: each hears [`Notice::Event`] once.
    ///
    /// # Errors
    /// When the payload is too long, the topic is reserved, the node has too much to tell already,
    /// or its validation hook rejects the rumor.
    pub fn publish(
        &mut self,
        now: Instant,
        topic: &Name,
        payload: &[u8],
    ) -> Result<EventId, PublishError> {
        if topic.as_str().starts_with('_') {
            return Err(PublishError::Reserved(topic.clone()));
        }
        let published = self.tell_all(now, Kind::Event, topic, payload);
        self.settle(now);
        published
    }

    /// Asks all nodes that are up, this one included. Answers arrive as [`Notice::Answer`], and
    /// [`Notice::QueryFinished`] says when all have answered or the time is up.
    ///
    /// # Errors
    /// As [`Node::publish`].
    pub fn query(
        &mut self,
        now: Instant,
        topic: &Name,
        payload: &[u8],
        timeout: Duration,
    ) -> Result<EventId, PublishError> {
        if topic.as_str().starts_with('_') {
            return Err(PublishError::Reserved(topic.clone()));
        }
        self.ask_all(now, topic, payload, timeout)
    }

    /// Asks all nodes when they heard a rumor. Each answers with [`EventRecord::encode`], or with
    /// nothing if it doesn't know the rumor.
    ///
    /// # Errors
    /// When the node has too much to tell already.
    pub fn trace(
        &mut self,
        now: Instant,
        rumor: EventId,
        timeout: Duration,
    ) -> Result<EventId, PublishError> {
        let Ok(topic) = Name::new(TRACE) else { return Err(PublishError::NotRunning) };
        self.ask_all(now, &topic, &rumor.0.to_be_bytes(), timeout)
    }

    fn ask_all(
        &mut self,
        now: Instant,
        topic: &Name,
        payload: &[u8],
        timeout: Duration,
    ) -> Result<EventId, PublishError> {
        // The time is told with the question; 49 days are enough.
        let millis = u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX);
        let mut question = millis.to_be_bytes().to_vec();
        question.extend_from_slice(payload);
        let asked = self.tell_all(now, Kind::Query, topic, &question)?;
        // This node's own answer may come as soon as the consequences are carried on.
        self.with_protocol(now, |queries: &mut Queries, cx| queries.ask(cx, asked, timeout));
        Ok(asked)
    }

    fn tell_all(
        &mut self,
        now: Instant,
        kind: Kind,
        topic: &Name,
        payload: &[u8],
    ) -> Result<EventId, PublishError> {
        let publish =
            |rumors: &mut Rumors, cx: &mut Context<'_>| rumors.publish(cx, kind, topic, payload);
        self.call_protocol(now, publish).unwrap_or(Err(PublishError::NotRunning))
    }

    /// Answers a question that [`Notice::Query`] told of.
    ///
    /// # Errors
    /// When no such question waits for an answer here, or the answer is too long.
    pub fn answer(
        &mut self,
        now: Instant,
        query: EventId,
        payload: &[u8],
    ) -> Result<(), AnswerError> {
        let answer =
            |queries: &mut Queries, cx: &mut Context<'_>| queries.answer(cx, query, payload);
        self.with_protocol(now, answer).unwrap_or(Err(AnswerError::NotOpen(query)))
    }

    /// Sets the hook that looks at every rumor before it is delivered or passed on, or takes it
    /// away. A rumor that it rejects stops here.
    pub fn set_validator(&mut self, now: Instant, validator: Option<Validator>) {
        self.with_protocol(now, |rumors: &mut Rumors, _| rumors.set_validator(validator));
    }

    /// What this node remembers of the rumors that it keeps, oldest first.
    pub fn rumors(&self) -> impl Iterator<Item = EventRecord> + '_ {
        self.protocol::<Rumors>().into_iter().flat_map(Rumors::records)
    }

    /// What this node remembers of a rumor.
    pub fn rumor(&self, id: EventId) -> Option<EventRecord> {
        self.protocol::<Rumors>()?.record(id)
    }

    /// Writes a key; all nodes will hold the value.
    ///
    /// # Errors
    /// When key or value are out of their bounds, or the replica is full.
    pub fn put(&mut self, now: Instant, key: &str, value: &[u8]) -> Result<Version, PutError> {
        let put = |replica: &mut Kv, cx: &mut Context<'_>| replica.put(cx, key, value);
        self.with_protocol(now, put).unwrap_or(Err(PutError::NotRunning))
    }

    /// Deletes a key everywhere; `None` if it doesn't exist here.
    pub fn delete(&mut self, now: Instant, key: &str) -> Option<Version> {
        self.with_protocol(now, |replica: &mut Kv, cx| replica.delete(cx, key)).flatten()
    }

    /// A key that exists, with its value and version.
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.protocol::<Kv>()?.get(key)
    }

    /// The keys that exist and begin with `prefix`, in order.
    pub fn list<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a Entry> {
        self.protocol::<Kv>().into_iter().flat_map(move |replica| replica.list(prefix))
    }

    /// All that the replica holds, tombstones included, by key: what a store should have.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.protocol::<Kv>().into_iter().flat_map(Kv::entries)
    }

    /// Takes over what a store has kept. To be called before the node joins.
    pub fn restore(&mut self, now: Instant, entries: Vec<Entry>) {
        self.with_protocol(now, |replica: &mut Kv, cx| replica.restore(cx, entries));
    }

    /// The next change that a store should keep; only with
    /// [`KvSettings::journal`](crate::KvSettings::journal). Tombstones whose life is over are
    /// not told of.
    pub fn poll_store(&mut self) -> Option<Entry> {
        let at = self.hosts.iter().position(|host| as_any(host.protocol()).is::<Kv>())?;
        self.hosts[at].protocol_mut::<Kv>()?.poll_store()
    }

    /// A number that nodes share exactly when (but for a chance of 2⁻⁶⁴) their replicas hold the
    /// same.
    pub fn replica_digest(&self) -> u64 {
        self.protocol::<Kv>().map_or(0, Kv::contents)
    }

    /// How much rumors and the replica hold.
    pub fn load(&self) -> Load {
        let (rumors, rumors_hot, rumor_bytes) =
            self.protocol::<Rumors>().map_or((0, 0, 0), Rumors::load);
        let (keys, tombstones, replica_bytes) = self.protocol::<Kv>().map_or((0, 0, 0), Kv::load);
        let members_differing = self.protocol().map_or(0, Kv::differing_long);
        Load { rumors, rumors_hot, rumor_bytes, keys, tombstones, replica_bytes, members_differing }
    }

    /// Passes events on to the user; questions are noted on the way, and those of the protocol's
    /// own answered.
    pub(super) fn hear(&mut self, now: Instant) {
        let mut traces = Vec::new();
        for event in core::mem::take(&mut self.notices) {
            // Until here the time says how long ago it was asked.
            let Notice::Query { mut question, timeout: elapsed } = event else {
                self.notices_out.push_back(event);
                continue;
            };
            let Some((millis, payload)) = question.payload.split_first_chunk::<4>() else {
                continue;
            };
            let timeout = Duration::from_millis(u64::from(u32::from_be_bytes(*millis)));
            let left = timeout.saturating_sub(elapsed);
            question.payload = payload.to_vec();
            let (id, from) = (question.id, question.node);
            if let Some(queries) = self.queries() {
                queries.heard(now, id, from, left);
            }
            if question.topic.as_str() == TRACE {
                traces.push(question);
            } else {
                self.notices_out.push_back(Notice::Query { question, timeout: left });
            }
        }
        for question in traces {
            let traced = question.payload.as_slice().try_into().map(u64::from_be_bytes);
            let record = traced.ok().and_then(|id| self.rumor(EventId(id)));
            let answer = record.map(|record| record.encode()).unwrap_or_default();
            // It was heard just now; its time may be up all the same.
            let _ = self.answer(now, question.id, &answer);
        }
    }

    fn queries(&mut self) -> Option<&mut Queries> {
        let at = self.hosts.iter().position(|host| as_any(host.protocol()).is::<Queries>())?;
        self.hosts[at].protocol_mut()
    }
}
