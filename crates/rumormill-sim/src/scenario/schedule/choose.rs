//! Which nodes an event befalls.

use rand::seq::IndexedRandom;
use rumormill_proto::{Instant, Rng};

use super::Drawing;
use crate::scenario::action::Action;
use crate::scenario::error::ScenarioError;
use crate::scenario::nodes::Nodes;

/// Where in the scenario something stands.
pub(super) struct Place {
    pub(super) key: String,
    pub(super) at: Instant,
    pub(super) strict: bool,
}

impl Drawing<'_> {
    /// The nodes that an event befalls.
    pub(super) fn choose(
        &self,
        place: &Place,
        rng: &mut Rng,
        nodes: &Nodes,
        make: &dyn Fn(u32) -> Action,
    ) -> Result<Vec<u32>, ScenarioError> {
        let some = |rng: &mut Rng, able: &[u32], count: usize| {
            let mut some: Vec<u32> = able.sample(rng, count).copied().collect();
            some.sort_unstable();
            some
        };
        let able = || self.tracker.candidates(place.at, make);
        match nodes {
            Nodes::All => Ok(able()),
            Nodes::Share(share) => {
                let able = able();
                let count = (share * able.len() as f64).round() as usize;
                Ok(some(rng, &able, count))
            }
            Nodes::Some(count) if *count > self.tracker.len() => {
                let range = format!("at most {}, the number of nodes", self.tracker.len());
                Err(ScenarioError::new(&place.key, count.to_string(), range))
            }
            Nodes::Some(count) => Ok(some(rng, &able(), *count as usize)),
            Nodes::These(list) => {
                let mut chosen = Vec::with_capacity(list.len());
                for &node in list {
                    match self.tracker.can(place.at, &make(node)) {
                        Ok(()) => chosen.push(node),
                        Err(why) if place.strict || node >= self.tracker.len() => {
                            let range = format!("nodes that it can befall; {why}");
                            return Err(ScenarioError::new(&place.key, nodes.to_string(), range));
                        }
                        Err(_) => {}
                    }
                }
                Ok(chosen)
            }
        }
    }

    /// The sides of a partition: no node is on two.
    pub(super) fn sides(
        &self,
        place: &Place,
        rng: &mut Rng,
        asked: &[Nodes],
    ) -> Result<Vec<Vec<u32>>, ScenarioError> {
        let mut sides: Vec<Vec<u32>> = Vec::new();
        for nodes in asked {
            let all =
                self.choose(place, rng, nodes, &|node| Action::Partition(vec![vec![node]]))?;
            if let Some(twice) =
                all.iter().find(|node| sides.iter().any(|side| side.contains(node)))
            {
                let range = format!("sides that share no node; n{twice} is on two");
                return Err(ScenarioError::new(&place.key, nodes.to_string(), range));
            }
            sides.push(all);
        }
        Ok(sides)
    }
}
