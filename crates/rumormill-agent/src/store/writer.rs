//! The thread that writes: all changes since the last transaction go into the next one.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rumormill_proto::{Entry, Input, Mode, Name};
use tokio::sync::oneshot;

use super::claim::Claim;
use super::disk::{Batch, Disk, Identity};
use super::error::{FileProblem, KeepError, StoreError};
use crate::api::StoreInfo;

/// The incarnation numbers that are reserved on disk beyond the one in use: a node that was declared
/// dead takes the next one at once, and must never take it a second time.
pub(super) const RESERVE: u64 = 1024;
/// How long a change may wait for further ones if no caller waits for it.
const LINGER: Duration = Duration::from_millis(50);
/// How often the store is written when nothing changes, to record when its agent last ran.
const HEARTBEAT: Duration = Duration::from_secs(30);
/// How often to check that the file is still in place.
const LOOK: Duration = Duration::from_secs(1);
/// The first and the longest pause before a failed transaction is retried.
const RETRY: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

/// Reports when a change is on disk, or why it is not.
pub(crate) struct Ticket(Option<oneshot::Receiver<Result<(), KeepError>>>);

impl Ticket {
    /// Returns a ticket for an agent without a store.
    pub(crate) fn nothing() -> Self {
        Self(None)
    }

    /// Waits until the change is on disk.
    pub(crate) async fn kept(self) -> Result<(), KeepError> {
        match self.0 {
            None => Ok(()),
            Some(answer) => {
                let ended = || Err(KeepError::Unkept("the agent has stopped".to_owned()));
                answer.await.unwrap_or_else(|_| ended())
            }
        }
    }
}

/// What the node's task and the thread share.
struct Desk {
    batch: Batch,
    waiters: Vec<oneshot::Sender<Result<(), KeepError>>>,
    health: StoreInfo,
    closed: bool,
}

struct Shared {
    desk: Mutex<Desk>,
    changed: Condvar,
    /// Whether the thread needs all inputs and entries, to create the store again.
    wants_all: AtomicBool,
}

impl Shared {
    /// Locks the desk. A panic elsewhere leaves it consistent.
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hands changes to the writing thread, and never waits for the disk. The changes that wait are at most
/// one for each input and each key.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    /// No incarnation number above this one has been used.
    reserved: u64,
    /// The number of other members that are up, or were when the agent last ran.
    others: u64,
}

impl Writer {
    pub(super) fn start(
        dir: &Path,
        disk: Disk,
        claim: Claim,
        identity: Identity,
        (refused, others): (u64, u64),
    ) -> Self {
        let health = StoreInfo {
            directory: dir.display().to_string(),
            problem: None,
            commits: 0,
            records: 0,
            errors: 0,
            waiting: 0,
            refused,
        };
        let (batch, waiters) = (Batch::default(), Vec::new());
        let desk = Mutex::new(Desk { batch, waiters, health, closed: false });
        let wants_all = AtomicBool::new(false);
        let shared = Arc::new(Shared { desk, changed: Condvar::new(), wants_all });
        let (desk, reserved) = (shared.clone(), identity.reserved);
        let keeper = Keeper { dir: dir.to_owned(), disk, claim, identity };
        let thread = std::thread::Builder::new().name("rumormill-store".to_owned());
        // Without the thread every ticket reports an error.
        let thread = thread.spawn(move || run(&desk, keeper)).ok();
        Self { shared, thread, reserved, others }
    }

    /// Fails if the store can't be written at present.
    pub(crate) fn check(&self) -> Result<(), KeepError> {
        match &self.shared.desk().health.problem {
            Some(problem) => Err(KeepError::Refused(problem.clone())),
            None => Ok(()),
        }
    }

    pub(crate) fn info(&self) -> StoreInfo {
        let desk = self.shared.desk();
        let waiting = desk.batch.inputs.len() + desk.batch.entries.len();
        StoreInfo { waiting, ..desk.health.clone() }
    }

    /// Queues an input, or its removal.
    pub(crate) fn input(&self, name: &Name, input: Option<(f64, Mode)>) {
        self.put(|batch| batch.inputs.insert(name.clone(), input));
    }

    /// Queues the entry of a key, or its removal.
    pub(crate) fn entry(&self, key: String, entry: Option<Vec<u8>>) {
        self.put(|batch| batch.entries.insert(key, entry));
    }

