//! What handlers take out of a request. Errors are JSON.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRef, FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use futures_util::StreamExt;
use rumormill_proto::{MAX_INPUT, Name, parse_duration};
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use tokio::time::timeout;

use super::error::ApiError;
use super::serve::PATIENCE;
use super::state::MAX_BODY;
use crate::agent::{Agent, WeakAgent};

/// The agent, if it runs.
pub(super) struct Running(pub(super) Agent);

impl<S> FromRequestParts<S> for Running
where
    WeakAgent: FromRef<S>,
    S: Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(_: &mut Parts, state: &S) -> Result<Self, ApiError> {
        running(state).map(Self)
    }
}

/// The name of an aggregate in the path.
pub(super) struct AggregateName(pub(super) Name);

impl<S: Send + Sync> FromRequestParts<S> for AggregateName {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let bad = |why: String| ApiError(StatusCode::BAD_REQUEST, why);
        let Path(name) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|rejection| bad(rejection.body_text()))?;
        Name::new(&name).map(Self).map_err(|error| bad(error.to_string()))
    }
}

/// The parameters of the query string.
pub(super) struct Parameters<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Parameters<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        query
            .map(|Query(parameters)| Self(parameters))
            .map_err(|rejection| ApiError(StatusCode::BAD_REQUEST, rejection.body_text()))
    }
}

/// A JSON body with any content type: `curl -d` sends that of a form.
pub(super) struct Body<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let bytes = read(request, "the body", MAX_BODY).await?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| unfit(&error))
    }
}

/// A JSON body with the payload of an event or a query. The core checks the payload's length.
pub(super) struct LongBody<T>(pub(super) T);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for LongBody<T>
where
    WeakAgent: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let agent = running(state)?;
        // A byte has up to six characters in JSON: \u0000.
        let limit = MAX_BODY + 6 * agent.limits().payload;
        drop(agent);
        let bytes = read(request, "the body", limit).await?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| unfit(&error))
    }
}

/// A body that is the value of a key.
pub(super) struct RawValue(pub(super) Bytes);

impl<S: Sync> FromRequest<S> for RawValue
where
    WeakAgent: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let agent = running(state)?;
        let limit = agent.limits().value;
        drop(agent);
        read(request, "the value", limit).await.map(Self)
    }
}

/// Reads a body of at most `limit` bytes, within [`PATIENCE`].
async fn read(request: Request, what: &str, limit: usize) -> Result<Bytes, ApiError> {
    let long = request.headers().get(header::CONTENT_LENGTH);
    let long = long.and_then(|long| long.to_str().ok()?.parse::<u64>().ok());
    let too_long = || {
        let has = long.map_or_else(String::new, |long| format!(" ({long})"));
        let message = format!("{what} is longer{has} than the limit of {limit} bytes");
        ApiError(StatusCode::PAYLOAD_TOO_LARGE, message)
    };
    if long.is_some_and(|long| long > limit as u64) {
        return Err(too_long());
    }
    let mut body = request.into_body().into_data_stream();
    let all = async {
        let mut bytes = Vec::new();
        while let Some(chunk) = body.next().await {
            let broken = |error: axum::Error| ApiError(StatusCode::BAD_REQUEST, error.to_string());
            let chunk = chunk.map_err(broken)?;
            if bytes.len() + chunk.len() > limit {
                return Err(too_long());
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Bytes::from(bytes))
    };
    timeout(PATIENCE, all).await.map_err(|_| late())?
}

fn running<S>(state: &S) -> Result<Agent, ApiError>
where
    WeakAgent: FromRef<S>,
{
    let stopped = || ApiError(StatusCode::SERVICE_UNAVAILABLE, "the agent has stopped".to_owned());
    WeakAgent::from_ref(state).upgrade().ok_or_else(stopped)
}

fn late() -> ApiError {
    let message = format!("the body did not arrive within {} s", PATIENCE.as_secs());
    ApiError(StatusCode::REQUEST_TIMEOUT, message)
}

fn unfit(error: &serde_json::Error) -> ApiError {
    let text = error.to_string();
    if text.starts_with("number out of range") {
        let message = format!("{text}: a value must lie within ±{MAX_INPUT:e}");
        return ApiError(StatusCode::UNPROCESSABLE_ENTITY, message);
    }
    let example = "/openapi.json describes what is expected";
    match error.classify() {
        Category::Data => {
            let message = format!("the body does not fit this request: {text}; {example}");
            ApiError(StatusCode::UNPROCESSABLE_ENTITY, message)
        }
        Category::Syntax | Category::Eof | Category::Io => {
            let message = format!("the body is not JSON: {text}; {example}");
            ApiError(StatusCode::BAD_REQUEST, message)
        }
    }
}

/// The longest duration of a request.
const LONGEST: Duration = Duration::from_secs(3600);

/// Reads the duration of the parameter `name`.
pub(super) fn duration(name: &str, text: &str) -> Result<Duration, ApiError> {
    parse_duration(text).ok().filter(|duration| *duration <= LONGEST).ok_or_else(|| {
        let message = format!(
            "{name} is {text:?}, but must be a duration such as 500ms, 10s or 2m, at most 1h"
        );
        ApiError(StatusCode::BAD_REQUEST, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_with_their_units() {
        for (text, ms) in
            [("10s", 10_000), ("500ms", 500), ("2m", 120_000), ("1.5s", 1500), ("0s", 0)]
        {
            assert_eq!(duration("wait", text).unwrap(), Duration::from_millis(ms), "{text}");
        }
        for bad in ["", "s", "-1s", "2h", "1e3", "ten", "10", "61m", "1..2s", "inf", "NaN"] {
            let ApiError(status, message) = duration("wait", bad).unwrap_err();
            assert_eq!(status, StatusCode::BAD_REQUEST);
            assert!(message.contains(&format!("{bad:?}")), "{message}");
        }
    }
}
