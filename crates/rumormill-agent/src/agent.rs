//! The handle of a running agent.

pub(crate) mod aggregates;
pub(crate) mod events;
pub(crate) mod kv;
pub(crate) mod queries;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use rumormill_proto::{Config, Context, Instant, Member, Node, Notice, Protocol, Summary};
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use self::aggregates::Aggregates;
use self::events::Events;
use self::kv::Kv;
use self::queries::Queries;
use crate::api::{Compared, Comparison, Counters, Info};
use crate::core::{Command, Core};
use crate::error::{Error, StopReason};
use crate::query::{LONGEST_QUERY, Reply};
use crate::resolve::{Address, Resolver};
use crate::subscription::Subscription;

/// A handle of a running agent. Clones, and the handles that [`Agent::aggregates`],
/// [`Agent::events`], [`Agent::kv`] and [`Agent::queries`] return, belong to the same agent. When the
/// last is dropped the agent stops at once, without leaving the cluster; use [`Agent::leave`] to
/// leave it.
///
/// Once the agent has stopped, every request fails with [`Error::Stopped`].
#[derive(Clone)]
pub struct Agent(Arc<Shared>);

/// What all handles of an agent share.
pub(crate) struct Shared {
    pub(crate) name: String,
    pub(crate) config: Config,
    pub(crate) udp_addr: SocketAddr,
    pub(crate) http_addr: Option<SocketAddr>,
    pub(crate) resolver: Resolver,
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) notices: broadcast::WeakSender<Notice>,
    /// The number of notices that subscribers have missed.
    pub(crate) missed: Arc<AtomicU64>,
    pub(crate) life: watch::Receiver<Life>,
}

/// The phases of an agent.
#[derive(Clone, Debug)]
pub(crate) enum Life {
    Running,
    /// The sockets are closed; open HTTP requests are still answered.
    Ending(StopReason),
    /// All has ended.
    Over(StopReason),
}

/// A handle that does not keep the agent running.
#[derive(Clone)]
pub(crate) struct WeakAgent(Weak<Shared>);

impl WeakAgent {
    pub(crate) fn upgrade(&self) -> Option<Agent> {
        self.0.upgrade().map(Agent)
    }
}

impl std::fmt::Debug for Agent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let addr = self.0.udp_addr;
        f.debug_struct("Agent").field("name", &self.0.name).field("addr", &addr).finish()
    }
}

impl Agent {
    pub(crate) fn new(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }

    pub(crate) fn downgrade(&self) -> WeakAgent {
        WeakAgent(Arc::downgrade(&self.0))
    }

    /// Returns the agent's name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Returns the address at which datagrams (UDP) and streams (TCP) arrive.
    pub fn udp_addr(&self) -> SocketAddr {
        self.0.udp_addr
    }

    /// Returns the address of the HTTP API, if the agent serves it.
    pub fn http_addr(&self) -> Option<SocketAddr> {
        self.0.http_addr
    }

    /// Returns the settings.
    pub(crate) fn config(&self) -> &Config {
        &self.0.config
    }

    // ------------------------------------------------------------------ the four nouns

    /// Returns a handle for aggregates: numbers that the cluster computes from its nodes' inputs.
    pub fn aggregates(&self) -> Aggregates {
        Aggregates(self.clone())
    }

    /// Returns a handle for events: messages that every node gets once.
    pub fn events(&self) -> Events {
        Events(self.clone())
    }

    /// Returns a handle for the key-value map, of which every node has a copy.
    pub fn kv(&self) -> Kv {
        Kv(self.clone())
    }

    /// Returns a handle for queries, which every node answers.
    pub fn queries(&self) -> Queries {
        Queries(self.clone())
    }

    // ------------------------------------------------------------------ the cluster

    /// Returns all members that the agent knows, itself first.
    ///
    /// # Errors
    /// Fails if the agent has stopped.
    pub async fn members(&self) -> Result<Vec<Member>, Error> {
        self.with_node(|node, _| node.members()).await
    }

    /// Returns a description of the agent: its addresses, settings, load and counters.
    ///
    /// # Errors
    /// Fails if the agent has stopped.
    pub async fn info(&self) -> Result<Info, Error> {
        self.call(Core::info).await
    }

    /// Returns the counters of the protocols and of the sockets.
    ///
    /// # Errors
    /// Fails if the agent has stopped.
    pub async fn counters(&self) -> Result<Counters, Error> {
        self.call(|core| core.counters()).await
    }

    /// Asks all members what they hold, and waits for their answers up to `wait` (at most ten minutes).
    ///
    /// # Errors
    /// Fails if the agent runs no events, or too many of its events are on their way.
    pub async fn compare(&self, wait: Duration) -> Result<Comparison, Error> {
        let wait = wait.min(LONGEST_QUERY);
        let ask = move |node: &mut Node, now| node.ask_summaries(now, wait);
        let mut answers = self.call(move |core| core.ask(ask)).await??;
        let (mut nodes, mut count) = (Vec::new(), (0, 0));
        while let Some(reply) = answers.raw().await {
            match reply {
                Reply::Answer { from, payload, .. } => {
                    if let Ok(summary) = Summary::decode(&payload) {
                        nodes.push(Compared { node: from.to_string(), summary });
                    }
                }
                Reply::Finished { answered, expected } => count = (answered, expected),
            }
        }
        nodes.sort_by(|a, b| a.node.cmp(&b.node));
        let (answered, expected) = count;
        Ok(Comparison { expected, answered, nodes, silent: answers.silent().cloned().collect() })
    }

