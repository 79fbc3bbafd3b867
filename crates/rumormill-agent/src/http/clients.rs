//! The open connections, and which of them is closed when there are too many.
//!
//! A connection waits for its client (to send a request, or the rest of one, or to take its answer),
//! or is being served, or is a stream. When there is no room for a new connection, the one that has
//! waited longest for its client is closed, so a client that does nothing is at nobody else's cost.
//! Requests being served and streams have limits of their own, below that of connections.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::task::AbortHandle;

/// The limits of clients.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    /// The most connections at once: below the usual limit of 1024 open files, so that there is always
    /// room for the streams of other members.
    pub(super) connections: usize,
    /// The most requests being served at once.
    pub(super) work: usize,
    /// The most bytes of answers that wait for their clients; beyond that, connections that have waited
    /// for longer than [`SLOW`] are closed.
    pub(super) answers: usize,
}

pub(crate) const ROOM: Room = Room { connections: 768, work: 448, answers: 64 << 20 };
/// The limits of a server for one user on the same machine: a recorded run may be long.
pub(crate) const LOCAL: Room = Room { connections: 256, work: 128, answers: usize::MAX };
const SLOW: Duration = Duration::from_secs(1);

/// All open connections.
#[derive(Clone)]
pub(super) struct Clients {
    room: Room,
    state: Arc<Mutex<State>>,
    changed: Arc<Notify>,
}

#[derive(Default)]
struct State {
    /// The number for the next connection, and for the next turn in the queue of those that wait.
    next: u64,
    open: BTreeMap<u64, Entry>,
}

struct Entry {
    /// Ends the connection; `None` until it has a task.
    task: Option<AbortHandle>,
    doing: Doing,
}

#[derive(Clone, Copy)]
enum Doing {
    Waits { turn: u64, since: Instant, bytes: usize },
    Works,
    Streams,
}

impl State {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Closes the connection that has waited longest, of those for which `may` is true, given since when
    /// they wait and how many bytes for. Returns whether there is one.
    fn close_one(&mut self, may: impl Fn(Instant, usize) -> bool) -> bool {
        let turn = |(number, entry): (&u64, &Entry)| match entry.doing {
            Doing::Waits { turn, since, bytes } if entry.task.is_some() && may(since, bytes) => {
                Some((turn, *number))
            }
            _ => None,
        };
        let first = self.open.iter().filter_map(turn).min();
        if let Some(entry) = first.and_then(|(_, number)| self.open.remove(&number))
            && let Some(task) = entry.task
        {
            task.abort();
        }
        first.is_some()
    }

    fn waiting_bytes(&self) -> usize {
        let bytes = |entry: &Entry| match entry.doing {
            Doing::Waits { bytes, .. } => bytes,
            _ => 0,
        };
        self.open.values().map(bytes).sum()
    }
}

impl Clients {
    pub(super) fn new(room: Room) -> Self {
        Self { room, state: Arc::default(), changed: Arc::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes room for a new connection, and adds it.
    pub(super) async fn enter(&self) -> Arc<Client> {
        loop {
            {
                let mut state = self.state();
                if state.open.len() < self.room.connections || state.close_one(|_, _| true) {
                    let number = state.number();
                    let turn = state.number();
                    let doing = Doing::Waits { turn, since: Instant::now(), bytes: 0 };
                    state.open.insert(number, Entry { task: None, doing });
                    return Arc::new(Client { number, clients: self.clone() });
                }
            }
            self.changed.notified().await;
        }
    }

    /// Closes the connection that has waited longest, because there are too many open files.
    pub(super) fn close_one(&self) {
        self.state().close_one(|_, _| true);
    }
}

/// One connection. Dropping this removes it.
pub(super) struct Client {
    number: u64,
    clients: Clients,
}

/// Why a request is not served.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Too many requests are being served: the limit.
    Busy(usize),
    /// The connection has been closed to make room.
    Closed,
}

impl Client {
    /// Sets the task that serves the connection.
    pub(super) fn served_by(&self, task: AbortHandle) {
        if let Some(entry) = self.clients.state().open.get_mut(&self.number) {
            entry.task = Some(task);
        }
    }

