//! Queries to all nodes.

use std::convert::Infallible;

use axum::body::{Body, Bytes};
use axum::extract::State as Extract;
use axum::http::header;
use axum::response::IntoResponse;
use futures_util::stream;

use super::error::ApiError;
use super::extract::{Body as Json, Running, duration};
use super::state::Lasting;
use crate::api::{ErrorBody, QueryLine, QueryRequest};

/// Sends a query to all nodes and streams their answers
///
/// One `QueryLine` per line: first `asked`, then the answers, last `finished`.
#[utoipa::path(
    post, path = "/v1/queries", tag = "queries",
    request_body(content = QueryRequest, description = "The payload has at most `settings.events.max_payload` bytes; see `/v1/info`"),
    responses(
        (status = 200, description = "The answers", body = QueryLine, content_type = "application/x-ndjson"),
        (status = 400, description = "Malformed or reserved topic, malformed duration or base64, or a body that is not JSON", body = ErrorBody),
        (status = 403, description = "Sent by a web page of another origin", body = ErrorBody),
        (status = 409, description = "The agent runs no events", body = ErrorBody),
        (status = 413, description = "The payload is too long", body = ErrorBody),
        (status = 422, description = "The validation hook rejects the query, or a body of another form", body = ErrorBody),
        (status = 429, description = "Too many events of this agent are on their way", body = ErrorBody),
        (status = 503, description = "The agent has stopped, or too many streams are open", body = ErrorBody),
    )
)]
pub(super) async fn ask(
    Running(agent): Running,
    Extract(lasting): Extract<Lasting>,
    Json(request): Json<QueryRequest, true>,
) -> Result<impl IntoResponse, ApiError> {
    let wait = duration("timeout", request.timeout.as_deref().unwrap_or("5s"))?;
    let permit = lasting.permit()?;
    let answers = agent.queries().ask(&request.topic, &request.payload.bytes()?, wait).await?;
    // The stream must not keep the agent running.
    drop(agent);
    let asked = QueryLine::Asked { id: answers.id(), expected: answers.silent().count() };
    let state = (Some(asked), answers, permit);
    let rest = stream::unfold(state, |(first, mut answers, permit)| async move {
        let line = match first {
            Some(asked) => asked,
            None => answers.next().await?,
        };
        let mut text = serde_json::to_vec(&line).ok()?;
        text.push(b'\n');
        Some((Ok::<_, Infallible>(Bytes::from(text)), (None, answers, permit)))
    });
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(rest)))
}
