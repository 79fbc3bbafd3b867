//! The curve of real agents on the loopback interface.
//!
//! Only the sleep of each agent's own timer keeps them in step, and a loaded machine wakes
//! them late. An event whose round is spread over more than half an interval did not spread in
//! synchronous rounds: it is left out, counted, and replaced by another. (An agent has to
//! be late by a whole interval before a later round overtakes it. The curve itself has no part in
//! what is left out.)

use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use rumormill_agent::Agent;
use rumormill_bench::agents::{all_known, start_all};
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::{Curve, Setting};

/// The measurement of the agents.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// The mean of the events that were in step.
    pub curve: Curve,
    /// Number of events left out because agents were out of step.
    pub out_of_step: u32,
    /// The longest time between a round's first and last delivery, in events in step.
    pub widest: Duration,
}

/// A delivery: the event, its round and its time.
struct Delivery {
    event: u32,
    round: u32,
    at: Instant,
}

/// Starts agents, publishes events in rounds of this length until this many were in step, one after
/// another, each at another agent, and stops the agents. `done` is called with their number.
///
/// # Errors
/// If an agent cannot start, if they do not all know each other within two minutes and ever after,
/// or if more events are out of step than in step.
pub async fn agents(
    setting: Setting,
    events: u32,
    interval: Duration,
    mut done: impl FnMut(u32),
) -> anyhow::Result<Measured> {
    let config = setting.config(interval);
    let agents =
        start_all(setting.nodes as usize, |_, builder| builder.config(config.clone())).await?;
    all_known(&agents).await?;
    let mut deliveries = subscribe(&agents)?;
    let mut result = Measured { curve: Curve::of(&[], 0), out_of_step: 0, widest: Duration::ZERO };
    let mut in_step = Vec::new();
    for event in 0.. {
        if in_step.len() == events as usize {
            break;
        }
        let origin = &agents[setting.origin(event)];
        origin.events().publish("curve", &event.to_be_bytes()).await?;
        sleep(interval * setting.rounds).await;
        silence(&agents, setting, interval).await?;
        let mut delivered = Vec::new();
        while let Ok(delivery) = deliveries.try_recv() {
            if delivery.event == event {
                delivered.push(delivery);
            }
        }
        let width = width(&delivered);
        if width > interval / 2 {
            result.out_of_step += 1;
            ensure!(
                result.out_of_step <= events,
                "{events} events were out of step: rounds of {interval:?} are too short for \
                 this machine now"
            );
            continue;
        }
        result.widest = result.widest.max(width);
        in_step.push(delivered.iter().map(|delivered| delivered.round).collect());
        done(in_step.len() as u32);
    }
    for agent in &agents {
        agent.kill().await;
    }
    result.curve = Curve::of(&in_step, setting.rounds);
    Ok(result)
}

/// Returns all deliveries to the agents from now on.
fn subscribe(agents: &[Agent]) -> anyhow::Result<mpsc::UnboundedReceiver<Delivery>> {
    let (sender, receiver) = mpsc::unbounded_channel();
    for agent in agents {
        let (mut events, sender) = (agent.events().subscribe(&["curve"])?, sender.clone());
        tokio::spawn(async move {
            while let Some(Ok(event)) = events.next().await {
                let at = Instant::now();
                let payload = event.payload;
                let Ok(number) = <[u8; 4]>::try_from(payload.as_slice()) else { return };
                let (event, round) = (u32::from_be_bytes(number), event.round);
                if sender.send(Delivery { event, round, at }).is_err() {
                    return;
                }
            }
        });
    }
    Ok(receiver)
}

/// Waits until no agent pushes any more and the last push has arrived.
async fn silence(agents: &[Agent], setting: Setting, interval: Duration) -> anyhow::Result<()> {
    for _ in 0..setting.rounds + 10 {
        let silent = all(agents, |_, hot| hot == 0).await?;
        // A round for messages on their way, or for the next look.
        sleep(interval).await;
        if silent {
            let whole = all(agents, move |known, _| known == setting.nodes as usize).await?;
            ensure!(whole, "an agent no longer sees another, and pushes to too few");
            return Ok(());
        }
    }
    bail!("an event was still pushed after {} rounds", 2 * setting.rounds)
}

/// Returns whether this is true of all agents' numbers of members and of events being pushed.
async fn all(
    agents: &[Agent],
    is: impl Fn(usize, usize) -> bool,
) -> Result<bool, rumormill_agent::Error> {
    for agent in agents {
        let look =
            |node: &mut rumormill_proto::Node, _| (node.roster().len(), node.events().load().hot);
        let (known, hot) = agent.with_node(look).await?;
        if !is(known, hot) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Returns the longest time between the first and the last delivery of a round.
fn width(delivered: &[Delivery]) -> Duration {
    let last = delivered.iter().map(|delivered| delivered.round).max().unwrap_or(0);
    let widths = (0..=last).filter_map(|round| {
        let times = delivered
            .iter()
            .filter(|delivered| delivered.round == round)
            .map(|delivered| delivered.at);
        Some(times.clone().max()? - times.min()?)
    });
    widths.max().unwrap_or_default()
}
