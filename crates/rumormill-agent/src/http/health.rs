//! Monitoring: liveness, readiness, metrics, and the OpenAPI document.

use axum::Json;
use axum::extract::State as Extract;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;

use super::error::ApiError;
use super::extract::Running;
use super::state::State;
use crate::api::{ErrorBody, Status};
use crate::core::Readiness;
use crate::metrics::{self, Format};

/// Reports that the process is alive
#[utoipa::path(
    get, path = "/healthz", tag = "monitoring",
    responses((status = 200, description = "It is alive", body = Status))
)]
pub(super) async fn healthz() -> Json<Status> {
    Json(Status { status: "alive".to_owned() })
}

/// Reports whether the agent is part of its cluster and can store what is written
///
/// It is ready if it was given no address to join, if another member has been up since it started,
/// or if the addresses to join lead to this agent itself alone: then it may be the first of its
/// cluster. The text says so if no other member is up.
#[utoipa::path(
    get, path = "/readyz", tag = "monitoring",
    responses(
        (status = 200, description = "It is ready", body = Status),
        (status = 503, description = "No member has been reached: the error lists the addresses to join, what they resolve to and what failed. Or the store can't be written, or the agent has stopped", body = ErrorBody),
    )
)]
pub(super) async fn readyz(Running(agent): Running) -> Result<Json<Status>, ApiError> {
    let (readiness, members, problem) = agent
        .call(|core| {
            let problem = core.store.as_ref().and_then(|store| store.info().problem);
            (core.readiness(), core.node.roster().len(), problem)
        })
        .await?;
    let message = match (problem, readiness) {
        (Some(problem), _) => format!("writes are refused, reads still work: {problem}"),
        (None, Readiness::Waiting(why)) => {
            format!("not ready: {why}; the agent keeps trying")
        }
        (None, Readiness::Ready(note)) => {
            let note = note.map(|note| format!("; {note}")).unwrap_or_default();
            return Ok(Json(Status { status: format!("ready, {members} member(s){note}") }));
        }
    };
    Err(ApiError(StatusCode::SERVICE_UNAVAILABLE, message))
}

/// Returns aggregates, members and counters for Prometheus: in `OpenMetrics` if the client accepts
/// it, otherwise in the older text format
#[utoipa::path(
    get, path = "/metrics", tag = "monitoring",
    responses(
        (status = 200, description = "The metrics", content(
            (String = "application/openmetrics-text"),
            (String = "text/plain"),
        )),
        (status = 503, description = "The agent has stopped", body = ErrorBody),
    )
)]
pub(super) async fn metrics(
    Running(agent): Running,
    headers: HeaderMap,
) -> Result<impl IntoResponse, ApiError> {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    let format = Format::wanted(accept.unwrap_or_default());
    let text = agent.call(metrics::Snapshot::take).await?.encode(format).map_err(|_| {
        let message = "the metrics can't be written; this is a bug in the agent";
        ApiError(StatusCode::INTERNAL_SERVER_ERROR, message.to_owned())
    })?;
    Ok(([(header::CONTENT_TYPE, format.content_type())], text))
}

/// Returns this document
#[utoipa::path(
    get, path = "/openapi.json", tag = "monitoring",
    responses((status = 200, description = "An OpenAPI 3.1 document", body = Object, content_type = "application/json"))
)]
pub(super) async fn openapi(Extract(state): Extract<State>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], state.document.to_string())
}
