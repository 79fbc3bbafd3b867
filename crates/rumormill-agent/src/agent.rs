//! The handle of a running agent.

pub(crate) mod aggregates;
pub(crate) mod events;
pub(crate) mod kv;
pub(crate) mod queries;

use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use rumormill_proto as proto;
use rumormill_proto::{Context, Instant, Node, Protocol, Stats};
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use self::aggregates::Aggregates;
use self::events::Events;
use self::kv::Kv;
use self::queries::Queries;
use crate::api::{self, Counters, Event, Info, Input, Member};
use crate::core::{Command, Core};
use crate::error::{Error, StopReason};
use crate::resolve::{Address, Resolver};
use crate::store::writer::Writer;
use crate::subscription::{MissedCount, Subscription};

/// A running agent. Clones are handles of the same one; it stops abruptly, without a goodbye, when
/// the last is dropped. To leave the cluster properly, use [`Agent::leave`].
///
/// Every request that needs the agent fails with [`Error::Stopped`] once it has stopped.
#[derive(Clone)]
pub struct Agent(Arc<Shared>);

struct Shared {
    name: String,
    interval: Duration,
    limits: Limits,
    udp_addr: SocketAddr,
    http_addr: Option<SocketAddr>,
    resolver: Resolver,
    commands: mpsc::Sender<Command>,
    events: broadcast::WeakSender<Event>,
    missed: MissedCount,
    life: watch::Receiver<Life>,
}

/// What requests may carry, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// A rumor's payload.
    pub(crate) payload: usize,
    /// A value of the replica.
    pub(crate) value: usize,
    /// A key of it.
    pub(crate) key: usize,
}

impl Limits {
    fn of(config: &proto::Config) -> Self {
        let kv = &config.kv;
        Self { payload: config.events.max_payload, value: kv.max_value, key: kv.max_key }
    }
}

/// Where an agent is in its life.
#[derive(Clone, Debug)]
pub(crate) enum Life {
    Running,
    /// The sockets are closed; HTTP requests get their last answers.
    Ending(StopReason),
    /// Nothing is left of it.
    Over(StopReason),
}

