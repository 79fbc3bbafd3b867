//! The four acts of the demo with the ledger.

use std::time::{Duration, Instant};

use crate::demo::agents::{Cluster, Traffic};
use crate::demo::report::{Act, Http, Report};
use crate::demo::screen::{Line, Screen, Tone};
use crate::demo::stage::{self, Play};
use crate::demo::{Settings, view};
use crate::term::exit::Exit;
use crate::term::signal::Signals;
use crate::term::{exit, format};

/// The most gossip periods of an act, beyond the time to detect a death: several times what 500
/// nodes with 25 % loss take to converge to 1e-6 and to finish a window.
const PATIENCE: u32 = 600;

/// Plays the demo to its end, or to the first signal.
pub(crate) async fn run(settings: &Settings, signals: &mut Signals) -> anyhow::Result<Exit> {
    let demo = Demo {
        settings,
        cluster: Cluster::new(settings),
        report: Report::new(settings),
        screen: Screen::new(settings.json),
    };
    stage::run(demo, settings.keep, signals).await
}

struct Demo<'a> {
    settings: &'a Settings,
    cluster: Cluster,
    report: Report,
    screen: Screen,
}

impl Play for Demo<'_> {
    async fn play(&mut self) -> anyhow::Result<()> {
        let greeting = stage::greeting(self.settings, "one exchange");
        self.screen.say(&[Line::new(greeting, Tone::Plain)])?;
        self.start().await?;
        self.change().await?;
        self.kill().await?;
        self.add().await?;
        self.report.right = self.report.acts.iter().all(|act| act.settled);
        Ok(())
    }

    fn end(&mut self, interrupted: bool) -> anyhow::Result<bool> {
        self.report.interrupted = interrupted;
        self.screen.release();
        let keeps = self.settings.keep && !interrupted;
        if keeps {
            let http = self.cluster.http().into_iter();
            self.report.http.extend(http.map(|(name, address)| Http { name, address }));
        }
        if self.settings.json {
            exit::print_json(&self.report)?;
            return Ok(self.report.right);
        }
        let mut lines = self.report.lines(self.screen.columns());
        if keeps {
            lines.push(Line::new("", Tone::Plain));
            lines.push(Line::new("The agents run until Ctrl-C. To ask any of them:", Tone::Title));
            for Http { name, address } in &self.report.http {
                let text = format!("  {name}: rumormill --agent http://{address} get requests");
                lines.push(Line::new(text, Tone::Plain));
            }
        }
        self.screen.say(&lines)?;
        Ok(self.report.right)
    }

    fn cluster(&mut self) -> &mut Cluster {
        &mut self.cluster
    }
}

impl Demo<'_> {
    async fn start(&mut self) -> anyhow::Result<()> {
        let before = Traffic::default();
        for _ in 0..self.settings.nodes {
            self.cluster.start_one().await?;
        }
        let what = format!("{} nodes start", self.settings.nodes);
        self.settle("start", what, before).await
    }

    async fn change(&mut self) -> anyhow::Result<()> {
        let before = self.cluster.ask().await?.1;
        let at = self.cluster.draw_member();
        let old = self.cluster.members[at].input;
        let new = self.cluster.draw_other_input(old);
        let name = &self.cluster.members[at].name;
        let what = format!("input of {name} changes from {old} to {new}");
        self.cluster.change(at, new).await?;
        self.settle("change", what, before).await
    }

    async fn kill(&mut self) -> anyhow::Result<()> {
        let before = self.cluster.ask().await?.1;
        let at = self.cluster.draw_member();
        let member = &self.cluster.members[at];
        let what = format!("{} ({}) is killed", member.name, member.input);
        self.cluster.kill(at).await?;
        self.settle("kill", what, before).await
    }

    async fn add(&mut self) -> anyhow::Result<()> {
        let before = self.cluster.ask().await?.1;
        let added = self.cluster.start_one().await?;
        let what = format!("{} joins with {}", added.name, added.input);
        self.settle("add", what, before).await
    }

    /// Waits until every live node is right and converged, or for too long.
    async fn settle(
        &mut self,
        act: &'static str,
        what: String,
        before: Traffic,
    ) -> anyhow::Result<()> {
        let interval = self.settings.interval;
        let started = Instant::now();
        let truth = self.cluster.truth();
        let title = format!("{} of 4: {what}", self.report.acts.len() + 1);
        self.screen.say(&[Line::new("", Tone::Plain), Line::new(&*title, Tone::Title)])?;
        self.report.acts.push(Act::new(act, what, truth));
        let patience = self.patience();
        let mut ticks = tokio::time::interval(interval.min(Duration::from_millis(200)));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let (readings, traffic) = self.cluster.ask().await?;
            let elapsed = started.elapsed();
            let (rows, columns) = (self.screen.rows(), self.screen.columns());
            let Some(act) = self.report.acts.last_mut() else { return Ok(()) };
            act.seconds = elapsed.as_secs_f64();
            act.rounds = view::rounds(elapsed, interval);
            act.traffic = traffic - before;
            act.update(readings);
            let mut frame = view::table(&act.readings, &truth, rows, columns);
            let over = act.settled || elapsed > patience;
            if over {
                frame.push(act.verdict());
                self.report.datagrams_lost = self.cluster.lost().await?;
                return self.screen.say(&frame);
            }
            let at = format!("round {}, {}", act.rounds, format::seconds(act.seconds));
            frame.push(Line::new(at, Tone::Faint));
            self.screen.step(&format!("round {}: ", act.rounds), &view::summary(&act.readings))?;
            self.screen.frame(&frame)?;
        }
    }

    fn patience(&self) -> Duration {
        let config = &self.settings.config;
        let detection = config.membership.probe_interval * 10 + config.membership.suspicion_timeout;
        self.settings.interval * PATIENCE + detection * 3
    }
}
