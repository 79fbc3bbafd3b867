//! The demo with plain SPSP: the textbook's protocol, right without loss and leaking with it.

mod report;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use rumormill_agent::Agent;
use rumormill_proto::Spsp;

use crate::demo::gate::Gated;
use crate::demo::judge::relative;
use crate::demo::screen::{Line, Screen, Tone};
use crate::demo::spsp::report::{Held, Report, Round, Totals};
use crate::demo::{Settings, cluster, table};
use crate::term::exit::Exit;
use crate::term::signal::Signals;
use crate::term::{exit, format};

/// Rounds without loss after which the estimates must have met: several times the 37 that 1,000
/// nodes take to 1e-9.
const PATIENCE: u64 = 200;
/// Rounds to look at under loss.
const LEAK_ROUNDS: u64 = 30;
/// The largest relative error of a right answer.
const TOLERANCE: f64 = 1e-6;
/// Without loss, the run goes on until the estimates are as near as this.
const FINE: f64 = 1e-9;

/// Plays the demo to its end, or to the first signal.
pub(crate) async fn run(settings: &Settings, signals: &mut Signals) -> anyhow::Result<Exit> {
    let mut demo = Demo {
        settings,
        nodes: Vec::new(),
        open: Arc::new(AtomicBool::new(false)),
        report: Report::new(settings),
        screen: Screen::new(settings.json),
    };
    let exit = tokio::select! {
        played = demo.play() => played.map(|()| None),
        ended = signals.ended() => Ok(Some(Exit::from(ended))),
    };
    let outcome = match exit {
        Err(error) => Err(error),
        Ok(exit) => {
            demo.report.interrupted = exit.is_some();
            let said = if settings.json {
                exit::print_json(&demo.report)
            } else {
                demo.screen.say(&demo.report.lines())
            };
            let verdict = if demo.report.right { Exit::Done } else { Exit::Failed };
            said.map(|()| exit.unwrap_or(verdict))
        }
    };
    tokio::select! {
        () = demo.leave() => {}
        _ = signals.again() => {}
    }
    outcome
}

struct Demo<'a> {
    settings: &'a Settings,
    nodes: Vec<Node>,
    open: Arc<AtomicBool>,
    report: Report,
    screen: Screen,
}

struct Node {
    name: String,
    input: f64,
    agent: Agent,
}

