//! What happens in a scenario, done.

use rumormill_proto::{Name, Node};

use super::{Action, ScenarioRun, Tone};
use crate::network::error::SimError;
use crate::network::index::NodeIndex;

impl ScenarioRun {
    pub(super) fn apply(&mut self, action: &Action) -> Result<(), SimError> {
        let net = &mut self.net;
        match action {
            Action::Crash(node) => net.crash(NodeIndex(*node)),
            Action::Leave(node) => net.leave(NodeIndex(*node)),
            Action::Restart(node) => {
                net.restart(NodeIndex(*node))?;
                if self.durable.has(*node) {
                    self.chronicle.inherit(net, NodeIndex(*node));
                }
                self.settle_in(NodeIndex(*node))?;
            }
            Action::Join => {
                let index = self.add_node()?;
                self.settle_in(index)?;
            }
            Action::Pause(node, span) => net.pause(NodeIndex(*node), span.0),
            Action::Isolate(node, span) => net.isolate(NodeIndex(*node), span.0),
            Action::Partition(sides) => {
                let index = |side: &Vec<u32>| side.iter().copied().map(NodeIndex).collect();
                let sides: Vec<Vec<NodeIndex>> = sides.iter().map(index).collect();
                let sides: Vec<&[NodeIndex]> = sides.iter().map(Vec::as_slice).collect();
                net.partition(&sides);
            }
            Action::Cut(from, to) => net.cut_one_way(NodeIndex(*from), NodeIndex(*to)),
            Action::Heal => net.heal_partition(),
            Action::Link(settings) => net.set_link(settings.over(self.scenario.first_link()))?,
            Action::Set(node, aggregate, value) => {
                net.set(NodeIndex(*node), aggregate, *value)?;
                self.assigned[*node as usize].insert(aggregate.clone(), *value);
            }
            Action::Unset(node, aggregate) => {
                net.unset(NodeIndex(*node), aggregate)?;
                self.assigned[*node as usize].remove(aggregate);
            }
            Action::Publish(node, topic, bytes) => {
                let (topic, payload) = (Name::new(topic)?, vec![b'.'; *bytes as usize]);
                let publish = |node: &mut Node, now| node.publish(now, &topic, &payload).err();
                let refused = net.with_node(NodeIndex(*node), publish)?;
                self.refused(action, refused);
            }
            Action::Put(node, key, value) => {
                let put = |node: &mut Node, now| node.put(now, key, value.as_bytes()).err();
                let refused = net.with_node(NodeIndex(*node), put)?;
                self.refused(action, refused);
            }
            Action::Delete(node, key) => {
                net.with_node(NodeIndex(*node), |node, now| node.delete(now, key))?;
            }
            Action::Clock(node, rate) => net.set_clock_rate(NodeIndex(*node), *rate)?,
            Action::StepClock(node, step) => net.step_wall_clock(NodeIndex(*node), step.millis)?,
        }
        Ok(())
    }

    /// Says so if a node has refused what it should do.
    fn refused(&mut self, action: &Action, refused: Option<impl core::fmt::Display>) {
        if let Some(why) = refused {
            self.mark(Tone::Fault, format!("{action} is refused: {why}"));
        }
    }
}
