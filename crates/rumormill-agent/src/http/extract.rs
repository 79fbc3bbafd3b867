//! What handlers take out of a request. Whatever is wrong with it is told as JSON.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRef, FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use rumormill_proto::{MAX_INPUT, Name};
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use tokio::time::timeout;

use super::MAX_BODY;
use super::error::ApiError;
use super::serve::PATIENCE;
use crate::agent::{Agent, WeakAgent};

/// The agent, as long as it runs.
pub(super) struct Running(pub(super) Agent);

impl<S> FromRequestParts<S> for Running
where
    WeakAgent: FromRef<S>,
    S: Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(_: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let stopped =
            || ApiError(StatusCode::SERVICE_UNAVAILABLE, "the agent has stopped".to_owned());
        WeakAgent::from_ref(state).upgrade().map(Self).ok_or_else(stopped)
    }
}

/// The figure's name in the path.
pub(super) struct FigureName(pub(super) Name);

impl<S: Send + Sync> FromRequestParts<S> for FigureName {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let bad = |why: String| ApiError(StatusCode::BAD_REQUEST, why);
        let Path(name) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|rejection| bad(rejection.body_text()))?;
        Name::new(&name).map(Self).map_err(|error| bad(error.to_string()))
    }
}

/// What stands behind the question mark.
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

/// A JSON body, whatever the content type says: `curl -d` says that it is a form.
pub(super) struct Body<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let bytes = timeout(PATIENCE, Bytes::from_request(request, state))
            .await
            .map_err(|_| late())?
            .map_err(|rejection| unread(&rejection))?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| unfit(&error))
    }
}

fn late() -> ApiError {
    let message = format!("the body did not arrive within {} s", PATIENCE.as_secs());
    ApiError(StatusCode::REQUEST_TIMEOUT, message)
}

fn unread(rejection: &BytesRejection) -> ApiError {
    let status = rejection.status();
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        return ApiError(status, format!("the body is longer than the limit of {MAX_BODY} bytes"));
    }
    ApiError(status, rejection.body_text())
}

fn unfit(error: &serde_json::Error) -> ApiError {
    let text = error.to_string();
    if text.starts_with("number out of range") {
        let message = format!("{text}: a value must lie within ±{MAX_INPUT:e}");
        return ApiError(StatusCode::UNPROCESSABLE_ENTITY, message);
    }
    let example = "see /openapi.json for what is expected";
    match error.classify() {
        Category::Data => {
            let message = format!("the body is not what is expected here: {text}; {example}");
            ApiError(StatusCode::UNPROCESSABLE_ENTITY, message)
        }
        Category::Syntax | Category::Eof | Category::Io => {
            let message = format!("the body is not JSON: {text}; {example}");
            ApiError(StatusCode::BAD_REQUEST, message)
        }
    }
}

/// The longest time that a request may wait.
const LONGEST: Duration = Duration::from_secs(3600);

/// Reads `10s`, `500ms`, `2m`, or a number of seconds.
pub(super) fn duration(text: &str) -> Result<Duration, ApiError> {
    let split = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let unit = match unit {
        "ms" => Some(1e-3),
        "" | "s" => Some(1.0),
        "m" => Some(60.0),
        _ => None,
    };
    let seconds = number.parse::<f64>().ok().zip(unit).map(|(number, unit)| number * unit);
    match seconds {
        Some(seconds) if seconds <= LONGEST.as_secs_f64() => Ok(Duration::from_secs_f64(seconds)),
        _ => {
            let message =
                format!("wait is {text:?}, but must be like 500ms, 10s or 2m, at most 60m");
            Err(ApiError(StatusCode::BAD_REQUEST, message))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_with_and_without_a_unit() {
        for (text, ms) in
            [("10s", 10_000), ("500ms", 500), ("2m", 120_000), ("1.5", 1500), ("0", 0)]
        {
            assert_eq!(duration(text).unwrap(), Duration::from_millis(ms), "{text}");
        }
        for bad in ["", "s", "-1s", "1h", "1e3", "ten", "10 s", "61m", "1..2", "inf", "NaN"] {
            let ApiError(status, message) = duration(bad).unwrap_err();
            assert_eq!(status, StatusCode::BAD_REQUEST);
            assert!(message.contains(&format!("{bad:?}")), "{message}");
        }
    }
}
