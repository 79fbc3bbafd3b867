//! What became of rumors and keys: who has heard what, and who holds the same.

use rumormill_proto::{Name, RumorId};

use super::slice::{ReplicaSample, RumorSample};
use crate::check::Violation;
use crate::network::VirtualNetwork;
use crate::spec::{NodeIndex, SimError};

/// The rumors that were published, and whether keys were written.
#[derive(Default)]
pub(crate) struct News {
    rumors: Vec<Told>,
    keys: bool,
}

/// A rumor. Every node that was up when it was published, and stays up, is to hear it.
struct Told {
    id: RumorId,
    topic: Name,
    /// Those that have yet to hear it, each with the number of its life.
    waiting: Vec<(NodeIndex, u32)>,
    /// Those that have heard it.
    heard: Vec<(NodeIndex, u32)>,
}

impl News {
    /// A node publishes a rumor of so many bytes. Returns why not, if it refuses.
    pub(crate) fn publish(
        &mut self,
        net: &mut VirtualNetwork,
        node: NodeIndex,
        topic: &Name,
        bytes: u32,
    ) -> Result<Option<String>, SimError> {
        let payload = vec![b'.'; bytes as usize];
        let life = |index: NodeIndex, net: &VirtualNetwork| (index, net.life(index));
        match net.with_node(node, |running, now| running.publish(now, topic, &payload))? {
            Ok(id) => {
                let waiting = net.running().map(|(index, _)| life(index, net)).collect();
                let topic = topic.clone();
                self.rumors.push(Told { id, topic, waiting, heard: Vec::new() });
                Ok(None)
            }
            Err(refused) => Ok(Some(refused.to_string())),
        }
    }

    /// A node writes a key, or deletes it. Returns why not, if it refuses.
    pub(crate) fn write(
        &mut self,
        net: &mut VirtualNetwork,
        node: NodeIndex,
        key: &str,
        value: Option<&str>,
    ) -> Result<Option<String>, SimError> {
        self.keys = true;
        let Some(value) = value else {
            net.with_node(node, |running, now| running.delete(now, key))?;
            return Ok(None);
        };
        let put = net.with_node(node, |running, now| running.put(now, key, value.as_bytes()))?;
        Ok(put.err().map(|refused| refused.to_string()))
    }

    /// Sees who has heard what by now. Nodes forget rumors after a while, so this is to be asked
    /// now and then.
    pub(crate) fn look(&mut self, net: &VirtualNetwork) {
        for told in &mut self.rumors {
            let Told { id, waiting, heard, .. } = told;
            waiting.retain(|&(index, life)| {
                let Some(node) = net.node(index).filter(|_| net.life(index) == life) else {
                    return false;
                };
                if node.rumor(*id).is_some() {
                    heard.push((index, life));
                    return false;
                }
                true
            });
        }
    }

    /// How rumors stand; `None` if there were none.
    pub(crate) fn rumors(&self) -> Option<RumorSample> {
        let (mut heard, mut waiting) = (0, 0);
        for told in &self.rumors {
            heard += told.heard.len() as u64;
            waiting += told.waiting.len() as u64;
        }
        let all = (heard + waiting).max(1);
        (!self.rumors.is_empty()).then(|| RumorSample {
            published: self.rumors.len() as u32,
            delivered: heard as f64 / all as f64,
            waiting,
        })
    }

    /// How the replica stands; `None` if no key was ever written.
    pub(crate) fn replica(&self, net: &VirtualNetwork) -> Option<ReplicaSample> {
        if !self.keys {
            return None;
        }
        let mut digests: Vec<u64> = net.running().map(|(_, node)| node.replica_digest()).collect();
        digests.sort_unstable();
        let most = digests.chunk_by(|a, b| a == b).map(<[u64]>::len).max().unwrap_or(0);
        let keys = net.running().map(|(_, node)| node.load().keys as f64);
        Some(ReplicaSample {
            keys: super::Band::of(keys),
            equal: most as f64 / digests.len().max(1) as f64,
        })
    }

    /// Looks at what must have come to hold in the end: what one node has heard, all have that were
    /// there; and all replicas are equal.
    ///
    /// # Errors
    /// The first thing that does not hold yet.
    pub(crate) fn settled(&self, net: &VirtualNetwork) -> Result<(), Violation> {
        for told in &self.rumors {
            // A rumor may die with its origin, if that crashes before it has told anybody.
            let lives = |&(index, life): &(NodeIndex, u32)| {
                net.node(index).is_some() && net.life(index) == life
            };
            if told.heard.iter().any(lives)
                && let Some(&(node, _)) = told.waiting.first()
            {
                let (id, topic) = (told.id, told.topic.clone());
                return Err(Violation::Unheard { node, id, topic });
            }
        }
        let mut nodes = net.running();
        let Some((first, digest)) =
            nodes.next().map(|(first, node)| (first, node.replica_digest()))
        else {
            return Ok(());
        };
        match nodes.find(|(_, node)| node.replica_digest() != digest) {
            Some((other, _)) if self.keys => Err(Violation::Replicas { node: first, other }),
            _ => Ok(()),
        }
    }
}
