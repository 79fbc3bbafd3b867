//! A node that lacks a part of what all others hold, until it has that, too.

use core::fmt;

use anyhow::{Context, ensure};
use rand::seq::SliceRandom;
use rumormill_bench::process::resident;
use rumormill_proto::{Duration, Entry, Notice};
use serde::Serialize;

use crate::cluster::Cluster;

/// What a node lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lack {
    /// This many of a thousand keys, at random.
    Random(usize),
    /// This many of a thousand, those written last.
    Newest(usize),
    /// Everything: a newcomer.
    Everything,
}

impl Lack {
    pub(crate) const ALL: [Self; 4] =
        [Self::Random(10), Self::Random(1), Self::Newest(10), Self::Everything];

    /// What is left of these, oldest first.
    fn of(self, cluster: &mut Cluster) -> Vec<Entry> {
        let entries = &cluster.entries;
        let missing = |thousandths: usize| entries.len() * thousandths / 1000;
        match self {
            Self::Random(thousandths) => {
                let mut order: Vec<usize> = (0..entries.len()).collect();
                order.shuffle(&mut cluster.rng);
                order[missing(thousandths)..].iter().map(|&n| entries[n].clone()).collect()
            }
            Self::Newest(thousandths) => entries[..entries.len() - missing(thousandths)].to_vec(),
            Self::Everything => Vec::new(),
        }
    }
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Random(thousandths) => write!(f, "{} % at random", *thousandths as f64 / 10.0),
            Self::Newest(thousandths) => write!(f, "the newest {} %", *thousandths as f64 / 10.0),
            Self::Everything => f.write_str("everything"),
        }
    }
}

/// What it took.
#[derive(Debug, Serialize)]
pub(crate) struct Reconciled {
    /// What the node lacked.
    pub(crate) lacked: String,
    /// How many entries these were.
    pub(crate) entries: u64,
    /// Their bytes, as they are encoded.
    pub(crate) entry_bytes: u64,
    /// Bytes of all messages about keys, from all nodes, envelopes included.
    pub(crate) bytes: u64,
    /// Those over the entries' bytes.
    pub(crate) ratio: f64,
    /// Those messages.
    pub(crate) messages: u64,
    /// Comparisons that were begun.
    pub(crate) comparisons: u64,
    /// Entries that were sent, and those of them that came a second time.
    pub(crate) entries_sent: u64,
    pub(crate) copies: u64,
    /// Steps of progress that the node reported.
    pub(crate) progress: usize,
    /// Virtual seconds from the start until all held the same.
    pub(crate) seconds: f64,
    /// Resident bytes that the node's share has added for good.
    pub(crate) held_bytes: Option<i64>,
    /// The most bytes that one call made all nodes send: what memory must have room for besides
    /// the contents.
    pub(crate) most_at_once: u64,
}

/// Starts a node with what is left, and waits until it holds all.
pub(crate) fn measure(cluster: &mut Cluster, lack: Lack) -> anyhow::Result<Reconciled> {
    let left = lack.of(cluster);
    let (total, kept) = (size(&cluster.entries), size(&left));
    let entries = (cluster.entries.len() - left.len()) as u64;
    let node = if lack == Lack::Everything {
        cluster.add()?
    } else {
        // Restarted from a store that has lost some.
        let node = cluster.nodes[cluster.nodes.len() / 2];
        cluster.net.crash(node);
        cluster.net.run_for(Duration::from_secs(10));
        cluster.net.restart(node)?;
        node
    };
    cluster.net.run_for(Duration::ZERO);
    cluster.net.with_node(node, |node, now| node.kv_mut().restore(now, left))?;
    cluster.net.take_events();
    let (before, from) = (cluster.sum(|s| &s.kv), cluster.net.now());
    let begin = resident();
    cluster.net.join(node, cluster.nodes[0]);
    let most_at_once = step_until_equal(cluster)?;
    let seconds = cluster.net.now().since(from).as_secs_f64();
    let after = resident();
    // What is still on the way, and pushes to nodes that have it, belongs to the cost.
    cluster.net.run_for(Duration::from_secs(20));
    let used = cluster.sum(|s| &s.kv).since(before);
    let events = cluster.net.take_events();
    let caught_up = |(_, index, event): &&(_, _, Notice)| {
        *index == node && matches!(event, Notice::CatchUp { .. })
    };
    let entry_bytes = total - kept;
    Ok(Reconciled {
        lacked: lack.to_string(),
        entries,
        entry_bytes,
        bytes: used.bytes,
        ratio: used.bytes as f64 / entry_bytes as f64,
        messages: used.messages,
        comparisons: used.comparisons,
        entries_sent: used.entries_sent,
        copies: used.copies,
        progress: events.iter().filter(caught_up).count(),
        seconds,
        held_bytes: after.zip(begin).map(|(after, before)| after as i64 - before as i64),
        most_at_once,
    })
}

/// Goes on event by event until all hold the same; returns the most bytes sent at one of them.
fn step_until_equal(cluster: &mut Cluster) -> anyhow::Result<u64> {
    let deadline = cluster.net.now() + Duration::from_secs(600);
    let (mut most, mut sent) = (0, cluster.sum(|s| &s.kv).bytes);
    while !cluster.agree() {
        ensure!(cluster.net.now() < deadline, "after ten minutes the nodes still differ");
        cluster.net.step().context("the network rests")?;
        let now = cluster.sum(|s| &s.kv).bytes;
        most = most.max(now - sent);
        sent = now;
    }
    Ok(most)
}

fn size(entries: &[Entry]) -> u64 {
    entries.iter().map(|entry| entry.encode().len() as u64).sum()
}

/// What nodes send to find out whether they differ.
#[derive(Debug, Serialize)]
pub(crate) struct Digest {
    /// Bytes that the digest adds to each packet of the membership.
    pub(crate) packet_bytes: f64,
    /// Bytes of the message that opens a comparison, with its envelope.
    pub(crate) opening_bytes: u64,
    /// The largest datagram that nodes send.
    pub(crate) max_datagram: usize,
}

/// Measures the digests, with the map as full as it is.
pub(crate) fn digest(cluster: &mut Cluster, empty_packet: f64) -> anyhow::Result<Digest> {
    cluster.net.run_for(Duration::from_secs(10));
    let packet_bytes = cluster.idle_packet() - empty_packet;
    let writer = cluster.nodes[0];
    let max_datagram = cluster.net.node(writer).context("it runs")?.config().max_datagram;
    // A node that is cut off misses an update; whoever compares first opens the comparison.
    let alone = cluster.nodes[1];
    cluster.net.isolate(alone, Duration::from_millis(1500));
    cluster.net.with_node(writer, |node, now| node.kv_mut().put(now, "key/zzzz", b"?"))??;
    cluster.net.run_for(Duration::from_millis(1400));
    let started = |cluster: &Cluster| cluster.sum(|s| &s.kv);
    let mut before = started(cluster);
    let opening_bytes = loop {
        cluster.net.step().context("the network rests")?;
        let now = started(cluster).since(before);
        match (now.comparisons, now.messages) {
            (1, 1) => break now.bytes,
            (0, 0) => {}
            _ => before = started(cluster),
        }
    };
    cluster.until_equal()?;
    cluster.net.with_node(writer, |node, now| node.kv_mut().delete(now, "key/zzzz"))?;
    cluster.until_equal()?;
    cluster.net.run_for(Duration::from_secs(20));
    Ok(Digest { packet_bytes, opening_bytes, max_datagram })
}
