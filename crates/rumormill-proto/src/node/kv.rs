//! The verbs for keys and values.

use crate::kv::KvProtocol;
use crate::kv::entry::{Entry, Version};
use crate::kv::key::PutError;
use crate::node::Node;
use crate::protocol::Context;
use crate::time::Instant;

/// The keys and values of a node: every member stores all of them, and the last write wins.
///
/// [`Node::kv`] reads, [`Node::kv_mut`] writes.
///
/// ```
/// use rumormill_proto::{Config, Identity, Instant, Name, Node};
///
/// let me = Identity { name: Name::new("a")?, addr: "127.0.0.1:7946".parse()?, incarnation: 1 };
/// let mut node = Node::new(Instant::ZERO, me, Config::default(), 42)?;
/// node.kv_mut().put(Instant::ZERO, "color", b"blue")?;
/// assert_eq!(node.kv().get("color").and_then(|entry| entry.value.as_deref()), Some(&b"blue"[..]));
/// assert_eq!(node.kv().list("co").count(), 1);
/// node.kv_mut().delete(Instant::ZERO, "color");
/// assert!(node.kv().get("color").is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Kv<N>(N);

/// The keys and values that a node holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[non_exhaustive]
pub struct KvLoad {
    /// Keys that exist.
    pub keys: usize,
    /// Deleted keys that are remembered.
    pub tombstones: usize,
    /// Bytes of keys and values.
    pub bytes: usize,
    /// Members whose entries have differed from this node's for longer than a minute.
    pub members_differing: usize,
    /// A number that two nodes share exactly when they hold the same entries, except with a
    /// probability of 2⁻⁶⁴. Hexadecimal in JSON.
    #[serde(with = "crate::json::hex")]
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub digest: u64,
}

impl Node {
    /// Adds the protocol of keys and values.
    pub fn add_kv(&mut self, now: Instant) {
        let kv = KvProtocol::new(&self.core.config);
        self.add_protocol(now, Box::new(kv));
    }

    /// Returns the keys and values, to read.
    pub fn kv(&self) -> Kv<&Node> {
        Kv(self)
    }

    /// Returns the keys and values, to write.
    pub fn kv_mut(&mut self) -> Kv<&mut Node> {
        Kv(self)
    }
}

impl<'a> Kv<&'a Node> {
    /// Returns the entry of a key that exists.
    pub fn get(self, key: &str) -> Option<&'a Entry> {
        self.0.protocol::<KvProtocol>()?.get(key)
    }

    /// Returns the entries of the keys that exist and begin with `prefix`, in order.
    pub fn list(self, prefix: &'a str) -> impl Iterator<Item = &'a Entry> {
        let kv = self.0.protocol::<KvProtocol>().into_iter();
        kv.flat_map(move |kv| kv.map.list(prefix)).filter(|entry| entry.value.is_some())
    }

    /// Returns all entries, tombstones included, by key: the contents of a store.
    pub fn entries(self) -> impl Iterator<Item = &'a Entry> {
        self.0.protocol::<KvProtocol>().into_iter().flat_map(|kv| kv.map.list(""))
    }

    /// Returns a number that two nodes share exactly when they hold the same entries, except with a
    /// probability of 2⁻⁶⁴.
    pub fn digest(self) -> u64 {
        self.0.protocol().map_or(0, KvProtocol::contents)
    }

    /// Returns how much the keys and values take.
    pub fn load(self) -> KvLoad {
        self.0.protocol().map_or_else(KvLoad::default, |kv: &KvProtocol| {
            let tombstones = kv.map.tombstones.len();
            KvLoad {
                keys: kv.map.entries.len() - tombstones,
                tombstones,
                bytes: kv.map.bytes,
                members_differing: kv.gossip.differing_long(),
                digest: kv.contents(),
            }
        })
    }
}

impl Kv<&mut Node> {
    /// Writes a key; all nodes will store the value.
    ///
    /// # Errors
    /// Fails if key or value are out of their bounds, or this node has no room.
    pub fn put(self, now: Instant, key: &str, value: &[u8]) -> Result<Version, PutError> {
        let put = |kv: &mut KvProtocol, cx: &mut Context<'_>| kv.put(cx, key, value);
        self.0.with_protocol(now, put).unwrap_or(Err(PutError::NotRunning))
    }

    /// Deletes a key everywhere; `None` if it doesn't exist here.
    pub fn delete(self, now: Instant, key: &str) -> Option<Version> {
        self.0.with_protocol(now, |kv: &mut KvProtocol, cx| kv.delete(cx, key)).flatten()
    }

    /// Takes over the entries of a store. Call it before the node joins.
    pub fn restore(self, now: Instant, entries: Vec<Entry>) {
        self.0.with_protocol(now, |kv: &mut KvProtocol, cx| kv.restore(cx, entries));
    }

    /// Returns the next change that a store should keep: a key and its entry, or `None` for a key whose
    /// tombstone is no longer needed. Only with
    /// [`KvSettings::journal`](crate::KvSettings::journal).
    pub fn poll_store(self) -> Option<(String, Option<Entry>)> {
        self.0.protocol_mut::<KvProtocol>()?.map.journal.as_mut()?.pop_front()
    }
}
