//! Numbers far ahead, as a faulty member would send them: nodes recover, and mass is conserved.

use super::*;
use crate::aggregate::input::Mode;
use crate::aggregate::reading::{ComponentKind, Reading};
use crate::codec::Write;
use crate::identity::Name;
use crate::transmit::Plane;

const SECOND: Duration = Duration::from_secs(1);

/// Where the body of a message begins.
const BODY: usize = Envelope::SIZE;

/// The kind of a push.
const PUSH: u8 = 3;

/// Nodes whose packets arrive at once.
struct Cluster {
    nodes: Vec<Node>,
    now: Instant,
    /// The pushes of the live aggregates from the first node to the second.
    pushes: Vec<Vec<u8>>,
    /// The messages of the aggregates in mode epoch from the first node to the second.
    epochs: Vec<Vec<u8>>,
}

impl Cluster {
    fn new(n: u16) -> Self {
        let identity = |i: u16| Identity {
            name: Name::new(&format!("n{i}")).unwrap(),
            addr: ([127, 0, 0, 1], 1000 + i).into(),
            incarnation: 1 + u64::from(i),
        };
        let config = Config::default();
        let node = |i| Node::new(Instant::ZERO, identity(i), config.clone(), u64::from(i)).unwrap();
        let nodes: Vec<Node> = (0..n).map(node).collect();
        let mut cluster = Self { nodes, now: Instant::ZERO, pushes: vec![], epochs: vec![] };
        let seed = cluster.nodes[0].identity().addr;
        for node in &mut cluster.nodes[1..] {
            node.join(Instant::ZERO, seed);
        }
        cluster.run(SECOND * 5);
        cluster
    }

    fn run(&mut self, time: Duration) {
        let until = self.now + time;
        loop {
            self.drain();
            let due = self.nodes.iter().filter_map(Node::poll_timeout).min().unwrap();
            if due > until {
                break;
            }
            self.now = self.now.max(due);
            for node in &mut self.nodes {
                if node.poll_timeout().is_some_and(|at| at <= self.now) {
                    node.handle_timeout(self.now);
                }
            }
        }
        self.now = until;
    }

    fn drain(&mut self) {
        let mut busy = true;
        while core::mem::take(&mut busy) {
            for from in 0..self.nodes.len() {
                while let Some(Transmit { to, plane, bytes }) = self.nodes[from].poll_transmit() {
                    busy = true;
                    self.keep(from, &bytes);
                    let addr = self.nodes[from].identity().addr;
                    let to = self.nodes.iter_mut().find(|node| node.identity().addr == to);
                    match (to, plane) {
                        (Some(to), Plane::Datagram) => to.handle_datagram(self.now, addr, &bytes),
                        (Some(to), Plane::Stream) => to.handle_stream(self.now, addr, &bytes),
                        (None, _) => {}
                    }
                }
                while self.nodes[from].poll_notice().is_some() {}
            }
        }
    }

    fn keep(&mut self, from: usize, bytes: &[u8]) {
        let (envelope, body) = Envelope::read(self.nodes[0].cluster, bytes).unwrap();
        if from != 0 || envelope.to != self.nodes[1].identity().id() {
            return;
        }
        if envelope.channel == tag("aggregate.live") && body[0] == PUSH {
            self.pushes.push(bytes.to_vec());
        } else if envelope.channel == tag("aggregate.epoch") {
            self.epochs.push(bytes.to_vec());
        }
    }

    /// Delivers a datagram to the second node as if the first one had sent it.
    fn forge(&mut self, bytes: &[u8]) {
        let from = self.nodes[0].identity().addr;
        self.nodes[1].handle_datagram(self.now, from, bytes);
        self.drain();
    }

    fn set(&mut self, node: usize, value: f64, mode: Mode) {
        self.nodes[node]
            .aggregates_mut()
            .set(self.now, &Name::new("x").unwrap(), value, mode)
            .unwrap();
    }

    fn readings(&self) -> Vec<Reading> {
        let x = Name::new("x").unwrap();
        self.nodes.iter().filter_map(|node| node.aggregates().get(self.now, &x)).collect()
    }

    /// Runs until all readings have this sum, and a variance.
    fn settles(&mut self, sum: f64) {
        let right = |r: &Reading| {
            r.converged && r.variance.is_some() && (r.sum.value.unwrap() - sum).abs() < 1e-3
        };
        for _ in 0..120 {
            self.run(SECOND);
            if self.readings().iter().all(right) {
                return;
            }
        }
        panic!("{:#?}", self.readings());
    }

    /// Returns the mass of a component at all nodes together.
    fn held(&self, component: ComponentKind) -> f64 {
        let x = Name::new("x").unwrap();
        let of = |node: &Node| {
            let lines = node.aggregates().explain(self.now, &x).unwrap().components;
            lines.into_iter().find(|line| line.component == component).unwrap().mass
        };
        self.nodes.iter().map(of).sum()
    }
}

/// Replaces the varint at `at` by another number.
fn with_number(bytes: &[u8], at: usize, number: u64) -> Vec<u8> {
    let end = at + 1 + bytes[at..].iter().position(|byte| byte & 0x80 == 0).unwrap();
    let mut forged = bytes[..at].to_vec();
    forged.put_varint(u128::from(number));
    forged.put(&bytes[end..]);
    forged
}

#[test]
fn a_push_with_a_number_far_ahead_does_not_break_a_link() {
    for ahead in [100, 1 << 19, 1 << 20, 1 << 31, 1 << 40, u64::MAX] {
        let mut cluster = Cluster::new(3);
        for node in 0..3 {
            cluster.set(node, 5.0, Mode::Live);
        }
        cluster.settles(15.0);
        let push = cluster.pushes.last().unwrap().clone();
        cluster.forge(&with_number(&push, BODY + 1, ahead));
        cluster.set(0, 105.0, Mode::Live);
        cluster.settles(115.0);
        cluster.run(SECOND * 20);
        assert_eq!(
            (cluster.held(ComponentKind::Value), cluster.held(ComponentKind::Participation)),
            (115.0, 3.0),
            "{ahead}"
        );
    }
}

#[test]
fn old_pushes_that_come_again_do_no_harm() {
    let mut cluster = Cluster::new(2);
    cluster.set(0, 1.0, Mode::Live);
    cluster.set(1, 2.0, Mode::Live);
    cluster.settles(3.0);
    for push in cluster.pushes.clone() {
        cluster.forge(&push);
    }
    cluster.set(0, 7.0, Mode::Live);
    cluster.settles(9.0);
}

#[test]
fn an_epoch_far_ahead_throws_nobody_off_for_good() {
    for nodes in [2, 3, 5] {
        for epoch in [1000, 1 << 40, (1 << 48) - 1, u64::MAX] {
            let mut cluster = Cluster::new(nodes);
            for node in 0..usize::from(nodes) {
                cluster.set(node, 5.0, Mode::Epoch);
            }
            cluster.run(SECOND * 30);
            let message = cluster.epochs.last().unwrap().clone();
            cluster.forge(&with_number(&message, BODY, epoch));
            cluster.set(0, 105.0, Mode::Epoch);
            cluster.run(SECOND * 60);
            let sum = f64::from(nodes) * 5.0 + 100.0;
            for reading in cluster.readings() {
                let right = (reading.sum.value.unwrap() - sum).abs() < 1.0;
                // Of two nodes each has half of the votes, and follows.
                let misled = nodes > 2 && reading.epoch.unwrap() > 500;
                assert!(right && !misled, "{nodes}, {epoch}: {reading:#?}");
            }
        }
    }
}
