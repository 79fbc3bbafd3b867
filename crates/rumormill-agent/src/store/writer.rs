//! The one thread that writes: everything that has come up since the last transaction goes into
//! the next one.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rumormill_proto::{Entry, Mode, Name};
use tokio::sync::oneshot;

use super::claim::Claim;
use super::disk::{Batch, Disk, Identity};
use super::error::{KeepError, StoreError};
use super::place::Astray;
use crate::api::StoreInfo;

/// Boot numbers that are reserved on disk beyond the one in use: a node that is held for dead
/// takes the next one, at once, and must never take it a second time.
pub(super) const RESERVED_BOOTS: u64 = 1024;
/// How long what nobody waits for may wait for more of its kind.
const LINGER: Duration = Duration::from_millis(50);
/// How often the store is written when nothing changes, so that it is known how long its agent has
/// been away.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// How often it is looked whether the store is still where it was.
const LOOK: Duration = Duration::from_secs(1);
/// How soon a failed transaction is tried again, at first and at last.
const RETRY: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

/// Tells when what was asked for is on the disk, or why it is not.
pub(crate) struct Ticket(Option<oneshot::Receiver<Result<(), KeepError>>>);

impl Ticket {
    /// For an agent that keeps nothing.
    pub(crate) fn nothing() -> Self {
        Self(None)
    }

    /// Waits until it is on the disk.
    pub(crate) async fn kept(self) -> Result<(), KeepError> {
        match self.0 {
            None => Ok(()),
            Some(answer) => {
                let ended = || Err(KeepError::Unkept("the agent has ended".to_owned()));
                answer.await.unwrap_or_else(|_| ended())
            }
        }
    }
}

struct Desk {
    batch: Batch,
    waiters: Vec<oneshot::Sender<Result<(), KeepError>>>,
    health: StoreInfo,
    closed: bool,
}

struct Shared {
    desk: Mutex<Desk>,
    news: Condvar,
    /// Whether the thread needs all that there is, to make the store anew.
    wants_all: AtomicBool,
}

impl Shared {
    /// A panic elsewhere leaves the desk as it was.
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The writing thread's desk. Laying something on it never waits for the disk; what lies there is
/// at most one record an input and one a key.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    /// No boot number above this one has been used.
    boots: u64,
}

impl Writer {
    pub(super) fn start(
        dir: &Path,
        disk: Disk,
        claim: Claim,
        identity: Identity,
        refused: u64,
    ) -> Self {
        let health = StoreInfo {
            directory: dir.display().to_string(),
            trouble: None,
            commits: 0,
            records: 0,
            errors: 0,
            waiting: 0,
            refused,
        };
        let (batch, waiters) = (Batch::default(), Vec::new());
        let desk = Mutex::new(Desk { batch, waiters, health, closed: false });
        let wants_all = AtomicBool::new(false);
        let shared = Arc::new(Shared { desk, news: Condvar::new(), wants_all });
        let (desk, boots) = (shared.clone(), identity.boots);
        let keeper = Keeper { dir: dir.to_owned(), disk, claim, identity };
        let thread = std::thread::Builder::new().name("rumormill-store".to_owned());
        // Without the thread every ticket says that nothing is kept.
        let thread = thread.spawn(move || run(&desk, keeper)).ok();
        Self { shared, thread, boots }
    }

    /// Whether what is written now can be expected to be kept.
    pub(crate) fn check(&self) -> Result<(), KeepError> {
        match &self.shared.desk().health.trouble {
            Some(trouble) => Err(KeepError::Refused(trouble.clone())),
            None => Ok(()),
        }
    }

    pub(crate) fn info(&self) -> StoreInfo {
        let desk = self.shared.desk();
        let waiting = desk.batch.inputs.len() + desk.batch.entries.len();
        StoreInfo { waiting, ..desk.health.clone() }
    }

    /// An input is now this, or gone.
    pub(crate) fn input(&self, name: &Name, input: Option<(f64, Mode)>) {
        self.lay(|batch| batch.inputs.insert(name.clone(), input));
    }

    /// An entry of the replica is now this, or forgotten.
    pub(crate) fn entry(&self, key: String, entry: Option<Vec<u8>>) {
        self.lay(|batch| batch.entries.insert(key, entry));
    }

    /// Lays all that there is on the desk, if the thread has asked for it: the file has gone.
    pub(crate) fn all_if_wanted<'a>(
        &self,
        all: impl FnOnce() -> (Vec<(Name, f64, Mode)>, Box<dyn Iterator<Item = &'a Entry> + 'a>),
    ) {
        if !self.shared.wants_all.swap(false, Ordering::Relaxed) {
            return;
        }
        let (inputs, entries) = all();
        let boots = Some(self.boots);
        let inputs = inputs.into_iter().map(|(name, value, mode)| (name, Some((value, mode))));
        let entries = entries.map(|entry| (entry.key.clone(), Some(entry.encode())));
        let (inputs, entries) = (inputs.collect(), entries.collect());
        self.lay(|batch| *batch = Batch { boots, inputs, entries, whole: true });
    }

    /// The node has taken this boot number.
    pub(crate) fn boot(&mut self, boot: u64) {
        // The reserve is drawn upon long before it is used up.
        if boot.saturating_add(RESERVED_BOOTS / 2) > self.boots {
            self.boots = boot.saturating_add(RESERVED_BOOTS);
            let boots = self.boots;
            self.lay(|batch| batch.boots = Some(boots));
        }
    }

    fn lay<R>(&self, put: impl FnOnce(&mut Batch) -> R) {
        let mut desk = self.shared.desk();
        let first = desk.batch.is_empty();
        put(&mut desk.batch);
        if first {
            self.shared.news.notify_one();
        }
    }

    /// For what lies on the desk now.
    pub(crate) fn ticket(&self) -> Ticket {
        let (answer, answered) = oneshot::channel();
        let mut desk = self.shared.desk();
        desk.waiters.push(answer);
        self.shared.news.notify_one();
        Ticket(Some(answered))
    }

    /// Writes what lies on the desk, and ends the thread. May wait for the disk.
    pub(crate) fn close(&mut self) {
        self.shared.desk().closed = true;
        self.shared.news.notify_one();
        if let Some(thread) = self.thread.take() {
            // It doesn't panic.
            let _ = thread.join();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.close();
    }
}

