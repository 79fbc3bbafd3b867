//! The members and the agent itself; joining and leaving.

use axum::Json;
use axum::extract::State as Extract;
use axum::http::StatusCode;
use rumormill_proto::Member;
use serde::Deserialize;
use utoipa::IntoParams;

use super::error::ApiError;
use super::extract::{Body, Parameters, Running, duration};
use super::state::Lasting;
use crate::api::{Comparison, ErrorBody, Info, JoinReply, JoinRequest, Status};

/// Lists all members that this agent knows, itself first
#[utoipa::path(
    get, path = "/v1/members", tag = "cluster",
    responses(
        (status = 200, description = "The members", body = [Member]),
        (status = 503, description = "The agent has stopped", body = ErrorBody),
    )
)]
pub(super) async fn members(Running(agent): Running) -> Result<Json<Vec<Member>>, ApiError> {
    Ok(Json(agent.members().await?))
}

/// Describes this agent: its addresses, settings, load and counters
#[utoipa::path(
    get, path = "/v1/info", tag = "cluster",
    responses(
        (status = 200, description = "The agent", body = Info),
        (status = 503, description = "The agent has stopped", body = ErrorBody),
    )
)]
pub(super) async fn info(Running(agent): Running) -> Result<Json<Info>, ApiError> {
    Ok(Json(agent.info().await?))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wait {
    /// How long to wait for the members' answers, such as `500ms`, `5s` or `1m`. Default `5s`.
    #[param(example = "5s")]
    timeout: Option<String>,
}

/// Compares the members: asks each for digests of its members and keys
///
/// Two members with equal digests hold the same. What has just changed is still on its way: ask again
/// before a difference counts.
#[utoipa::path(
    get, path = "/v1/compare", tag = "cluster",
    params(Wait),
    responses(
        (status = 200, description = "The members' digests", body = Comparison),
        (status = 400, description = "Malformed duration", body = ErrorBody),
        (status = 409, description = "The agent runs no events", body = ErrorBody),
        (status = 429, description = "Too many events of this agent are on their way", body = ErrorBody),
        (status = 503, description = "The agent has stopped, or too many requests wait", body = ErrorBody),
    )
)]
pub(super) async fn compare(
    Running(agent): Running,
    Extract(lasting): Extract<Lasting>,
    Parameters(wait): Parameters<Wait>,
) -> Result<Json<Comparison>, ApiError> {
    let wait = duration("timeout", wait.timeout.as_deref().unwrap_or("5s"))?;
    let _permit = lasting.permit()?;
    Ok(Json(agent.compare(wait).await?))
}

/// Joins the cluster of another member
///
/// The agent looks the address up and contacts what it finds, now and for as long as it runs, at
/// growing intervals. `/v1/watch` reports progress; `join` in `/v1/info` has the current state.
#[utoipa::path(
    post, path = "/v1/join", tag = "cluster",
    request_body(content = JoinRequest, description = "At most 64 KiB"),
    responses(
        (status = 202, description = "The agent is joining", body = JoinReply),
        (status = 400, description = "Not of the form host:port, or a body that is not JSON", body = ErrorBody),
        (status = 403, description = "Sent by a web page of another origin", body = ErrorBody),
        (status = 413, description = "The body is longer than 64 KiB", body = ErrorBody),
        (status = 422, description = "The address can't be resolved, or a body of another form", body = ErrorBody),
        (status = 503, description = "The agent has stopped", body = ErrorBody),
    )
)]
pub(super) async fn join(
    Running(agent): Running,
    Body(request): Body<JoinRequest>,
) -> Result<(StatusCode, Json<JoinReply>), ApiError> {
    let resolved = agent.join(&request.address).await?;
    Ok((StatusCode::ACCEPTED, Json(JoinReply { resolved })))
}

/// Leaves the cluster and stops the agent
#[utoipa::path(
    post, path = "/v1/leave", tag = "cluster",
    responses(
        (status = 200, description = "The agent has left the cluster and stopped", body = Status),
        (status = 403, description = "Sent by a web page of another origin", body = ErrorBody),
        (status = 503, description = "The agent has stopped", body = ErrorBody),
    )
)]
pub(super) async fn leave(Running(agent): Running) -> Result<Json<Status>, ApiError> {
    let name = agent.name().to_owned();
    agent.leave_but_answer().await;
    Ok(Json(Status { status: format!("{name} has left the cluster and stopped") }))
}
