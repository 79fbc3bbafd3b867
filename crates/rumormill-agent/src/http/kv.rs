//! Keys and their values, as raw bytes.

use axum::Json;
use axum::extract::State as Extract;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use super::error::ApiError;
use super::extract::{Key, Parameters, RawValue, Running};
use super::state::Lasting;
use crate::api::{ErrorBody, KeyPage, Written};

/// The most entries in one page.
const MOST: usize = 10_000;

/// The header that names the node that wrote a value.
const ORIGIN: HeaderName = HeaderName::from_static("rumormill-origin");

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Page {
    /// Only keys with this prefix.
    #[param(example = "flags/")]
    prefix: Option<String>,
    /// Only keys after this one: the `next` of the page before.
    after: Option<String>,
    /// The most entries in the page, 1 to 10000. Default 1000. A page of long values has fewer.
    limit: Option<usize>,
}

/// Lists keys and their values, in order
///
/// At least one parameter is required, so that a request for a key that is empty by mistake does
/// not return all keys: `/v1/kv/?prefix=` lists them all.
#[utoipa::path(
    get, path = "/v1/kv/", tag = "kv",
    params(Page),
    responses(
        (status = 200, description = "A page of entries", body = KeyPage),
        (status = 400, description = "No parameter, or a malformed one", body = ErrorBody),
        (status = 503, description = "The agent has stopped, or too many lists are requested at once", body = ErrorBody),
    )
)]
pub(super) async fn list(
    Running(agent): Running,
    Extract(lasting): Extract<Lasting>,
    Parameters(page): Parameters<Page>,
) -> Result<Response, ApiError> {
    if matches!(page, Page { prefix: None, after: None, limit: None }) {
        return Err(no_key().await);
    }
    let limit = page.limit.unwrap_or(1000);
    if !(1..=MOST).contains(&limit) {
        return Err(ApiError::bad(format!("limit is {limit}, but must be from 1 to {MOST}")));
    }
    let _permit = lasting.permit()?;
    // Many long pages at once would leave no time for anything else.
    let _turn = lasting.page.lock().await;
    let page = agent.kv().page(&page.prefix.unwrap_or_default(), page.after, limit).await?;
    Ok(Json(page).into_response())
}

/// Returns the value of a key
#[utoipa::path(
    get, path = "/v1/kv/{*key}", tag = "kv",
    params(("key" = String, Path, description = "The key; it may contain slashes")),
    responses(
        (status = 200, description = "The value's bytes; its version as `etag`, the node that wrote it as `rumormill-origin`",
            body = String, content_type = "application/octet-stream",
            headers(("etag" = String), ("rumormill-origin" = String))),
        (status = 400, description = "Malformed key", body = ErrorBody),
        (status = 404, description = "This agent has no such key", body = ErrorBody),
        (status = 503, description = "The agent has stopped", body = ErrorBody),
    )
)]
pub(super) async fn get(
    Running(agent): Running,
    Key(key): Key,
) -> Result<impl IntoResponse, ApiError> {
    let entry = agent.kv().get(&key).await?.ok_or_else(|| no_such_key(&key))?;
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::ETAG, format!("\"{}\"", entry.version)),
        (ORIGIN, entry.origin.to_string()),
    ];
    Ok((headers, entry.value))
}

/// Writes a key, here at once and soon at every node
///
/// If the agent has a data directory, the entry is on disk when this answers.
#[utoipa::path(
    put, path = "/v1/kv/{*key}", tag = "kv",
    params(("key" = String, Path, description = "The key; it may contain slashes")),
    request_body(content = String, description = "Any bytes, at most `settings.kv.max_value` of them; see `/v1/info`",
        content_type = "application/octet-stream"),
    responses(
        (status = 200, description = "The entry is written; its version is also the `etag`", body = Written),
        (status = 400, description = "Malformed key", body = ErrorBody),
        (status = 403, description = "Sent by a web page of another origin", body = ErrorBody),
        (status = 408, description = "The body did not arrive in time", body = ErrorBody),
        (status = 409, description = "The agent runs no key-value map", body = ErrorBody),
        (status = 413, description = "The value is too long", body = ErrorBody),
        (status = 503, description = "The agent has stopped", body = ErrorBody),
        (status = 507, description = "The map is full, or the agent's disk can't be written", body = ErrorBody),
    )
)]
pub(super) async fn put(
    Running(agent): Running,
    Key(key): Key,
    RawValue(value): RawValue,
) -> Result<impl IntoResponse, ApiError> {
    let version = agent.kv().put(&key, &value).await?;
    Ok(([(header::ETAG, format!("\"{version}\""))], Json(Written { key, version })))
}

/// Deletes a key, here at once and soon at every node
#[utoipa::path(
    delete, path = "/v1/kv/{*key}", tag = "kv",
    params(("key" = String, Path, description = "The key; it may contain slashes")),
    responses(
        (status = 200, description = "The key is deleted", body = Written),
        (status = 400, description = "Malformed key", body = ErrorBody),
        (status = 403, description = "Sent by a web page of another origin", body = ErrorBody),
        (status = 404, description = "This agent has no such key", body = ErrorBody),
        (status = 409, description = "The agent runs no key-value map", body = ErrorBody),
        (status = 503, description = "The agent has stopped", body = ErrorBody),
        (status = 507, description = "The agent's disk can't be written", body = ErrorBody),
    )
)]
pub(super) async fn delete(
    Running(agent): Running,
    Key(key): Key,
) -> Result<Json<Written>, ApiError> {
    match agent.kv().delete(&key).await? {
        Some(version) => Ok(Json(Written { key, version })),
        None => Err(no_such_key(&key)),
    }
}

/// Answers any method on the path of an empty key.
pub(super) async fn no_key() -> ApiError {
    ApiError::bad(
        "the key is empty: use /v1/kv/KEY for one key, or list keys with GET \
         /v1/kv/?prefix=PREFIX, where an empty prefix means all",
    )
}

fn no_such_key(key: &str) -> ApiError {
    let message =
        format!("there is no key {key:?} at this agent; GET /v1/kv/?prefix= lists its keys");
    ApiError(StatusCode::NOT_FOUND, message)
}
