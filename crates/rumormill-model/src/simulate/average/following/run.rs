//! One run: the queue of what is to come, the changes, the messages, the readings.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::ops::ControlFlow;

use crate::average::following::Following;
use crate::error::Error;
use crate::graph::kind::GraphKind;
use crate::graph::topology::Topology;
use crate::simulate::average::following::node::{Link, Node, Times};
use crate::simulate::average::following::{Job, Summary, WARM};
use crate::simulate::average::protocol::Compensated;
use crate::simulate::stream::{Draws, Purpose, Stream};

/// What happens at a time.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// A node's input changes.
    Change(u32),
    /// A node acts of itself.
    Alarm(u32),
    /// A push arrives on a link of the receiver; with a divisor it is a broadcast.
    Push { to: u32, link: u32, mass: f64, divisor: Option<u32> },
    /// A reply arrives: what the peer took, and of which part of the difference.
    Reply { to: u32, link: u32, taken: f64, divisor: u32 },
    /// Somebody reads.
    Reading,
}

struct Entry {
    time: f64,
    order: u64,
    event: Event,
}

impl Ord for Entry {
    /// The earliest is the greatest, as a heap wants it; of one time, the first that was added.
    fn cmp(&self, other: &Self) -> Ordering {
        other.time.total_cmp(&self.time).then(other.order.cmp(&self.order))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Entry {}

/// A run under way.
pub(super) struct Run<'a> {
    question: &'a Following,
    times: Times,
    nodes: Vec<Node>,
    queue: BinaryHeap<Entry>,
    added: u64,
    inputs: Draws,
    choices: Draws,
    readings: Draws,
    /// The sum of the inputs, which all have the base 1.
    truth: Compensated,
    counts: bool,
    changes: u64,
    broadcast: u64,
    exchanges: u64,
    squares: Compensated,
    read: u64,
    summary: Summary,
}

/// The mean time between two readings, in seconds.
const READING: f64 = 0.005;

/// The nodes of one reading, at most.
const READ: usize = 64;

impl<'a> Run<'a> {
    /// Plays a run.
    pub(super) fn play(job: &'a Job, run: u64) -> Result<Summary, Error> {
        let question = &job.following;
        let times = Times::new(question);
        let stream = |purpose| Stream::new(job.seed, purpose).child(run);
        let mut inputs = stream(Purpose::Values).draws();
        let mut nodes: Vec<Node> = links(question, job.seed.wrapping_add(run))?
            .into_iter()
            .map(|links| Node::new(redrawn(question, &mut inputs), links, &times))
            .collect();
        let mut truth = Compensated::default();
        truth.extend(nodes.iter().map(|node| node.input));
        // From agreement: how it came about is another question.
        let mean = truth.value() / nodes.len() as f64;
        nodes.iter_mut().for_each(|node| node.mass = mean);
        let mut run = Self {
            question,
            times,
            nodes,
            queue: BinaryHeap::new(),
            added: 0,
            inputs,
            choices: stream(Purpose::Contacts).draws(),
            readings: stream(Purpose::Order).draws(),
            truth,
            counts: false,
            changes: 0,
            broadcast: 0,
            exchanges: 0,
            squares: Compensated::default(),
            read: 0,
            summary: Summary::default(),
        };
        run.start();
        // Twice the slowest relaxation, too, where the budget is small.
        let warm = WARM.max(2.0 / question.changes).max(40.0 / question.budget);
        let _ = run.until(warm);
        run.counts = true;
        let _ = run.until(warm + job.seconds);
        Ok(run.finish(job.seconds))
    }

    fn start(&mut self) {
        for node in 0..self.nodes.len() as u32 {
            let phase = self.inputs.unit() / self.question.changes;
            self.add(phase, Event::Change(node));
            let at = self.choices.unit() * self.times.rest_gap;
            self.nodes[node as usize].alarm = at;
            self.add(at, Event::Alarm(node));
        }
        self.add(READING, Event::Reading);
    }

    fn add(&mut self, time: f64, event: Event) {
        self.queue.push(Entry { time, order: self.added, event });
        self.added += 1;
    }

    fn until(&mut self, end: f64) -> ControlFlow<()> {
        while self.queue.peek().is_some_and(|entry| entry.time < end) {
            let Some(Entry { time, event, .. }) = self.queue.pop() else { break };
            self.handle(time, event);
        }
        ControlFlow::Continue(())
    }

    fn handle(&mut self, now: f64, event: Event) {
        match event {
            Event::Change(node) => {
                let input = redrawn(self.question, &mut self.inputs);
                let changed = &mut self.nodes[node as usize];
                self.truth.add(input - changed.input);
                changed.change(now, input, &self.times);
                self.changes += u64::from(self.counts);
                self.add(now + 1.0 / self.question.changes, Event::Change(node));
                self.act(now, node);
            }
            Event::Alarm(node) => {
                // Another alarm may have taken its place.
                if self.nodes[node as usize].alarm <= now {
                    self.nodes[node as usize].alarm = f64::INFINITY;
                    self.act(now, node);
                }
            }
            Event::Push { to, link, mass, divisor } => self.answer(now, (to, link), mass, divisor),
            Event::Reply { to, link, taken, divisor } => {
                let node = &mut self.nodes[to as usize];
                node.mass -= taken;
                node.links[link as usize].outstanding = false;
                node.outstanding -= 1;
                if (taken * f64::from(divisor)).abs() > self.question.tolerance {
                    node.news(now, &self.times);
                }
                self.act(now, to);
            }
            Event::Reading => {
                self.read();
                let next = now + READING * self.readings.exponential();
                self.add(next, Event::Reading);
            }
        }
    }

