//! One run: nodes that know each other, at rest, then with messages, one at a time and at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rumormill_bench::process::{processor_seconds, threads};
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use crate::cluster::{Cluster, Traffic};
use crate::deliveries::Deliveries;
use crate::usage::{self, Loopback};

/// What to measure.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Plan {
    /// Seconds to wait after all nodes know each other, so that the traffic of their joining is over.
    #[arg(long, default_value_t = 45)]
    pub(crate) settle: u64,
    /// Seconds to measure at rest.
    #[arg(long, default_value_t = 20)]
    pub(crate) seconds_idle: u64,
    /// Messages, each from another node; published one at a time, and then as many at once.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) origins: u32,
    /// Bytes of a message.
    #[arg(long, default_value_t = 72, value_parser = clap::value_parser!(u32).range(16..=1000))]
    pub(crate) payload: u32,
    /// Milliseconds from one message to the next, on average; it varies by a quarter, so that it
    /// keeps no step with anybody's timers.
    #[arg(long, default_value_t = 1000)]
    pub(crate) spacing: u64,
    /// Seconds to wait for stragglers before a delivery counts as missed.
    #[arg(long, default_value_t = 10)]
    pub(crate) wait: u64,
    /// The seed of payloads and of the spacing. The implementations draw their own numbers.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

impl Plan {
    /// About how long a run takes.
    pub(crate) fn seconds(&self) -> u64 {
        let messages = u64::from(self.origins) * self.spacing / 1000;
        5 + self.settle + self.seconds_idle + messages + 2 * self.wait
    }
}

/// The result of one run of one implementation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Run {
    /// The implementation, as it is called on the command line.
    pub(crate) implementation: String,
    /// Nodes.
    pub(crate) nodes: usize,
    /// How often each probes another, in milliseconds; `None` if it has no probes.
    pub(crate) probe_milliseconds: Option<u128>,
    /// Seconds until all knew each other.
    pub(crate) join_seconds: f64,
    /// Each node's traffic and CPU at rest.
    pub(crate) idle: Rates,
    /// The same while messages were published one at a time.
    pub(crate) busy: Rates,
    /// How the messages spread that were published one at a time.
    pub(crate) spaced: Spread,
    /// How those did that were published at once.
    pub(crate) at_once: Spread,
    /// Deliveries of what nobody had published.
    pub(crate) wrong: u64,
}

/// Per node and second.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Rates {
    /// UDP datagrams sent.
    pub(crate) packets: f64,
    /// Bytes of those, without headers.
    pub(crate) packet_bytes: f64,
    /// Bytes written to TCP.
    pub(crate) stream_bytes: f64,
    /// Milliseconds of CPU, in user space and in the kernel.
    pub(crate) cpu_milliseconds: f64,
    /// Times that a thread of the process woke; several nodes that are busy at the same time share one.
    pub(crate) wakeups: Option<f64>,
    /// Packets that the kernel saw on loopback, TCP's included.
    pub(crate) kernel_packets: Option<f64>,
    /// Bytes of those, with IP, UDP and TCP headers.
    pub(crate) kernel_bytes: Option<f64>,
}

impl Rates {
    /// All bytes that were handed to sockets.
    pub(crate) fn bytes(&self) -> f64 {
        self.packet_bytes + self.stream_bytes
    }
}

/// How messages spread.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Spread {
    /// Milliseconds until half of the other nodes had a message.
    pub(crate) half: Milliseconds,
    /// Milliseconds until the last of those that got it had it.
    pub(crate) all: Milliseconds,
    /// Deliveries that there should have been: messages × other nodes.
    pub(crate) expected: usize,
    /// How many of these there were not.
    pub(crate) missed: usize,
    /// Deliveries beyond a node's first of a message.
    pub(crate) repeated: usize,
    /// Datagrams beyond those at rest, over the deliveries.
    pub(crate) packets_per_delivery: f64,
    /// Bytes beyond those at rest, over the deliveries.
    pub(crate) bytes_per_delivery: f64,
}

