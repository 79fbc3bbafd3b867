//! The verbs for queries.

use crate::identity::Name;
use crate::node::Node;
use crate::node::events::check_topic;
use crate::protocol::Context;
use crate::query::{AnswerError, QueryProtocol};
use crate::rumor::event::{EventId, Kind, PublishError};
use crate::time::{Duration, Instant};

/// The queries of a node: a query reaches all members as an event does, and each answers it.
///
/// ```
/// use rumormill_proto::{Config, Duration, Identity, Instant, Name, Node, Notice};
///
/// let me = Identity { name: Name::new("a")?, addr: "127.0.0.1:7946".parse()?, incarnation: 1 };
/// let mut node = Node::new(Instant::ZERO, me, Config::default(), 42)?;
/// let (now, timeout) = (Instant::ZERO, Duration::from_secs(5));
/// let id = node.queries_mut().ask(now, &Name::new("load")?, b"", timeout)?;
/// // This node is asked as well.
/// assert!(matches!(node.poll_notice(), Some(Notice::Query { question, .. }) if question.id == id));
/// node.queries_mut().answer(now, id, b"0.7")?;
/// assert!(matches!(node.poll_notice(), Some(Notice::Answer { payload, .. }) if payload == b"0.7"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Queries<N>(N);

impl Node {
    /// Returns the queries, to ask and to answer. [`Node::add_events`] adds their protocol.
    pub fn queries_mut(&mut self) -> Queries<&mut Node> {
        Queries(self)
    }

    pub(super) fn ask_all(
        &mut self,
        now: Instant,
        topic: &Name,
        payload: &[u8],
        timeout: Duration,
    ) -> Result<EventId, PublishError> {
        // The timeout travels with the query; 49 days are enough.
        let millis = u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX);
        let mut question = millis.to_be_bytes().to_vec();
        question.extend_from_slice(payload);
        let asked = self.publish(now, Kind::Query, topic, &question)?;
        // This node's own answer may come as soon as the consequences are settled.
        self.with_protocol(now, |queries: &mut QueryProtocol, cx| queries.ask(cx, asked, timeout));
        Ok(asked)
    }
}

impl Queries<&mut Node> {
    /// Asks all nodes that are up, this one included. Answers arrive as
    /// [`Notice::Answer`](crate::Notice::Answer);
    /// [`Notice::QueryFinished`](crate::Notice::QueryFinished) follows when all have answered or the
    /// time is up.
    ///
    /// # Errors
    /// As for [`Events::publish`](crate::Events::publish).
    pub fn ask(
        self,
        now: Instant,
        topic: &Name,
        payload: &[u8],
        timeout: Duration,
    ) -> Result<EventId, PublishError> {
        check_topic(topic)?;
        self.0.ask_all(now, topic, payload, timeout)
    }

    /// Answers a query that was reported as [`Notice::Query`](crate::Notice::Query).
    ///
    /// # Errors
    /// Fails if no such query waits for an answer here, or the answer is too long.
    pub fn answer(self, now: Instant, query: EventId, payload: &[u8]) -> Result<(), AnswerError> {
        let answer =
            |queries: &mut QueryProtocol, cx: &mut Context<'_>| queries.answer(cx, query, payload);
        self.0.with_protocol(now, answer).unwrap_or(Err(AnswerError::NotOpen(query)))
    }
}