/// A handle that doesn't keep the agent running.
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
    pub(crate) fn new(
        node: &Node,
        (udp_addr, http_addr): (SocketAddr, Option<SocketAddr>),
        resolver: Resolver,
        commands: mpsc::Sender<Command>,
        events: &broadcast::Sender<Event>,
        missed: MissedCount,
        life: watch::Receiver<Life>,
    ) -> Self {
        Self(Arc::new(Shared {
            name: node.identity().name.to_string(),
            interval: node.config().interval,
            limits: Limits::of(node.config()),
            udp_addr,
            http_addr,
            resolver,
            commands,
            events: events.downgrade(),
            missed,
            life,
        }))
    }

    pub(crate) fn downgrade(&self) -> WeakAgent {
        WeakAgent(Arc::downgrade(&self.0))
    }

    /// The agent's name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Where datagrams (UDP) and streams (TCP) arrive.
    pub fn udp_addr(&self) -> SocketAddr {
        self.0.udp_addr
    }

    /// Where the agent answers HTTP, if it does.
    pub fn http_addr(&self) -> Option<SocketAddr> {
        self.0.http_addr
    }

    /// What requests may carry.
    pub(crate) fn limits(&self) -> Limits {
        self.0.limits
    }

    /// The gossip period.
    pub(crate) fn interval(&self) -> Duration {
        self.0.interval
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

    /// Every member that the agent has heard of, itself first.
    ///
    /// # Errors
    /// When the agent has stopped.
    pub async fn members(&self) -> Result<Vec<Member>, Error> {
        self.with_node(|node, _| Member::all(node)).await
    }

    /// The agent, its settings and its counters.
    ///
    /// # Errors
    /// When the agent has stopped.
    pub async fn info(&self) -> Result<Info, Error> {
        let http_address = self.http_addr();
        self.call(move |core| {
            let uptime_seconds = core.now().since(Instant::ZERO).as_secs_f64();
            let node = &core.node;
            let me = node.identity();
            Info {
                name: me.name.to_string(),
                address: me.addr,
                http_address,
                boot: me.incarnation,
                id: me.id().to_string(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
                wire_version: proto::VERSION,
                cluster: node.config().cluster.clone(),
                uptime_seconds,
                members: node.roster().len(),
                joining: core.is_joining(),
                join: core.seeds.targets(me.addr),
                loss: core.loss,
                settings: node.config().clone(),
                load: api::Load::of(node),
                clock: api::ClockInfo::of(node),
                narrow_paths: api::NarrowPath::all(node),
                store: core.store.as_ref().map(Writer::info),
                handlers: core.handlers.names().map(ToString::to_string).collect(),
                inputs: Input::all(node),
                log_lines_dropped: core.log_lines_dropped(),
                counters: Counters::new(node.stats(), &core.sockets),
            }
        })
        .await
    }

    /// What the protocol has counted.
    ///
    /// # Errors
    /// When the agent has stopped.
    pub async fn stats(&self) -> Result<Stats, Error> {
        self.with_node(|node, _| node.stats().clone()).await
    }

    /// All that the agent has counted, the sockets' side and datagrams lost on purpose included.
    ///
    /// # Errors
    /// When the agent has stopped.
    pub async fn counters(&self) -> Result<Counters, Error> {
        self.call(|core| Counters::new(core.node.stats(), &core.sockets)).await
    }

    /// Asks the member at `address` (`host:port`) to let this agent into its cluster. Returns what
    /// the name means now; [`api::Event::Joined`] or [`api::Event::JoinFailed`] tells how it went.
    /// The name is kept like those of [`crate::Builder::join`]: it is looked up and asked again for as
    /// long as the agent runs.
    ///
    /// # Errors
    /// When the address is not of that form, or can't be resolved.
    pub async fn join(&self, address: &str) -> Result<Vec<SocketAddr>, Error> {
        let address = Address::parse(address)?;
        let found = address.resolve(&self.0.resolver, self.udp_addr()).await?;
        let ask = found.clone();
        self.call(move |core| core.join(&address, &ask)).await?;
        Ok(found)
    }

    /// Leaves the cluster and stops: tells the others, sends what is to be sent, closes all
    /// sockets. Returns when that is done.
    pub async fn leave(&self) {
        let _ = self.0.commands.send(Command::Leave).await;
        self.stopped().await;
    }

    /// Stops at once, without a goodbye; the others will find out. Returns when all sockets are
    /// closed.
    pub async fn kill(&self) {
        let _ = self.0.commands.send(Command::Kill).await;
        self.stopped().await;
    }

    /// Returns when the agent has stopped and closed all its sockets, with the reason.
    pub async fn stopped(&self) -> StopReason {
        let mut life = self.0.life.clone();
        match life.wait_for(|life| matches!(life, Life::Over(_))).await.as_deref() {
            Ok(Life::Over(reason)) => reason.clone(),
            // The runtime went down under the agent.
            _ => StopReason::Dropped,
        }
    }

    /// As [`Agent::leave`], but returns when the agent runs no more, while HTTP requests may still
    /// get their answers.
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
    pub fn subscribe(&self) -> Subscription<Event> {
        self.pick(Some)
    }

    /// Subscribes to what `pick` makes of notices.
    fn pick<T>(&self, pick: impl FnMut(Event) -> Option<T> + Send + 'static) -> Subscription<T> {
        Subscription::new(self.receiver(), self.0.missed.clone(), pick)
    }

    /// Returns all notices, from now on. Who reads them reports those that it misses to
    /// [`Agent::has_missed`].
    pub(crate) fn receiver(&self) -> broadcast::Receiver<Event> {
        match self.0.events.upgrade() {
            Some(events) => events.subscribe(),
            // Stopped: the receiver of a channel that is closed already.
            None => broadcast::channel(1).1,
        }
    }

    /// Counts notices that a reader of [`Agent::receiver`] has missed.
    pub(crate) fn has_missed(&self, notices: u64) {
        self.0.missed.add(notices);
    }

    // ------------------------------------------------------------------ the node

    /// Calls the protocol of type `P`, the first that was given to [`crate::Builder::protocol`], with a
    /// context: the way to hand a user's verb to a protocol of one's own. `None` if there is no
    /// such protocol.
    ///
    /// # Errors
    /// When the agent has stopped.
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

    /// Calls `f` with the node itself and the present. What the node wants sent and told after
    /// that is sent and told. `f` must not block: the agent stands still meanwhile.
    ///
    /// # Errors
    /// When the agent has stopped.
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

    /// Makes a change, and returns when it is on the disk, if the agent has a store.
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
            // Whoever asked may have gone.
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