/// Over the messages.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Milliseconds {
    pub(crate) median: f64,
    pub(crate) worst: f64,
}

impl Milliseconds {
    fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let n = values.len();
        let median = match n {
            0 => f64::NAN,
            n if n % 2 == 1 => values[n / 2],
            n => f64::midpoint(values[n / 2 - 1], values[n / 2]),
        };
        Self { median, worst: values.last().copied().unwrap_or(f64::NAN) }
    }
}

/// How long nodes may take to find each other.
const JOIN: Duration = Duration::from_secs(120);

/// Measures `nodes` nodes of one implementation in this process.
pub(crate) async fn run<C: Cluster>(name: &str, nodes: usize, plan: &Plan) -> anyhow::Result<Run> {
    let origins = plan.origins as usize;
    ensure!(origins <= nodes, "--origins is {origins}, but there are only {nodes} nodes");
    let say = |what: &str| eprintln!("{name}, {nodes} nodes: {what}");
    let payload = plan.payload as usize;
    let deliveries = Arc::new(Deliveries::new(nodes, 2 * origins, payload, plan.seed));
    let begin = Instant::now();
    let cluster = C::start(nodes, deliveries.clone()).await?;
    loop {
        let known = cluster.fewest_known().await?;
        if known >= nodes {
            break;
        }
        ensure!(begin.elapsed() < JOIN, "after {JOIN:?} some node knows only {known} of {nodes}");
        sleep(Duration::from_millis(50)).await;
    }
    let join_seconds = begin.elapsed().as_secs_f64();
    say(&format!("joined in {join_seconds:.1} s; settling for {} s", plan.settle));
    sleep(Duration::from_secs(plan.settle)).await;

    say(&format!("measuring at rest for {} s", plan.seconds_idle));
    let before = Meter::read(&cluster).await?;
    sleep(Duration::from_secs(plan.seconds_idle)).await;
    let idle = Meter::read(&cluster).await?.since(&before).rates(nodes);

    let messages = Messages { nodes, origins, deliveries: &deliveries };
    let wait = Duration::from_secs(plan.wait);
    say(&format!("{origins} messages, one at a time"));
    let mut rng = StdRng::seed_from_u64(plan.seed);
    let before = Meter::read(&cluster).await?;
    for n in 0..origins {
        messages.publish(&cluster, n).await?;
        let pause = Duration::from_millis(plan.spacing).mul_f64(rng.random_range(0.75..1.25));
        sleep(pause).await;
    }
    let busy = Meter::read(&cluster).await?.since(&before).rates(nodes);
    sleep(wait).await;
    let used = Meter::read(&cluster).await?.since(&before);
    let spaced = messages.spread(0, used.beyond(&idle, nodes));

    say(&format!("{origins} messages at once"));
    let before = Meter::read(&cluster).await?;
    for n in origins..2 * origins {
        messages.publish(&cluster, n).await?;
    }
    sleep(wait).await;
    let used = Meter::read(&cluster).await?.since(&before);
    let at_once = messages.spread(origins, used.beyond(&idle, nodes));

    Ok(Run {
        implementation: name.to_owned(),
        nodes,
        probe_milliseconds: cluster.probe_interval().map(|interval| interval.as_millis()),
        join_seconds,
        idle,
        busy,
        spaced,
        at_once,
        wrong: deliveries.wrong(),
    })
}

/// The messages of a run: `origins` one at a time, then as many at once.
struct Messages<'a> {
    nodes: usize,
    origins: usize,
    deliveries: &'a Deliveries,
}

