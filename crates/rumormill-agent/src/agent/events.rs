//! What an agent does with events.

use std::time::Duration;

use rumormill_proto::{Event, EventId, EventRecord, Name, Node, Notice};

use super::Agent;
use crate::api::{Informed, Trace};
use crate::error::Error;
use crate::query::{LONGEST_QUERY, Reply};
use crate::subscription::Subscription;

/// The events of a cluster, as one agent publishes and gets them; see [`Agent::events`].
#[derive(Clone, Debug)]
pub struct Events(pub(super) Agent);

impl Events {
    /// Publishes an event with this topic and payload. Every node gets it once, this agent first.
    /// Returns the event's id as soon as the event is on its way.
    ///
    /// # Errors
    /// Fails if the topic is malformed or reserved, the payload is too long, or too many events of
    /// this agent are on their way.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use rumormill_agent::Agent;
    /// # let agent = Agent::builder("a").bind("127.0.0.1:0".parse()?).start().await?;
    /// let mut deploys = agent.events().subscribe(&["deploy"])?;
    /// agent.events().publish("deploy", b"v2 started").await?;
    /// let event = deploys.next().await.expect("runs")?;
    /// assert_eq!(event.payload, b"v2 started");
    /// # agent.leave().await;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn publish(&self, topic: &str, payload: &[u8]) -> Result<EventId, Error> {
        let (topic, payload) = (Name::new(topic)?, payload.to_vec());
        Ok(self
            .0
            .with_node(move |node, now| node.events_mut().publish(now, &topic, &payload))
            .await??)
    }

    /// Subscribes to the events of these topics, or of all topics if none is given, from now on.
    ///
    /// # Errors
    /// Fails if a topic is malformed.
    pub fn subscribe(&self, topics: &[&str]) -> Result<Subscription<Event>, Error> {
        let topics = topics.iter().map(|topic| Name::new(topic)).collect::<Result<Vec<_>, _>>()?;
        let wanted = move |event: &Event| topics.is_empty() || topics.contains(&event.topic);
        Ok(self.0.pick(move |notice| match notice {
            Notice::Event(event) if wanted(&event) => Some(event),
            _ => None,
        }))
    }

    /// Returns the agent's records of the events that it keeps, the latest last.
    ///
    /// # Errors
    /// Fails if the agent has stopped.
    pub async fn list(&self) -> Result<Vec<EventRecord>, Error> {
        self.0.with_node(|node, _| node.events().list().collect()).await
    }

    /// Collects the records of the event `id` from all nodes, for `wait`, at most ten minutes.
    ///
    /// # Errors
    /// Fails if too many events of this agent are on their way.
    pub async fn trace(&self, id: EventId, wait: Duration) -> Result<Trace, Error> {
        let wait = wait.min(LONGEST_QUERY);
        let ask = move |node: &mut Node, now| node.events_mut().trace(now, id, wait);
        let mut answers = self.0.call(move |core| core.ask(ask)).await??;
        let mut trace = Trace {
            id: id.to_string(),
            expected: 0,
            answered: 0,
            informed: Vec::new(),
            missing: Vec::new(),
            silent: Vec::new(),
        };
        while let Some(reply) = answers.raw().await {
            match reply {
                Reply::Answer { from, payload, .. } => match EventRecord::decode(&payload) {
                    Ok(record) => {
                        trace.informed.push(Informed { node: from.to_string(), record });
                    }
                    // A node without a record answers with nothing.
                    Err(_) => trace.missing.push(from.to_string()),
                },
                Reply::Finished { answered, expected } => {
                    (trace.answered, trace.expected) = (answered, expected);
                }
            }
        }
        trace.silent = answers.silent().cloned().collect();
        let when = |node: &Informed| (node.record.age, node.record.round);
        trace.informed.sort_by_key(when);
        trace.missing.sort();
        Ok(trace)
    }
}
