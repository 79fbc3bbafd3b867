//! Many updates at once, beside as many rumors.

use anyhow::ensure;
use rand::RngExt;
use rumormill_proto::{Duration, Name, Notice};
use serde::Serialize;

use crate::Args;
use crate::cluster::Cluster;

/// What it took until all nodes had all.
#[derive(Debug, Serialize)]
pub(crate) struct Spread {
    /// What was published, and how.
    pub(crate) what: String,
    /// Messages about it, from all nodes.
    pub(crate) messages: u64,
    /// Bytes of those, envelopes included.
    pub(crate) bytes: u64,
    /// Virtual milliseconds from the last publication until all had all.
    pub(crate) milliseconds: f64,
}

/// Publishes updates at one node, then as many rumors of the same size: at once, and apart.
pub(crate) fn measure(args: &Args) -> anyhow::Result<Vec<Spread>> {
    let n = args.updates;
    Ok(vec![
        updates(args, &format!("{n} updates at once"), Duration::ZERO)?,
        updates(args, &format!("{n} updates, 5 s apart"), Duration::from_secs(5))?,
        rumors(args, &format!("{n} rumors at once"), Duration::ZERO)?,
        rumors(args, &format!("{n} rumors, 5 s apart"), Duration::from_secs(5))?,
    ])
}

/// How long what was published is told on to those who know it.
const ECHO: Duration = Duration::from_secs(20);

fn quiet(args: &Args) -> anyhow::Result<Cluster> {
    let mut cluster = Cluster::bare(args.nodes as usize, args.seed)?;
    cluster.net.run_for(Duration::from_secs(30));
    cluster.net.take_events();
    Ok(cluster)
}

fn updates(args: &Args, what: &str, apart: Duration) -> anyhow::Result<Spread> {
    let mut cluster = quiet(args)?;
    let before = cluster.sum(|s| &s.kv);
    for n in 0..args.updates {
        cluster.net.run_for(if n == 0 { Duration::ZERO } else { apart });
        let value = payload(args, &mut cluster);
        let put = |node: &mut rumormill_proto::Node, now| {
            node.kv_mut().put(now, &format!("k/{n}"), &value)
        };
        cluster.net.with_node(cluster.nodes[0], put)??;
    }
    let last = cluster.net.now();
    cluster.until_equal()?;
    let milliseconds = cluster.net.now().since(last).as_secs_f64() * 1000.0;
    cluster.net.run_for(ECHO);
    let used = cluster.sum(|s| &s.kv).since(before);
    Ok(Spread { what: what.into(), messages: used.messages, bytes: used.bytes, milliseconds })
}

fn rumors(args: &Args, what: &str, apart: Duration) -> anyhow::Result<Spread> {
    let mut cluster = quiet(args)?;
    let before = cluster.sum(|s| &s.events);
    let topic = Name::new("k")?;
    for n in 0..args.updates {
        cluster.net.run_for(if n == 0 { Duration::ZERO } else { apart });
        let payload = payload(args, &mut cluster);
        let publish = |node: &mut rumormill_proto::Node, now| {
            node.events_mut().publish(now, &topic, &payload)
        };
        cluster.net.with_node(cluster.nodes[0], publish)??;
    }
    let last = cluster.net.now();
    cluster.net.run_for(ECHO);
    let events = cluster.net.take_events();
    let heard: Vec<_> =
        events.iter().filter(|(_, _, event)| matches!(event, Notice::Event(_))).collect();
    let expected = (args.nodes * args.updates) as usize;
    ensure!(heard.len() == expected, "{} of {expected} deliveries", heard.len());
    let end = heard.iter().map(|(at, ..)| *at).max().unwrap_or(last);
    let used = cluster.sum(|s| &s.events).since(before);
    let milliseconds = end.since(last).as_secs_f64() * 1000.0;
    Ok(Spread { what: what.into(), messages: used.messages, bytes: used.bytes, milliseconds })
}

fn payload(args: &Args, cluster: &mut Cluster) -> Vec<u8> {
    let mut payload = vec![0; args.value as usize];
    cluster.rng.fill(&mut payload[..]);
    payload
}
