//! Which nodes an action happens to.

use rand::seq::IndexedRandom;
use rumormill_proto::{Instant, Rng};

use crate::scenario::action::Action;
use crate::scenario::error::ScenarioError;
use crate::scenario::nodes::Nodes;
use crate::scenario::tracker::Tracker;

/// Where in the scenario an action stands.
pub(super) struct Place {
    pub(super) key: String,
    pub(super) at: Instant,
    /// Whether what cannot happen is refused, rather than left out.
    pub(super) strict: bool,
}

/// Draws the nodes that the action happens to.
pub(super) fn choose(
    tracker: &Tracker,
    place: &Place,
    rng: &mut Rng,
    nodes: &Nodes,
    action: &Action,
) -> Result<Vec<u32>, ScenarioError> {
    let some = |rng: &mut Rng, able: &[u32], count: usize| {
        let mut some: Vec<u32> = able.sample(rng, count).copied().collect();
        some.sort_unstable();
        some
    };
    let able = || tracker.candidates(place.at, action);
    match nodes {
        Nodes::All => Ok(able()),
        Nodes::Share(share) => {
            let able = able();
            let count = (share * able.len() as f64).round() as usize;
            Ok(some(rng, &able, count))
        }
        Nodes::Some(count) if *count > tracker.len() => {
            let range = format!("at most {}, the number of nodes", tracker.len());
            Err(ScenarioError::new(&place.key, count.to_string(), range))
        }
        Nodes::Some(count) => Ok(some(rng, &able(), *count as usize)),
        Nodes::These(list) => {
            let mut chosen = Vec::with_capacity(list.len());
            for &node in list {
                match tracker.can(place.at, action, node) {
                    Ok(()) => chosen.push(node),
                    Err(why) if place.strict || node >= tracker.len() => {
                        let range = format!("nodes to which it can happen; {why}");
                        return Err(ScenarioError::new(&place.key, nodes.to_string(), range));
                    }
                    Err(_) => {}
                }
            }
            Ok(chosen)
        }
    }
}

/// Draws the sides of a partition: no node is on two.
pub(super) fn sides(
    tracker: &Tracker,
    place: &Place,
    rng: &mut Rng,
    asked: &[Nodes],
    action: &Action,
) -> Result<Vec<Nodes>, ScenarioError> {
    let mut sides: Vec<Vec<u32>> = Vec::new();
    for nodes in asked {
        let all = choose(tracker, place, rng, nodes, action)?;
        if let Some(twice) = all.iter().find(|node| sides.iter().any(|side| side.contains(node))) {
            let range = format!("sides that share no node; n{twice} is on two");
            return Err(ScenarioError::new(&place.key, nodes.to_string(), range));
        }
        sides.push(all);
    }
    Ok(sides.into_iter().map(Nodes::These).collect())
}
