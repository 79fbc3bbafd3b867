//! A node at rest asks for no time except that of the failure detector, and still forgets in time.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use rumormill_proto::{
    Config, Duration, EventSettings, Identity, Instant, KvSettings, Name, Node, Plane, Style,
};

const SECOND: Duration = Duration::from_secs(1);

/// Nodes whose packets arrive at once, and how often each was woken by a timer.
struct Cluster {
    nodes: Vec<Node>,
    now: Instant,
    timers: Vec<u32>,
}

impl Cluster {
    /// Starts nodes with events and keys that know each other.
    fn new(nodes: u16, config: &Config) -> Self {
        let identity = |i: u16| Identity {
            name: Name::new(&format!("n{i}")).unwrap(),
            addr: ([127, 0, 0, 1], 1000 + i).into(),
            incarnation: 1 + u64::from(i),
        };
        let node = |i| {
            let mut node =
                Node::bare(Instant::ZERO, identity(i), config.clone(), u64::from(i)).unwrap();
            node.add_events(Instant::ZERO);
            node.add_kv(Instant::ZERO);
            node
        };
        let nodes: Vec<Node> = (0..nodes).map(node).collect();
        let mut cluster = Self { timers: vec![0; nodes.len()], nodes, now: Instant::ZERO };
        let seed = cluster.nodes[0].identity().addr;
        for node in &mut cluster.nodes[1..] {
            node.join(Instant::ZERO, seed);
        }
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
            for (node, timers) in self.nodes.iter_mut().zip(&mut self.timers) {
                if node.poll_timeout().is_some_and(|at| at <= self.now) {
                    node.handle_timeout(self.now);
                    *timers += 1;
                }
            }
        }
        self.now = until;
    }

    fn drain(&mut self) {
        let mut busy = true;
        while core::mem::take(&mut busy) {
            for from in 0..self.nodes.len() {
                let addr = self.nodes[from].identity().addr;
                while let Some(packet) = self.nodes[from].poll_transmit() {
                    busy = true;
                    let to = self.nodes.iter_mut().find(|node| node.identity().addr == packet.to);
                    match (to, packet.plane) {
                        (Some(to), Plane::Datagram) => {
                            to.handle_datagram(self.now, addr, &packet.bytes);
                        }
                        (Some(to), Plane::Stream) => {
                            to.handle_stream(self.now, addr, &packet.bytes);
                        }
                        (None, _) => {}
                    }
                }
                while self.nodes[from].poll_notice().is_some() {}
            }
        }
    }

    /// Runs for a time; returns the timers of each node and second.
    fn timers_in(&mut self, time: Duration) -> Vec<f64> {
        let before = self.timers.clone();
        self.run(time);
        let fired = self.timers.iter().zip(before).map(|(now, then)| f64::from(now - then));
        fired.map(|timers| timers / time.as_secs_f64()).collect()
    }
}

fn config() -> Config {
    Config {
        events: EventSettings { retention: SECOND * 10, ..EventSettings::default() },
        kv: KvSettings { tombstone_life: SECOND * 60, ..KvSettings::default() },
        ..Config::default()
    }
}

/// The failure detector's own: a probe a second, every 5 s an attempt to reach members that are dead,
/// every 30 s the whole membership.
const SWIM: f64 = 1.0 + 0.2 + 0.1;

#[test]
fn a_node_that_holds_nothing_has_the_timers_of_the_failure_detector_only() {
    let mut cluster = Cluster::new(5, &config());
    cluster.run(SECOND * 60);
    for timers in cluster.timers_in(SECOND * 100) {
        assert!(timers <= SWIM, "{timers} a second");
    }
}

#[test]
fn a_node_at_rest_wakes_for_what_it_holds_only_to_forget_it() {
    let mut cluster = Cluster::new(5, &config());
    cluster.run(SECOND * 60);
    let (topic, now) = (Name::new("topic").unwrap(), cluster.now);
    let event = cluster.nodes[1].events_mut().publish(now, &topic, b"payload").unwrap();
    for key in ["kept", "deleted"] {
        cluster.nodes[2].kv_mut().put(now, key, b"value").unwrap();
    }
    cluster.run(SECOND * 6);
    let deleted = cluster.nodes[3].kv_mut().delete(cluster.now, "deleted");
    assert!(deleted.is_some());
    cluster.run(SECOND * 6);
    for node in &cluster.nodes {
        // The retention and a pull interval are over for the event.
        assert!(node.events().record(event).is_none(), "{event} is kept for too long");
        let load = node.kv().load();
        assert_eq!((load.keys, load.tombstones), (1, 1));
    }
    // In this time the event is forgotten for good, and the tombstone's life ends.
    for timers in cluster.timers_in(SECOND * 100) {
        assert!(timers <= SWIM + 0.02, "{timers} a second");
    }
    for node in &cluster.nodes {
        let load = node.kv().load();
        assert_eq!((load.keys, load.tombstones), (1, 0));
    }
    for timers in cluster.timers_in(SECOND * 100) {
        assert!(timers <= SWIM, "{timers} a second");
    }
}

#[test]
fn styles_that_pull_all_the_time_go_on() {
    let mut config = config();
    config.events.style = Style::Pull;
    let mut cluster = Cluster::new(3, &config);
    cluster.run(SECOND * 60);
    for timers in cluster.timers_in(SECOND * 100) {
        assert!(timers > SWIM + 0.5, "{timers} a second");
    }
    let (topic, now) = (Name::new("topic").unwrap(), cluster.now);
    let event = cluster.nodes[1].events_mut().publish(now, &topic, b"payload").unwrap();
    cluster.run(SECOND * 8);
    assert!(cluster.nodes.iter().all(|node| node.events().record(event).is_some()));
}