impl Demo<'_> {
    async fn play(&mut self) -> anyhow::Result<()> {
        let Settings { nodes, interval, loss, seed, .. } = self.settings;
        let lossy = if *loss > 0.0 {
            format!(", losing {} %", format::number(loss * 100.0, 6))
        } else {
            String::new()
        };
        let text = format!(
            "Plain SPSP: {nodes} agents in this process, each with its own UDP socket on \
             127.0.0.1, one push every {interval:?}{lossy}; seed {seed}"
        );
        self.screen.say(&[Line::new(text, Tone::Plain), Line::new("", Tone::Plain)])?;
        self.start().await?;
        self.meet().await?;
        self.open.store(true, Ordering::Relaxed);
        self.watch().await?;
        self.open.store(false, Ordering::Relaxed);
        self.quiet().await?;
        self.report.conclude(TOLERANCE);
        Ok(())
    }

    async fn start(&mut self) -> anyhow::Result<()> {
        // The same figures as with the ledger.
        let mut inputs = cluster::Inputs::new(self.settings);
        for at in 0..self.settings.nodes {
            let input = inputs.draw();
            let name = cluster::name(self.settings, at);
            let weight = if at == 0 { 1.0 } else { 0.0 };
            let spsp = Spsp::sum(input, weight, self.settings.interval);
            let agent = Agent::builder(&name)
                .bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
                .join(self.nodes.first().map(|first| first.agent.udp_addr().to_string()))
                .config(self.settings.config.clone())
                .seed(cluster::seed(self.settings, at))
                .incarnation(self.settings.boot + at as u64)
                .loss(self.settings.loss)
                .aggregates(false)
                .events(false)
                .kv(false)
                .protocol(Box::new(Gated::new(spsp, Arc::clone(&self.open))))
                .start()
                .await
                .with_context(|| format!("agent {name} did not start"))?;
            self.nodes.push(Node { name, input, agent });
        }
        let inputs = self.nodes.iter().map(|node| node.input);
        self.report.truth = Totals { value: inputs.sum(), weight: 1.0 };
        Ok(())
    }

    /// Waits until every node knows every other.
    async fn meet(&mut self) -> anyhow::Result<()> {
        let config = &self.settings.config;
        let deadline =
            Instant::now() + self.settings.interval * 100 + config.membership.suspicion_timeout * 5;
        let mut ticks = tokio::time::interval(Duration::from_millis(10));
        loop {
            ticks.tick().await;
            let mut fewest = self.nodes.len();
            for node in &self.nodes {
                fewest = fewest.min(node.agent.info().await?.members);
            }
            if fewest == self.nodes.len() {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("some agent knows only {fewest} of {} members", self.nodes.len());
            }
        }
    }

    /// Shows round after round, until the estimates have met or the leak is plain.
    async fn watch(&mut self) -> anyhow::Result<()> {
        let started = Instant::now();
        let before = self.traffic().await?;
        let mut ticks = tokio::time::interval(self.settings.interval);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let held = self.held().await?;
            let elapsed = started.elapsed();
            let now = self.traffic().await?;
            self.report.messages = now.0 - before.0;
            self.report.bytes = now.1 - before.1;
            self.report.seconds = elapsed.as_secs_f64();
            let round = table::rounds(elapsed, self.settings.interval);
            let met = held.iter().all(|held| {
                held.estimate.is_some_and(|x| relative(x, self.report.truth.value) <= FINE)
            });
            self.show(round, held)?;
            let over = if self.settings.loss > 0.0 { round >= LEAK_ROUNDS } else { met };
            if over || round >= PATIENCE {
                return Ok(());
            }
        }
    }

    /// Waits until nothing is in flight: no node's value or weight has changed for a while.
    async fn quiet(&mut self) -> anyhow::Result<()> {
        let mut before = self.held().await?;
        let deadline = Instant::now() + Duration::from_secs(5);
        let calm = self.settings.interval.max(Duration::from_millis(50));
        loop {
            tokio::time::sleep(calm).await;
            let now = self.held().await?;
            let same = now.iter().zip(&before).all(|(now, before)| now.same_mass(before));
            if same || Instant::now() > deadline {
                let round = self.report.rounds.last().map_or(0, |last| last.round);
                return self.show(round, now);
            }
            before = now;
        }
    }

    fn show(&mut self, round: u64, held: Vec<Held>) -> anyhow::Result<()> {
        let totals = Totals::of(&held);
        self.report.held = held;
        let summary = self.report.summary(&totals);
        match self.report.rounds.last_mut() {
            Some(last) if last.round == round => last.totals = totals,
            _ => self.report.rounds.push(Round { round, totals }),
        }
        let mut frame = self.report.table(self.screen.rows());
        frame.push(Line::new(format!("round {round}: {summary}"), Tone::Plain));
        self.screen.step(&format!("round {round}: "), &summary)?;
        self.screen.frame(&frame)
    }

    async fn held(&self) -> anyhow::Result<Vec<Held>> {
        let mut all = Vec::with_capacity(self.nodes.len());
        for Node { name, input, agent } in &self.nodes {
            let read = |gated: &mut Gated, _: &mut rumormill_proto::Context<'_>| {
                (gated.spsp.value(), gated.spsp.weight(), gated.spsp.estimate())
            };
            if let Some((value, weight, estimate)) = agent.with_protocol(read).await? {
                all.push(Held { name: name.clone(), input: *input, value, weight, estimate });
            }
        }
        Ok(all)
    }

    /// Messages and bytes sent so far.
    async fn traffic(&self) -> anyhow::Result<(u64, u64)> {
        let (mut messages, mut bytes) = (0, 0);
        for node in &self.nodes {
            let stats = node.agent.stats().await?;
            messages += stats.datagrams_sent + stats.stream_messages_sent;
            bytes += stats.bytes_sent + stats.stream_bytes_sent;
        }
        Ok((messages, bytes))
    }

    async fn leave(&mut self) {
        let mut leaving = tokio::task::JoinSet::new();
        for node in self.nodes.drain(..) {
            leaving.spawn(async move { node.agent.leave().await });
        }
        leaving.join_all().await;
    }
}
