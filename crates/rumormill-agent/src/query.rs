//! Queries: the handlers that answer for this agent, and the answers to this agent's own.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use rumormill_proto::{Event, EventId, Name};
use tokio::sync::mpsc::{self, Sender};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::api::QueryLine;
use crate::inbox::Input;

/// The longest time that a query may wait for answers.
pub(crate) const LONGEST_QUERY: Duration = Duration::from_secs(600);
/// The most handlers that run at once. Further queries are answered with an error.
const MAX_RUNNING: usize = 64;
/// The most answers to a query that wait to be read; further ones are counted, but lost.
const MAX_WAITING: usize = 4096;
/// The same in bytes.
const MAX_WAITING_BYTES: usize = 4 << 20;

/// The first byte of an answer, which says what the rest is.
mod mark {
    pub(super) const ANSWER: u8 = 0;
    pub(super) const ERROR: u8 = 1;
}

type Answer = Pin<Box<dyn Future<Output = Result<Vec<u8>, String>> + Send>>;

/// A function that answers queries of one topic.
pub(crate) type Handler = Arc<dyn Fn(Event) -> Answer + Send + Sync>;

/// Makes a handler from an async function.
pub(crate) fn handler<F>(f: impl Fn(Event) -> F + Send + Sync + 'static) -> Handler
where
    F: Future<Output = Result<Vec<u8>, String>> + Send + 'static,
{
    Arc::new(move |query| Box::pin(f(query)))
}

/// The handlers of one agent. Dropping them cancels those that run.
pub(crate) struct Handlers {
    by_topic: BTreeMap<Name, Handler>,
    running: Arc<Semaphore>,
    answering: JoinSet<()>,
}

impl Default for Handlers {
    fn default() -> Self {
        let running = Arc::new(Semaphore::new(MAX_RUNNING));
        Self { by_topic: BTreeMap::new(), running, answering: JoinSet::new() }
    }
}

impl Handlers {
    pub(crate) fn set(&mut self, topic: Name, handler: Handler) {
        self.by_topic.insert(topic, handler);
    }

    pub(crate) fn topics(&self) -> impl Iterator<Item = &Name> {
        self.by_topic.keys()
    }

    /// Runs the handler of a query in a task of its own, which sends the answer to the driver.
    pub(crate) fn answer(
        &mut self,
        id: EventId,
        query: Event,
        at_most: Duration,
        driver: Sender<Input>,
    ) {
        let handler = self.by_topic.get(&query.topic).cloned();
        let permit = self.running.clone().try_acquire_owned();
        while self.answering.try_join_next().is_some() {}
        self.answering.spawn(async move {
            let result = match (handler, permit) {
                (None, _) => Err(format!("no handler for the query {}", query.topic)),
                (Some(_), Err(_)) => {
                    Err(format!("{MAX_RUNNING} handlers are running, which is the limit"))
                }
                (Some(handler), Ok(_permit)) => {
                    // In a task, so that a panic becomes an answer; in a set, so that the task is
                    // cancelled with this one.
                    let mut answer = JoinSet::new();
                    answer.spawn(timeout(at_most, async move { handler(query).await }));
                    match answer.join_next().await {
                        Some(Ok(Ok(result))) => result,
                        Some(Ok(Err(_))) => Err("the handler took too long".to_owned()),
                        Some(Err(_)) | None => Err("the handler panicked".to_owned()),
                    }
                }
            };
            let payload = encode(&result);
            // The agent may have stopped.
            let _ = driver.send(Input::Answer { query: id, payload }).await;
        });
    }

    /// Cancels the handlers that run.
    pub(crate) fn cancel(&mut self) {
        self.answering.abort_all();
    }
}

/// Encodes an answer for the wire.
pub(crate) fn encode(result: &Result<Vec<u8>, String>) -> Vec<u8> {
    let (mark, rest) = match result {
        Ok(answer) => (mark::ANSWER, answer.as_slice()),
        Err(error) => (mark::ERROR, error.as_bytes()),
    };
    [&[mark], rest].concat()
}

fn decode(bytes: &[u8]) -> Result<Vec<u8>, String> {
    match bytes.split_first() {
        Some((&mark::ANSWER, rest)) => Ok(rest.to_vec()),
        Some((&mark::ERROR, rest)) => Err(String::from_utf8_lossy(rest).into_owned()),
        _ => Err("an answer of another version".to_owned()),
    }
}

/// What the core reports about a query.
#[derive(Debug)]
pub(crate) enum Reply {
    Answer {
        from: Name,
        payload: Vec<u8>,
        /// Its share of [`MAX_WAITING_BYTES`], until it is dropped.
        _room: OwnedSemaphorePermit,
    },
    Finished {
        answered: usize,
        expected: usize,
    },
}

/// The queries of this agent that wait for answers.
#[derive(Default)]
pub(crate) struct Askers(BTreeMap<EventId, Asker>);

struct Asker {
    replies: Sender<Reply>,
    /// Bytes that further answers may have.
    room: Arc<Semaphore>,
}

impl Askers {
    pub(crate) fn open(&mut self, query: EventId) -> mpsc::Receiver<Reply> {
        // The end always has room.
        let (replies, receiver) = mpsc::channel(MAX_WAITING + 1);
        self.0.insert(query, Asker { replies, room: Arc::new(Semaphore::new(MAX_WAITING_BYTES)) });
        receiver
    }

    pub(crate) fn answered(&mut self, query: EventId, from: Name, payload: Vec<u8>) {
        let Some(Asker { replies, room }) = self.0.get(&query) else { return };
        if replies.is_closed() {
            self.0.remove(&query);
            return;
        }
        let bytes = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        if replies.capacity() > 1
            && let Ok(room) = room.clone().try_acquire_many_owned(bytes)
        {
            // There is room, unless the asker has just gone.
            let _ = replies.try_send(Reply::Answer { from, payload, _room: room });
        }
    }

    pub(crate) fn finished(&mut self, query: EventId, answered: usize, expected: usize) {
        if let Some(asker) = self.0.remove(&query) {
            let _ = asker.replies.try_send(Reply::Finished { answered, expected });
        }
    }
}

/// The answers to a query, in the order of their arrival.
#[derive(Debug)]
pub struct Answers {
    id: EventId,
    replies: mpsc::Receiver<Reply>,
    /// The names of the nodes that have not answered yet.
    silent: BTreeSet<String>,
    errors: usize,
    done: bool,
}

impl Answers {
    pub(crate) fn new(
        id: EventId,
        replies: mpsc::Receiver<Reply>,
        silent: BTreeSet<String>,
    ) -> Self {
        Self { id, replies, silent, errors: 0, done: false }
    }

    /// Returns the query's id.
    pub fn id(&self) -> EventId {
        self.id
    }

    /// Returns the next answer; after the last one [`QueryLine::Finished`], then `None`. Also returns
    /// `None` when the agent stops.
    pub async fn next(&mut self) -> Option<QueryLine> {
        match self.raw().await? {
            Reply::Answer { from, payload, .. } => {
                let (payload, error) = match decode(&payload) {
                    Ok(answer) => (answer, None),
                    Err(error) => (Vec::new(), Some(error)),
                };
                self.errors += usize::from(error.is_some());
                Some(QueryLine::Answer { from, payload, error })
            }
            Reply::Finished { answered, expected } => Some(QueryLine::Finished {
                answered,
                expected,
                errors: self.errors,
                silent: self.silent.iter().cloned().collect(),
            }),
        }
    }

    /// Returns the next reply of the core.
    pub(crate) async fn raw(&mut self) -> Option<Reply> {
        if self.done {
            return None;
        }
        let reply = self.replies.recv().await;
        match &reply {
            Some(Reply::Answer { from, .. }) => {
                self.silent.remove(from.as_str());
            }
            Some(Reply::Finished { .. }) | None => self.done = true,
        }
        reply
    }

    /// Returns the names of the nodes that have not answered yet.
    pub(crate) fn silent(&self) -> impl Iterator<Item = &String> {
        self.silent.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_and_errors_differ_on_the_wire() {
        for result in [Ok(b"\x01x".to_vec()), Ok(Vec::new()), Err("no disk".to_owned())] {
            assert_eq!(decode(&encode(&result)), result);
        }
        assert!(decode(b"").is_err() && decode(b"\x09").is_err());
    }

    #[tokio::test]
    async fn an_asker_that_does_not_read_costs_a_bounded_number_of_bytes() {
        let (mut askers, query) = (Askers::default(), "0123456789abcdef".parse().unwrap());
        let mut replies = askers.open(query);
        let answer = vec![0; MAX_WAITING_BYTES / 4];
        for _ in 0..10 {
            askers.answered(query, Name::new("a").unwrap(), answer.clone());
        }
        for _ in 0..4 {
            assert!(matches!(replies.recv().await, Some(Reply::Answer { .. })));
        }
        // Reading makes room.
        askers.answered(query, Name::new("a").unwrap(), answer);
        askers.finished(query, 11, 11);
        assert!(matches!(replies.recv().await, Some(Reply::Answer { .. })));
        assert!(matches!(replies.recv().await, Some(Reply::Finished { answered: 11, .. })));
        assert!(replies.recv().await.is_none());
    }
}