    /// Notes that a request has arrived. Requests for monitoring are always served.
    pub(super) fn requests(&self, monitoring: bool) -> Result<(), Refusal> {
        let mut state = self.clients.state();
        let at_work = |entry: &&Entry| matches!(entry.doing, Doing::Works);
        let busy =
            !monitoring && state.open.values().filter(at_work).count() >= self.clients.room.work;
        let entry = state.open.get_mut(&self.number).ok_or(Refusal::Closed)?;
        if busy {
            return Err(Refusal::Busy(self.clients.room.work));
        }
        entry.doing = Doing::Works;
        Ok(())
    }

    /// Notes that the request is being served.
    pub(super) fn is_served(&self) {
        self.does(Doing::Works);
    }

    /// Notes that the answer is a stream.
    pub(super) fn streams(&self) {
        self.does(Doing::Streams);
    }

    /// Notes that it is the client's turn, with an answer of `bytes` to take.
    pub(super) fn waits(&self, bytes: usize) {
        let turn = self.clients.state().number();
        self.does(Doing::Waits { turn, since: Instant::now(), bytes });
        if bytes > 0 {
            let mut state = self.clients.state();
            let slow = |since: Instant, bytes| bytes > 0 && since.elapsed() >= SLOW;
            while state.waiting_bytes() > self.clients.room.answers && state.close_one(slow) {}
        }
        self.clients.changed.notify_one();
    }

    fn does(&self, doing: Doing) {
        if let Some(entry) = self.clients.state().open.get_mut(&self.number) {
            entry.doing = doing;
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.clients.state().open.remove(&self.number);
        self.clients.changed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::JoinSet;

    use super::*;

    const SMALL: Room = Room { connections: 3, work: 2, answers: 100 };

    async fn connect(clients: &Clients, tasks: &mut JoinSet<()>) -> Arc<Client> {
        let client = clients.enter().await;
        client.served_by(tasks.spawn(std::future::pending()));
        client
    }

    #[tokio::test]
    async fn who_waits_longest_goes_and_who_is_served_stays() {
        let (clients, mut tasks) = (Clients::new(SMALL), JoinSet::new());
        let first = connect(&clients, &mut tasks).await;
        let second = connect(&clients, &mut tasks).await;
        let third = connect(&clients, &mut tasks).await;
        assert_eq!((first.requests(false), second.requests(false)), (Ok(()), Ok(())));
        assert_eq!(third.requests(false), Err(Refusal::Busy(2)));
        assert_eq!(third.requests(true), Ok(()));
        third.waits(0);
        first.waits(0);
        let fourth = connect(&clients, &mut tasks).await;
        assert_eq!(third.requests(true), Err(Refusal::Closed), "it has waited longest");
        second.streams();
        let fifth = connect(&clients, &mut tasks).await;
        assert_eq!(first.requests(true), Err(Refusal::Closed));
        assert_eq!((fourth.requests(false), fifth.requests(false)), (Ok(()), Ok(())));
        // Nobody waits for a client: a new one has to wait itself.
        let enter = clients.enter();
        tokio::pin!(enter);
        tokio::select! {
            biased;
            _ = &mut enter => panic!("there was room"),
            () = std::future::ready(()) => {}
        }
        drop(second);
        enter.await;
    }

    #[tokio::test]
    async fn answers_that_nobody_takes_make_room_for_others() {
        let room = Room { connections: 100, ..SMALL };
        let (clients, mut tasks) = (Clients::new(room), JoinSet::new());
        let idle = connect(&clients, &mut tasks).await;
        let slow = connect(&clients, &mut tasks).await;
        slow.waits(80);
        let quick = connect(&clients, &mut tasks).await;
        quick.waits(80);
        assert_eq!(slow.requests(true), Ok(()), "it has hardly had time to read");
        slow.waits(80);
        std::thread::sleep(SLOW);
        quick.waits(0);
        quick.waits(80);
        assert_eq!(slow.requests(true), Err(Refusal::Closed));
        assert_eq!((quick.requests(true), idle.requests(true)), (Ok(()), Ok(())));
    }
}
