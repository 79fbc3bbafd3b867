//! A subscriber's own view of what happens.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::broadcast::{self, error::RecvError};

use crate::api::Event;

/// How many events subscribers have missed, all together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Missed(Arc<AtomicU64>);

impl Missed {
    pub(crate) fn add(&self, events: u64) {
        self.0.fetch_add(events, Ordering::Relaxed);
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a subscriber gets.
#[derive(Clone, Debug, PartialEq)]
pub enum News<T> {
    /// It has happened.
    Item(T),
    /// The subscriber was too slow, and has missed this many events, of its kind or others.
    Missed(u64),
}

type Pick<T> = Box<dyn FnMut(Event) -> Option<T> + Send>;

/// The events that a subscriber wants, in order. It never holds the agent up: one that falls 512
/// events behind misses some, and is told how many.
pub struct Subscription<T> {
    events: broadcast::Receiver<Event>,
    missed: Missed,
    pick: Pick<T>,
}

impl<T> Subscription<T> {
    pub(crate) fn new(
        events: broadcast::Receiver<Event>,
        missed: Missed,
        pick: impl FnMut(Event) -> Option<T> + Send + 'static,
    ) -> Self {
        Self { events, missed, pick: Box::new(pick) }
    }

    /// The next one; `None` once the agent has stopped. Safe to cancel: nothing is lost.
    pub async fn next(&mut self) -> Option<News<T>> {
        loop {
            match self.events.recv().await {
                Ok(event) => {
                    if let Some(item) = (self.pick)(event) {
                        return Some(News::Item(item));
                    }
                }
                Err(RecvError::Lagged(events)) => {
                    self.missed.add(events);
                    return Some(News::Missed(events));
                }
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

impl<T> std::fmt::Debug for Subscription<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subscription").finish_non_exhaustive()
    }
}
