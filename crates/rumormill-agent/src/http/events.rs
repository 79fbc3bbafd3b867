//! Events: publishing them, their records, and how they spread.

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use rumormill_proto::{EventId, EventRecord};
use serde::Deserialize;
use utoipa::IntoParams;

use super::error::ApiError;
use super::extract::{Body, Parameters, Running, duration};
use crate::api::{ErrorBody, PublishRequest, Published, Trace};

/// Publishes an event
///
/// Every node gets the event once, and reports it on its `/v1/watch`.
#[utoipa::path(
    post, path = "/v1/events", tag = "events",
    request_body(content = PublishRequest, description = "The payload has at most `settings.events.max_payload` bytes; see `/v1/info`"),
    responses(
        (status = 202, description = "The event is on its way", body = Published),
        (status = 400, description = "Malformed or reserved topic, malformed base64, or a body that is not JSON", body = ErrorBody),
        (status = 403, description = "Sent by a web page of another origin", body = ErrorBody),
        (status = 409, description = "The agent runs no events", body = ErrorBody),
        (status = 413, description = "The payload is too long", body = ErrorBody),
        (status = 422, description = "The validation hook rejects the event, or a body of another form", body = ErrorBody),
        (status = 429, description = "Too many events of this agent are on their way", body = ErrorBody),
        (status = 503, description = "The agent has stopped", body = ErrorBody),
    )
)]
pub(super) async fn publish(
    Running(agent): Running,
    Body(request): Body<PublishRequest, true>,
) -> Result<(StatusCode, Json<Published>), ApiError> {
    let id = agent.events().publish(&request.topic, &request.payload.bytes()?).await?;
    Ok((StatusCode::ACCEPTED, Json(Published { id: id.to_string() })))
}

/// Lists this agent's records of the events that it keeps, the latest last
#[utoipa::path(
    get, path = "/v1/events", tag = "events",
    responses(
        (status = 200, description = "The records", body = [EventRecord]),
        (status = 503, description = "The agent has stopped", body = ErrorBody),
    )
)]
pub(super) async fn list(Running(agent): Running) -> Result<Json<Vec<EventRecord>>, ApiError> {
    Ok(Json(agent.events().list().await?))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wait {
    /// How long to wait for the nodes' answers, such as `500ms`, `5s` or `1m`. Default `5s`.
    #[param(example = "5s")]
    timeout: Option<String>,
}

/// Traces how an event has spread: collects its records from all nodes
#[utoipa::path(
    get, path = "/v1/trace/{id}", tag = "events",
    params(("id" = String, Path, description = "The event's id, 16 hexadecimal digits"), Wait),
    responses(
        (status = 200, description = "The nodes' records", body = Trace),
        (status = 400, description = "Malformed id or duration", body = ErrorBody),
        (status = 404, description = "No node that answered has a record of it", body = ErrorBody),
        (status = 409, description = "The agent runs no events", body = ErrorBody),
        (status = 413, description = "The query is too long", body = ErrorBody),
        (status = 429, description = "Too many events of this agent are on their way", body = ErrorBody),
        (status = 503, description = "The agent has stopped", body = ErrorBody),
    )
)]
pub(super) async fn trace(
    Running(agent): Running,
    Path(id): Path<String>,
    Parameters(wait): Parameters<Wait>,
) -> Result<Json<Trace>, ApiError> {
    let wait = duration("timeout", wait.timeout.as_deref().unwrap_or("5s"))?;
    let id: EventId = id.parse().map_err(|_| {
        ApiError::bad(format!("{id:?} is not the id of an event, which has 16 hexadecimal digits"))
    })?;
    let trace = agent.events().trace(id, wait).await?;
    if trace.informed.is_empty() {
        let message = format!(
            "no node has a record of the event {id}: {} of {} answered. Nodes forget an event after \
             events.retention; GET /v1/events lists those that this agent keeps",
            trace.answered, trace.expected
        );
        return Err(ApiError(StatusCode::NOT_FOUND, message));
    }
    Ok(Json(trace))
}
