//! Figures and inputs.

use axum::Json;
use axum::extract::State as Extract;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use super::error::ApiError;
use super::extract::{Body, FigureName, Parameters, Running, duration};
use super::state::Lasting;
use crate::agent::Agent;
use crate::api::{ErrorBody, Explanation, Input, NotConverged, Reading, SetInput};
use crate::error::{WaitError, known};

/// What the agent can say of every figure that it has heard of
#[utoipa::path(
    get, path = "/v1/aggregates", tag = "figures",
    responses(
        (status = 200, description = "The readings, by name", body = [Reading]),
        (status = 503, description = "The agent has stopped", body = ErrorBody),
    )
)]
pub(super) async fn aggregates(Running(agent): Running) -> Result<Json<Vec<Reading>>, ApiError> {
    Ok(Json(agent.aggregates().list().await?))
}

/// What the document says of a figure's name in a path; [`FigureName`] reads it.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "it describes")]
struct FigureParam {
    /// The figure's name; a `/` in it is written `%2F`.
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
    /// Answer when the figure has converged, or with 408 after this time: `500ms`, `10s`, `2m` or
    /// a number of seconds, at most an hour.
    #[param(pattern = r"^([0-9]+(\.[0-9]*)?|\.[0-9]+)(ms|s|m)?$", example = "10s")]
    wait: Option<String>,
}

/// What the agent can say of one figure
#[utoipa::path(
    get, path = "/v1/aggregates/{name}", tag = "figures",
    params(FigureParam, Wait),
    responses(
        (status = 200, description = "The reading; with `wait` a converged one", body = Reading),
        (status = 400, description = "A name or a time that can't be one", body = ErrorBody),
        (status = 404, description = "No such figure; the error names those that there are", body = ErrorBody),
        (status = 408, description = "Not converged in the time to wait", body = NotConverged),
        (status = 503, description = "The agent has stopped, or too many requests wait", body = ErrorBody),
    )
)]
pub(super) async fn aggregate(
    Running(agent): Running,
    Extract(lasting): Extract<Lasting>,
    FigureName(name): FigureName,
    Parameters(Wait { wait }): Parameters<Wait>,
) -> Result<Response, ApiError> {
    let name = name.as_str();
    let Some(wait) = wait else {
        let Some(reading) = agent.aggregates().get(name).await? else {
            return Err(unknown(&agent, name).await);
        };
        return Ok(Json(reading).into_response());
    };
    let wait = duration("wait", &wait)?;
    let _permit = lasting.permit()?;
    match agent.aggregates().wait(name, wait).await {
        Ok(reading) => Ok(Json(reading).into_response()),
        Err(error) => {
            let text = error.to_string();
            match error {
                WaitError::NotConverged(reading) => {
                    let body = NotConverged { error: text, reading: *reading };
                    Ok((StatusCode::REQUEST_TIMEOUT, Json(body)).into_response())
                }
                WaitError::Unknown { .. } => Err(ApiError(StatusCode::NOT_FOUND, text)),
                WaitError::Name(_) => Err(ApiError(StatusCode::BAD_REQUEST, text)),
                WaitError::Stopped(_) => Err(ApiError(StatusCode::SERVICE_UNAVAILABLE, text)),
            }
        }
    }
}

/// What a figure rests on at this agent: mass, links, anchors
#[utoipa::path(
    get, path = "/v1/aggregates/{name}/explain", tag = "figures",
    params(FigureParam),
    responses(
        (status = 200, description = "The explanation", body = Explanation),
        (status = 400, description = "A name that can't be one", body = ErrorBody),
        (status = 404, description = "No such figure; the error names those that there are", body = ErrorBody),
        (status = 503, description = "The agent has stopped", body = ErrorBody),
    )
)]
pub(super) async fn explain(
    Running(agent): Running,
    FigureName(name): FigureName,
) -> Result<Json<Explanation>, ApiError> {
    match agent.aggregates().explain(name.as_str()).await? {
        Some(explanation) => Ok(Json(explanation)),
        None => Err(unknown(&agent, name.as_str()).await),
    }
}

async fn unknown(agent: &Agent, name: &str) -> ApiError {
    match agent.aggregates().list().await {
        Ok(readings) => {
            let names: Vec<_> = readings.into_iter().map(|reading| reading.name).collect();
            let message = format!("there is no figure named {name}; {}", known(&names));
            ApiError(StatusCode::NOT_FOUND, message)
        }
        Err(error) => error.into(),
    }
}

/// This agent's inputs
#[utoipa::path(
    get, path = "/v1/inputs", tag = "inputs",
    responses(
        (status = 200, description = "The inputs, by name", body = [Input]),
        (status = 503, description = "The agent has stopped", body = ErrorBody),
    )
)]
pub(super) async fn inputs(Running(agent): Running) -> Result<Json<Vec<Input>>, ApiError> {
    Ok(Json(agent.aggregates().inputs().await?))
}

/// Sets this agent's input to a figure
#[utoipa::path(
    put, path = "/v1/inputs/{name}", tag = "inputs",
    params(FigureParam),
    request_body(content = SetInput, description = "At most 64 KiB"),
    responses(
        (status = 200, description = "The input as it is now", body = Input),
        (status = 400, description = "A name that can't be one, or a body that is not JSON", body = ErrorBody),
        (status = 403, description = "From a page of another site", body = ErrorBody),
        (status = 409, description = "The figure exists in the other mode, or there are too many, or the agent runs none", body = ErrorBody),
        (status = 413, description = "The body is too long", body = ErrorBody),
        (status = 422, description = "Not a finite number within ±2⁵³, or another body than expected", body = ErrorBody),
        (status = 503, description = "The agent has stopped", body = ErrorBody),
    )
)]
pub(super) async fn set_input(
    Running(agent): Running,
    FigureName(name): FigureName,
    Body(SetInput { value, mode }): Body<SetInput>,
) -> Result<Json<Input>, ApiError> {
    agent.aggregates().set_in(name.as_str(), value, mode).await?;
    Ok(Json(Input { name: name.to_string(), value, mode }))
}

/// Takes this agent's input to a figure away
#[utoipa::path(
    delete, path = "/v1/inputs/{name}", tag = "inputs",
    params(FigureParam),
    responses(
        (status = 204, description = "The input is gone"),
        (status = 400, description = "A name that can't be one", body = ErrorBody),
        (status = 403, description = "From a page of another site", body = ErrorBody),
        (status = 404, description = "This agent has no such input", body = ErrorBody),
        (status = 503, description = "The agent has stopped", body = ErrorBody),
    )
)]
pub(super) async fn unset_input(
    Running(agent): Running,
    FigureName(name): FigureName,
) -> Result<StatusCode, ApiError> {
    agent.aggregates().unset(name.as_str()).await?;
    Ok(StatusCode::NO_CONTENT)
}
