//! The handle's verbs for rumors and queries.

use std::collections::BTreeSet;
use std::future::Future;
use std::time::Duration;

use rumormill_proto::{self as proto, MemberState, Name, RumorId};

use super::Agent;
use crate::api::{Event, Heard, Rumor, RumorRecord, Trace};
use crate::core::Core;
use crate::error::Error;
use crate::query::{self, Answers, Reply};
use crate::subscription::Subscription;

/// The longest time that a query may wait for answers.
const LONGEST_QUERY: Duration = Duration::from_secs(600);

impl Agent {
    /// Tells all nodes news: `payload` about `topic`. Each gets it once, this agent first. Returns
    /// the rumor's id as soon as it is under way.
    ///
    /// # Errors
    /// When the topic can't be one, the payload is too long, or too many rumors of this agent are
    /// under way.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use rumormill_agent::{Agent, News};
    /// # let agent = Agent::builder("a").bind("127.0.0.1:0".parse()?).start().await?;
    /// let mut deploys = agent.rumors(&["deploy"])?;
    /// agent.publish("deploy", b"v2 started").await?;
    /// let Some(News::Item(rumor)) = deploys.next().await else { panic!() };
    /// assert_eq!(rumor.payload.bytes()?, b"v2 started");
    /// # agent.leave().await;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn publish(&self, topic: &str, payload: &[u8]) -> Result<RumorId, Error> {
        let (topic, payload) = (Name::new(topic)?, payload.to_vec());
        Ok(self.with_node(move |node, now| node.publish(now, &topic, &payload)).await??)
    }

    /// The rumors about these topics that arrive from now on; about all, if none is given.
    ///
    /// # Errors
    /// When a topic can't be one.
    pub fn rumors(&self, topics: &[&str]) -> Result<Subscription<Rumor>, Error> {
        let topics = topics.iter().map(|topic| Name::new(topic)).collect::<Result<Vec<_>, _>>()?;
        let wanted = move |rumor: &Rumor| {
            topics.is_empty() || topics.iter().any(|topic| topic.as_str() == rumor.name)
        };
        Ok(self.pick(move |event| match event {
            Event::Rumor(rumor) if wanted(&rumor) => Some(rumor),
            _ => None,
        }))
    }

    /// What the agent remembers of rumors, the latest last.
    ///
    /// # Errors
    /// When the agent has stopped.
    pub async fn recent_rumors(&self) -> Result<Vec<RumorRecord>, Error> {
        self.with_node(|node, _| node.rumors().map(RumorRecord::from).collect()).await
    }

    /// Has queries named `name` answered by `handler`, from now on. What it returns is this node's
    /// answer; an error is told as such. It may take a minute.
    ///
    /// # Errors
    /// When the name can't be one, or the agent has stopped.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use std::time::Duration;
    /// # use rumormill_agent::{Agent, api::QueryLine};
    /// # let agent = Agent::builder("a").bind("127.0.0.1:0".parse()?).start().await?;
    /// agent.on_query("greet", async |query| Ok(format!("hello {:?}", query.payload.payload).into())).await?;
    /// let mut answers = agent.query("greet", b"you", Duration::from_secs(5)).await?;
    /// while let Some(line) = answers.next().await {
    ///     if let QueryLine::Answer { from, payload, .. } = line {
    ///         println!("{from}: {:?}", payload.payload);
    ///     }
    /// }
    /// # agent.leave().await;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn on_query<F>(
        &self,
        name: &str,
        handler: impl Fn(Rumor) -> F + Send + Sync + 'static,
    ) -> Result<(), Error>
    where
        F: Future<Output = Result<Vec<u8>, String>> + Send + 'static,
    {
        let (name, handler) = (Name::new(name)?, query::handler(handler));
        self.call(move |core| core.handlers.set(name, handler)).await
    }

    /// Asks all nodes that are up, this one included, and gathers their answers for `wait`, at most
    /// ten minutes.
    ///
    /// # Errors
    /// When the name can't be one, the payload is too long, or too many rumors of this agent are
    /// under way.
    pub async fn query(
        &self,
        name: &str,
        payload: &[u8],
        wait: Duration,
    ) -> Result<Answers, Error> {
        let (name, payload, wait) = (Name::new(name)?, payload.to_vec(), wait.min(LONGEST_QUERY));
        let ask = move |core: &mut Core| {
            let now = core.now();
            let silent = up(core);
            let id = core.node.query(now, &name, &payload, wait)?;
            Ok(Answers::new(id, core.askers.open(id), silent))
        };
        self.call(ask).await?
    }

    /// Asks all nodes what they remember of the rumor `id`, and gathers their answers for `wait`,
    /// at most ten minutes.
    ///
    /// # Errors
    /// When too many rumors of this agent are under way.
    pub async fn trace(&self, id: RumorId, wait: Duration) -> Result<Trace, Error> {
        let wait = wait.min(LONGEST_QUERY);
        let ask = move |core: &mut Core| {
            let now = core.now();
            let silent = up(core);
            let query = core.node.trace(now, id, wait)?;
            Ok::<_, Error>(Answers::new(query, core.askers.open(query), silent))
        };
        let mut answers = self.call(ask).await??;
        let mut trace = Trace {
            id: id.to_string(),
            expected: 0,
            answered: 0,
            heard: Vec::new(),
            missing: Vec::new(),
            silent: Vec::new(),
        };
        while let Some(reply) = answers.raw().await {
            match reply {
                Reply::Answer { from, payload, .. } => match proto::RumorRecord::decode(&payload) {
                    Ok(record) => {
                        let (node, record) = (from.to_string(), record.into());
                        trace.heard.push(Heard { node, record });
                    }
                    // Whoever doesn't know it answers with nothing.
                    Err(_) => trace.missing.push(from.to_string()),
                },
                Reply::Finished { answered, expected } => {
                    (trace.answered, trace.expected) = (answered, expected);
                }
            }
        }
        trace.silent = answers.silent().cloned().collect();
        let when = |heard: &Heard| (heard.record.heard_ms, heard.record.heard_round);
        trace.heard.sort_by(|a, b| when(a).partial_cmp(&when(b)).unwrap_or(a.node.cmp(&b.node)));
        trace.missing.sort();
        Ok(trace)
    }
}

/// The names of the members that are up, this one included.
fn up(core: &Core) -> BTreeSet<String> {
    let members = core.node.members().into_iter();
    let up = members.filter(|(_, state)| *state != MemberState::Down);
    up.map(|(member, _)| member.name.to_string()).collect()
}
