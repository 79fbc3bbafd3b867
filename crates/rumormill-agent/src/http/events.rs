//! Rumors: telling news, what is remembered of it, and how it spread.

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use rumormill_proto::EventId;
use serde::Deserialize;
use utoipa::IntoParams;

use super::error::ApiError;
use super::extract::{LongBody, Parameters, Running, duration};
use crate::api::{ErrorBody, PublishRequest, Published, RumorRecord, Trace};

/// Tells all nodes news
///
/// Every node gets it once; `/v1/watch` brings it to who listens there.
#[utoipa::path(
    post, path = "/v1/events", tag = "events",
    request_body(content = PublishRequest, description = "A payload of at most `rumor.max_payload_bytes` of `/v1/info`"),
    responses(
        (status = 202, description = "It is under way", body = Published),
        (status = 400, description = "A name that can't be one, bytes that can't be read, or a body that is not JSON", body = ErrorBody),
        (status = 403, description = "From a page of another site", body = ErrorBody),
        (status = 409, description = "The agent runs no rumors", body = ErrorBody),
        (status = 413, description = "The payload is too long", body = ErrorBody),
        (status = 422, description = "Another body than expected", body = ErrorBody),
        (status = 429, description = "Too many rumors of this agent are under way", body = ErrorBody),
        (status = 503, description = "The agent has stopped", body = ErrorBody),
    )
)]
pub(super) async fn publish(
    Running(agent): Running,
    LongBody(request): LongBody<PublishRequest>,
) -> Result<(StatusCode, Json<Published>), ApiError> {
    let id = agent.events().publish(&request.name, &request.payload.bytes()?).await?;
    Ok((StatusCode::ACCEPTED, Json(Published { id: id.to_string() })))
}

/// What this agent remembers of rumors, the latest last
#[utoipa::path(
    get, path = "/v1/events", tag = "events",
    responses(
        (status = 200, description = "The rumors", body = [RumorRecord]),
        (status = 503, description = "The agent has stopped", body = ErrorBody),
    )
)]
pub(super) async fn recent(Running(agent): Running) -> Result<Json<Vec<RumorRecord>>, ApiError> {
    Ok(Json(agent.events().list().await?))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wait {
    /// How long to wait for the nodes' answers, like `500ms`, `5s` or `1m`. `5s` if left out.
    #[param(example = "5s")]
    timeout: Option<String>,
}

/// How a rumor has spread: asks all nodes what they remember of it
#[utoipa::path(
    get, path = "/v1/trace/{id}", tag = "events",
    params(("id" = String, Path, description = "The rumor's id, 16 hexadecimal digits"), Wait),
    responses(
        (status = 200, description = "What the nodes remember", body = Trace),
        (status = 400, description = "An id or a time that can't be one", body = ErrorBody),
        (status = 404, description = "No node that answered remembers it", body = ErrorBody),
        (status = 409, description = "The agent runs no rumors", body = ErrorBody),
        (status = 413, description = "The question is too long", body = ErrorBody),
        (status = 429, description = "Too many rumors of this agent are under way", body = ErrorBody),
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
        let message = format!("{id:?} is not a rumor's id, which has 16 hexadecimal digits");
        ApiError(StatusCode::BAD_REQUEST, message)
    })?;
    let trace = agent.events().trace(id, wait).await?;
    if trace.heard.is_empty() {
        let message = format!(
            "no node remembers the rumor {id}: {} of {} answered. Rumors are forgotten after \
             rumor.retention; GET /v1/events lists what there is",
            trace.answered, trace.expected
        );
        return Err(ApiError(StatusCode::NOT_FOUND, message));
    }
    Ok(Json(trace))
}
