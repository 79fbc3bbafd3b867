//! foca: SWIM with custom broadcasts, which ride on its gossip. The caller owns socket and timers,
//! as in foca's own example of an agent; one task a node has it all here, which is the cheapest.

use std::collections::{BTreeMap, HashSet};
use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ::foca::{
    AccumulatingRuntime, BroadcastHandler, Config, Foca, Invalidates, PostcardCodec, Timer,
};
use anyhow::Context;
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::cluster::{Cluster, Counter, Traffic};
use crate::deliveries::Deliveries;

/// foca with its configuration for local networks. `AT_ONCE` sends what is new to three members as
/// soon as it is received, besides the gossip every 200 ms.
pub(crate) struct Nodes<const AT_ONCE: bool> {
    nodes: Vec<Handle>,
    counter: Arc<Counter>,
    probe: Duration,
}

struct Handle {
    commands: mpsc::Sender<Command>,
    members: Arc<AtomicUsize>,
}

enum Command {
    Announce(Id),
    Broadcast(Vec<u8>),
}

impl<const AT_ONCE: bool> Cluster for Nodes<AT_ONCE> {
    async fn start(nodes: usize, deliveries: Arc<Deliveries>) -> anyhow::Result<Self> {
        let size = NonZeroU32::new(u32::try_from(nodes)?).context("no nodes")?;
        // Its gossip: every 200 ms, to three members.
        let config = Config::new_lan(size);
        let counter = Arc::new(Counter::default());
        let mut handles: Vec<Handle> = Vec::new();
        let mut first = None;
        let bump = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        for number in 0..nodes {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
            let me = Id { addr: socket.local_addr()?, bump };
            let handler = Handler {
                node: number,
                deliveries: deliveries.clone(),
                received: HashSet::new(),
                fresh: Arc::default(),
            };
            let fresh = handler.fresh.clone();
            let rng = StdRng::seed_from_u64(number as u64);
            let foca = Foca::with_custom_broadcast(
                me.clone(),
                config.clone(),
                rng,
                PostcardCodec,
                handler,
            );
            let (commands, inbox) = mpsc::channel(64);
            let members = Arc::new(AtomicUsize::new(1));
            let node = Node {
                foca,
                socket,
                inbox,
                runtime: AccumulatingRuntime::new(),
                timers: BTreeMap::new(),
                serial: 0,
                fresh,
                passed_on: 0,
                at_once: AT_ONCE,
                members: members.clone(),
                counter: counter.clone(),
            };
            tokio::spawn(node.run());
            match &first {
                None => first = Some(me),
                Some(first) => commands.send(Command::Announce(first.clone())).await?,
            }
            handles.push(Handle { commands, members });
        }
        Ok(Self { nodes: handles, counter, probe: config.probe_period })
    }

    fn probe_interval(&self) -> Option<Duration> {
        Some(self.probe)
    }

    async fn fewest_known(&self) -> anyhow::Result<usize> {
        Ok(self.nodes.iter().map(|node| node.members.load(Relaxed)).min().unwrap_or(0))
    }

    async fn publish(&self, origin: usize, payload: &str) -> anyhow::Result<()> {
        let broadcast = Command::Broadcast(payload.as_bytes().to_vec());
        self.nodes[origin].commands.send(broadcast).await?;
        Ok(())
    }

    async fn traffic(&self) -> anyhow::Result<Traffic> {
        Ok(self.counter.traffic())
    }
}

struct Node {
    foca: Foca<Id, PostcardCodec, StdRng, Handler>,
    socket: UdpSocket,
    inbox: mpsc::Receiver<Command>,
    runtime: AccumulatingRuntime<Id>,
    timers: BTreeMap<(Instant, u64), Timer<Id>>,
    serial: u64,
    /// How many messages the handler has received, and how many of them were passed on at once.
    fresh: Arc<AtomicUsize>,
    passed_on: usize,
    at_once: bool,
    members: Arc<AtomicUsize>,
    counter: Arc<Counter>,
}

impl Node {
    async fn run(mut self) {
        let mut buffer = vec![0; 65_536];
        loop {
            self.flush().await;
            let deadline = self.timers.keys().next().map(|key| key.0);
            let timer = sleep_until(deadline.unwrap_or_else(Instant::now));
            // foca's errors are packets that make no sense and the like, after which it goes on.
            tokio::select! {
                received = self.socket.recv_from(&mut buffer) => if let Ok((length, _)) = received {
                    let _ = self.foca.handle_data(&buffer[..length], &mut self.runtime);
                },
                () = timer, if deadline.is_some() => self.fire(),
                command = self.inbox.recv() => match command {
                    Some(Command::Announce(to)) => {
                        let _ = self.foca.announce(to, &mut self.runtime);
                    }
                    Some(Command::Broadcast(payload)) => {
                        let _ = self.foca.add_broadcast(&payload);
                    }
                    None => return,
                },
            }
            let fresh = self.fresh.load(Relaxed);
            if self.at_once && fresh > self.passed_on {
                self.passed_on = fresh;
                let _ = self.foca.broadcast(&mut self.runtime);
            }
        }
    }

    fn fire(&mut self) {
        let now = Instant::now();
        while let Some(entry) = self.timers.first_entry()
            && entry.key().0 <= now
        {
            let _ = self.foca.handle_timer(entry.remove(), &mut self.runtime);
        }
    }

    async fn flush(&mut self) {
        while let Some((to, bytes)) = self.runtime.to_send() {
            self.counter.sent(bytes.len());
            // As with any loss: foca lives with it.
            let _ = self.socket.send_to(&bytes, to.addr).await;
        }
        let now = Instant::now();
        while let Some((after, timer)) = self.runtime.to_schedule() {
            self.timers.insert((now + after, self.serial), timer);
            self.serial += 1;
        }
        while self.runtime.to_notify().is_some() {}
        self.members.store(1 + self.foca.num_members(), Relaxed);
    }
}

/// As in foca's own example of an agent: the address, and the second of the start, which
/// distinguishes incarnations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Id {
    addr: SocketAddr,
    bump: u64,
}

impl ::foca::Identity for Id {
    type Addr = SocketAddr;

    fn renew(&self) -> Option<Self> {
        Some(Self { addr: self.addr, bump: self.bump.wrapping_add(1) })
    }

    fn addr(&self) -> SocketAddr {
        self.addr
    }

    fn win_addr_conflict(&self, adversary: &Self) -> bool {
        self.bump > adversary.bump
    }
}

/// Delivers a new message once, and lets foca pass it on. The payload identifies a message, so
/// nothing is added to it on the wire.
struct Handler {
    node: usize,
    deliveries: Arc<Deliveries>,
    received: HashSet<u32>,
    fresh: Arc<AtomicUsize>,
}

struct Key(u32);

impl Invalidates for Key {
    fn invalidates(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl BroadcastHandler<Id> for Handler {
    type Key = Key;
    type Error = Infallible;

    fn receive_item(
        &mut self,
        data: &[u8],
        sender: Option<&Id>,
    ) -> Result<Option<Key>, Infallible> {
        let Some(number) = Deliveries::number(data) else {
            self.deliveries.delivered(self.node, data);
            return Ok(None);
        };
        if !self.received.insert(number) {
            return Ok(None);
        }
        self.fresh.fetch_add(1, Relaxed);
        if sender.is_some() {
            self.deliveries.delivered(self.node, data);
        }
        Ok(Some(Key(number)))
    }
}
