//! The agents of the demo.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::Sub;

use anyhow::Context;
use rand::{RngExt, SeedableRng};
use rumormill_agent::{Agent, Builder};
use rumormill_proto::{Name, Node, Rng, Stats};
use serde::Serialize;

use crate::demo::Settings;
use crate::demo::judge::{NodeReading, Truth};

/// The name of the aggregate.
pub(crate) const AGGREGATE: &str = "requests";
/// Any port on the loopback interface.
const LOOPBACK: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// The number of one-letter names.
const LETTERS: usize = 26;

/// The inputs, small numbers of requests per second; two nodes have the textbook's 5 and 10.
struct Inputs {
    rng: Rng,
    first: Vec<f64>,
}

impl Inputs {
    fn new(settings: &Settings) -> Self {
        // The last comes first.
        let first = if settings.nodes == 2 { vec![10.0, 5.0] } else { Vec::new() };
        Self { rng: Rng::seed_from_u64(settings.seed), first }
    }

    fn draw(&mut self) -> f64 {
        self.first.pop().unwrap_or_else(|| f64::from(self.rng.random_range(1..=20u32)))
    }
}

/// Returns the name of the agent that is started as number `at`, from 0.
fn name(settings: &Settings, at: usize) -> String {
    // One more than at the start, for the newcomer.
    match u8::try_from(at) {
        Ok(at) if settings.nodes < LETTERS => char::from(b'a' + at).to_string(),
        _ => format!("n{:03}", at + 1),
    }
}

/// Returns the seed of its random choices.
fn seed(settings: &Settings, at: usize) -> u64 {
    settings.seed.wrapping_mul(1_000_003).wrapping_add(at as u64)
}

/// The live agents and their inputs.
pub(crate) struct Cluster {
    settings: Settings,
    pub(crate) members: Vec<Member>,
    started: usize,
    inputs: Inputs,
    gone: Traffic,
    gone_lost: u64,
}

/// An agent, its name and its input.
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) input: f64,
    pub(crate) agent: Agent,
}

/// The messages sent, those of the membership and retransmissions included.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Traffic {
    pub(crate) messages: u64,
    pub(crate) bytes: u64,
    /// Exchanges of mass from start to end.
    pub(crate) exchanges: u64,
}

impl Traffic {
    fn of(stats: &Stats) -> Self {
        Self {
            messages: stats.datagrams_sent + stats.stream_messages_sent,
            bytes: stats.bytes_sent + stats.stream_bytes_sent,
            exchanges: stats.exchanges,
        }
    }

    fn add(&mut self, other: Self) {
        self.messages += other.messages;
        self.bytes += other.bytes;
        self.exchanges += other.exchanges;
    }
}

impl Sub for Traffic {
    type Output = Self;
    fn sub(self, earlier: Self) -> Self {
        Self {
            messages: self.messages.saturating_sub(earlier.messages),
            bytes: self.bytes.saturating_sub(earlier.bytes),
            exchanges: self.exchanges.saturating_sub(earlier.exchanges),
        }
    }
}

