//! The one thread that writes: everything that has come up since the last transaction goes into
//! the next one.

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rumormill_proto::{Mode, Name};
use tokio::sync::oneshot;

use super::RESERVED_BOOTS;
use super::claim::Claim;
use super::disk::{Batch, Disk, Identity};
use crate::api::StoreInfo;
use crate::error::KeepError;

/// How long what nobody waits for may wait for more of its kind.
const LINGER: Duration = Duration::from_millis(50);
/// How often the store is written when nothing changes, so that it is known how long its agent has
/// been away.
const HEARTBEAT: Duration = Duration::from_secs(30);
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
    pub(super) fn start(dir: &Path, disk: Disk, claim: Claim, identity: &Identity) -> Self {
        let health = StoreInfo {
            directory: dir.display().to_string(),
            trouble: None,
            commits: 0,
            records: 0,
            errors: 0,
            waiting: 0,
        };
        let (batch, waiters) = (Batch::default(), Vec::new());
        let desk = Mutex::new(Desk { batch, waiters, health, closed: false });
        let shared = Arc::new(Shared { desk, news: Condvar::new() });
        let desk = shared.clone();
        let thread = std::thread::Builder::new().name("rumormill-store".to_owned());
        // Without the thread every ticket says that nothing is kept.
        let thread = thread.spawn(move || run(&desk, disk, claim)).ok();
        Self { shared, thread, boots: identity.boots }
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

fn run(shared: &Shared, mut disk: Disk, claim: Claim) {
    let mut retry = RETRY.0;
    let mut last = Instant::now();
    let mut failed = false;
    loop {
        let (batch, waiters, closed) = next(shared, last, failed.then_some(retry));
        let records = (batch.inputs.len() + batch.entries.len()) as u64;
        let written = disk.commit(&batch);
        last = Instant::now();
        let mut desk = shared.desk();
        match written {
            Ok(()) => {
                if failed {
                    tracing::info!("the store is written again");
                }
                (failed, retry) = (false, RETRY.0);
                desk.health.trouble = None;
                desk.health.commits += 1;
                desk.health.records += records;
                for waiter in waiters {
                    // Whoever asked may have gone.
                    let _ = waiter.send(Ok(()));
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
    drop(disk);
    drop(claim);
}

/// Waits until there is something to write, and takes it off the desk.
fn next(
    shared: &Shared,
    last: Instant,
    pause: Option<Duration>,
) -> (Batch, Vec<oneshot::Sender<Result<(), KeepError>>>, bool) {
    let mut desk = shared.desk();
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
            return (batch, std::mem::take(&mut desk.waiters), desk.closed);
        }
        let (again, _) =
            shared.news.wait_timeout(desk, due - now).unwrap_or_else(PoisonError::into_inner);
        desk = again;
    }
}
