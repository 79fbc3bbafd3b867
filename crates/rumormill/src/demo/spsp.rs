//! The demo with plain SPSP, the textbook's protocol: right without loss, wrong with it.

mod report;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::bail;
use rumormill_proto::Spsp;

use crate::demo::agents::{Cluster, Member};
use crate::demo::gate::Gated;
use crate::demo::judge::relative;
use crate::demo::screen::{Line, Screen, Tone};
use crate::demo::spsp::report::{NodeState, Report, Round, Totals};
use crate::demo::stage::{self, Play};
use crate::demo::{Settings, view};
use crate::term::exit;
use crate::term::exit::Exit;
use crate::term::signal::Signals;

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
    let demo = Demo {
        settings,
        cluster: Cluster::new(settings),
        open: Arc::new(AtomicBool::new(false)),
        report: Report::new(settings),
        screen: Screen::new(settings.json),
    };
    stage::run(demo, false, signals).await
}

struct Demo<'a> {
    settings: &'a Settings,
    cluster: Cluster,
    open: Arc<AtomicBool>,
    report: Report,
    screen: Screen,
}

impl Play for Demo<'_> {
    async fn play(&mut self) -> anyhow::Result<()> {
        let text = format!("Plain SPSP: {}", stage::greeting(self.settings, "one push"));
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

    fn end(&mut self, interrupted: bool) -> anyhow::Result<bool> {
        self.report.interrupted = interrupted;
        if self.settings.json {
            exit::print_json(&self.report)?;
        } else {
            self.screen.say(&self.report.lines())?;
        }
        Ok(self.report.right)
    }

    fn cluster(&mut self) -> &mut Cluster {
        &mut self.cluster
    }
}

impl Demo<'_> {
    async fn start(&mut self) -> anyhow::Result<()> {
        for at in 0..self.settings.nodes {
            let weight = if at == 0 { 1.0 } else { 0.0 };
            let (interval, open) = (self.settings.interval, Arc::clone(&self.open));
            let gated = |input| Gated { spsp: Spsp::sum(input, weight, interval), open };
            self.cluster
                .start(|builder, input| {
                    builder
                        .aggregates(false)
                        .events(false)
                        .kv(false)
                        .protocol(Box::new(gated(input)))
                })
                .await?;
        }
        let inputs = self.cluster.members.iter().map(|member| member.input);
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
            let mut fewest = self.cluster.members.len();
            for node in &self.cluster.members {
                fewest = fewest.min(node.agent.info().await?.members);
            }
            if fewest == self.cluster.members.len() {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!("an agent knows only {fewest} of {} members", self.cluster.members.len());
            }
        }
    }

    /// Shows round after round, until the estimates have met or the leak is plain.
    async fn watch(&mut self) -> anyhow::Result<()> {
        let started = Instant::now();
        let before = self.cluster.traffic().await?;
        let mut ticks = tokio::time::interval(self.settings.interval);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let states = self.states().await?;
            let elapsed = started.elapsed();
            let sent = self.cluster.traffic().await? - before;
            (self.report.messages, self.report.bytes) = (sent.messages, sent.bytes);
            self.report.seconds = elapsed.as_secs_f64();
            let round = view::rounds(elapsed, self.settings.interval);
            let met = states.iter().all(|state| {
                state.estimate.is_some_and(|x| relative(x, self.report.truth.value) <= FINE)
            });
            self.show(round, states)?;
            let over = if self.settings.loss > 0.0 { round >= LEAK_ROUNDS } else { met };
            if over || round >= PATIENCE {
                return Ok(());
            }
        }
    }

    /// Waits until nothing is in flight: no node's value or weight has changed for a while.
    async fn quiet(&mut self) -> anyhow::Result<()> {
        let mut before = self.states().await?;
        let deadline = Instant::now() + Duration::from_secs(5);
        let calm = self.settings.interval.max(Duration::from_millis(50));
        loop {
            tokio::time::sleep(calm).await;
            let now = self.states().await?;
            let same = now.iter().zip(&before).all(|(now, before)| now.same_mass(before));
            if same || Instant::now() > deadline {
                let round = self.report.rounds.last().map_or(0, |last| last.round);
                return self.show(round, now);
            }
            before = now;
        }
    }

    fn show(&mut self, round: u64, states: Vec<NodeState>) -> anyhow::Result<()> {
        let totals = Totals::of(&states);
        self.report.states = states;
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

    async fn states(&self) -> anyhow::Result<Vec<NodeState>> {
        let mut all = Vec::with_capacity(self.cluster.members.len());
        for Member { name, input, agent } in &self.cluster.members {
            let read = |gated: &mut Gated, _: &mut rumormill_proto::Context<'_>| {
                (gated.spsp.value(), gated.spsp.weight(), gated.spsp.estimate())
            };
            if let Some((value, weight, estimate)) = agent.with_protocol(read).await? {
                all.push(NodeState { name: name.clone(), input: *input, value, weight, estimate });
            }
        }
        Ok(all)
    }
}
