//! What handlers take out of a request. Errors are JSON.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRef, FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use futures_util::StreamExt;
use rumormill_proto::{MAX_INPUT, Name, check_key, parse_duration};
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
        Name::new(&segment(parts, state).await?).map(Self).map_err(ApiError::bad)
    }
}

/// The key in the path, which may contain slashes.
pub(super) struct Key(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Key
where
    WeakAgent: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let key = segment(parts, state).await?;
        let limit = running(state)?.config().kv.max_key;
        check_key(&key, limit).map(|()| Self(key)).map_err(ApiError::bad)
    }
}

/// Returns the parameter of a path that has one.
async fn segment<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<String, ApiError> {
    let path = Path::<String>::from_request_parts(parts, state).await;
    path.map(|Path(text)| text).map_err(|rejection| ApiError::bad(rejection.body_text()))
}

/// The parameters of the query string.
pub(super) struct Parameters<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Parameters<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        query
            .map(|Query(parameters)| Self(parameters))
            .map_err(|rejection| ApiError::bad(rejection.body_text()))
    }
}

/// A JSON body with any content type: `curl -d` sends that of a form. With `PAYLOAD` it has the payload
/// of an event or a query, whose length the core checks.
pub(super) struct Body<T, const PAYLOAD: bool = false>(pub(super) T);

impl<S: Sync, T: DeserializeOwned, const PAYLOAD: bool> FromRequest<S> for Body<T, PAYLOAD>
where
    WeakAgent: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        // A byte has up to six characters in JSON: \u0000.
        let payload = 6 * running(state)?.config().events.max_payload;
        let limit = MAX_BODY + if PAYLOAD { payload } else { 0 };
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
        let limit = running(state)?.config().kv.max_value;
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
            let chunk = chunk.map_err(ApiError::bad)?;
            if bytes.len() + chunk.len() > limit {
                return Err(too_long());
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Bytes::from(bytes))
    };
    timeout(PATIENCE, all).await.map_err(|_| {
        let message = format!("the body did not arrive within {} s", PATIENCE.as_secs());
        ApiError(StatusCode::REQUEST_TIMEOUT, message)
    })?
}

fn running<S>(state: &S) -> Result<Agent, ApiError>
where
    WeakAgent: FromRef<S>,
{
    let stopped = || ApiError(StatusCode::SERVICE_UNAVAILABLE, "the agent has stopped".to_owned());
    WeakAgent::from_ref(state).upgrade().ok_or_else(stopped)
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
            ApiError::bad(message)
        }
    }
}

/// The longest duration of a request.
const LONGEST: Duration = Duration::from_secs(3600);

/// Reads the duration of the parameter `name`.
pub(super) fn duration(name: &str, text: &str) -> Result<Duration, ApiError> {
    parse_duration(text).ok().filter(|duration| *duration <= LONGEST).ok_or_else(|| {
        ApiError::bad(format!(
            "{name} is {text:?}, but must be a duration such as 500ms, 10s or 2m, at most 1h"
        ))
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
