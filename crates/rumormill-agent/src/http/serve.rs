//! Serves HTTP, with limits for slow and greedy clients.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::http::{HeaderValue, Request, Response, StatusCode, header};
use axum::response::IntoResponse;
use futures_util::StreamExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

use super::clients::{Client, Clients, Refusal, Room};
use super::error::ApiError;
use super::turns;

/// How long a client may take to send the head of a request, or its body, or be silent between two
/// requests.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// The most bytes of a stream, or of the head of a request, that are buffered for one connection.
const BUFFER: usize = 64 << 10;

/// The paths for monitoring, which are served however busy the agent is.
const MONITORING: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// The pause after an error of `accept`, which mostly means too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves requests until `ended`, and then finishes the answers that have begun. Dropping the future
/// closes every connection.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    room: Room,
    ended: oneshot::Receiver<()>,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(PATIENCE).max_buf_size(BUFFER);
    let clients = Clients::new(room);
    let open = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let accept = async {
        loop {
            while connections.try_join_next().is_some() {}
            match listener.accept().await {
                Ok((stream, from)) => {
                    let client = clients.enter().await;
                    let (router, who) = (router.clone(), client.clone());
                    let service = service_fn(move |request| {
                        let (router, client) = (router.clone(), who.clone());
                        async move { Ok::<_, Infallible>(answer(router, client, request).await) }
                    });
                    let connection = http.serve_connection(TokioIo::new(stream), service);
                    let connection = open.watch(connection);
                    let task = connections.spawn(async move {
                        if let Err(error) = connection.await {
                            tracing::debug!(%from, %error, "an HTTP connection failed");
                        }
                    });
                    client.served_by(task);
                }
                Err(error) => {
                    tracing::warn!(%error, "can't accept an HTTP connection");
                    clients.close_one();
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    tokio::select! {
        () = accept => {}
        _ = ended => {}
    }
    drop(listener);
    open.shutdown().await;
}

/// Serves one request.
async fn answer(
    router: Router,
    client: Arc<Client>,
    request: Request<Incoming>,
) -> Response<turns::Answer> {
    let monitoring = MONITORING.contains(&request.uri().path());
    let response = match client.requests(monitoring) {
        Ok(()) => {
            // Who sends `expect: 100-continue` need not send the body.
            let expects = request.headers().contains_key(header::EXPECT);
            let whole = request.body().is_end_stream();
            let deadline = Instant::now() + PATIENCE;
            let (give_back, back) = oneshot::channel();
            let track = |body, give_back| {
                Body::new(turns::Request { body, client: client.clone(), give_back })
            };
            let request = request.map(|body| track(Body::new(body), Some(give_back)));
            let Ok(response) = TowerToHyperService::new(router).call(request).await;
            if !expects
                && !whole
                && let Ok(rest) = back.await
            {
                // A handler that answers early leaves the rest of the body in the connection. Closing
                // it then would reset the connection, and the client would see that, not the answer.
                let mut rest = track(rest, None).into_data_stream();
                let read = async { while let Some(Ok(_)) = rest.next().await {} };
                let _ = timeout_at(deadline, read).await;
            }
            response
        }
        Err(refusal) => refused(&refusal),
    };
    response.map(|body| turns::Answer::new(body, client))
}

fn refused(refusal: &Refusal) -> Response<Body> {
    let message = match refusal {
        Refusal::Busy(limit) => format!(
            "{limit} requests are being served, which is the limit; retry, or use another agent"
        ),
        Refusal::Closed => "this connection was closed to make room for others; retry".to_owned(),
    };
    let mut response = ApiError(StatusCode::SERVICE_UNAVAILABLE, message).into_response();
    // The request's body is not read.
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::super::clients::ROOM;
    use super::*;

    #[tokio::test]
    async fn a_client_that_never_ends_its_request_is_given_up_and_blocks_nobody() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let router = Router::new().route("/", axum::routing::get(async || "here"));
        let (_end, ended) = oneshot::channel();
        let room = Room { connections: 16, ..ROOM };
        let server = tokio::spawn(serve(listener, router, room, ended));

        // More of them than there is room for: the first are given up at once.
        let mut slow = Vec::new();
        for _ in 0..room.connections + 8 {
            let mut stream = TcpStream::connect(addr).await.unwrap();
            stream.write_all(b"GET / HTTP/1.1\r\nhost: ").await.unwrap();
            slow.push(stream);
        }
        let mut good = TcpStream::connect(addr).await.unwrap();
        good.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        good.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("here"), "{answer}");
        let mut rest = Vec::new();
        let _ = slow[0].read_to_end(&mut rest).await;
        assert!(!rest.starts_with(b"HTTP/1.1 200"), "an unfinished request was answered");
        server.abort();
    }
}
