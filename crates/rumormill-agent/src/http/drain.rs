//! Reads the body of a refused request to its end, so that the client can read the answer.
//!
//! A handler that answers early leaves the rest of the body in the connection. Closing it then resets
//! the connection, and the client sees "broken pipe" in place of the error, on this request or on the
//! next one over the same connection.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::header;
use axum::middleware::Next;
use axum::response::Response;
use futures_util::StreamExt;
use hyper::body::{Frame, SizeHint};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::serve::PATIENCE;

/// Runs the handler, then reads what is left of the body, if it arrives within [`PATIENCE`] of the
/// head, and returns the answer. A client that sends `expect: 100-continue` need not send its body.
pub(super) async fn drain(request: Request, next: Next) -> Response {
    if request.body().is_end_stream() || request.headers().contains_key(header::EXPECT) {
        return next.run(request).await;
    }
    let deadline = Instant::now() + PATIENCE;
    let (give_back, back) = oneshot::channel();
    let lend = |body| Body::new(Lent { body, give_back: Some(give_back) });
    let response = next.run(request.map(lend)).await;
    if let Ok(body) = back.await {
        let mut rest = body.into_data_stream();
        let _ = timeout_at(deadline, async { while let Some(Ok(_)) = rest.next().await {} }).await;
    }
    response
}

/// A body that returns to its owner when its reader drops it.
struct Lent {
    body: Body,
    give_back: Option<oneshot::Sender<Body>>,
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(give_back) = self.give_back.take() {
            let _ = give_back.send(std::mem::take(&mut self.body));
        }
    }
}

impl HttpBody for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
