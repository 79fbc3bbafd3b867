//! The state that an agent keeps on disk, so that it survives the process: its name, its incarnation
//! number, its inputs and all keys.
//!
//! A directory belongs to one agent at a time. One thread writes ([`writer`]); each transaction has
//! all changes since the last one, and a change is acknowledged when its transaction is on disk.

mod claim;
mod disk;
pub(crate) mod error;
mod format;
mod overlay;
mod place;
pub(crate) mod writer;

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rumormill_proto::{Entry, Input, Name};

use crate::clock::unix_millis;
use claim::Claim;
use disk::{Disk, Identity, Loaded};
use error::StoreError;
use writer::{RESERVE, Writer};

/// The file in the directory.
const FILE: &str = "rumormill.redb";

/// A directory in which an agent keeps its state. While it is open, no other process can use it.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use rumormill_agent::{Agent, Store};
/// # let dir = std::env::temp_dir().join(format!("rumormill-doc-{}", std::process::id()));
/// # let any = "127.0.0.1:0".parse()?;
/// let agent = Agent::builder("a").bind(any).store(Store::open(&dir)?).start().await?;
/// agent.aggregates().set("requests", 5.0).await?; // on disk when this returns
/// agent.kill().await;
///
/// let store = Store::open(&dir)?;
/// assert_eq!(store.name().map(ToString::to_string).as_deref(), Some("a"));
/// let agent = Agent::builder("a").bind(any).store(store).start().await?;
/// assert_eq!(agent.aggregates().inputs().await?[0].value, 5.0);
/// # agent.leave().await;
/// # std::fs::remove_dir_all(&dir)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Store {
    dir: PathBuf,
    claim: Claim,
    disk: Disk,
    loaded: Loaded,
}

/// The state that an agent reads from its store when it starts.
pub(crate) struct Kept {
    pub(crate) incarnation: u64,
    pub(crate) inputs: Vec<Input>,
    pub(crate) entries: Vec<Entry>,
    /// The number of other members that the agent last knew.
    pub(crate) others: u64,
    /// The file with the old store, if that was set aside.
    pub(crate) set_aside: Option<PathBuf>,
}

impl Store {
    /// Opens the directory, and creates it if it does not exist.
    ///
    /// # Errors
    /// Fails if another process uses the directory, if the store in it is damaged or has a later
    /// format, or if the operating system refuses. The directory is left unchanged.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, StoreError> {
        let dir = dir.as_ref();
        let io = |source| StoreError::Directory { dir: dir.to_owned(), source };
        std::fs::create_dir_all(dir).map_err(io)?;
        let claim = Claim::take(dir)?;
        let (disk, loaded) = Disk::open(&dir.join(FILE))?;
        Ok(Self { dir: dir.to_owned(), claim, disk, loaded })
    }

    /// Returns the name of the agent that the directory belongs to, `None` if it is new.
    pub fn name(&self) -> Option<&Name> {
        self.loaded.identity.as_ref().map(|identity| &identity.name)
    }

    /// Returns the directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns how long ago an agent last ran on the directory, `None` if none has. Returns zero if the
    /// clock has gone back.
    pub fn age(&self) -> Option<Duration> {
        let age = |at: SystemTime| SystemTime::now().duration_since(at).unwrap_or_default();
        self.loaded.last_alive.map(age)
    }

    /// Assigns the directory to the agent, with an incarnation number above every earlier one. Sets the
    /// keys aside if no agent has run on the directory for longer than `longest`.
    pub(crate) fn claim(
        mut self,
        name: &Name,
        cluster: &str,
        incarnation: Option<u64>,
        longest: Option<Duration>,
    ) -> Result<(Kept, Writer), StoreError> {
        let old = longest.is_some_and(|longest| self.age().is_some_and(|age| age > longest));
        let Loaded { identity, inputs, mut entries, refused, others, .. } = self.loaded;
        if let Some(Identity { name: kept, cluster: of, .. }) = &identity
            && (kept != name || of != cluster)
        {
            return Err(StoreError::Other {
                dir: self.dir,
                name: kept.clone(),
                cluster: of.clone(),
                given: name.clone(),
                of: cluster.to_owned(),
            });
        }
        let reserved = identity.as_ref().map_or(0, |identity| identity.reserved);
        let incarnation = incarnation.unwrap_or_else(unix_millis).max(reserved.saturating_add(1));
        let identity = Identity {
            name: name.clone(),
            cluster: cluster.to_owned(),
            reserved: incarnation.saturating_add(RESERVE),
        };
        let mut set_aside = None;
        if old && !entries.is_empty() {
            let (disk, aside) = self.disk.replace(&identity, &inputs, others)?;
            (self.disk, set_aside) = (disk, Some(aside));
            entries.clear();
        }
        self.claim.name_holder(name);
        self.disk.identify(&identity)?;
        let kept = Kept { incarnation, inputs, entries, others, set_aside };
        Ok((kept, Writer::start(&self.dir, self.disk, self.claim, identity, (refused, others))))
    }
}

#[cfg(test)]
mod tests;
