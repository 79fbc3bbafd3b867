//! What an agent does with keys and their values.

use rumormill_proto::{KeyChange, Notice, Version};

use super::Agent;
use crate::api::{self, KeyPage};
use crate::error::Error;
use crate::subscription::Subscription;

/// A page ends after the entry that makes it longer than this.
const PAGE_BYTES: usize = 4 << 20;

/// The cluster's key-value map, of which every node has a copy; see [`Agent::kv`].
#[derive(Clone, Debug)]
pub struct Kv(pub(super) Agent);

impl Kv {
    /// Writes `value` to `key`, here at once and soon at every node. Returns the write's version
    /// when the entry is on disk, or at once if the agent has no store.
    ///
    /// # Errors
    /// Fails if the key or the value is too long, the map is full, or the entry can't be written to
    /// the agent's store.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use rumormill_agent::Agent;
    /// # let agent = Agent::builder("a").bind("127.0.0.1:0".parse()?).start().await?;
    /// let kv = agent.kv();
    /// kv.put("flags/new-checkout", b"on").await?;
    /// let entry = kv.get("flags/new-checkout").await?.expect("was put above");
    /// assert_eq!(entry.value, b"on");
    /// assert_eq!(kv.list("flags/").await?.len(), 1);
    /// assert!(kv.delete("flags/new-checkout").await?.is_some());
    /// # agent.leave().await;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn put(&self, key: &str, value: &[u8]) -> Result<Version, Error> {
        let (key, value) = (key.to_owned(), value.to_vec());
        self.0
            .keep(move |core| {
                let now = core.now();
                let version = core.node.kv_mut().put(now, &key, &value)?;
                core.store_changes();
                Ok(version)
            })
            .await
    }

    /// Deletes `key`, here at once and soon at every node. Returns the deletion's version, `None` if
    /// this agent has no such key.
    ///
    /// # Errors
    /// Fails if the deletion can't be written to the agent's store.
    pub async fn delete(&self, key: &str) -> Result<Option<Version>, Error> {
        let key = key.to_owned();
        self.0
            .keep(move |core| {
                let now = core.now();
                let version = core.node.kv_mut().delete(now, &key);
                core.store_changes();
                Ok(version)
            })
            .await
    }

    /// Returns the entry of `key`, `None` if this agent has no such key.
    ///
    /// # Errors
    /// Fails if the agent has stopped.
    pub async fn get(&self, key: &str) -> Result<Option<api::Entry>, Error> {
        let key = key.to_owned();
        self.0
            .with_node(move |node, _| node.kv().get(&key).map(|entry| api::Entry::new(entry, node)))
            .await
    }

    /// Returns the entries of the keys that begin with `prefix`, in order.
    ///
    /// # Errors
    /// Fails if the agent has stopped.
    pub async fn list(&self, prefix: &str) -> Result<Vec<api::Entry>, Error> {
        let prefix = prefix.to_owned();
        self.0
            .with_node(move |node, _| {
                node.kv().list(&prefix).map(|entry| api::Entry::new(entry, node)).collect()
            })
            .await
    }

    /// Returns at most `limit` entries of the keys that begin with `prefix` and come after `after`;
    /// fewer if they are longer than [`PAGE_BYTES`].
    pub(crate) async fn page(
        &self,
        prefix: &str,
        after: Option<String>,
        limit: usize,
    ) -> Result<KeyPage, Error> {
        let prefix = prefix.to_owned();
        self.0
            .with_node(move |node, _| {
                let mut page = KeyPage { entries: Vec::new(), next: None };
                let mut bytes = 0;
                for entry in node.kv().list(&prefix) {
                    if after.as_ref().is_some_and(|after| entry.key <= *after) {
                        continue;
                    }
                    if page.entries.len() == limit || bytes > PAGE_BYTES {
                        page.next = page.entries.last().map(|last: &api::Entry| last.key.clone());
                        break;
                    }
                    bytes += entry.key.len() + entry.value.as_ref().map_or(0, Vec::len);
                    page.entries.push(api::Entry::new(entry, node));
                }
                page
            })
            .await
    }

    /// Subscribes to the changes of keys that begin with `prefix`, from now on.
    ///
    /// Every write at this agent is reported once. A write at another agent is reported once when it
    /// arrives here, unless a later write to the same key has replaced it on the way. The versions
    /// of one key rise, and its last change is always reported. A subscriber that is too slow gets
    /// [`Missed`](crate::Missed), and should list again.
    pub fn watch(&self, prefix: &str) -> Subscription<KeyChange> {
        let prefix = prefix.to_owned();
        self.0.pick(move |notice| match notice {
            Notice::Key(change) if change.key.starts_with(&prefix) => Some(change),
            _ => None,
        })
    }
}
