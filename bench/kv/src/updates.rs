//! Many updates at once, beside as many events.

use anyhow::ensure;
use rand::RngExt;
use rumormill_proto::{Duration, GossipStats, Name, Node, Notice, Stats};
use serde::Serialize;

use crate::Args;
use crate::cluster::Cluster;

/// What it took until all nodes had everything.
#[derive(Debug, Serialize)]
pub(crate) struct Spread {
    /// What was published, and how.
    pub(crate) what: String,
    /// Messages about it, from all nodes.
    pub(crate) messages: u64,
    /// Bytes of those, envelopes included.
    pub(crate) bytes: u64,
    /// Virtual milliseconds from the last publication until all had everything.
    pub(crate) milliseconds: f64,
}

/// Publishes updates at one node, then as many events of the same size: at once, and apart.
pub(crate) fn measure(args: &Args) -> anyhow::Result<Vec<Spread>> {
    let n = args.updates;
    let mut measured = Vec::new();
    for kind in [Kind::Updates, Kind::Events] {
        let name = if kind == Kind::Updates { "updates" } else { "events" };
        measured.push(spread(args, kind, format!("{n} {name} at once"), Duration::ZERO)?);
        measured.push(spread(
            args,
            kind,
            format!("{n} {name}, 5 s apart"),
            Duration::from_secs(5),
        )?);
    }
    Ok(measured)
}

/// What is published.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Updates,
    Events,
}

/// How long nodes push what all of them have.
const ECHO: Duration = Duration::from_secs(20);

fn spread(args: &Args, kind: Kind, what: String, apart: Duration) -> anyhow::Result<Spread> {
    let mut cluster = Cluster::bare(args.nodes as usize, args.seed)?;
    cluster.net.run_for(Duration::from_secs(30));
    cluster.net.take_events();
    let room: fn(&Stats) -> &GossipStats = match kind {
        Kind::Updates => |stats| &stats.kv,
        Kind::Events => |stats| &stats.events,
    };
    let before = cluster.sum(room);
    let topic = Name::new("k")?;
    for n in 0..args.updates {
        cluster.net.run_for(if n == 0 { Duration::ZERO } else { apart });
        let mut payload = vec![0; args.value as usize];
        cluster.rng.fill(&mut payload[..]);
        let publish = |node: &mut Node, now| match kind {
            Kind::Updates => {
                anyhow::Ok(node.kv_mut().put(now, &format!("k/{n}"), &payload).map(|_| ())?)
            }
            Kind::Events => Ok(node.events_mut().publish(now, &topic, &payload).map(|_| ())?),
        };
        cluster.net.with_node(cluster.nodes[0], publish)??;
    }
    let last = cluster.net.now();
    let mut end = last;
    if kind == Kind::Updates {
        cluster.until_equal()?;
        end = cluster.net.now();
    }
    cluster.net.run_for(ECHO);
    if kind == Kind::Events {
        let notices = cluster.net.take_events();
        let delivered = notices.iter().filter(|(.., notice)| matches!(notice, Notice::Event(_)));
        let times: Vec<_> = delivered.map(|(at, ..)| *at).collect();
        let expected = (args.nodes * args.updates) as usize;
        ensure!(times.len() == expected, "{} of {expected} deliveries", times.len());
        end = times.into_iter().max().unwrap_or(last);
    }
    let used = cluster.sum(room).since(before);
    let milliseconds = end.since(last).as_secs_f64() * 1000.0;
    Ok(Spread { what, messages: used.messages, bytes: used.bytes, milliseconds })
}
