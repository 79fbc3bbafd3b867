//! What users of the cluster see at one instant.

use rumormill_proto::{Instant, Name, Notice, State};

use super::deliveries;
use super::slice::{
    AggregateLine, AggregateSample, Band, CertifiedSum, Moment, NodeLine, NodeStatus, NoticeLine,
    Sample, Traffic,
};
use super::span::{Shift, Span};
use crate::check::chronicle::Chronicle;
use crate::check::monitor::truth;
use crate::network::VirtualNetwork;
use crate::network::index::NodeIndex;
use crate::network::slot::NodeState;

/// Returns how things stand in the whole cluster.
pub(crate) fn sample(net: &VirtualNetwork, aggregates: &[Name], chronicle: &Chronicle) -> Sample {
    let running = net.running().count();
    let counters = net.counters();
    Sample {
        at: net.now().into(),
        nodes: net.len() as u32,
        running: running as u32,
        members: Band::of(net.running().map(|(_, node)| node.roster().len() as f64)),
        agreed: agreed(net, running),
        aggregates: aggregates
            .iter()
            .map(|aggregate| aggregate_sample(net, aggregate, running))
            .collect(),
        events: deliveries::events(chronicle, net),
        kv: deliveries::kv(chronicle, net),
        packets_sent: counters.packets_sent,
        packets_lost: counters.packets_lost
            + counters.packets_blocked
            + counters.packets_to_the_dead,
    }
}

fn share(part: usize, of: usize) -> f64 {
    if of == 0 { 0.0 } else { part as f64 / of as f64 }
}

/// Returns the share of running nodes that hold exactly the running ones for members.
fn agreed(net: &VirtualNetwork, running: usize) -> f64 {
    // As rosters add the ids of members up for their digest.
    let ids = net.running().map(|(_, node)| node.roster().id().0);
    let all = ids.fold(0u64, u64::wrapping_add);
    let agrees = |node: &rumormill_proto::Node| {
        node.roster().digest() == all && node.roster().len() == running
    };
    share(net.running().filter(|(_, node)| agrees(node)).count(), running)
}

fn aggregate_sample(net: &VirtualNetwork, aggregate: &Name, running: usize) -> AggregateSample {
    let inputs = net.running().filter_map(|(index, _)| net.input(index, aggregate));
    let magnitude: f64 = inputs.map(f64::abs).sum();
    let scale = if magnitude > 0.0 { magnitude } else { 1.0 };
    let truth = truth(net, aggregate).sum();
    let (mut errors, mut widths) = (Vec::new(), Vec::new());
    let (mut converged, mut disturbed) = (0, 0);
    for (index, node) in net.running() {
        let Some(reading) = node.aggregates().get(net.local_now(index), aggregate) else {
            continue;
        };
        errors.extend(reading.sum.value.map(|value| (value - truth).abs() / scale));
        widths.extend(reading.certified.map(|certified| certified.sum.width() / scale));
        converged += usize::from(reading.converged);
        disturbed += usize::from(reading.state == State::Disturbed);
    }
    let errors_of = Band::of(errors.iter().copied());
    AggregateSample {
        name: aggregate.as_str().to_owned(),
        truth,
        worst_error: errors_of.map(|band| band.max),
        mean_error: errors_of.map(|band| band.mean),
        width: Band::of(widths.iter().copied()).map(|band| band.max),
        enclosed: share(widths.len(), running),
        converged: share(converged, running),
        disturbed: share(disturbed, running),
        unknown: (running - errors.len()) as u32,
    }
}

/// Returns the state of every node.
pub(crate) fn nodes(net: &VirtualNetwork, aggregates: &[Name]) -> Vec<NodeLine> {
    (0..net.len() as u32).map(|number| node(net, NodeIndex(number), aggregates)).collect()
}

