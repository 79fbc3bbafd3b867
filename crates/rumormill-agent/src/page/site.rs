//! Serves the page without an agent, and a recorded run beside it.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::{answer, guard};
use crate::error::StartError;
use crate::http::clients::LOCAL;
use crate::http::error::ApiError;
use crate::http::serve::serve;
use crate::socket;

/// The path of the recorded run.
const RUN: &str = "/run";

/// A server of the page alone. It has no API, so the page shows the tour.
#[derive(Debug)]
pub struct Site {
    listener: TcpListener,
    address: SocketAddr,
    run: Option<PathBuf>,
}

impl Site {
    /// Listens at an address. Port 0 takes any free one.
    ///
    /// # Errors
    /// Fails if the address can't be used.
    ///
    /// # Panics
    /// Panics outside a tokio runtime.
    pub fn bind(address: SocketAddr) -> Result<Self, StartError> {
        let (listener, address) = socket::listen(address)?;
        Ok(Self { listener, address, run: None })
    }

    /// Serves the content of a file at `/run`. The file is read again for each request.
    #[must_use]
    pub fn run(mut self, file: PathBuf) -> Self {
        self.run = Some(file);
        self
    }

    /// Returns the address, with its port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves the page until `ended`, and finishes the answers that have begun.
    pub async fn serve(self, ended: impl Future<Output = ()>) {
        let run = self.run.map(Arc::new);
        let router = Router::new().fallback(move |method: Method, uri: Uri, headers: HeaderMap| {
            let run = run.clone();
            async move { page_or_run(&method, uri.path(), &headers, run).await }
        });
        let (end, until) = oneshot::channel();
        let server = serve(self.listener, router, LOCAL, until);
        tokio::pin!(server);
        tokio::select! {
            () = &mut server => return,
            () = ended => {}
        }
        let _ = end.send(());
        server.await;
    }
}

async fn page_or_run(
    method: &Method,
    path: &str,
    headers: &HeaderMap,
    run: Option<Arc<PathBuf>>,
) -> Response {
    if let Some(response) = answer(method, path, headers) {
        return response;
    }
    let reads = matches!(*method, Method::GET | Method::HEAD);
    match run {
        Some(file) if reads && path == RUN => recorded(file).await,
        _ => nothing(path).into_response(),
    }
}

fn nothing(path: &str) -> ApiError {
    let message = format!(
        "there is nothing at {path}: this server has the page alone, at /; an agent has an API, too"
    );
    ApiError(StatusCode::NOT_FOUND, message)
}

/// Answers with the content of the recorded run.
async fn recorded(file: Arc<PathBuf>) -> Response {
    let path = Arc::clone(&file);
    let read = tokio::task::spawn_blocking(move || std::fs::read(&*path));
    match read.await.unwrap_or_else(|error| Err(io::Error::other(error))) {
        Ok(bytes) => {
            let mut response = Body::from(bytes).into_response();
            let headers = response.headers_mut();
            let octets = HeaderValue::from_static("application/octet-stream");
            headers.insert(header::CONTENT_TYPE, octets);
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            guard(headers);
            response
        }
        Err(error) => {
            let message = format!("cannot read {}: {error}", file.display());
            ApiError(StatusCode::INTERNAL_SERVER_ERROR, message).into_response()
        }
    }
}