impl Cluster {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            settings: settings.clone(),
            members: Vec::new(),
            started: 0,
            inputs: Inputs::new(settings),
            gone: Traffic::default(),
            gone_lost: 0,
        }
    }

    /// Draws a member.
    pub(crate) fn draw_member(&mut self) -> usize {
        self.inputs.rng.random_range(0..self.members.len())
    }

    /// Draws an input other than `before`.
    pub(crate) fn draw_other_input(&mut self, before: f64) -> f64 {
        before + self.inputs.draw()
    }

    /// Starts one more agent with the next input.
    pub(crate) async fn start_one(&mut self) -> anyhow::Result<&Member> {
        let http = self.settings.keep.then_some(LOOPBACK);
        self.start(|builder, _| builder.http(http)).await?;
        let member = &self.members[self.members.len() - 1];
        member.agent.aggregates().set(AGGREGATE, member.input).await?;
        Ok(member)
    }

    /// Starts one more agent, joined to the first one that is alive; `with` adds to its settings,
    /// given the next input.
    pub(crate) async fn start(
        &mut self,
        with: impl FnOnce(Builder, f64) -> Builder,
    ) -> anyhow::Result<()> {
        let at = self.started;
        let input = self.inputs.draw();
        let name = name(&self.settings, at);
        let settings = &self.settings;
        let builder = Agent::builder(&name)
            .bind(LOOPBACK)
            .join(self.members.first().map(|first| first.agent.udp_addr().to_string()))
            .config(settings.config.clone())
            .seed(seed(settings, at))
            .incarnation(settings.incarnation + at as u64)
            .loss(settings.loss);
        let started = with(builder, input).start().await;
        let agent = started.with_context(|| format!("agent {name} did not start"))?;
        self.started += 1;
        self.members.push(Member { name, input, agent });
        Ok(())
    }

    /// Returns the traffic of the live agents so far.
    pub(crate) async fn traffic(&self) -> anyhow::Result<Traffic> {
        let mut traffic = Traffic::default();
        for member in &self.members {
            traffic.add(Traffic::of(&member.agent.counters().await?.node));
        }
        Ok(traffic)
    }

    pub(crate) async fn change(&mut self, at: usize, input: f64) -> anyhow::Result<()> {
        let member = &mut self.members[at];
        member.agent.aggregates().set(AGGREGATE, input).await?;
        member.input = input;
        Ok(())
    }

    /// Stops an agent as SIGKILL would, without leaving.
    pub(crate) async fn kill(&mut self, at: usize) -> anyhow::Result<()> {
        let member = self.members.remove(at);
        let counters = member.agent.counters().await?;
        self.gone.add(Traffic::of(&counters.node));
        self.gone_lost += counters.sockets.datagrams_lost_on_purpose;
        member.agent.kill().await;
        Ok(())
    }

    pub(crate) fn truth(&self) -> Truth {
        Truth::of(self.members.iter().map(|member| member.input))
    }

    /// Returns the reading of every live node, and the traffic of all so far, killed ones included.
    pub(crate) async fn ask(&self) -> anyhow::Result<(Vec<NodeReading>, Traffic)> {
        let truth = self.truth();
        let aggregate = Name::new(AGGREGATE)?;
        // All at once: one after another, each would wait for its turn on a busy machine.
        let mut answers = Vec::with_capacity(self.members.len());
        for Member { agent, .. } in &self.members {
            let (agent, aggregate) = (agent.clone(), aggregate.clone());
            let look = move |node: &mut Node, now| {
                (node.aggregates().get(now, &aggregate), node.stats().clone())
            };
            answers.push(tokio::spawn(async move { agent.with_node(look).await }));
        }
        let mut readings = Vec::with_capacity(self.members.len());
        let mut traffic = self.gone;
        for (Member { name, input, .. }, answer) in self.members.iter().zip(answers) {
            let (reading, stats) = answer.await??;
            readings.push(NodeReading::new(name, *input, reading, &truth));
            traffic.add(Traffic::of(&stats));
        }
        Ok((readings, traffic))
    }

    /// Returns the number of datagrams that the agents have dropped because of `--loss`.
    pub(crate) async fn lost(&self) -> anyhow::Result<u64> {
        let mut lost = self.gone_lost;
        for member in &self.members {
            lost += member.agent.counters().await?.sockets.datagrams_lost_on_purpose;
        }
        Ok(lost)
    }

    /// Returns the HTTP address of each agent.
    pub(crate) fn http(&self) -> Vec<(String, SocketAddr)> {
        let http = |member: &Member| Some((member.name.clone(), member.agent.http_addr()?));
        self.members.iter().filter_map(http).collect()
    }

    /// Makes all agents leave the cluster.
    pub(crate) async fn leave(&mut self) {
        let mut leaving = tokio::task::JoinSet::new();
        for member in self.members.drain(..) {
            leaving.spawn(async move { member.agent.leave().await });
        }
        leaving.join_all().await;
    }
}