    /// Answers a push. Of two pushes that cross on a link, one takes nothing.
    fn answer(&mut self, now: f64, (to, link): (u32, u32), mass: f64, divisor: Option<u32>) {
        let node = &mut self.nodes[to as usize];
        let Link { peer, back, outstanding, .. } = node.links[link as usize];
        let divisor = divisor.map_or(2, |theirs| theirs.max(1 + node.links.len() as u32));
        let difference = mass - node.mass;
        let declined = outstanding && to < peer;
        let taken = if declined { 0.0 } else { difference / f64::from(divisor) };
        node.mass += taken;
        if difference.abs() > self.question.tolerance {
            node.news(now, &self.times);
        }
        let reply = Event::Reply { to: peer, link: back, taken, divisor };
        self.add(now + self.question.latency, reply);
        self.act(now, to);
    }

    /// Has a node start what is due.
    fn act(&mut self, now: f64, node: u32) {
        let (to, first) = self.nodes[node as usize].broadcast(now, &self.times);
        self.broadcast += u64::from(first && self.counts);
        let divisor = 1 + self.nodes[node as usize].links.len() as u32;
        for link in to {
            self.push(now, node, link, Some(divisor));
        }
        let exchange = self.nodes[node as usize].exchange(now, &self.times, &mut self.choices);
        if let Some(link) = exchange {
            self.push(now, node, link, None);
        }
        let next = self.nodes[node as usize].next(&self.times).max(now);
        let alarm = &mut self.nodes[node as usize].alarm;
        if next < *alarm {
            *alarm = next;
            self.add(next, Event::Alarm(node));
        }
    }

    fn push(&mut self, now: f64, from: u32, link: u32, divisor: Option<u32>) {
        let node = &mut self.nodes[from as usize];
        node.spend(now, &self.times, &mut self.choices);
        node.outstanding += 1;
        self.exchanges += u64::from(self.counts);
        let at = &mut node.links[link as usize];
        at.outstanding = true;
        let push = Event::Push { to: at.peer, link: at.back, mass: node.mass, divisor };
        self.add(now + self.question.latency, push);
    }

    /// Reads some nodes, all if there are few.
    fn read(&mut self) {
        if !self.counts {
            return;
        }
        let mean = self.truth.value() / self.nodes.len() as f64;
        let count = self.nodes.len().min(READ);
        for at in 0..count {
            let all = count == self.nodes.len();
            let node = if all { at } else { self.readings.below(self.nodes.len() as u64) as usize };
            let error = (self.nodes[node].mass / mean - 1.0).abs();
            self.squares.add(error * error);
            self.summary.error.add(error);
            self.read += 1;
        }
    }

    fn finish(mut self, seconds: f64) -> Summary {
        if self.read > 0 {
            self.summary.square.add(self.squares.value() / self.read as f64);
        }
        let exchanges = self.exchanges as f64 / seconds / self.nodes.len() as f64;
        self.summary.exchanges.add(exchanges);
        if self.changes > 0 {
            self.summary.broadcast.add(self.broadcast as f64 / self.changes as f64);
        }
        self.summary.runs = 1;
        self.summary
    }
}

fn redrawn(question: &Following, draws: &mut Draws) -> f64 {
    1.0 + question.amplitude * (2.0 * draws.unit() - 1.0)
}

/// Returns the links of each node: all pairs, or a random regular graph.
fn links(question: &Following, seed: u64) -> Result<Vec<Vec<Link>>, Error> {
    let nodes = question.nodes as u32;
    let peers: Vec<Vec<u32>> = if question.is_mesh() {
        (0..nodes).map(|node| (0..nodes).filter(|peer| *peer != node).collect()).collect()
    } else {
        // An odd number of ends cannot be paired.
        let degree = question.degree() - question.degree() % 2;
        let kind = GraphKind::RandomRegular { degree: degree as u32 };
        let topology =
            kind.build(question.nodes, seed, u64::MAX, &|_| ControlFlow::Continue(()))?;
        let neighbours = |node| topology_neighbours(&topology, node);
        (0..nodes).map(neighbours).collect()
    };
    let back = |node: u32, peer: u32| {
        let found = peers[peer as usize].iter().position(|other| *other == node);
        found.map_or(0, |at| at as u32)
    };
    let link = |node: u32, peer: u32| Link {
        peer,
        back: back(node, peer),
        outstanding: false,
        owed: false,
    };
    let of = |(node, peers): (usize, &Vec<u32>)| {
        peers.iter().map(|&peer| link(node as u32, peer)).collect()
    };
    Ok(peers.iter().enumerate().map(of).collect())
}

fn topology_neighbours(topology: &Topology, node: u32) -> Vec<u32> {
    let degree = topology.degree(u64::from(node));
    (0..degree).map(|slot| topology.neighbour(u64::from(node), slot) as u32).collect()
}
