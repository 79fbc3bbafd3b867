//! Rumor mongering: a rumor spreads like a disease and dies out by itself.
//!
//! The push variant with feedback and counter of Demers et al. (1987), "Epidemic algorithms for
//! replicated database maintenance", section 1.4: an informed node pushes the rumor to a random peer
//! once a period, and loses interest after pushes to [`BOREDOM`] peers that were informed already.
//! Some nodes may stay uninformed; their share, the residue, falls exponentially with [`BOREDOM`].

use std::collections::BTreeMap;

use rumormill_proto::{Context, Duration, NodeId, Protocol};

/// The longest rumor, in bytes; small enough for any datagram.
pub const MAX_RUMOR: usize = 400;

/// The number of pushes to informed peers after which a node stops pushing a rumor.
pub const BOREDOM: u32 = 4;

const PUSH: u8 = 0;
const FEEDBACK: u8 = 1;

/// The identification of a rumor: the node that published it, and how many it had published before.
type Id = (NodeId, u32);

/// The protocol. Emits each rumor once, when it arrives.
#[derive(Debug)]
pub struct Epidemic {
    period: Duration,
    rumors: BTreeMap<Id, Rumor>,
    published: u32,
}

#[derive(Debug)]
struct Rumor {
    text: Vec<u8>,
    /// The number of pushes to peers that were informed already.
    bored: u32,
}

/// A rumor is longer than [`MAX_RUMOR`] bytes.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the rumor has {0} bytes, the limit is {MAX_RUMOR}")]
pub struct TooLong(pub usize);

impl Epidemic {
    /// Creates a node without rumors, which pushes once a `period`.
    pub fn new(period: Duration) -> Self {
        Self { period, rumors: BTreeMap::new(), published: 0 }
    }

    /// Publishes a rumor at this node.
    ///
    /// # Errors
    /// Fails if the rumor is too long.
    pub fn publish(&mut self, cx: &mut Context<'_>, text: &[u8]) -> Result<(), TooLong> {
        if text.len() > MAX_RUMOR {
            return Err(TooLong(text.len()));
        }
        let id = (cx.id(), self.published);
        self.published += 1;
        self.rumors.insert(id, Rumor { text: text.to_vec(), bored: 0 });
        Ok(())
    }

    /// Returns the rumors that this node has received or published.
    pub fn rumors(&self) -> impl Iterator<Item = &[u8]> {
        self.rumors.values().map(|rumors| &*rumors.text)
    }

    /// Returns whether this node still pushes a rumor.
    pub fn is_pushing(&self) -> bool {
        self.rumors.values().any(Rumor::is_hot)
    }
}

impl Rumor {
    fn is_hot(&self) -> bool {
        self.bored < BOREDOM
    }
}

impl Protocol for Epidemic {
    fn name(&self) -> &str {
        "example.epidemic"
    }

    fn period(&self) -> Option<Duration> {
        Some(self.period)
    }

    fn tick(&mut self, cx: &mut Context<'_>) {
        for (id, rumor) in self.rumors.iter().filter(|(_, rumor)| rumor.is_hot()) {
            if let Some(peer) = cx.random_peer() {
                cx.send(peer, &message(PUSH, *id, &rumor.text));
            }
        }
    }

    fn receive(&mut self, cx: &mut Context<'_>, from: NodeId, message_in: &[u8]) {
        let Some((kind, id, text)) = parse(message_in) else { return };
        match kind {
            PUSH if self.rumors.contains_key(&id) => cx.send(from, &message(FEEDBACK, id, &[])),
            PUSH if text.len() <= MAX_RUMOR => {
                self.rumors.insert(id, Rumor { text: text.to_vec(), bored: 0 });
                cx.emit(text);
            }
            FEEDBACK => {
                if let Some(rumor) = self.rumors.get_mut(&id) {
                    rumor.bored = rumor.bored.saturating_add(1);
                }
            }
            _ => {}
        }
    }
}

fn message(kind: u8, (origin, number): Id, text: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend_from_slice(&origin.0.to_be_bytes());
    bytes.extend_from_slice(&number.to_be_bytes());
    bytes.extend_from_slice(text);
    bytes
}

fn parse(bytes: &[u8]) -> Option<(u8, Id, &[u8])> {
    let (kind, rest) = bytes.split_first()?;
    let (origin, rest) = rest.split_first_chunk()?;
    let (number, text) = rest.split_first_chunk()?;
    Some((*kind, (NodeId(u64::from_be_bytes(*origin)), u32::from_be_bytes(*number)), text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::Cluster;

    #[test]
    fn a_rumor_reaches_every_node_and_then_dies_out() {
        let mut cluster = Cluster::new(20, |_| Epidemic::new(Duration::from_millis(100)));
        let published = cluster.with(3, |p: &mut Epidemic, cx| p.publish(cx, b"hello"));
        assert_eq!(published, Ok(()));
        let minute = Duration::from_secs(60);
        cluster.run_until(minute, |p: &Epidemic| p.rumors().eq([b"hello"]));
        cluster.run_until(minute, |p: &Epidemic| !p.is_pushing());
    }

    #[test]
    fn a_long_rumor_is_refused_and_garbage_changes_nothing() {
        let mut cluster = Cluster::new(2, |_| Epidemic::new(Duration::from_millis(100)));
        let long = [0; MAX_RUMOR + 1];
        let refused = cluster.with(0, move |p: &mut Epidemic, cx| p.publish(cx, &long));
        assert_eq!(refused, Err(TooLong(MAX_RUMOR + 1)));
        for garbage in [&[][..], &[PUSH], &[PUSH; 12], &[9; 40], &[PUSH; 500]] {
            let garbage = garbage.to_vec();
            cluster.with(0, move |p: &mut Epidemic, cx| p.receive(cx, NodeId(1), &garbage));
        }
        assert_eq!(cluster.with(0, |p: &mut Epidemic, _| p.rumors().count()), 0);
    }
}
