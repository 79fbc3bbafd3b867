//! What an agent does with queries.

use std::future::Future;
use std::time::Duration;

use rumormill_proto::{Event, Name, Node};

use super::Agent;
use crate::error::Error;
use crate::query::{self, Answers, LONGEST_QUERY};

/// Queries to all nodes, and their answers; see [`Agent::queries`].
#[derive(Clone, Debug)]
pub struct Queries(pub(super) Agent);

impl Queries {
    /// Answers queries with this topic with what `handler` returns, from now on; an error is sent as an
    /// error. The handler is cancelled when the query's time is over.
    ///
    /// # Errors
    /// Fails if the topic is malformed, or the agent has stopped.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use std::time::Duration;
    /// # use rumormill_agent::{Agent, api::QueryLine};
    /// # let agent = Agent::builder("a").bind("127.0.0.1:0".parse()?).start().await?;
    /// let queries = agent.queries();
    /// queries.handle("greet", async |query| Ok([b"hello ", &*query.payload].concat())).await?;
    /// let mut answers = queries.ask("greet", b"you", Duration::from_secs(5)).await?;
    /// while let Some(line) = answers.next().await {
    ///     if let QueryLine::Answer { from, payload, .. } = line {
    ///         println!("{from}: {}", String::from_utf8_lossy(&payload));
    ///     }
    /// }
    /// # agent.leave().await;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn handle<F>(
        &self,
        topic: &str,
        handler: impl Fn(Event) -> F + Send + Sync + 'static,
    ) -> Result<(), Error>
    where
        F: Future<Output = Result<Vec<u8>, String>> + Send + 'static,
    {
        let (topic, handler) = (Name::new(topic)?, query::handler(handler));
        self.0.call(move |core| core.handlers.set(topic, handler)).await
    }

    /// Asks all nodes that are up, this one included, and collects their answers for `wait`, at most
    /// ten minutes.
    ///
    /// # Errors
    /// Fails if the topic is malformed or reserved, the payload is too long, or too many events of
    /// this agent are on their way.
    pub async fn ask(&self, topic: &str, payload: &[u8], wait: Duration) -> Result<Answers, Error> {
        let (topic, payload, wait) = (Name::new(topic)?, payload.to_vec(), wait.min(LONGEST_QUERY));
        let ask = move |node: &mut Node, now| node.queries_mut().ask(now, &topic, &payload, wait);
        self.0.call(move |core| core.ask(ask)).await?
    }
}
