//! Serves HTTP, within limits on what a slow or greedy client can hold.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// How long a client may take to send a request's head, or its body.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// What clients can hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The most connections at once; the others wait in the operating system's queue.
    connections: usize,
    /// How long a client may take to send a request's head, or be silent between two requests.
    patience: Duration,
}

impl Default for Limits {
    /// The connections stay below the usual limit of 1024 open files, so that the peers' streams
    /// always find room.
    fn default() -> Self {
        Self { connections: 768, patience: PATIENCE }
    }
}

/// Pause after an error of `accept`, which mostly means that there are too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Answers requests until `ended`, and then until the answers under way are given. Dropped, it
/// closes every connection.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    ended: oneshot::Receiver<()>,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits.patience);
    let permits = Arc::new(Semaphore::new(limits.connections));
    let open = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let accept = async {
        loop {
            while connections.try_join_next().is_some() {}
            let Ok(permit) = permits.clone().acquire_owned().await else { return };
            match listener.accept().await {
                Ok((stream, from)) => {
                    let service = TowerToHyperService::new(router.clone());
                    let connection = http.serve_connection(TokioIo::new(stream), service);
                    let connection = open.watch(connection);
                    connections.spawn(async move {
                        if let Err(error) = connection.await {
                            tracing::debug!(%from, %error, "an HTTP connection failed");
                        }
                        drop(permit);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "can't accept an HTTP connection");
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

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn a_client_that_never_ends_its_request_is_given_up_and_blocks_nobody() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let router = Router::new().route("/", axum::routing::get(async || "here"));
        let (_end, ended) = oneshot::channel();
        let limits = Limits { connections: 16, patience: Duration::from_millis(200) };
        let server = tokio::spawn(serve(listener, router, limits, ended));

        // More of them than there are permits: the last ones wait until the first are given up.
        let mut slow = Vec::new();
        for _ in 0..limits.connections + 8 {
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