    /// Joins the cluster of the member at `address` (`host:port`). Returns the addresses that it
    /// resolves to now; [`Notice::Joined`] or [`Notice::JoinFailed`] reports the result. The
    /// address is kept like those of [`crate::Builder::join`]: the agent looks it up and contacts it
    /// again for as long as it runs.
    ///
    /// # Errors
    /// Fails if the address is malformed or can't be resolved.
    pub async fn join(&self, address: &str) -> Result<Vec<SocketAddr>, Error> {
        let address = Address::parse(address)?;
        let found = address.resolve(&self.0.resolver, self.udp_addr()).await?;
        let contacts = found.clone();
        self.call(move |core| core.join(&address, &contacts)).await?;
        Ok(found)
    }

    /// Leaves the cluster and stops: notifies the other members, sends what is queued and closes all
    /// sockets. Returns when this is done.
    pub async fn leave(&self) {
        let _ = self.0.commands.send(Command::Leave).await;
        self.stopped().await;
    }

    /// Stops at once, without leaving: the other members will detect it. Returns when all sockets are
    /// closed.
    pub async fn kill(&self) {
        let _ = self.0.commands.send(Command::Kill).await;
        self.stopped().await;
    }

    /// Waits until the agent has stopped and closed all its sockets. Returns the reason.
    pub async fn stopped(&self) -> StopReason {
        let mut life = self.0.life.clone();
        match life.wait_for(|life| matches!(life, Life::Over(_))).await.as_deref() {
            Ok(Life::Over(reason)) => reason.clone(),
            // The runtime went down under the agent.
            _ => StopReason::Dropped,
        }
    }

    /// Does the same as [`Agent::leave`], but returns once the agent has stopped, while HTTP requests
    /// may still be answered.
    pub(crate) async fn leave_but_answer(&self) {
        let _ = self.0.commands.send(Command::Leave).await;
        self.ending().await;
    }

    async fn ending(&self) -> StopReason {
        let mut life = self.0.life.clone();
        match life.wait_for(|life| !matches!(life, Life::Running)).await.as_deref() {
            Ok(Life::Ending(reason) | Life::Over(reason)) => reason.clone(),
            _ => StopReason::Dropped,
        }
    }

    /// Subscribes to all notices, from now on.
    pub fn subscribe(&self) -> Subscription<Notice> {
        self.pick(Some)
    }

    /// Subscribes to what `pick` makes of notices.
    fn pick<T>(&self, pick: impl FnMut(Notice) -> Option<T> + Send + 'static) -> Subscription<T> {
        Subscription::new(self.receiver(), self.0.missed.clone(), pick)
    }

    /// Returns all notices, from now on. Who reads them reports those that it misses to
    /// [`Agent::has_missed`].
    pub(crate) fn receiver(&self) -> broadcast::Receiver<Notice> {
        match self.0.notices.upgrade() {
            Some(notices) => notices.subscribe(),
            // Stopped: the receiver of a channel that is closed already.
            None => broadcast::channel(1).1,
        }
    }

    /// Counts notices that a reader of [`Agent::receiver`] has missed.
    pub(crate) fn has_missed(&self, notices: u64) {
        self.0.missed.fetch_add(notices, Ordering::Relaxed);
    }

    // ------------------------------------------------------------------ the node

    /// Calls `f` with the first protocol of type `P` that was added with [`crate::Builder::protocol`]
    /// and its context: this is how a program calls its own protocol. Returns `None` if there is no such
    /// protocol.
    ///
    /// # Errors
    /// Fails if the agent has stopped.
    pub async fn with_protocol<P, R>(
        &self,
        f: impl FnOnce(&mut P, &mut Context<'_>) -> R + Send + 'static,
    ) -> Result<Option<R>, Error>
    where
        P: Protocol,
        R: Send + 'static,
    {
        self.with_node(move |node, now| node.with_protocol(now, f)).await
    }

    /// Calls `f` with the node and the current time; then sends the messages and reports the notices
    /// that the node has queued. `f` must not block, because the agent does nothing else meanwhile.
    ///
    /// # Errors
    /// Fails if the agent has stopped.
    pub async fn with_node<R: Send + 'static>(
        &self,
        f: impl FnOnce(&mut Node, Instant) -> R + Send + 'static,
    ) -> Result<R, Error> {
        self.call(move |core| {
            let now = core.now();
            f(&mut core.node, now)
        })
        .await
    }

    /// Makes a change, and returns when it is on disk, if the agent has a store.
    async fn keep<R: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Core) -> Result<R, Error> + Send + 'static,
    ) -> Result<R, Error> {
        let (result, ticket) = self.call(|core| core.keep(change)).await??;
        ticket.kept().await?;
        Ok(result)
    }

    pub(crate) async fn call<R: Send + 'static>(
        &self,
        f: impl FnOnce(&mut Core) -> R + Send + 'static,
    ) -> Result<R, Error> {
        let (answer, answered) = oneshot::channel();
        let call = Box::new(move |core: &mut Core| {
            // The caller may have gone.
            let _ = answer.send(f(core));
        });
        if self.0.commands.send(Command::Call(call)).await.is_ok()
            && let Ok(result) = answered.await
        {
            return Ok(result);
        }
        Err(Error::Stopped(self.ending().await))
    }
}
