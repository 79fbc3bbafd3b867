//! The verbs for events.

use crate::identity::Name;
use crate::node::Node;
use crate::protocol::Context;
use crate::query::{QueryProtocol, TRACE};
use crate::rumor::Rumors;
use crate::rumor::event::{EventId, Kind, PublishError, Validator};
use crate::rumor::record::EventRecord;
use crate::time::{Duration, Instant};

/// The events of a node: each reaches every node that is up, once.
///
/// [`Node::events`] reads, [`Node::events_mut`] writes.
///
/// ```
/// use rumormill_proto::{Config, Identity, Instant, Name, Node, Notice};
///
/// let me = Identity { name: Name::new("a")?, addr: "127.0.0.1:7946".parse()?, incarnation: 1 };
/// let mut node = Node::new(Instant::ZERO, me, Config::default(), 42)?;
/// let id = node.events_mut().publish(Instant::ZERO, &Name::new("deploy")?, b"v2")?;
/// assert!(matches!(node.poll_notice(), Some(Notice::Event(event)) if event.id == id));
/// assert_eq!(node.events().record(id).map(|record| record.round), Some(0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Events<N>(N);

/// The events that a node holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct EventLoad {
    /// Events kept.
    pub kept: usize,
    /// Events being pushed.
    pub hot: usize,
    /// Bytes of the payloads of events kept.
    pub bytes: usize,
}

impl Node {
    /// Adds the protocols of events and of queries, which travel as events.
    pub fn add_events(&mut self, now: Instant) {
        let config = &self.core.config;
        let rumors = Rumors::new(&config.events, config.max_datagram);
        self.add_protocol(now, Box::new(rumors));
        self.add_protocol(now, Box::new(QueryProtocol::default()));
    }

    /// Returns the events, to read.
    pub fn events(&self) -> Events<&Node> {
        Events(self)
    }

    /// Returns the events, to publish and to trace.
    pub fn events_mut(&mut self) -> Events<&mut Node> {
        Events(self)
    }

    /// Publishes an event or a query, without settling the consequences yet.
    pub(super) fn publish(
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
}

/// Refuses the topics that are the protocol's own.
pub(super) fn check_topic(topic: &Name) -> Result<(), PublishError> {
    match topic.as_str().starts_with('_') {
        true => Err(PublishError::Reserved(topic.clone())),
        false => Ok(()),
    }
}

impl<'a> Events<&'a Node> {
    /// Returns the records of the events that this node keeps, oldest first.
    pub fn list(self) -> impl Iterator<Item = EventRecord> + 'a {
        self.0.protocol::<Rumors>().into_iter().flat_map(Rumors::records)
    }

    /// Returns the record of an event, if this node keeps it.
    pub fn record(self, id: EventId) -> Option<EventRecord> {
        self.0.protocol::<Rumors>()?.kept.record(id.0)
    }

    /// Returns how much the events take.
    pub fn load(self) -> EventLoad {
        self.0.protocol().map_or_else(EventLoad::default, |rumors: &Rumors| EventLoad {
            kept: rumors.gossip.set.len(),
            hot: rumors.gossip.hot(),
            bytes: rumors.kept.bytes,
        })
    }
}

impl Events<&mut Node> {
    /// Publishes an event to all nodes that are up, this one included: each reports
    /// [`Notice::Event`](crate::Notice::Event) once.
    ///
    /// # Errors
    /// Fails if the payload is too long, the topic is reserved, the node is already pushing too many
    /// events, or its validation hook rejects this one.
    pub fn publish(
        self,
        now: Instant,
        topic: &Name,
        payload: &[u8],
    ) -> Result<EventId, PublishError> {
        check_topic(topic)?;
        let published = self.0.publish(now, Kind::Event, topic, payload);
        self.0.settle(now);
        published
    }

    /// Asks all nodes for their records of an event. Each answers with [`EventRecord::encode`], or
    /// with an empty payload if it has no record.
    ///
    /// # Errors
    /// Fails if the node is already pushing too many events.
    pub fn trace(
        self,
        now: Instant,
        event: EventId,
        timeout: Duration,
    ) -> Result<EventId, PublishError> {
        let Ok(topic) = Name::new(TRACE) else { return Err(PublishError::NotRunning) };
        self.0.ask_all(now, &topic, &event.0.to_be_bytes(), timeout)
    }

    /// Sets the hook that inspects every event before it is delivered or passed on; `None` removes
    /// it. An event that it rejects stops at this node.
    pub fn set_validator(self, now: Instant, validator: Option<Validator>) {
        self.0.with_protocol(now, |rumors: &mut Rumors, _| rumors.kept.validator = validator);
    }
}