    /// Queues all inputs and entries if the thread needs them because the file has gone.
    pub(crate) fn all_if_wanted<'a>(
        &self,
        all: impl FnOnce() -> (Vec<Input>, Box<dyn Iterator<Item = &'a Entry> + 'a>),
    ) {
        if !self.shared.wants_all.swap(false, Ordering::Relaxed) {
            return;
        }
        let (inputs, entries) = all();
        let (reserved, others) = (Some(self.reserved), Some(self.others));
        let inputs = inputs.into_iter().map(|input| (input.name, Some((input.value, input.mode))));
        let entries = entries.map(|entry| (entry.key.clone(), Some(entry.encode())));
        let (inputs, entries) = (inputs.collect(), entries.collect());
        self.put(|batch| *batch = Batch { reserved, others, inputs, entries, whole: true });
    }

    /// Notes the node's new incarnation number, and reserves more long before they are used up.
    pub(crate) fn incarnation(&mut self, incarnation: u64) {
        if incarnation.saturating_add(RESERVE / 2) > self.reserved {
            self.reserved = incarnation.saturating_add(RESERVE);
            let reserved = Some(self.reserved);
            self.put(|batch| batch.reserved = reserved);
        }
    }

    /// Notes how many other members are up.
    pub(crate) fn others(&mut self, others: usize) {
        let others = others as u64;
        if others != self.others {
            self.others = others;
            self.put(|batch| batch.others = Some(others));
        }
    }

    fn put<R>(&self, change: impl FnOnce(&mut Batch) -> R) {
        let mut desk = self.shared.desk();
        let first = desk.batch.is_empty();
        change(&mut desk.batch);
        if first {
            self.shared.changed.notify_one();
        }
    }

    /// Returns a ticket for all changes that are queued now.
    pub(crate) fn ticket(&self) -> Ticket {
        let (answer, answered) = oneshot::channel();
        let mut desk = self.shared.desk();
        desk.waiters.push(answer);
        self.shared.changed.notify_one();
        Ticket(Some(answered))
    }

    /// Writes all changes that are queued, and ends the thread. May wait for the disk.
    pub(crate) fn close(&mut self) {
        self.shared.desk().closed = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // The thread does not panic.
            let _ = thread.join();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.close();
    }
}

/// What the thread owns.
struct Keeper {
    dir: PathBuf,
    disk: Disk,
    claim: Claim,
    identity: Identity,
}

impl Keeper {
    /// Checks that this agent's next start would find what is written.
    fn check(&mut self) -> Result<(), FileProblem> {
        self.disk.check()?;
        let held = self.claim.hold(&self.dir, &self.identity.name);
        held.map_err(|error| FileProblem::Astray(error.to_string()))
    }

    /// Writes a batch, and checks that the next start would find it.
    fn keep(&mut self, batch: &Batch) -> Result<(), StoreError> {
        match self.check() {
            Ok(()) => self.disk.commit(batch)?,
            Err(FileProblem::Missing) if batch.whole => {
                self.claim.hold(&self.dir, &self.identity.name)?;
                self.disk.create_again(&self.identity, batch)?;
                let (inputs, entries) = (batch.inputs.len(), batch.entries.len());
                tracing::warn!(
                    inputs,
                    entries,
                    "the store was removed, and has been created again"
                );
            }
            Err(problem) => return Err(self.disk.problem(problem)),
        }
        self.check().map_err(|problem| self.disk.problem(problem))
    }
}

fn run(shared: &Shared, mut keeper: Keeper) {
    let mut retry = RETRY.0;
    let mut last = Instant::now();
    let mut failed = false;
    loop {
        let Some((mut batch, waiters, closed)) = next(shared, last, failed.then_some(retry)) else {
            let looked = keeper.check();
            if !failed && let Err(problem) = looked {
                (failed, last) = (true, Instant::now());
                shared.wants_all.store(problem == FileProblem::Missing, Ordering::Relaxed);
                let reason = keeper.disk.problem(problem).to_string();
                tracing::error!(reason, "the store can't be written; retrying");
                let mut desk = shared.desk();
                desk.health.problem = Some(reason);
                desk.health.errors += 1;
            }
            continue;
        };
        let records = (batch.inputs.len() + batch.entries.len()) as u64;
        let refused = batch.refuse_unreadable();
        for key in &refused {
            tracing::error!(key, "an entry that could not be read again was not written");
        }
        let written = keeper.keep(&batch);
        last = Instant::now();
        let mut desk = shared.desk();
        desk.health.refused += refused.len() as u64;
        match written {
            Ok(()) => {
                if failed {
                    tracing::info!("the store can be written again");
                }
                (failed, retry) = (false, RETRY.0);
                shared.wants_all.store(false, Ordering::Relaxed);
                desk.health.problem = None;
                desk.health.commits += 1;
                desk.health.records += records;
                let result = match refused.first() {
                    None => Ok(()),
                    Some(key) => {
                        Err(KeepError::Unkept(format!("the entry {key:?} could not be read again")))
                    }
                };
                for waiter in waiters {
                    // The caller may have gone.
                    let _ = waiter.send(result.clone());
                }
            }
            Err(error) => {
                let reason = error.to_string();
                if failed {
                    retry = (retry * 2).min(RETRY.1);
                } else {
                    tracing::error!(reason, "the store can't be written; retrying");
                }
                failed = true;
                desk.health.problem = Some(reason.clone());
                desk.health.errors += 1;
                if keeper.disk.check() == Err(FileProblem::Missing) && !batch.whole {
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
                tracing::error!("the agent stops with changes that are not on disk");
            }
            break;
        }
    }
}

/// The queued changes, who waits for them, and whether the thread must end afterwards.
type Taken = (Batch, Vec<oneshot::Sender<Result<(), KeepError>>>, bool);

/// Waits until there is something to write, and takes it. Returns `None` when it is time to check the
/// file.
fn next(shared: &Shared, last: Instant, pause: Option<Duration>) -> Option<Taken> {
    let mut desk = shared.desk();
    let look = Instant::now() + LOOK;
    let mut first: Option<Instant> = None;
    loop {
        let now = Instant::now();
        if desk.batch.is_empty() {
            // The changes that callers wait for have been written.
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
            .changed
            .wait_timeout(desk, due.min(look) - now)
            .unwrap_or_else(PoisonError::into_inner);
        desk = again;
    }
}
