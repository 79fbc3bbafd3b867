//! Nodes that know each other and hold the same.

use anyhow::{Context, ensure};
use rand::{RngExt, SeedableRng};
use rumormill_proto::{
    Config, Duration, Entry, GossipStats, Instant, KvSettings, NodeId, Rng, Stamp, Stats, Version,
};
use rumormill_sim::{NetworkConfig, NodeIndex, NodeSpec, VirtualNetwork};

use crate::Args;

/// The bytes around every message (`rumormill_proto::wire`'s envelope).
const ENVELOPE: u64 = 27;

/// The time over which the keys were written, in milliseconds: a day.
const DAY: u64 = 86_400_000;

pub(crate) struct Cluster {
    pub(crate) net: VirtualNetwork,
    pub(crate) nodes: Vec<NodeIndex>,
    /// What every node holds, oldest first.
    pub(crate) entries: Vec<Entry>,
    pub(crate) rng: Rng,
    names: usize,
}

impl Cluster {
    /// The cluster, and the mean size of its idle packets before there was anything to compare.
    pub(crate) fn new(args: &Args) -> anyhow::Result<(f64, Self)> {
        let mut cluster = Self::bare(args.nodes as usize, args.seed)?;
        cluster.net.run_for(Duration::from_secs(30));
        let empty_packet = cluster.idle_packet();
        let first = cluster.net.node(cluster.nodes[0]).context("it runs")?.identity().incarnation;
        let written = first.saturating_sub(DAY);
        let Self { rng, .. } = &mut cluster;
        let writers: Vec<_> = (0..args.writers).map(|_| NodeId(rng.random())).collect();
        cluster.entries = (0..args.keys)
            .map(|n| {
                let millis = written + u64::from(n) * DAY / u64::from(args.keys);
                let mut value = vec![0; args.value as usize];
                rng.fill(&mut value[..]);
                let node = writers[rng.random_range(0..writers.len())];
                // Keys are in no order in time.
                let key = format!("key/{:08x}", n.wrapping_mul(0x9e37_79b1));
                let version = Version { stamp: Stamp(millis << 16), node };
                Entry { key, value: Some(value), version }
            })
            .collect();
        for (n, &node) in cluster.nodes.iter().enumerate() {
            let entries = cluster.entries.clone();
            cluster.net.with_node(node, |node, now| node.kv_mut().restore(now, entries))?;
            if n % 10 == 9 {
                eprintln!("{} nodes are full", n + 1);
            }
        }
        ensure!(cluster.agree(), "what was restored differs");
        Ok((empty_packet, cluster))
    }

    /// Nodes that know each other, and hold nothing.
    pub(crate) fn bare(nodes: usize, seed: u64) -> anyhow::Result<Self> {
        let config = NetworkConfig { seed, digest: false, ..NetworkConfig::default() };
        let mut cluster = Self {
            net: VirtualNetwork::new(config)?,
            nodes: Vec::new(),
            entries: Vec::new(),
            rng: Rng::seed_from_u64(seed),
            names: 0,
        };
        for _ in 0..nodes {
            let node = cluster.add()?;
            cluster.nodes.push(node);
        }
        let deadline = Instant::ZERO + Duration::from_secs(60);
        ensure!(cluster.net.form(&cluster.nodes, deadline), "the nodes have not found each other");
        cluster.net.take_events();
        Ok(cluster)
    }

    /// One more node, which knows nobody yet.
    pub(crate) fn add(&mut self) -> anyhow::Result<NodeIndex> {
        let kv = KvSettings { max_bytes: 1 << 30, ..KvSettings::default() };
        let config = Config { kv, ..Config::default() };
        let spec = NodeSpec::named(&format!("n{}", self.names))?.config(config);
        self.names += 1;
        Ok(self.net.add_node(spec)?)
    }

    /// Whether all running nodes hold the same.
    pub(crate) fn agree(&self) -> bool {
        equal(&self.net)
    }

    /// Lets virtual time pass until all hold the same.
    pub(crate) fn until_equal(&mut self) -> anyhow::Result<()> {
        let deadline = self.net.now() + Duration::from_secs(600);
        ensure!(self.net.run_until(deadline, equal), "after ten minutes the nodes still differ");
        Ok(())
    }

    /// The mean size of packets while nothing happens.
    pub(crate) fn idle_packet(&mut self) -> f64 {
        let total = |net: &VirtualNetwork| {
            let stats = net.running().map(|(_, node)| node.stats());
            stats.fold((0, 0), |sum, s| (sum.0 + s.datagrams_sent, sum.1 + s.bytes_sent))
        };
        let before = total(&self.net);
        self.net.run_for(Duration::from_secs(20));
        let after = total(&self.net);
        (after.1 - before.1) as f64 / (after.0 - before.0) as f64
    }

    /// What all running nodes have counted in one room.
    pub(crate) fn sum(&self, room: fn(&Stats) -> &GossipStats) -> Sum {
        let mut sum = Sum::default();
        for (_, node) in self.net.running() {
            let stats = room(node.stats());
            sum.messages += stats.messages;
            sum.bytes += stats.bytes + ENVELOPE * stats.messages;
            sum.comparisons += stats.comparisons;
            sum.entries_sent += stats.entries_sent;
            sum.copies += stats.copies;
        }
        sum
    }
}

fn equal(net: &VirtualNetwork) -> bool {
    let mut digests = net.running().map(|(_, node)| node.kv().digest());
    let first = digests.next();
    digests.all(|digest| Some(digest) == first)
}

/// Counters of all nodes together; bytes with the envelopes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sum {
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
    pub(crate) comparisons: u64,
    pub(crate) entries_sent: u64,
    pub(crate) copies: u64,
}

impl Sum {
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            messages: self.messages - before.messages,
            bytes: self.bytes - before.bytes,
            comparisons: self.comparisons - before.comparisons,
            entries_sent: self.entries_sent - before.entries_sent,
            copies: self.copies - before.copies,
        }
    }
}
