//! Configures and starts an agent.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use rumormill_proto::{Config, Event, Identity, Input, Instant, Name, Node, Protocol};

use crate::agent::Agent;
use crate::api::SocketStats;
use crate::clock::{Clock, unix_millis};
use crate::core::Core;
use crate::error::StartError;
use crate::query::{self, Askers, Handler, Handlers};
use crate::resolve::{self, Address, Resolver};
use crate::seeds::Seeds;
use crate::socket;
use crate::store::{Kept, Store};
use crate::supervisor::{self, Sockets};

/// The default port.
const PORT: u16 = 7946;

/// Configures an agent; see [`Agent::builder`]. [`Builder::start`] checks all settings.
#[must_use = "an agent starts with `start`"]
pub struct Builder {
    name: String,
    bind: SocketAddr,
    advertise: Option<SocketAddr>,
    http: Option<SocketAddr>,
    join: Vec<String>,
    resolver: Resolver,
    config: Config,
    seed: Option<u64>,
    incarnation: Option<u64>,
    store: Option<Store>,
    keep_old_kv: bool,
    loss: f64,
    protocols: Vec<Box<dyn Protocol>>,
    validator: Option<Validator>,
    handlers: Vec<(String, Handler)>,
    aggregates: bool,
    events: bool,
    kv: bool,
    log_lines_dropped: Option<Arc<AtomicU64>>,
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder")
            .field("name", &self.name)
            .field("bind", &self.bind)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl Agent {
    /// Returns a builder of an agent with this name in the cluster: 1 to 64 bytes of ASCII letters,
    /// digits, `.`, `_`, `-`, `/` and `:`.
    pub fn builder(name: &str) -> Builder {
        Builder::new(name)
    }
}

type Validator = Box<dyn FnMut(&Event) -> bool + Send>;

impl Builder {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            bind: (Ipv4Addr::LOCALHOST, PORT).into(),
            advertise: None,
            http: None,
            join: Vec::new(),
            resolver: resolve::system(),
            config: Config::default(),
            seed: None,
            incarnation: None,
            store: None,
            keep_old_kv: false,
            loss: 0.0,
            protocols: Vec::new(),
            validator: None,
            handlers: Vec::new(),
            aggregates: true,
            events: true,
            kv: true,
            log_lines_dropped: None,
        }
    }

    /// Sets the address at which datagrams (UDP) and streams (TCP, the same port) arrive. Port 0 takes any
    /// free one.
    /// Default `127.0.0.1:7946`.
    pub fn bind(mut self, addr: SocketAddr) -> Self {
        self.bind = addr;
        self
    }

    /// Sets the address that other members use, if it differs from the bound one: behind network
    /// address translation, and always when bound to `0.0.0.0` or `[::]`. Port 0 stands for the bound
    /// port.
    pub fn advertise(mut self, addr: SocketAddr) -> Self {
        self.advertise = Some(addr);
        self
    }

    /// Sets the address of the HTTP API. Port 0 takes any free one. Default `None`: no HTTP API. There
    /// is no authentication: bind it where only trusted clients can reach it.
    pub fn http(mut self, addr: Option<SocketAddr>) -> Self {
        self.http = addr;
        self
    }

    /// Adds members of the cluster to join, as `host:port`. A name that can't be looked up, or an
    /// address that does not answer, is reported ([`Notice::JoinFailed`](rumormill_proto::Notice::JoinFailed)) and retried.
    ///
    /// The names are looked up for as long as the agent runs: often while no other member is up or one
    /// is missing, about once a minute otherwise. The agent contacts all addresses that belong to no
    /// member. So the parts of a cluster that have lost each other, or have started apart, become one
    /// as soon as a name in one part leads to the other.
    pub fn join(mut self, addresses: impl IntoIterator<Item = String>) -> Self {
        self.join.extend(addresses);
        self
    }

    /// Sets the function that resolves a `host:port` whose host is not an IP address, instead of the
    /// operating system: for service discovery other than DNS. A lookup fails after ten seconds.
    ///
    /// ```
    /// # use rumormill_agent::Agent;
    /// let builder = Agent::builder("a")
    ///     .join(["members.shop:7946".to_owned()])
    ///     .resolver(|address| async move {
    ///         match address.as_str() {
    ///             "members.shop:7946" => Ok(vec!["127.0.0.1:7946".parse().unwrap()]),
    ///             _ => Err("the registry has no such service".to_owned()),
    ///         }
    ///     });
    /// ```
    pub fn resolver<F>(mut self, resolve: impl Fn(String) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Vec<SocketAddr>, String>> + Send + 'static,
    {
        self.resolver = resolve::resolver(resolve);
        self
    }

    /// Sets the protocols' settings. All agents of a cluster should use the same.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Sets the seed of the agent's random numbers. Default: from the operating system.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Sets the store on disk that keeps the agent's name, its incarnation number, its inputs and all
    /// keys. Default: none.
    pub fn store(mut self, store: Store) -> Self {
        self.store = Some(store);
        self
    }

    /// Uses the store's keys even if no agent has run on it for longer than deleted keys are remembered
    /// ([`rumormill_proto::KvSettings::tombstone_life`]): keys that were deleted meanwhile may come back.
    /// Default `false`: such keys are set aside, and the agent fetches them from the other members.
    pub fn keep_old_kv(mut self, keep: bool) -> Self {
        self.keep_old_kv = keep;
        self
    }

    /// Sets the agent's incarnation number, which must rise with each restart. Default: the time in
    /// milliseconds since 1970. An agent with a store takes at least the next number above all that
    /// it has used.
    pub fn incarnation(mut self, incarnation: u64) -> Self {
        self.incarnation = Some(incarnation);
        self
    }

    /// Sets the probability, from 0 to 1, with which each outgoing datagram is dropped, to try the
    /// effect of loss. Default 0.
    pub fn loss(mut self, probability: f64) -> Self {
        self.loss = probability;
        self
    }

    /// Adds a protocol to this agent; all agents of the cluster should have it. Can be repeated.
    pub fn protocol(mut self, protocol: Box<dyn Protocol>) -> Self {
        self.protocols.push(protocol);
        self
    }

    /// Sets the hook that examines every event before it is delivered here or passed on. An event for
    /// which `good` returns `false` stops at this node. The hook must be fast, because the agent does
    /// nothing else meanwhile.
    ///
    /// ```
    /// # use rumormill_agent::Agent;
    /// let builder = Agent::builder("a").validator(|event| event.payload.len() <= 1000);
    /// ```
    pub fn validator(mut self, good: impl FnMut(&Event) -> bool + Send + 'static) -> Self {
        self.validator = Some(Box::new(good));
        self
    }

    /// Answers queries with this topic with what `handler` returns, as
    /// [`Queries::handle`](crate::Queries::handle) does, from the start.
    pub fn handle<F>(
        mut self,
        topic: &str,
        handler: impl Fn(Event) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<Vec<u8>, String>> + Send + 'static,
    {
        self.handlers.push((topic.to_owned(), query::handler(handler)));
        self
    }

    /// Sets whether aggregates run. Default `true`. Without them the agent refuses inputs and takes no
    /// part in the aggregates of others.
    pub fn aggregates(mut self, run: bool) -> Self {
        self.aggregates = run;
        self
    }

    /// Sets whether events run, and with them queries and traces, which events carry. Default `true`.
    /// Without them the agent refuses to publish and to ask, and receives no event.
    pub fn events(mut self, run: bool) -> Self {
        self.events = run;
        self
    }

    /// Sets whether the key-value map runs. Default `true`. Without it the agent refuses to write keys,
    /// and has none.
    pub fn kv(mut self, run: bool) -> Self {
        self.kv = run;
        self
    }

    /// Sets the counter of the log lines that the program could not write, to be shown in
    /// [`crate::api::Info::log_lines_dropped`] and in the metrics. The writer of the log counts them.
    pub fn log_lines_dropped(mut self, lines: Arc<AtomicU64>) -> Self {
        self.log_lines_dropped = Some(lines);
        self
    }

    /// Starts the agent on the current tokio runtime, which must have I/O and time enabled.
    ///
    /// # Errors
    /// Fails if a name, a setting or an address is invalid, an address is in use, or the store can't be
    /// used.
    ///
    /// # Panics
    /// Panics outside a tokio runtime.
    pub async fn start(mut self) -> Result<Agent, StartError> {
        let name = Name::new(&self.name)?;
        let mut handlers = Handlers::default();
        for (query, handler) in self.handlers {
            handlers.set(Name::new(&query)?, handler);
        }
        self.config.check()?;
        if !(0.0..=1.0).contains(&self.loss) {
            return Err(StartError::Loss(self.loss));
        }
        let join: Vec<_> = self.join.iter().map(|a| Address::parse(a)).collect::<Result<_, _>>()?;
        let claimed = self.advertise.unwrap_or(self.bind);
        if claimed.ip().is_unspecified() {
            return Err(StartError::Advertise(claimed));
        }

        let (tcp, udp, bound) = socket::bind(self.bind).await?;
        let http = self.http.map(socket::listen).transpose()?;
        let mut addr = self.advertise.unwrap_or(bound);
        if addr.port() == 0 {
            addr.set_port(bound.port());
        }

        let clock = Clock::start();
        self.config.kv.journal = self.store.is_some();
        let life = self.config.kv.tombstone_life;
        let longest = (!self.keep_old_kv).then_some(life);
        let (kept, store) = match self.store {
            Some(store) => {
                let (kept, writer) =
                    store.claim(&name, &self.config.cluster, self.incarnation, longest)?;
                (Some(kept), Some(writer))
            }
            None => (None, None),
        };
        let given = self.incarnation.unwrap_or_else(unix_millis);
        let incarnation = kept.as_ref().map_or(given, |kept| kept.incarnation);
        let seed = self.seed.unwrap_or_else(rand::random);
        let me = Identity { name, addr, incarnation };
        let mut node = Node::bare(clock.now(), me, self.config, seed)?;
        if self.aggregates {
            node.add_aggregates(clock.now());
        }
        if self.events {
            node.add_events(clock.now());
        }
        if self.kv {
            node.add_kv(clock.now());
        }
        node.handle_wall_clock(clock.now(), unix_millis());
        for protocol in self.protocols {
            node.add_protocol(clock.now(), protocol);
        }
        if let Some(validator) = self.validator {
            node.events_mut().set_validator(clock.now(), Some(validator));
        }
        let knew = kept.as_ref().map_or(0, |kept| kept.others as usize);
        if let Some(kept) = kept {
            restore(&mut node, clock.now(), kept);
        }
        let mut core = Core {
            node,
            store,
            askers: Askers::default(),
            handlers,
            missed: Arc::default(),
            clock,
            sockets: SocketStats::default(),
            loss: self.loss,
            http: http.as_ref().map(|(_, addr)| *addr),
            seeds: Seeds::new(clock.now(), join, seed),
            joined: false,
            knew,
            log_lines_dropped: self.log_lines_dropped,
        };
        core.expect_others();
        let sockets = Sockets { udp, bound, tcp, http: http.map(|(listener, _)| listener) };
        Ok(supervisor::start(core, sockets, self.resolver, seed))
    }
}

/// Restores the inputs and keys of the agent's last incarnation.
fn restore(node: &mut Node, now: Instant, kept: Kept) {
    if let Some(aside) = kept.set_aside {
        tracing::warn!(
            aside = %aside.display(),
            "the keys on disk are older than deleted keys are remembered; they were set aside, and \
             this agent fetches the keys from the other members"
        );
    }
    for Input { name, value, mode } in kept.inputs {
        if let Err(error) = node.aggregates_mut().set(now, &name, value, mode) {
            tracing::warn!(%name, value, %error, "an input on disk was refused");
        }
    }
    node.kv_mut().restore(now, kept.entries);
}
