//! Starts an agent's tasks, and cleans up when they end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rand::SeedableRng;
use rumormill_proto::Rng;
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::{Semaphore, broadcast, mpsc, oneshot, watch};
use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio::time::timeout;

use crate::agent::{Agent, Life, Shared};
use crate::core::Core;
use crate::driver::Driver;
use crate::error::StopReason;
use crate::http::clients::ROOM;
use crate::http::router;
use crate::http::serve::serve;
use crate::resolve::Resolver;
use crate::stream;

const COMMANDS: usize = 256;
const INPUTS: usize = 256;
/// The most notices that a subscriber may fall behind before it misses some.
const NOTICES: usize = 512;
/// How long open HTTP requests may take to finish once the agent has stopped.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// The sockets of an agent.
pub(crate) struct Sockets {
    pub(crate) udp: UdpSocket,
    pub(crate) bound: SocketAddr,
    pub(crate) tcp: TcpListener,
    pub(crate) http: Option<TcpListener>,
}

pub(crate) fn start(core: Core, sockets: Sockets, resolver: Resolver, seed: u64) -> Agent {
    let (commands, to_do) = mpsc::channel(COMMANDS);
    let (to_inputs, inputs) = mpsc::channel(INPUTS);
    let (notices, _) = broadcast::channel(NOTICES);
    let (life, watched) = watch::channel(Life::Running);
    let agent = Agent::new(Shared {
        name: core.node.identity().name.to_string(),
        config: core.node.config().clone(),
        udp_addr: sockets.bound,
        http_addr: core.http,
        resolver: resolver.clone(),
        commands,
        notices: notices.downgrade(),
        missed: core.missed.clone(),
        life: watched,
    });

    let mut helpers = JoinSet::new();
    helpers.spawn(stream::accept(sockets.tcp, to_inputs.clone()));
    let server = sockets.http.map(|listener| Server::start(listener, &agent));
    let driver = Driver {
        core,
        udp: sockets.udp,
        resolver,
        // The node has the generator of `seed`.
        rng: Rng::seed_from_u64(!seed),
        commands: to_do,
        inputs,
        to_inputs,
        lookups: JoinSet::new(),
        outbound: JoinSet::new(),
        outbound_permits: Arc::new(Semaphore::new(stream::MAX_OUTBOUND)),
        notices,
        receive_errors_in_a_row: 0,
        warned: None,
    };
    // A task of its own, so that a panic in a user's protocol ends this agent in good order.
    let driver = tokio::spawn(driver.run());

    tokio::spawn(async move {
        let reason = driver.await.unwrap_or_else(panicked);
        helpers.shutdown().await;
        // First, because this ends the HTTP requests that wait for the agent.
        life.send_replace(Life::Ending(reason.clone()));
        if let Some(server) = server {
            server.stop().await;
        }
        tracing::info!(%reason, "agent stopped");
        life.send_replace(Life::Over(reason));
    });
    agent
}

fn panicked(error: JoinError) -> StopReason {
    if error.is_cancelled() {
        return StopReason::Killed;
    }
    let panic = error.into_panic();
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    StopReason::Panicked(text.unwrap_or_else(|| "without a message".to_owned()))
}

/// The HTTP server's task, and the channel that ends it.
struct Server {
    task: JoinHandle<()>,
    end: oneshot::Sender<()>,
}

impl Server {
    fn start(listener: TcpListener, agent: &Agent) -> Self {
        let (end, ended) = oneshot::channel::<()>();
        let router = router(agent.downgrade());
        let task = tokio::spawn(serve(listener, router, ROOM, ended));
        Self { task, end }
    }

    async fn stop(mut self) {
        let _ = self.end.send(());
        if timeout(LAST_ANSWERS, &mut self.task).await.is_err() {
            self.task.abort();
            let _ = self.task.await;
        }
    }
}
