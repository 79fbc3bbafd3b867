//! A subscriber's own queue of notices.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rumormill_proto::Notice;
use tokio::sync::broadcast::{self, error::RecvError};

/// The number of notices that a subscriber has missed because it was too slow. They may be of other
/// kinds than it has subscribed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the subscriber was too slow and has missed {0} notices")]
pub struct Missed(pub u64);

type Pick<T> = Box<dyn FnMut(Notice) -> Option<T> + Send>;

/// The notices that a subscriber has asked for, in order. A slow subscriber does not slow the agent
/// down: it may fall 512 notices behind, then it misses some and gets their number as [`Missed`].
pub struct Subscription<T> {
    notices: broadcast::Receiver<Notice>,
    /// The number of notices that all subscribers together have missed.
    missed: Arc<AtomicU64>,
    pick: Pick<T>,
}

impl<T> Subscription<T> {
    pub(crate) fn new(
        notices: broadcast::Receiver<Notice>,
        missed: Arc<AtomicU64>,
        pick: impl FnMut(Notice) -> Option<T> + Send + 'static,
    ) -> Self {
        Self { notices, missed, pick: Box::new(pick) }
    }

    /// Returns the next one, `None` once the agent has stopped. Safe to cancel: nothing is lost.
    pub async fn next(&mut self) -> Option<Result<T, Missed>> {
        loop {
            match self.notices.recv().await {
                Ok(notice) => {
                    if let Some(item) = (self.pick)(notice) {
                        return Some(Ok(item));
                    }
                }
                Err(RecvError::Lagged(notices)) => {
                    self.missed.fetch_add(notices, Ordering::Relaxed);
                    return Some(Err(Missed(notices)));
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
