//! The state that the handlers of requests share.

use std::sync::Arc;

use axum::extract::FromRef;
use axum::http::StatusCode;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};

use super::error::ApiError;
use crate::agent::WeakAgent;

/// The longest ordinary body of a request, in bytes.
pub(super) const MAX_BODY: usize = 64 * 1024;

/// The state of the router.
#[derive(Clone)]
pub(super) struct State {
    pub(super) agent: WeakAgent,
    /// The OpenAPI document.
    pub(super) document: Arc<str>,
    pub(super) lasting: Lasting,
}

/// The most lasting requests: streams of notices or answers, requests that wait for an aggregate, and
/// pages of keys.
const LASTING: usize = 256;

/// Permits for lasting requests, so that there is always room for others.
#[derive(Clone)]
pub(super) struct Lasting {
    permits: Arc<Semaphore>,
    /// Held while a page of keys is being made.
    pub(super) page: Arc<Mutex<()>>,
}

impl Lasting {
    pub(super) fn new() -> Self {
        Self { permits: Arc::new(Semaphore::new(LASTING)), page: Arc::default() }
    }

    /// Returns a permit, to be kept for as long as the request lasts.
    pub(super) fn permit(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        self.permits.clone().try_acquire_owned().map_err(|_| {
            let message = format!(
                "{LASTING} streams, queries, lists and waiting requests are open, which is the \
                 limit; end some, or use another agent"
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
