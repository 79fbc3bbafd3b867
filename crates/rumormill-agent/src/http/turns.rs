//! Bodies that track whose turn it is: the agent's, or its client's.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::sync::oneshot;

use super::clients::Client;

/// The most bytes of an answer that are passed on at once, so that it shows if the client does not take
/// them.
const PART: usize = 16 << 10;

/// The body of a request. While nothing arrives, it is the client's turn. When its reader drops it, the
/// server gets it back.
pub(super) struct Request {
    /// Empty once it was given back.
    pub(super) body: Body,
    pub(super) client: Arc<Client>,
    pub(super) give_back: Option<oneshot::Sender<Body>>,
}

impl Drop for Request {
    fn drop(&mut self) {
        if let Some(give_back) = self.give_back.take() {
            let _ = give_back.send(std::mem::take(&mut self.body));
        }
    }
}

impl HttpBody for Request {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if polled.is_pending() {
            self.client.waits(0);
        } else {
            self.client.is_served();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The body of an answer. Until the client has taken it, it is the client's turn, unless it is a stream.
pub(super) struct Answer {
    body: Body,
    client: Arc<Client>,
    /// The rest of the frame that is being passed on.
    rest: Bytes,
}

impl Answer {
    pub(super) fn new(body: Body, client: Arc<Client>) -> Self {
        match body.size_hint().exact() {
            Some(bytes) => client.waits(usize::try_from(bytes).unwrap_or(usize::MAX)),
            None => client.streams(),
        }
        Self { body, client, rest: Bytes::new() }
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
                end => return Poll::Ready(end),
            }
        }
        let part = self.rest.len().min(PART);
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(part)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (body, rest) = (self.body.size_hint(), self.rest.len() as u64);
        let mut hint = SizeHint::new();
        if let Some(upper) = body.upper() {
            hint.set_upper(upper + rest);
        }
        hint.set_lower(body.lower() + rest);
        hint
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.client.waits(0);
    }
}
