//! The handle's verbs for the replica.

use rumormill_proto as proto;

use super::Agent;
use crate::api::{self, Event, KeyChange, KeyPage};
use crate::error::Error;
use crate::subscription::Subscription;

/// A page ends after the entry that makes it longer than this.
const PAGE_BYTES: usize = 4 << 20;

impl Agent {
    /// Writes `value` to `key`, here and soon at every node. Returns the write's version when it is
    /// on this agent's disk, or at once if it has no store.
    ///
    /// # Errors
    /// When the key or the value is too long, the replica is full, or the write can't be kept.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # use rumormill_agent::Agent;
    /// # let agent = Agent::builder("a").bind("127.0.0.1:0".parse()?).start().await?;
    /// agent.put("flags/new-checkout", b"on").await?;
    /// let entry = agent.lookup("flags/new-checkout").await?.expect("it was put");
    /// assert_eq!(entry.value.bytes()?, b"on");
    /// assert_eq!(agent.list("flags/").await?.len(), 1);
    /// assert!(agent.delete("flags/new-checkout").await?.is_some());
    /// # agent.leave().await;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn put(&self, key: &str, value: &[u8]) -> Result<proto::Version, Error> {
        let (key, value) = (key.to_owned(), value.to_vec());
        self.keep(move |core| {
            let now = core.now();
            let version = core.node.put(now, &key, &value)?;
            core.store_changes();
            Ok(version)
        })
        .await
    }

    /// Deletes `key`, here and soon at every node; `None` if there is no such key here.
    ///
    /// # Errors
    /// When the key can't be one, or the deletion can't be kept.
    pub async fn delete(&self, key: &str) -> Result<Option<proto::Version>, Error> {
        let key = key.to_owned();
        self.keep(move |core| {
            let now = core.now();
            let version = core.node.delete(now, &key);
            core.store_changes();
            Ok(version)
        })
        .await
    }

    /// What `key` holds, as far as this agent has heard; `None` if nothing.
    ///
    /// # Errors
    /// When the agent has stopped.
    pub async fn lookup(&self, key: &str) -> Result<Option<api::Entry>, Error> {
        let key = key.to_owned();
        self.with_node(move |node, _| node.get(&key).map(|entry| api::Entry::new(entry, node)))
            .await
    }

    /// The keys that begin with `prefix`, in order, with what they hold.
    ///
    /// # Errors
    /// When the agent has stopped.
    pub async fn list(&self, prefix: &str) -> Result<Vec<api::Entry>, Error> {
        let prefix = prefix.to_owned();
        self.with_node(move |node, _| {
            node.list(&prefix).map(|entry| api::Entry::new(entry, node)).collect()
        })
        .await
    }

    /// At most `limit` of the keys that begin with `prefix` and come after `after`; fewer, where
    /// they would take too much room.
    pub(crate) async fn page(
        &self,
        prefix: &str,
        after: Option<String>,
        limit: usize,
    ) -> Result<KeyPage, Error> {
        let prefix = prefix.to_owned();
        self.with_node(move |node, _| {
            let mut page = KeyPage { entries: Vec::new(), next: None };
            let mut bytes = 0;
            for entry in node.list(&prefix) {
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

    /// The changes of keys that begin with `prefix` as this agent takes them, from now on.
    ///
    /// A write at this agent is told once. Of writes at other agents those that arrive here are
    /// told, each once: the latest state of a key travels, so one that is overwritten before it
    /// arrives is not seen here. For each key the versions rise, and the last change is always
    /// told. A subscriber that is too slow is told how many events it has missed
    /// ([`crate::News::Missed`]), and should list again.
    pub fn watch(&self, prefix: &str) -> Subscription<KeyChange> {
        let prefix = prefix.to_owned();
        self.pick(move |event| match event {
            Event::Key(change) if change.key.starts_with(&prefix) => Some(change),
            _ => None,
        })
    }
}