/// What the thread works with.
struct Keeper {
    dir: PathBuf,
    disk: Disk,
    claim: Claim,
    identity: Identity,
}

impl Keeper {
    /// Looks whether what is written would be found at the next start, by this agent.
    fn check(&mut self) -> Result<(), Astray> {
        self.disk.check()?;
        let held = self.claim.hold(&self.dir, &self.identity.name);
        held.map_err(|error| Astray::Other(error.to_string()))
    }

    /// Writes a batch, where it will be found again.
    fn keep(&mut self, batch: &Batch) -> Result<(), StoreError> {
        match self.check() {
            Ok(()) => self.disk.commit(batch)?,
            Err(Astray::Missing) if batch.whole => {
                self.claim.hold(&self.dir, &self.identity.name)?;
                self.disk.make_anew(&self.identity, batch)?;
                let (inputs, entries) = (batch.inputs.len(), batch.entries.len());
                tracing::warn!(inputs, entries, "the store was removed, and is written anew");
            }
            Err(astray) => return Err(self.disk.astray(astray)),
        }
        self.check().map_err(|astray| self.disk.astray(astray))
    }
}

fn run(shared: &Shared, mut keeper: Keeper) {
    let mut retry = RETRY.0;
    let mut last = Instant::now();
    let mut failed = false;
    loop {
        let Some((mut batch, waiters, closed)) = next(shared, last, failed.then_some(retry)) else {
            let looked = keeper.check();
            if !failed && let Err(astray) = looked {
                (failed, last) = (true, Instant::now());
                shared.wants_all.store(astray == Astray::Missing, Ordering::Relaxed);
                let reason = keeper.disk.astray(astray).to_string();
                tracing::error!(reason, "the store can't be written; trying again");
                let mut desk = shared.desk();
                desk.health.trouble = Some(reason);
                desk.health.errors += 1;
            }
            continue;
        };
        let records = (batch.inputs.len() + batch.entries.len()) as u64;
        let refused = batch.refuse_unreadable();
        for key in &refused {
            tracing::error!(key, "an entry that could not be read again is not written");
        }
        let written = keeper.keep(&batch);
        last = Instant::now();
        let mut desk = shared.desk();
        desk.health.refused += refused.len() as u64;
        match written {
            Ok(()) => {
                if failed {
                    tracing::info!("the store is written again");
                }
                (failed, retry) = (false, RETRY.0);
                shared.wants_all.store(false, Ordering::Relaxed);
                desk.health.trouble = None;
                desk.health.commits += 1;
                desk.health.records += records;
                let told = match refused.first() {
                    None => Ok(()),
                    Some(key) => {
                        Err(KeepError::Unkept(format!("the entry {key:?} could not be read again")))
                    }
                };
                for waiter in waiters {
                    // Whoever asked may have gone.
                    let _ = waiter.send(told.clone());
                }
            }
            Err(error) => {
                let reason = error.to_string();
                if failed {
                    retry = (retry * 2).min(RETRY.1);
                } else {
                    tracing::error!(reason, "the store can't be written; trying again");
                }
                failed = true;
                desk.health.trouble = Some(reason.clone());
                desk.health.errors += 1;
                if keeper.disk.check() == Err(Astray::Missing) && !batch.whole {
                    shared.wants_all.store(true, Ordering::Relaxed);
                }
                desk.batch.put_back(batch);
                for waiter in waiters {
                    let _ = waiter.send(Err(KeepError::Unkept(reason.clone())));
                }
            }
        }
        if closed {
            if failed {
                tracing::error!("the agent ends with changes that could not be kept");
            }
            break;
        }
    }
}

/// What lay on the desk, who waits for it, and whether nothing comes after it.
type Taken = (Batch, Vec<oneshot::Sender<Result<(), KeepError>>>, bool);

/// Waits until there is something to write, and takes it off the desk; `None` when it is time to
/// look after the file.
fn next(shared: &Shared, last: Instant, pause: Option<Duration>) -> Option<Taken> {
    let mut desk = shared.desk();
    let look = Instant::now() + LOOK;
    let mut first: Option<Instant> = None;
    loop {
        let now = Instant::now();
        if desk.batch.is_empty() {
            // Nothing is left to write of what they wait for.
            first = None;
        } else if first.is_none() {
            first = Some(now);
        }
        let urgent = desk.closed || (!desk.waiters.is_empty() && pause.is_none());
        let due = match (pause, first) {
            (Some(pause), _) => last + pause,
            (None, Some(first)) => first + LINGER,
            (None, None) => last + HEARTBEAT,
        };
        if urgent || due <= now {
            let batch = std::mem::take(&mut desk.batch);
            return Some((batch, std::mem::take(&mut desk.waiters), desk.closed));
        }
        if look <= now {
            return None;
        }
        let (again, _) = shared
            .news
            .wait_timeout(desk, due.min(look) - now)
            .unwrap_or_else(PoisonError::into_inner);
        desk = again;
    }
}