impl Messages<'_> {
    /// Origins are spread over the nodes, so that they joined at different times.
    fn origin(&self, message: usize) -> usize {
        message % self.origins * self.nodes / self.origins
    }

    async fn publish(&self, cluster: &impl Cluster, message: usize) -> anyhow::Result<()> {
        self.deliveries.published(message);
        cluster.publish(self.origin(message), self.deliveries.payload(message)).await
    }

    /// How the messages spread from the one numbered `first` on.
    fn spread(&self, first: usize, (packets, bytes): (f64, f64)) -> Spread {
        let others = self.nodes - 1;
        let (mut half, mut all, mut received, mut repeated) = (Vec::new(), Vec::new(), 0, 0);
        for message in first..first + self.origins {
            let origin = self.origin(message);
            let delays = self.deliveries.delays(message, origin);
            let milliseconds = |delay: &Duration| delay.as_secs_f64() * 1000.0;
            half.extend(delays.get(others.div_ceil(2) - 1).map(milliseconds));
            all.extend(delays.last().map(milliseconds));
            received += delays.len();
            let times = |node| self.deliveries.received(message, node) as usize;
            let total: usize = (0..self.nodes).filter(|&n| n != origin).map(times).sum();
            repeated += total - delays.len();
        }
        Spread {
            half: Milliseconds::of(half),
            all: Milliseconds::of(all),
            expected: self.origins * others,
            missed: self.origins * others - received,
            repeated,
            packets_per_delivery: packets / received as f64,
            bytes_per_delivery: bytes / received as f64,
        }
    }
}

/// All that was counted at an instant.
struct Meter {
    at: Instant,
    cpu: f64,
    wakeups: Option<u64>,
    traffic: Traffic,
    kernel: Option<Loopback>,
}

impl Meter {
    async fn read(cluster: &impl Cluster) -> anyhow::Result<Self> {
        let traffic = cluster.traffic().await?;
        let (cpu, kernel) = (processor_seconds(), usage::loopback());
        let wakeups = threads(None).map(|threads| threads.wakeups);
        Ok(Self { at: Instant::now(), cpu, wakeups, traffic, kernel })
    }

    fn since(&self, before: &Self) -> Used {
        let less = |now: u64, then: u64| (now - then) as f64;
        let kernel = self.kernel.zip(before.kernel);
        Used {
            seconds: (self.at - before.at).as_secs_f64(),
            cpu: self.cpu - before.cpu,
            wakeups: self.wakeups.zip(before.wakeups).map(|(now, then)| less(now, then)),
            packets: less(self.traffic.datagrams, before.traffic.datagrams),
            packet_bytes: less(self.traffic.datagram_bytes, before.traffic.datagram_bytes),
            stream_bytes: less(self.traffic.stream_bytes, before.traffic.stream_bytes),
            kernel: kernel
                .map(|(now, then)| (less(now.packets, then.packets), less(now.bytes, then.bytes))),
        }
    }
}

/// All nodes' use between two instants.
struct Used {
    seconds: f64,
    cpu: f64,
    wakeups: Option<f64>,
    packets: f64,
    packet_bytes: f64,
    stream_bytes: f64,
    kernel: Option<(f64, f64)>,
}

impl Used {
    fn rates(&self, nodes: usize) -> Rates {
        let over = nodes as f64 * self.seconds;
        Rates {
            packets: self.packets / over,
            packet_bytes: self.packet_bytes / over,
            stream_bytes: self.stream_bytes / over,
            cpu_milliseconds: self.cpu * 1000.0 / over,
            wakeups: self.wakeups.map(|wakeups| wakeups / over),
            kernel_packets: self.kernel.map(|(packets, _)| packets / over),
            kernel_bytes: self.kernel.map(|(_, bytes)| bytes / over),
        }
    }

    /// Returns the packets and bytes beyond those that nodes at rest send in the same time.
    fn beyond(&self, idle: &Rates, nodes: usize) -> (f64, f64) {
        let over = nodes as f64 * self.seconds;
        let bytes = self.packet_bytes + self.stream_bytes - idle.bytes() * over;
        (self.packets - idle.packets * over, bytes)
    }
}