fn node(net: &VirtualNetwork, index: NodeIndex, aggregates: &[Name]) -> NodeLine {
    let status = match net.state(index) {
        Some(NodeState::Running) if net.is_paused(index) => NodeStatus::Paused,
        Some(NodeState::Running) => NodeStatus::Running,
        Some(NodeState::Crashed) => NodeStatus::Crashed,
        Some(NodeState::Left) => NodeStatus::Left,
        Some(NodeState::Waiting) | None => NodeStatus::Waiting,
    };
    let aggregate = |aggregate| {
        let reading =
            net.node(index).and_then(|node| node.aggregates().get(net.local_now(index), aggregate));
        let input = net.input(index, aggregate);
        reading.map_or(AggregateLine { input, ..AggregateLine::default() }, |reading| {
            AggregateLine {
                input,
                value: reading.sum.value,
                standard_error: reading.sum.standard_error,
                state: Some(reading.state),
                certified: reading.certified.map(|certified| CertifiedSum {
                    lower: certified.sum.lower,
                    upper: certified.sum.upper,
                    seconds_ago: certified.age.as_secs_f64(),
                }),
            }
        })
    };
    let node = net.node(index);
    let roster = node.map(rumormill_proto::Node::roster);
    NodeLine {
        status,
        events: node.map_or(0, |node| node.events().load().kept as u32),
        keys: node.map_or(0, |node| node.kv().load().keys as u32),
        kv: node.map_or(0, |node| node.kv().digest()),
        members: roster.map_or(0, |roster| roster.len() as u32),
        roster: roster.map_or(0, rumormill_proto::Roster::digest),
        aggregates: aggregates.iter().map(aggregate).collect(),
    }
}

/// Returns a notice in words.
pub(crate) fn notice(at: Instant, node: NodeIndex, event: &Notice) -> NoticeLine {
    NoticeLine { at: Moment::from(at), node: node.0, text: in_words(event) }
}

fn in_words(event: &Notice) -> String {
    let name = |addr| NodeIndex::of(addr).map_or(format!("{addr}"), |node| format!("n{}", node.0));
    match event {
        Notice::MemberUp { member } => format!("{} is up", member.name),
        Notice::MemberDown { member } => format!("{} is down", member.name),
        Notice::Joined { via, members } => format!("joined by {}: {members} members", name(*via)),
        Notice::JoinFailed { addr, attempts, reason } => {
            format!("{} does not let it join (attempt {attempts}): {reason}", name(*addr))
        }
        Notice::OwnAddress { addr } => format!("{addr} is its own address"),
        Notice::NameTaken { name: taken, by } => format!("the name {taken} is {}'s", name(*by)),
        Notice::NameConflict { name: taken, addrs } => {
            format!("two members are called {taken}: {} and {}", name(addrs[0]), name(addrs[1]))
        }
        Notice::Renewed { member: me } => {
            format!("was declared dead; goes on as incarnation {}", me.incarnation)
        }
        Notice::NarrowPath { member, limit_bytes } => {
            format!("only datagrams up to {limit_bytes} bytes get through to {}", member.name)
        }
        Notice::Dropped { from, reason } => {
            format!("dropped a packet of {}: {reason}", name(*from))
        }
        Notice::Event(rumor) => {
            format!("received {} of {}, in round {}", rumor.topic, rumor.origin, rumor.round)
        }
        Notice::Query { question, .. } => {
            format!("is asked {} by {}", question.topic, question.origin)
        }
        Notice::Answer { from, payload, .. } => {
            format!("{from} answers: {} bytes", payload.len())
        }
        Notice::QueryFinished { answered, expected, .. } => {
            format!("{answered} of {expected} have answered")
        }
        Notice::Key(change) => {
            let did = if change.value.is_some() { "holds" } else { "deletes" };
            let by = if change.local { "" } else { ", from another" };
            format!("{did} {}{by}", change.key)
        }
        Notice::CatchUp { from, have, total } => {
            format!("takes over the entries of {from}: {have} of {total}")
        }
        Notice::KvDiffers { member, elapsed } => {
            format!("the entries of {member} have differed for {}", Span(*elapsed))
        }
        Notice::ClockSkew { member, ahead_millis } => {
            format!("the clock of {member} is off by {}", Shift { millis: *ahead_millis })
        }
        Notice::ClockCorrected { correction_millis: 0 } => "goes by its own clock again".into(),
        Notice::ClockCorrected { correction_millis } => {
            let step = Shift { millis: *correction_millis };
            format!("goes by the members' clocks: {step}")
        }
        Notice::EpochFinished { epoch, participants } => {
            format!("epoch {epoch} is over, with {participants} participants")
        }
        Notice::Protocol { name, payload } => format!("{name}: {} bytes", payload.len()),
        other => format!("{other:?}"),
    }
}

/// Returns what became of packets since the last time.
pub(crate) fn traffic(net: &mut VirtualNetwork) -> Vec<Traffic> {
    let line = |packet: crate::network::traffic::Packet| Traffic {
        at: Moment::from(packet.at),
        from: packet.from.0,
        to: packet.to.0,
        bytes: packet.bytes as u32,
        fate: packet.fate,
    };
    net.take_traffic().into_iter().map(line).collect()
}
