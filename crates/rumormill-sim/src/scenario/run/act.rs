//! Carries out the steps of a scenario.

use rumormill_proto::{Instant, Mode, Name};

use super::ScenarioRun;
use crate::network::error::SimError;
use crate::network::index::NodeIndex;
use crate::scenario::action::Action;
use crate::scenario::entry::Step;
use crate::scenario::nodes::Nodes;
use crate::scenario::slice::Tone;
use crate::scenario::values::Values;

impl ScenarioRun {
    pub(super) fn apply(&mut self, step: &Step) -> Result<(), SimError> {
        match &step.action {
            Action::Join(join) => {
                let index = self.add_node(join)?;
                self.settle_in(index)
            }
            Action::Partition(sides) => {
                let sides: Vec<Vec<NodeIndex>> = sides.0.iter().map(indices).collect();
                let sides: Vec<&[NodeIndex]> = sides.iter().map(Vec::as_slice).collect();
                self.net.partition(&sides);
                Ok(())
            }
            Action::Cut(way) => {
                for from in indices(&way.from) {
                    indices(&way.to).into_iter().for_each(|to| self.net.cut_one_way(from, to));
                }
                Ok(())
            }
            Action::Heal(_) => {
                self.net.heal_partition();
                Ok(())
            }
            Action::Link(settings) => self.net.set_link(settings.over(self.scenario.first_link())),
            action => {
                let nodes = action.nodes().map(indices).unwrap_or_default();
                nodes.into_iter().try_for_each(|node| self.apply_to(node, step))
            }
        }
    }

    fn apply_to(&mut self, node: NodeIndex, step: &Step) -> Result<(), SimError> {
        let mode = match &step.action {
            Action::Set(set) => self.mode(&set.aggregate),
            _ => Mode::default(),
        };
        let (net, lasting) = (&mut self.net, step.lasting.unwrap_or_default().0);
        match &step.action {
            Action::Crash(_) => net.crash(node),
            Action::Leave(_) => net.leave(node),
            Action::Restart(_) => {
                net.restart(node)?;
                if self.durable.has(node.0) {
                    self.chronicle.inherit(net, node);
                }
                self.settle_in(node)?;
            }
            Action::Pause(_) => net.pause(node, lasting),
            Action::Isolate(_) => net.isolate(node, lasting),
            Action::Set(set) => {
                if let Values::Constant(value) = set.value {
                    net.set_in(node, &set.aggregate, value, mode)?;
                    self.assigned[node.index()].insert(set.aggregate.clone(), value);
                }
            }
            Action::Unset(unset) => {
                net.unset(node, &unset.aggregate)?;
                self.assigned[node.index()].remove(&unset.aggregate);
            }
            // What a node of the start has at 0s, it has started with.
            Action::Clock(_) if step.at == Instant::ZERO && node.0 < self.scenario.nodes => {}
            Action::Clock(change) => {
                change.rate.map_or(Ok(()), |rate| net.set_clock_rate(node, rate))?;
                change.step.map_or(Ok(()), |step| net.step_wall_clock(node, step.millis))?;
            }
            Action::Publish(publish) => {
                let (topic, payload) =
                    (Name::new(&publish.topic)?, vec![b'.'; publish.bytes as usize]);
                let refused = net.with_node(node, |node, now| {
                    node.events_mut().publish(now, &topic, &payload).err()
                })?;
                self.refused(step, refused);
            }
            Action::Put(put) => {
                let value = format!("{:.<1$}", put.value, put.bytes.unwrap_or(0) as usize);
                let refused = net.with_node(node, |node, now| {
                    node.kv_mut().put(now, &put.key, value.as_bytes()).err()
                })?;
                self.refused(step, refused);
            }
            Action::Delete(delete) => {
                net.with_node(node, |node, now| node.kv_mut().delete(now, &delete.key))?;
            }
            // Carried out for the network as a whole, or drawn as crashes.
            Action::Join(_)
            | Action::Partition(_)
            | Action::Cut(_)
            | Action::Heal(_)
            | Action::Link(_)
            | Action::Churn(_) => {}
        }
        Ok(())
    }

    /// Marks that a node has refused a step.
    fn refused(&mut self, step: &Step, refused: Option<impl core::fmt::Display>) {
        if let Some(why) = refused {
            self.mark(Tone::Fault, format!("{step} is refused: {why}"));
        }
    }
}

fn indices(nodes: &Nodes) -> Vec<NodeIndex> {
    nodes.listed().iter().copied().map(NodeIndex).collect()
}
