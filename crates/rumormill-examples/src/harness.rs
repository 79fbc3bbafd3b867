//! The least driver that can run a few nodes in one thread: no loss, no latency, time in steps.

use std::net::SocketAddr;

use rumormill_proto::{Config, Context, Duration, Identity, Instant, Name, Node, Plane, Protocol};

const STEP: Duration = Duration::from_millis(10);

pub(crate) struct Cluster {
    nodes: Vec<Node>,
    now: Instant,
}

fn addr(i: usize) -> SocketAddr {
    ([127, 0, 0, 1], 1000 + i as u16).into()
}

impl Cluster {
    /// `n` nodes that know each other, each with a protocol.
    pub(crate) fn new<P: Protocol>(n: u16, mut protocol: impl FnMut(u16) -> P) -> Self {
        let mut nodes = Vec::new();
        for i in 0..n {
            let name = Name::new(&format!("n{i}")).unwrap();
            let me = Identity { name, addr: addr(usize::from(i)), incarnation: 1 };
            let seed = u64::from(i);
            let mut node = Node::bare(Instant::ZERO, me, Config::default(), seed).unwrap();
            node.add_protocol(Instant::ZERO, Box::new(protocol(i)));
            if i > 0 {
                node.join(Instant::ZERO, addr(0));
            }
            nodes.push(node);
        }
        let mut cluster = Self { nodes, now: Instant::ZERO };
        let all = usize::from(n);
        let knows_all = |node: &Node| node.roster().len() == all;
        cluster.run(Duration::from_secs(60), |cluster| cluster.nodes.iter().all(knows_all));
        cluster
    }

    /// Calls the protocol of node `i`.
    pub(crate) fn with<P: Protocol, R>(
        &mut self,
        i: usize,
        f: impl FnOnce(&mut P, &mut Context<'_>) -> R,
    ) -> R {
        self.nodes[i].with_protocol(self.now, f).unwrap()
    }

    /// Runs until all protocols together are as `done` says; panics after `at_most`.
    pub(crate) fn run_until<P: Protocol>(
        &mut self,
        at_most: Duration,
        done: impl Fn(&[&P]) -> bool,
    ) {
        self.run(at_most, |cluster| {
            let all: Vec<&P> = cluster.nodes.iter().map(|node| node.protocol().unwrap()).collect();
            done(&all)
        });
    }

    fn run(&mut self, at_most: Duration, done: impl Fn(&Self) -> bool) {
        let end = self.now + at_most;
        while !done(self) {
            assert!(self.now < end, "not done after {at_most:?}");
            self.now += STEP;
            for i in 0..self.nodes.len() {
                self.nodes[i].handle_timeout(self.now);
                self.deliver(i);
            }
        }
    }

    fn deliver(&mut self, from: usize) {
        while let Some(transmit) = self.nodes[from].poll_transmit() {
            let to = usize::from(transmit.to.port()) - 1000;
            let (now, node) = (self.now, &mut self.nodes[to]);
            match transmit.plane {
                Plane::Datagram => node.handle_datagram(now, addr(from), &transmit.bytes),
                Plane::Stream => node.handle_stream(now, addr(from), &transmit.bytes),
            }
        }
    }
}
