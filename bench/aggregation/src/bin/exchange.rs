//! What one exchange of mass costs in the core: from the tick that begins it to the reply that
//! ends it, both nodes together, encoding and decoding included, no sockets.

use std::hint::black_box;
use std::time::Instant as WallClock;

use clap::Parser;
use rumormill_proto::{
    Config, Duration, Identity, Instant, MembershipSettings, Mode, Name, Node, Plane, Transmit,
};

/// Nanoseconds per exchange, both ends together.
#[derive(Parser)]
struct Args {
    /// Gossip periods to run.
    #[arg(long, default_value_t = 200_000)]
    periods: u64,
    /// Numbers of aggregates.
    #[arg(long, default_value = "1,4,16,64", value_delimiter = ',')]
    aggregates: Vec<usize>,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    println!(
        "{:>10} {:>10} {:>12} {:>14} {:>12}",
        "aggregates", "exchanges", "ns/exchange", "ns/aggregate", "bytes"
    );
    for &aggregates in &args.aggregates {
        measure(aggregates, args.periods / aggregates as u64)?;
    }
    Ok(())
}

fn measure(aggregates: usize, periods: u64) -> anyhow::Result<()> {
    let config = Config {
        // Only the exchanges are to be timed.
        membership: MembershipSettings {
            probe_interval: Duration::from_secs(1 << 30),
            suspicion_timeout: Duration::from_secs(1 << 30),
            sync_interval: Duration::from_secs(1 << 30),
            reconnect_interval: Duration::from_secs(1 << 30),
            ..MembershipSettings::default()
        },
        ..Config::default()
    };
    let mut nodes = Vec::new();
    for n in 0..2u16 {
        let name = Name::new(&format!("n{n}"))?;
        let me = Identity { name, addr: ([127, 0, 0, 1], 1000 + n).into(), incarnation: 1 };
        nodes.push(Node::new(Instant::ZERO, me, config.clone(), u64::from(n))?);
    }
    let other = nodes[0].identity().addr;
    nodes[1].join(Instant::ZERO, other);
    for aggregate in 0..aggregates {
        for (n, node) in nodes.iter_mut().enumerate() {
            let name = Name::new(&format!("aggregate-{aggregate}"))?;
            node.aggregates_mut().set(Instant::ZERO, &name, (aggregate + n) as f64, Mode::Live)?;
        }
    }
    let exchanges = |nodes: &[Node]| nodes.iter().map(|n| n.stats().exchanges).sum::<u64>();
    let bytes = |nodes: &[Node]| nodes.iter().map(|n| n.stats().bytes_sent).sum::<u64>();
    let mut now = Instant::ZERO;
    let mut run = |nodes: &mut Vec<Node>, until: Instant| {
        while now < until {
            let due = |n: usize| nodes[n].poll_timeout().map(|at| (at, n));
            let Some((at, node)) = [due(0), due(1)].into_iter().flatten().min() else { return };
            now = now.max(at);
            nodes[node].handle_timeout(now);
            drain(nodes, now);
        }
    };
    let warm = Config::default().interval * 100;
    run(&mut nodes, Instant::ZERO + warm);
    let (exchanges_before, bytes_before) = (exchanges(&nodes), bytes(&nodes));
    let started = WallClock::now();
    run(&mut nodes, Instant::ZERO + warm + Config::default().interval * periods as u32);
    let elapsed = started.elapsed().as_nanos() as f64;
    let done = (exchanges(&nodes) - exchanges_before) as f64;
    println!(
        "{aggregates:>10} {done:>10} {:>12.0} {:>14.0} {:>12.0}",
        elapsed / done,
        elapsed / done / aggregates as f64,
        (bytes(&nodes) - bytes_before) as f64 / done
    );
    black_box(&nodes);
    Ok(())
}

/// Carries messages to and fro until there are none.
fn drain(nodes: &mut [Node], now: Instant) {
    loop {
        let mut idle = true;
        for n in 0..2 {
            while let Some(Transmit { bytes, plane, .. }) = nodes[n].poll_transmit() {
                idle = false;
                let from = nodes[n].identity().addr;
                match plane {
                    Plane::Datagram => nodes[1 - n].handle_datagram(now, from, &bytes),
                    Plane::Stream => nodes[1 - n].handle_stream(now, from, &bytes),
                }
            }
            while nodes[n].poll_notice().is_some() {}
        }
        if idle {
            return;
        }
    }
}
