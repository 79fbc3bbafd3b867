//! Aggregates and inputs.

use axum::Json;
use axum::extract::State as Extract;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use rumormill_proto::{Explanation, Input, Reading};
use serde::Deserialize;
use utoipa::IntoParams;

use super::error::ApiError;
use super::extract::{AggregateName, Body, Parameters, Running, duration};
use super::state::Lasting;
use crate::api::{ErrorBody, NotConverged, SetInput};
use crate::error::Error;

/// Lists this agent's readings of all aggregates that it knows
#[utoipa::path(
    get, path = "/v1/aggregates", tag = "aggregates",
    responses(
        (status = 200, description = "The readings, by name", body = [Reading]),
        (status = 503, description = "The agent has stopped", body = ErrorBody),
    )
)]
pub(super) async fn list(Running(agent): Running) -> Result<Json<Vec<Reading>>, ApiError> {
    Ok(Json(agent.aggregates().list().await?))
}

/// Describes the name of an aggregate in a path, which [`AggregateName`] reads.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "for the OpenAPI document alone")]
struct AggregateParam {
    /// The aggregate's name; write `%2F` for a `/` in it.
    #[param(
        min_length = 1,
        max_length = 64,
        pattern = "^[A-Za-z0-9._/:-]+$",
        example = "requests"
    )]
    name: String,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wait {
    /// Answers once the aggregate has converged, or with 408 after this time: `500ms`, `10s`, `2m`,
    /// at most 1h.
    #[param(example = "10s")]
    wait: Option<String>,
}

/// Returns this agent's reading of one aggregate
#[utoipa::path(
    get, path = "/v1/aggregates/{name}", tag = "aggregates",
    params(AggregateParam, Wait),
    responses(
        (status = 200, description = "The reading; with `wait` a converged one", body = Reading),
        (status = 400, description = "Malformed name or duration", body = ErrorBody),
        (status = 404, description = "Unknown aggregate; the error names those that this agent knows", body = ErrorBody),
        (status = 408, description = "Not converged in the time given as `wait`", body = NotConverged),
        (status = 503, description = "The agent has stopped, or too many requests wait", body = ErrorBody),
    )
)]
pub(super) async fn get(
    Running(agent): Running,
    Extract(lasting): Extract<Lasting>,
    AggregateName(name): AggregateName,
    Parameters(Wait { wait }): Parameters<Wait>,
) -> Result<Response, ApiError> {
    let (aggregates, name) = (agent.aggregates(), name.as_str());
    let Some(wait) = wait else {
        return match aggregates.get(name).await? {
            Some(reading) => Ok(Json(reading).into_response()),
            None => Err(aggregates.unknown(name).await.into()),
        };
    };
    let wait = duration("wait", &wait)?;
    let _permit = lasting.permit()?;
    let waited = aggregates.wait(name, wait).await;
    if let Err(error) = &waited
        && let Error::NotConverged(reading) = error
    {
        let body = NotConverged { error: error.to_string(), reading: (**reading).clone() };
        return Ok((StatusCode::REQUEST_TIMEOUT, Json(body)).into_response());
    }
    Ok(Json(waited?).into_response())
}

/// Explains this agent's reading of one aggregate: its masses, links and anchors
#[utoipa::path(
    get, path = "/v1/aggregates/{name}/explain", tag = "aggregates",
    params(AggregateParam),
    responses(
        (status = 200, description = "The explanation", body = Explanation),
        (status = 400, description = "Malformed name", body = ErrorBody),
        (status = 404, description = "Unknown aggregate; the error names those that this agent knows", body = ErrorBody),
        (status = 503, description = "The agent has stopped", body = ErrorBody),
    )
)]
pub(super) async fn explain(
    Running(agent): Running,
    AggregateName(name): AggregateName,
) -> Result<Json<Explanation>, ApiError> {
    match agent.aggregates().explain(name.as_str()).await? {
        Some(explanation) => Ok(Json(explanation)),
        None => Err(agent.aggregates().unknown(name.as_str()).await.into()),
    }
}

/// Lists this agent's inputs
#[utoipa::path(
    get, path = "/v1/inputs", tag = "aggregates",
    responses(
        (status = 200, description = "The inputs, by name", body = [Input]),
        (status = 503, description = "The agent has stopped", body = ErrorBody),
    )
)]
pub(super) async fn inputs(Running(agent): Running) -> Result<Json<Vec<Input>>, ApiError> {
    Ok(Json(agent.aggregates().inputs().await?))
}

/// Sets this agent's input to an aggregate
#[utoipa::path(
    put, path = "/v1/inputs/{name}", tag = "aggregates",
    params(AggregateParam),
    request_body(content = SetInput, description = "At most 64 KiB"),
    responses(
        (status = 200, description = "The new input", body = Input),
        (status = 400, description = "Malformed name, or a body that is not JSON", body = ErrorBody),
        (status = 403, description = "Sent by a web page of another origin", body = ErrorBody),
        (status = 409, description = "The aggregate exists in the other mode, there are too many, or the agent runs no aggregates", body = ErrorBody),
        (status = 413, description = "The body is longer than 64 KiB", body = ErrorBody),
        (status = 422, description = "Not a finite number within ±2⁵³, or a body of another form", body = ErrorBody),
        (status = 503, description = "The agent has stopped", body = ErrorBody),
    )
)]
pub(super) async fn set_input(
    Running(agent): Running,
    AggregateName(name): AggregateName,
    Body(SetInput { value, mode }): Body<SetInput>,
) -> Result<Json<Input>, ApiError> {
    agent.aggregates().set_in(name.as_str(), value, mode).await?;
    Ok(Json(Input { name, value, mode }))
}

/// Removes this agent's input to an aggregate
#[utoipa::path(
    delete, path = "/v1/inputs/{name}", tag = "aggregates",
    params(AggregateParam),
    responses(
        (status = 204, description = "The input was removed"),
        (status = 400, description = "Malformed name", body = ErrorBody),
        (status = 403, description = "Sent by a web page of another origin", body = ErrorBody),
        (status = 404, description = "This agent has no such input", body = ErrorBody),
        (status = 503, description = "The agent has stopped", body = ErrorBody),
    )
)]
pub(super) async fn unset_input(
    Running(agent): Running,
    AggregateName(name): AggregateName,
) -> Result<StatusCode, ApiError> {
    agent.aggregates().unset(name.as_str()).await?;
    Ok(StatusCode::NO_CONTENT)
}
