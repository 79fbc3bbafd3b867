//! The smallest things that a scenario consists of: one thing, to one node, at one instant.

use core::fmt;

use rumormill_proto::Instant;

use super::entry::{
    ClockChange, DeleteKey, OneWay, Publish, Put, ScenarioAction, SetInput, Sides, UnsetInput,
};
use super::link::LinkSettings;
use super::nodes::{Nodes, names};
use super::slice::Tone;
use super::span::{Shift, Span, When};
use super::values::Values;

/// One thing that happens, to one node or to the network. Nodes are numbers.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// The node stops without goodbye.
    Crash(u32),
    /// The node starts again.
    Restart(u32),
    /// The node takes leave.
    Leave(u32),
    /// A new node starts and joins.
    Join,
    /// The process stops for so long.
    Pause(u32, Span),
    /// The node is cut off for so long.
    Isolate(u32, Span),
    /// The network splits.
    Partition(Vec<Vec<u32>>),
    /// Nothing gets from the first to the second any more.
    Cut(u32, u32),
    /// Partitions and cuts end.
    Heal,
    /// Links do this.
    Link(LinkSettings),
    /// The node reports this.
    Set(u32, String, f64),
    /// The node does not report the aggregate any more.
    Unset(u32, String),
    /// The node's clock runs at this rate.
    Clock(u32, f64),
    /// The node's wall clock is stepped.
    StepClock(u32, Shift),
    /// The node publishes a rumor: its topic, and how many bytes.
    Publish(u32, String, u32),
    /// The node writes a key.
    Put(u32, String, String),
    /// The node deletes a key.
    Delete(u32, String),
}

/// An action and its time.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// When it happens.
    pub at: Instant,
    /// What happens.
    pub action: Action,
}

impl Action {
    /// The node that it befalls, if it is one.
    pub(crate) fn node(&self) -> Option<u32> {
        match self {
            Self::Crash(node)
            | Self::Restart(node)
            | Self::Leave(node)
            | Self::Pause(node, _)
            | Self::Isolate(node, _)
            | Self::Set(node, ..)
            | Self::Unset(node, _)
            | Self::Publish(node, ..)
            | Self::Put(node, ..)
            | Self::Delete(node, _)
            | Self::Clock(node, _)
            | Self::StepClock(node, _) => Some(*node),
            Self::Join | Self::Partition(_) | Self::Cut(..) | Self::Heal | Self::Link(_) => None,
        }
    }

    /// Whether it is bad news, good news, or everyday.
    pub(crate) fn tone(&self) -> Tone {
        match self {
            Self::Crash(_)
            | Self::Pause(..)
            | Self::Isolate(..)
            | Self::Partition(_)
            | Self::Cut(..) => Tone::Fault,
            Self::Restart(_) | Self::Heal | Self::Join => Tone::Repair,
            Self::Link(settings) if *settings == LinkSettings::default() => Tone::Repair,
            Self::Link(_) => Tone::Fault,
            Self::Leave(_)
            | Self::Set(..)
            | Self::Unset(..)
            | Self::Clock(..)
            | Self::StepClock(..)
            | Self::Publish(..)
            | Self::Put(..)
            | Self::Delete(..) => Tone::Change,
        }
    }

    /// The event that does this and nothing else, at a time that is still to be set.
    fn event(&self) -> ScenarioAction {
        let mut event = ScenarioAction::default();
        let one = |node: u32| Nodes::These(vec![node]);
        match self {
            Self::Crash(node) => event.crash = Some(one(*node)),
            Self::Restart(node) => event.restart = Some(one(*node)),
            Self::Leave(node) => event.leave = Some(one(*node)),
            Self::Join => event.join = Some(1),
            Self::Pause(node, span) => {
                (event.pause, event.lasting) = (Some(one(*node)), Some(*span));
            }
            Self::Isolate(node, span) => {
                (event.isolate, event.lasting) = (Some(one(*node)), Some(*span));
            }
            Self::Partition(sides) => {
                event.partition = Some(Sides(sides.iter().cloned().map(Nodes::These).collect()));
            }
            Self::Cut(from, to) => event.cut = Some(OneWay { from: one(*from), to: one(*to) }),
            Self::Heal => event.heal = Some(true),
            Self::Link(settings) => event.link = Some(settings.clone()),
            Self::Set(node, aggregate, value) => {
                let (aggregate, value) = (aggregate.clone(), Values::Constant(*value));
                event.set = Some(SetInput { aggregate, value, nodes: one(*node) });
            }
            Self::Unset(node, aggregate) => {
                event.unset = Some(UnsetInput { aggregate: aggregate.clone(), nodes: one(*node) });
            }
            Self::Publish(node, topic, bytes) => {
                let (topic, bytes) = (topic.clone(), *bytes);
                event.publish = Some(Publish { topic, bytes, nodes: one(*node) });
            }
            Self::Put(node, key, value) => {
                let (key, value) = (key.clone(), value.clone());
                event.put = Some(Put { key, value, nodes: one(*node) });
            }
            Self::Delete(node, key) => {
                event.delete = Some(DeleteKey { key: key.clone(), nodes: one(*node) });
            }
            Self::Clock(node, rate) => {
                event.clock =
                    Some(ClockChange { nodes: one(*node), rate: Some(*rate), step: None });
            }
            Self::StepClock(node, step) => {
                event.clock =
                    Some(ClockChange { nodes: one(*node), rate: None, step: Some(*step) });
            }
        }
        event
    }

