//! The curve of the real protocol in a virtual network.

use anyhow::{Context, ensure};
use rumormill_proto::{Duration, Instant, Name, Notice};
use rumormill_sim::{NetworkConfig, NodeSpec, VirtualNetwork};

use crate::{Curve, Setting};

/// The length of a round: many times the latency, half a millisecond to two.
const INTERVAL: Duration = Duration::from_millis(200);

/// Publishes events, one after another, each at another node. `done` is called with their number.
///
/// # Errors
/// If the setting is out of range, or an event has no end.
pub fn virtual_network(
    setting: Setting,
    events: u32,
    seed: u64,
    mut done: impl FnMut(u32),
) -> anyhow::Result<Curve> {
    let config = setting.config(INTERVAL);
    let mut net = VirtualNetwork::new(NetworkConfig {
        seed,
        digest: false,
        count_reordering: false,
        ..NetworkConfig::default()
    })?;
    let mut nodes = Vec::new();
    for n in 0..setting.nodes {
        nodes.push(net.add_node(NodeSpec::named(&format!("n{n}"))?.config(config.clone()))?);
    }
    net.acquaint(&nodes)?;
    net.run_for(Duration::from_secs(1));
    net.take_events();

    let topic = Name::new("curve")?;
    let mut delivered = Vec::new();
    for event in 0..events {
        let origin = nodes[setting.origin(event)];
        net.with_node(origin, |node, now| {
            node.events_mut().publish(now, &topic, &event.to_be_bytes())
        })??;
        let deadline: Instant = net.now() + INTERVAL * (2 * setting.rounds + 10);
        let silent = net.run_until(deadline, |net| {
            net.running().all(|(_, node)| node.events().load().hot == 0)
        });
        ensure!(silent, "event {event} was still pushed after {} rounds", 2 * setting.rounds);
        // The last push is on its way.
        net.run_for(INTERVAL);
        let rounds = net.take_events().into_iter().filter_map(|(.., event)| match event {
            Notice::Event(event) => Some(event.round),
            _ => None,
        });
        delivered.push(rounds.collect());
        done(event + 1);
    }
    let whole = net.running().all(|(_, node)| node.roster().len() == setting.nodes as usize);
    whole.then_some(()).context("a node no longer sees another, and pushes to too few")?;
    Ok(Curve::of(&delivered, setting.rounds))
}
