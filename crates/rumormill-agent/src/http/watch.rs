//! Server-sent events: what happens, as it happens.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;

use axum::extract::State as Extract;
use axum::http::StatusCode;
use axum::response::sse::{self, KeepAlive, Sse};
use futures_util::{Stream, stream};
use rumormill_proto::Name;
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::time::{Interval, MissedTickBehavior, interval};
use utoipa::IntoParams;

use super::error::ApiError;
use super::extract::{Parameters, Running};
use super::state::State;
use crate::agent::WeakAgent;
use crate::api::{ErrorBody, Event, Reading};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Parameter {
    /// Only the figure of this name, and nothing else.
    #[param(example = "requests")]
    name: Option<String>,
    /// Only events of these kinds, separated by commas; and `missed`, always.
    #[param(example = "rumor,query,key")]
    events: Option<String>,
    /// Only changes of keys that begin so, and nothing else.
    #[param(example = "flags/")]
    prefix: Option<String>,
}

/// What a reader wants to hear.
enum Filter {
    All,
    Figure(Name),
    Kinds(Vec<String>),
    Keys(String),
}

impl Filter {
    fn new(parameter: Parameter) -> Result<Self, ApiError> {
        let bad = |message: String| ApiError(StatusCode::BAD_REQUEST, message);
        match parameter {
            Parameter { name: None, events: None, prefix: None } => Ok(Self::All),
            Parameter { name: Some(name), events: None, prefix: None } => {
                Name::new(&name).map(Self::Figure).map_err(|error| bad(error.to_string()))
            }
            Parameter { name: None, events: Some(events), prefix: None } => {
                let kinds: Vec<_> = events.split(',').map(|kind| kind.trim().to_owned()).collect();
                match kinds.iter().find(|kind| !Event::KINDS.contains(&kind.as_str())) {
                    None => Ok(Self::Kinds(kinds)),
                    Some(kind) => Err(bad(format!(
                        "events names {kind:?}, but must name some of {}",
                        Event::KINDS.join(", ")
                    ))),
                }
            }
            Parameter { name: None, events: None, prefix: Some(prefix) } => Ok(Self::Keys(prefix)),
            _ => Err(bad("name, events and prefix exclude each other; give one".to_owned())),
        }
    }

    /// Whether figures are told as they change.
    fn figures(&self) -> bool {
        match self {
            Self::All | Self::Figure(_) => true,
            Self::Kinds(kinds) => kinds.iter().any(|kind| kind == "aggregate"),
            Self::Keys(_) => false,
        }
    }

    /// Whether something that happens is told.
    fn passes(&self, event: &Event) -> bool {
        match self {
            Self::All => true,
            Self::Figure(_) => false,
            Self::Kinds(kinds) => kinds.iter().any(|kind| kind == event.kind()),
            Self::Keys(prefix) => {
                matches!(event, Event::Key(change) if change.key.starts_with(prefix))
            }
        }
    }
}

/// Events as they happen, and figures as they change
///
/// Server-sent events: each has its kind as `event` and an `Event` as JSON `data`. First comes
/// every figure as it is, then each as it changes, at most once a gossip period, and everything
/// else as it happens. A reader that is too slow is told how many events it has `missed`, of those
/// that it wants or others; of a figure it then gets the latest reading. The stream ends when the
/// agent stops.
///
/// Of keys, it tells the changes that this agent takes, each once: all writes at this agent, and
/// those of others that were not overwritten before they arrived. For each key the versions rise,
/// and the last change is always told.
#[utoipa::path(
    get, path = "/v1/watch", tag = "cluster",
    params(Parameter),
    responses(
        (status = 200, description = "The events", body = String, content_type = "text/event-stream"),
        (status = 400, description = "A name or a kind that can't be one", body = ErrorBody),
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
    let mut ticks = interval(agent.interval());
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let watcher = Watcher {
        agent: state.agent,
        _permit: permit,
        events: agent.receiver(),
        ticks,
        filter,
        last: BTreeMap::new(),
        ready: VecDeque::new(),
    };
    let events = stream::unfold(watcher, |mut watcher| async move {
        let event = watcher.next().await?;
        let data = sse::Event::default().event(event.kind()).json_data(&event);
        // Every event can be written as JSON; a comment is better than a broken stream.
        let data = data.unwrap_or_else(|_| sse::Event::default().comment("unwritable"));
        Some((Ok(data), watcher))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

struct Watcher {
    /// Weak, so that a reader doesn't keep the agent running.
    agent: WeakAgent,
    _permit: OwnedSemaphorePermit,
    events: broadcast::Receiver<Event>,
    ticks: Interval,
    filter: Filter,
    /// The substance of what was told last, by name.
    last: BTreeMap<String, Reading>,
    /// Readings to tell.
    ready: VecDeque<Reading>,
}

impl Watcher {
    /// The next event; `None` once the agent has stopped. Readings are taken only when the reader
    /// is ready for them, so that no queue of them grows.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(reading) = self.ready.pop_front() {
                return Some(Event::Aggregate { reading: Box::new(reading) });
            }
            tokio::select! {
                event = self.events.recv() => match event {
                    Ok(event) if self.filter.passes(&event) => return Some(event),
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) if matches!(self.filter, Filter::Figure(_)) => {}
                    Err(RecvError::Lagged(events)) => {
                        if let Some(agent) = self.agent.upgrade() {
                            agent.has_missed(events);
                        }
                        return Some(Event::Missed { events });
                    }
                    Err(RecvError::Closed) => return None,
                },
                _ = self.ticks.tick(), if self.filter.figures() => {
                    let agent = self.agent.upgrade()?;
                    self.ready = match &self.filter {
                        Filter::Figure(name) => {
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