    /// The same, without the node that it befalls.
    fn without_node(&self) -> String {
        match self {
            Self::Crash(_) => "crash".into(),
            Self::Restart(_) => "restart".into(),
            Self::Leave(_) => "leave".into(),
            Self::Join => "join: a new node".into(),
            Self::Pause(_, span) => format!("pause for {span}"),
            Self::Isolate(_, span) => format!("isolate for {span}"),
            Self::Partition(sides) => {
                let side = |side: &Vec<u32>| names(side).join(", ");
                let sides: Vec<String> = sides.iter().map(side).collect();
                format!("partition: {} | the rest", sides.join(" | "))
            }
            Self::Cut(from, to) => format!("cut: n{from} is not heard by n{to}"),
            Self::Heal => "heal".into(),
            Self::Link(settings) => format!("links: {settings}"),
            Self::Set(_, aggregate, value) => format!("set {aggregate} = {value}"),
            Self::Unset(_, aggregate) => format!("unset {aggregate}"),
            Self::Publish(_, topic, _) => format!("publish {topic}"),
            Self::Put(_, key, value) => format!("put {key} = {value:?}"),
            Self::Delete(_, key) => format!("delete {key}"),
            Self::Clock(_, rate) => format!("clock runs at {rate}"),
            Self::StepClock(_, step) => format!("clock stepped by {step}"),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.without_node())?;
        self.node().map_or(Ok(()), |node| write!(f, ": n{node}"))
    }
}

/// Actions of one instant in as few words as it takes: what befalls many nodes is said once.
pub(crate) fn in_words(actions: &[&Action]) -> Vec<(Tone, String)> {
    let mut words: Vec<(Tone, String, Vec<u32>)> = Vec::new();
    for action in actions {
        // Inputs differ from node to node; what they are shows in the aggregates.
        let text = match action {
            Action::Set(_, aggregate, _) => format!("set {aggregate}"),
            other => other.without_node(),
        };
        match words.last_mut().filter(|last| last.1 == text) {
            Some(last) => last.2.extend(action.node()),
            None => words.push((action.tone(), text, action.node().into_iter().collect())),
        }
    }
    let line = |(tone, text, mut nodes): (Tone, String, Vec<u32>)| {
        nodes.sort_unstable();
        let nodes = names(&nodes).join(", ");
        (tone, if nodes.is_empty() { text } else { format!("{text}: {nodes}") })
    };
    words.into_iter().map(line).collect()
}

/// The steps as events, one for each; crashes and the like at one instant share theirs.
pub(crate) fn entries(steps: &[Step]) -> Vec<ScenarioAction> {
    let mut events: Vec<ScenarioAction> = Vec::new();
    for step in steps {
        let at = Some(When::At(step.at.into()));
        let mut event = ScenarioAction { at, ..step.action.event() };
        if let Some(last) = events.last_mut()
            && merge(last, &mut event)
        {
            continue;
        }
        events.push(event);
    }
    events
}

/// Adds the nodes of an event to those of the last one, if nothing else is different.
fn merge(last: &mut ScenarioAction, event: &mut ScenarioAction) -> bool {
    type Field = fn(&mut ScenarioAction) -> &mut Option<Nodes>;
    let fields: [Field; 5] = [
        |event| &mut event.crash,
        |event| &mut event.restart,
        |event| &mut event.leave,
        |event| &mut event.pause,
        |event| &mut event.isolate,
    ];
    for field in fields {
        let (Some(Nodes::These(before)), Some(Nodes::These(more))) =
            (field(last).clone(), field(event).clone())
        else {
            continue;
        };
        if (last.at, last.lasting) == (event.at, event.lasting) {
            *field(last) = Some(Nodes::These([before, more].concat()));
            return true;
        }
    }
    false
}
