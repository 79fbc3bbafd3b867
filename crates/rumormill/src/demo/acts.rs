//! The four acts of the demo with the ledger.

use std::time::{Duration, Instant};

use crate::demo::cluster::{Cluster, Traffic};
use crate::demo::report::{Act, Http, Report};
use crate::demo::screen::{Line, Screen, Tone};
use crate::demo::{Settings, table};
use crate::term::exit::Exit;
use crate::term::signal::Signals;
use crate::term::{exit, format};

/// Gossip periods that an act may take, beyond the time to detect a death: several times what
/// convergence to 1e-6 and a window after it take among 500 nodes with 25 % loss.
const PATIENCE: u32 = 600;

/// Plays the demo to its end, or to the first signal.
pub(crate) async fn run(settings: &Settings, signals: &mut Signals) -> anyhow::Result<Exit> {
    let mut demo = Demo {
        settings,
        cluster: Cluster::new(settings),
        report: Report::new(settings),
        screen: Screen::new(settings.json),
    };
    let ended = tokio::select! {
        played = demo.play() => {
            played.map(|()| None)
        }
        ended = signals.ended() => Ok(Some(Exit::from(ended))),
    };
    // A second signal does not wait for goodbyes.
    let goodbye = async |cluster: &mut Cluster, signals: &mut Signals| {
        tokio::select! {
            () = cluster.leave() => {}
            _ = signals.again() => {}
        }
    };
    let exit = match ended {
        Ok(exit) => exit,
        Err(error) => {
            goodbye(&mut demo.cluster, signals).await;
            return Err(error);
        }
    };
    demo.report.interrupted = exit.is_some();
    let told = demo.end();
    let verdict = if demo.report.right { Exit::Done } else { Exit::Failed };
    if exit.is_none() && settings.keep && told.is_ok() {
        // Staying up is what was asked for; a signal is its proper end.
        signals.ended().await;
    }
    goodbye(&mut demo.cluster, signals).await;
    // A terminal that has gone can't be told how it ended.
    told.or_else(|error| exit.map_or(Err(error), |_| Ok(())))?;
    Ok(exit.unwrap_or(verdict))
}

struct Demo<'a> {
    settings: &'a Settings,
    cluster: Cluster,
    report: Report,
    screen: Screen,
}

impl Demo<'_> {
    async fn play(&mut self) -> anyhow::Result<()> {
        self.greet()?;
        self.start().await?;
        self.change().await?;
        self.kill().await?;
        self.add().await?;
        self.report.right = self.report.acts.iter().all(|act| act.settled);
        Ok(())
    }

    fn greet(&mut self) -> anyhow::Result<()> {
        let Settings { nodes, interval, loss, seed, .. } = self.settings;
        let loss = if *loss > 0.0 {
            format!(", losing {} %", format::number(loss * 100.0, 6))
        } else {
            String::new()
        };
        let text = format!(
            "{nodes} agents in this process, each with its own UDP socket on 127.0.0.1, one \
             exchange every {interval:?}{loss}; seed {seed}"
        );
        self.screen.say(&[Line::new(text, Tone::Plain)])
    }

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
        let what = format!("{}'s input goes from {old} to {new}", self.cluster.members[at].name);
        self.cluster.change(at, new).await?;
        self.settle("change", what, before).await
    }

    async fn kill(&mut self) -> anyhow::Result<()> {
        let before = self.cluster.ask().await?.1;
        let at = self.cluster.draw_member();
        let member = &self.cluster.members[at];
        let what = format!("{} ({}) is killed without goodbye", member.name, member.input);
        self.cluster.kill(at).await?;
        self.settle("kill", what, before).await
    }

    async fn add(&mut self) -> anyhow::Result<()> {
        let before = self.cluster.ask().await?.1;
        let added = self.cluster.start_one().await?;
        let what = format!("{} joins with {}", added.name, added.input);
        self.settle("add", what, before).await
    }

    /// Watches until every live node is right and converged, or patience ends.
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
            let (said, traffic) = self.cluster.ask().await?;
            let elapsed = started.elapsed();
            let (rows, columns) = (self.screen.rows(), self.screen.columns());
            let Some(act) = self.report.acts.last_mut() else { return Ok(()) };
            act.seconds = elapsed.as_secs_f64();
            act.rounds = table::rounds(elapsed, interval);
            act.traffic = traffic - before;
            act.hear(said);
            let mut frame = table::table(&act.said, &truth, rows, columns);
            let over = act.settled || elapsed > patience;
            if over {
                frame.push(act.verdict());
                self.report.datagrams_lost = self.cluster.lost().await?;
                return self.screen.say(&frame);
            }
            let at = format!("round {}, {}", act.rounds, format::seconds(act.seconds));
            frame.push(Line::new(at, Tone::Faint));
            self.screen.step(&format!("round {}: ", act.rounds), &table::summary(&act.said))?;
            self.screen.frame(&frame)?;
        }
    }

    fn patience(&self) -> Duration {
        let config = &self.settings.config;
        let detection = config.membership.probe_interval * 10 + config.membership.suspicion_timeout;
        self.settings.interval * PATIENCE + detection * 3
    }

    /// Says what was found.
    fn end(&mut self) -> anyhow::Result<()> {
        self.screen.release();
        for (name, address) in self.cluster.http() {
            self.report.http.push(Http { name, address });
        }
        let keeps = self.settings.keep && !self.report.interrupted;
        if !keeps {
            self.report.http.clear();
        }
        if self.settings.json {
            return exit::print_json(&self.report);
        }
        let mut lines = self.report.lines(self.screen.columns());
        if keeps {
            lines.push(Line::new("", Tone::Plain));
            lines.push(Line::new("The agents stay up until Ctrl-C. Ask any of them:", Tone::Title));
            for Http { name, address } in &self.report.http {
                let text = format!("  {name}: rumormill --agent http://{address} get requests");
                lines.push(Line::new(text, Tone::Plain));
            }
        }
        self.screen.say(&lines)
    }
}
