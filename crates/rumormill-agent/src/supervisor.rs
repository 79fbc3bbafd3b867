//! Starts an agent's tasks, and cleans up when they end.

use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio::time::timeout;

use crate::agent::{Agent, Life};
use crate::api::SocketStats;
use crate::core::Core;
use crate::driver::{Driver, Setup};
use crate::error::StopReason;
use crate::http::router;
use crate::http::serve::{Limits, serve};
use crate::query::Askers;
use crate::seeds::Seeds;
use crate::stream;
use crate::subscription::MissedCount;

const COMMANDS: usize = 256;
const INPUTS: usize = 256;
/// The most notices that a subscriber may fall behind before it misses some.
const NOTICES: usize = 512;
/// How long open HTTP requests may take to finish once the agent has stopped.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

pub(crate) fn start(setup: Setup) -> Agent {
    let Setup { node, store, handlers, clock, udp, bound, tcp, http, join, resolver, loss, .. } =
        setup;
    let seed = setup.seed;
    let (commands, to_do) = mpsc::channel(COMMANDS);
    let (to_inputs, inputs) = mpsc::channel(INPUTS);
    let (events, _) = broadcast::channel(NOTICES);
    let (life, watched) = watch::channel(Life::Running);
    let http_addr = http.as_ref().map(|(_, addr)| *addr);
    let missed = MissedCount::default();
    let agent = Agent::new(
        &node,
        (bound, http_addr),
        resolver.clone(),
        commands,
        &events,
        missed.clone(),
        watched,
    );

    let mut helpers = JoinSet::new();
    helpers.spawn(stream::accept(tcp, to_inputs.clone()));
    let server = http.map(|(listener, _)| Server::start(listener, &agent));
    let sockets = SocketStats::default();
    let core = Core {
        node,
        store,
        askers: Askers::default(),
        handlers,
        missed,
        clock,
        sockets,
        loss,
        seeds: Seeds::new(clock.now(), join, seed),
        joined: false,
        log_lines_dropped: setup.log_lines_dropped,
    };
    let driver = Driver::new(core, udp, resolver, seed, to_do, (to_inputs, inputs), events);
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
        let task = tokio::spawn(serve(listener, router, Limits::default(), ended));
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
