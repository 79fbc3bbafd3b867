//! Rumor mongering: news that spreads like a disease and dies out by itself.
//!
//! The push variant with feedback and counter of Demers et al. (1987), "Epidemic algorithms for
//! replicated database maintenance", section 1.4: who has news tells a random peer once a period,
//! and loses interest after having told [`BOREDOM`] peers that knew it already. Some nodes may
//! never hear of it; the share of those, the residue, falls exponentially with [`BOREDOM`].

use std::collections::BTreeMap;

use rumormill_proto::{Context, Duration, NodeId, Protocol};

/// The longest news, in bytes; small enough for any datagram.
pub const MAX_NEWS: usize = 400;

/// After so many peers that knew the news already a node stops telling it.
pub const BOREDOM: u32 = 4;

const TELL: u8 = 0;
const KNOWN: u8 = 1;

/// Where news comes from: the node that published it, and how many it had published before.
type Id = (NodeId, u32);

/// The protocol. Emits each piece of news once, when it arrives.
#[derive(Debug)]
pub struct Epidemic {
    period: Duration,
    news: BTreeMap<Id, News>,
    published: u32,
}

#[derive(Debug)]
struct News {
    text: Vec<u8>,
    /// How many of the peers that were told knew it already.
    bored: u32,
}

/// The news has more than [`MAX_NEWS`] bytes.
#[derive(Debug, PartialEq, Eq)]
pub struct TooLong(pub usize);

impl std::fmt::Display for TooLong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the news has {} bytes, the limit is {MAX_NEWS}", self.0)
    }
}

impl std::error::Error for TooLong {}

impl Epidemic {
    /// A node that knows nothing yet, and tells what it knows once a `period`.
    pub fn new(period: Duration) -> Self {
        Self { period, news: BTreeMap::new(), published: 0 }
    }

    /// Sets news off from this node.
    ///
    /// # Errors
    /// When the news is too long. Nothing is told then.
    pub fn publish(&mut self, cx: &mut Context<'_>, text: &[u8]) -> Result<(), TooLong> {
        if text.len() > MAX_NEWS {
            return Err(TooLong(text.len()));
        }
        let id = (cx.id(), self.published);
        self.published += 1;
        self.news.insert(id, News { text: text.to_vec(), bored: 0 });
        Ok(())
    }

    /// All that this node has heard or published.
    pub fn heard(&self) -> impl Iterator<Item = &[u8]> {
        self.news.values().map(|news| &*news.text)
    }

    /// Whether this node still tells some news.
    pub fn is_telling(&self) -> bool {
        self.news.values().any(News::is_hot)
    }
}

impl News {
    fn is_hot(&self) -> bool {
        self.bored < BOREDOM
    }
}

impl Protocol for Epidemic {
    fn name(&self) -> &str {
        "example.epidemic"
    }

    fn period(&self) -> Duration {
        self.period
    }

    fn tick(&mut self, cx: &mut Context<'_>) {
        for (id, news) in self.news.iter().filter(|(_, news)| news.is_hot()) {
            if let Some(peer) = cx.random_peer() {
                cx.send(peer, &message(TELL, *id, &news.text));
            }
        }
    }

    fn receive(&mut self, cx: &mut Context<'_>, from: NodeId, message_in: &[u8]) {
        let Some((kind, id, text)) = parse(message_in) else { return };
        match kind {
            TELL if self.news.contains_key(&id) => cx.send(from, &message(KNOWN, id, &[])),
            TELL if text.len() <= MAX_NEWS => {
                self.news.insert(id, News { text: text.to_vec(), bored: 0 });
                cx.emit(text);
            }
            KNOWN => {
                if let Some(news) = self.news.get_mut(&id) {
                    news.bored = news.bored.saturating_add(1);
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
    fn news_reaches_every_node_and_then_dies_out() {
        let mut cluster = Cluster::new(20, |_| Epidemic::new(Duration::from_millis(100)));
        let published = cluster.with(3, |p: &mut Epidemic, cx| p.publish(cx, b"hello"));
        assert_eq!(published, Ok(()));
        let heard = |p: &Epidemic| p.heard().eq([b"hello"]);
        cluster.run_until(Duration::from_secs(60), |all| all.iter().all(|p: &&Epidemic| heard(p)));
        cluster.run_until(Duration::from_secs(60), |all| {
            !all.iter().any(|p: &&Epidemic| p.is_telling())
        });
    }

    #[test]
    fn long_news_is_refused_and_garbage_changes_nothing() {
        let mut cluster = Cluster::new(2, |_| Epidemic::new(Duration::from_millis(100)));
        let long = [0; MAX_NEWS + 1];
        let refused = cluster.with(0, move |p: &mut Epidemic, cx| p.publish(cx, &long));
        assert_eq!(refused, Err(TooLong(MAX_NEWS + 1)));
        for garbage in [&[][..], &[TELL], &[TELL; 12], &[9; 40], &[TELL; 500]] {
            let garbage = garbage.to_vec();
            cluster.with(0, move |p: &mut Epidemic, cx| p.receive(cx, NodeId(1), &garbage));
        }
        assert_eq!(cluster.with(0, |p: &mut Epidemic, _| p.heard().count()), 0);
    }
}
