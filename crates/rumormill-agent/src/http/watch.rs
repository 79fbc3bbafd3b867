//! Notices as server-sent events.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;

use axum::extract::State as Extract;
use axum::response::sse::{self, KeepAlive, Sse};
use futures_util::{Stream, stream};
use rumormill_proto::{Name, Notice, Reading};
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::time::{Interval, MissedTickBehavior, interval};
use utoipa::IntoParams;

use super::error::ApiError;
use super::extract::{Parameters, Running};
use super::state::State;
use crate::agent::WeakAgent;
use crate::api::{ErrorBody, StreamUpdate, Update};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Parameter {
    /// Only readings of the aggregate of this name.
    #[param(example = "requests")]
    name: Option<String>,
    /// Only notices of these kinds, separated by commas, and `missed`.
    #[param(example = "event,query,key")]
    kinds: Option<String>,
    /// Only changes of keys with this prefix.
    #[param(example = "flags/")]
    prefix: Option<String>,
}

/// The notices that a reader has asked for.
enum Filter {
    All,
    Aggregate(Name),
    Kinds(Vec<String>),
    Keys(String),
}

impl Filter {
    fn new(parameter: Parameter) -> Result<Self, ApiError> {
        match parameter {
            Parameter { name: None, kinds: None, prefix: None } => Ok(Self::All),
            Parameter { name: Some(name), kinds: None, prefix: None } => {
                Name::new(&name).map(Self::Aggregate).map_err(ApiError::bad)
            }
            Parameter { name: None, kinds: Some(kinds), prefix: None } => {
                let kinds: Vec<_> = kinds.split(',').map(|kind| kind.trim().to_owned()).collect();
                match kinds.iter().find(|kind| Update::kinds().all(|known| known != **kind)) {
                    None => Ok(Self::Kinds(kinds)),
                    Some(kind) => Err(ApiError::bad(format!(
                        "{kind:?} is not a kind of notice; the kinds are {}",
                        Update::kinds().collect::<Vec<_>>().join(", ")
                    ))),
                }
            }
            Parameter { name: None, kinds: None, prefix: Some(prefix) } => Ok(Self::Keys(prefix)),
            _ => Err(ApiError::bad("name, kinds and prefix exclude each other; give one")),
        }
    }

    /// Returns whether readings are reported.
    fn aggregates(&self) -> bool {
        match self {
            Self::All | Self::Aggregate(_) => true,
            Self::Kinds(kinds) => kinds.iter().any(|kind| kind == "aggregate"),
            Self::Keys(_) => false,
        }
    }

    /// Returns whether a notice of the agent is reported.
    fn passes(&self, notice: &Notice) -> bool {
        match self {
            Self::All => true,
            Self::Aggregate(_) => false,
            Self::Kinds(kinds) => kinds.iter().any(|kind| Some(kind.as_str()) == notice.kind()),
            Self::Keys(prefix) => {
                matches!(notice, Notice::Key(change) if change.key.starts_with(prefix))
            }
        }
    }
}

/// Streams notices, and readings as they change
///
/// Server-sent events: each has its kind as `event` and an `Update` as JSON `data`. The stream begins
/// with the readings of all aggregates; later a reading is sent when it changes, at most once in a
/// gossip period, and every other notice at once. A reader that is too slow gets `missed` with the
/// number of notices that it has missed, whether it has asked for their kinds or not, and then the
/// latest reading of each aggregate. The stream ends when the agent stops.
///
/// A change of a key is reported once: every write at this agent, and every write at another agent
/// that was not replaced by a later one before it arrived. The versions of one key rise, and its last
/// change is always reported.
#[utoipa::path(
    get, path = "/v1/watch", tag = "monitoring",
    params(Parameter),
    responses(
        (status = 200, description = "The notices", body = String, content_type = "text/event-stream"),
        (status = 400, description = "Malformed name, or an unknown kind", body = ErrorBody),
        (status = 503, description = "The agent has stopped, or too many streams are open", body = ErrorBody),
    )
)]
pub(super) async fn watch(
    Running(agent): Running,
    Extract(state): Extract<State>,
    Parameters(parameter): Parameters<Parameter>,
) -> Result<Sse<impl Stream<Item = Result<sse::Event, Infallible>>>, ApiError> {
    let filter = Filter::new(parameter)?;
    let permit = state.lasting.permit()?;
    let mut ticks = interval(agent.config().interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let watcher = Watcher {
        agent: state.agent,
        _permit: permit,
        notices: agent.receiver(),
        ticks,
        filter,
        last: BTreeMap::new(),
        ready: VecDeque::new(),
    };
    let events = stream::unfold(watcher, |mut watcher| async move {
        let update = watcher.next().await?;
        let data = sse::Event::default().event(update.kind()).json_data(&update);
        // Every notice can be written as JSON; a comment is better than a broken stream.
        let data = data.unwrap_or_else(|_| sse::Event::default().comment("unwritable"));
        Some((Ok(data), watcher))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

struct Watcher {
    /// Weak, so that a reader doesn't keep the agent running.
    agent: WeakAgent,
    _permit: OwnedSemaphorePermit,
    notices: broadcast::Receiver<Notice>,
    ticks: Interval,
    filter: Filter,
    /// The substance of the last reading sent, by name.
    last: BTreeMap<Name, Reading>,
    /// Readings to send.
    ready: VecDeque<Reading>,
}

impl Watcher {
    /// Returns the next notice, `None` once the agent has stopped. Takes readings only when the
    /// reader is ready for them, so that no queue of them grows.
    async fn next(&mut self) -> Option<Update> {
        loop {
            if let Some(reading) = self.ready.pop_front() {
                let reading = Box::new(reading);
                return Some(Update::Stream(StreamUpdate::Aggregate { reading }));
            }
            tokio::select! {
                notice = self.notices.recv() => match notice {
                    Ok(notice) if self.filter.passes(&notice) => {
                        return Some(Update::Notice(notice));
                    }
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) if matches!(self.filter, Filter::Aggregate(_)) => {}
                    Err(RecvError::Lagged(notices)) => {
                        if let Some(agent) = self.agent.upgrade() {
                            agent.has_missed(notices);
                        }
                        return Some(Update::Stream(StreamUpdate::Missed { notices }));
                    }
                    Err(RecvError::Closed) => return None,
                },
                _ = self.ticks.tick(), if self.filter.aggregates() => {
                    let agent = self.agent.upgrade()?;
                    self.ready = match &self.filter {
                        Filter::Aggregate(name) => {
                            agent.aggregates().get(name.as_str()).await.ok()?.into_iter().collect()
                        }
                        _ => agent.aggregates().list().await.ok()?.into(),
                    };
                    let last = &mut self.last;
                    self.ready.retain(|reading| {
                        let substance = reading.substance();
                        let known = last.insert(reading.name.clone(), substance.clone());
                        known.is_none_or(|known| known != substance)
                    });
                }
            }
        }
    }
}
