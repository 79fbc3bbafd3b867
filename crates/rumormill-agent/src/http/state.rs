//! What every handler of a request can have.

use std::sync::Arc;

use axum::extract::FromRef;
use axum::http::StatusCode;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};

use super::error::ApiError;
use crate::agent::WeakAgent;

/// The longest body of a request, in bytes.
pub(super) const MAX_BODY: usize = 64 * 1024;

/// What every handler can have.
#[derive(Clone)]
pub(super) struct State {
    pub(super) agent: WeakAgent,
    /// The OpenAPI document.
    pub(super) document: Arc<str>,
    pub(super) lasting: Lasting,
}

/// The most requests that last: streams of events or answers, those that wait for a figure, and
/// pages of keys.
const LASTING: usize = 256;

/// Permits for requests that last, so that there is always room for others.
#[derive(Clone)]
pub(super) struct Lasting {
    permits: Arc<Semaphore>,
    /// For the one page that is being made.
    pub(super) page: Arc<Mutex<()>>,
}

impl Lasting {
    pub(super) fn new() -> Self {
        Self { permits: Arc::new(Semaphore::new(LASTING)), page: Arc::default() }
    }

    /// A permit, to be held for as long as the request lasts.
    pub(super) fn permit(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        self.permits.clone().try_acquire_owned().map_err(|_| {
            let message = format!(
                "{LASTING} event streams, queries, lists and requests that wait are open, which \
                 is the limit; end some, or ask another agent"
            );
            ApiError(StatusCode::SERVICE_UNAVAILABLE, message)
        })
    }
}

impl FromRef<State> for Lasting {
    fn from_ref(state: &State) -> Self {
        state.lasting.clone()
    }
}

impl FromRef<State> for WeakAgent {
    fn from_ref(state: &State) -> Self {
        state.agent.clone()
    }
}
