//! What the tests share.
#![allow(dead_code, reason = "every test file uses another part")]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

pub(crate) mod http;

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use rumormill_agent::{Agent, Builder, Config, Subscription};
use rumormill_proto::{MembershipSettings, Notice, Reading};
use tokio::time::{MissedTickBehavior, interval, timeout};

/// Long enough for anything here on a busy machine; a test that waits so long has failed.
pub(crate) const LONG: Duration = Duration::from_secs(60);

pub(crate) fn any() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

/// Everything a few times as fast as by default, in a cluster of the test's own: tests run at the
/// same time, and the port of an agent that has died in one is soon another's in the next.
pub(crate) fn fast() -> Config {
    let ms = Duration::from_millis;
    let test = std::thread::current().name().unwrap_or_default().to_owned();
    Config {
        cluster: format!("{test} {}", std::process::id()),
        interval: ms(20),
        membership: MembershipSettings {
            probe_interval: ms(200),
            probe_timeout: Some(ms(80)),
            suspicion_timeout: ms(600),
            reconnect_interval: ms(500),
            sync_interval: ms(2000),
        },
        ..Config::default()
    }
}

pub(crate) fn builder(name: &str) -> Builder {
    Agent::builder(name).bind(any()).config(fast())
}

pub(crate) fn address(agent: &Agent) -> String {
    agent.udp_addr().to_string()
}

/// `names.len()` agents; all but the first join the first. All know each other.
pub(crate) async fn cluster(names: &[&str]) -> Vec<Agent> {
    let first = builder(names[0]).start().await.unwrap();
    let mut all = vec![first];
    for name in &names[1..] {
        let agent = builder(name).join([address(&all[0])]).start().await.unwrap();
        all.push(agent);
    }
    everyone_knows(&all, all.len()).await;
    all
}

/// Waits until every agent sees exactly `n` live members.
pub(crate) async fn everyone_knows(agents: &[Agent], n: usize) {
    for agent in agents {
        eventually(&format!("{} sees {n} members", agent.name()), || async {
            agent.info().await.unwrap().members == n
        })
        .await;
    }
}

/// Waits until `condition` holds, and says `what` did not if it takes too long.
pub(crate) async fn eventually<F: Future<Output = bool>>(
    what: &str,
    mut condition: impl FnMut() -> F,
) {
    let mut looks = interval(Duration::from_millis(5));
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let wait = async {
        while !condition().await {
            looks.tick().await;
        }
    };
    timeout(LONG, wait).await.unwrap_or_else(|_| panic!("not in time: {what}"));
}

/// Waits until every agent has a converged reading of `requests` with this sum and count, whose
/// enclosures hold the truth. Returns the readings.
pub(crate) async fn everyone_says(agents: &[Agent], sum: f64, count: f64) -> Vec<Reading> {
    let near = |value: Option<f64>, truth: f64| {
        value.is_some_and(|value| (value - truth).abs() <= 1e-5 * truth.abs().max(1.0))
    };
    let mut readings = Vec::new();
    for agent in agents {
        let mut looks = interval(Duration::from_millis(5));
        let wait = async {
            loop {
                looks.tick().await;
                if let Some(reading) = agent.aggregates().get("requests").await.unwrap()
                    && reading.converged
                    && near(reading.sum.value, sum)
                    && near(reading.count.value, count)
                {
                    return reading;
                }
            }
        };
        match timeout(LONG, wait).await {
            Ok(reading) => readings.push(reading),
            Err(_) => {
                let all = describe(agents).await;
                panic!("{} does not say that the sum is {sum}\n{all}", agent.name());
            }
        }
    }
    for reading in &readings {
        let certified = reading.certified.expect("a converged reading is certified");
        assert!(certified.sum.encloses(sum), "{sum} is outside {certified:?}");
    }
    readings
}

/// All that the agents know of `requests` and of each other, to find out why a test has failed.
pub(crate) async fn describe(agents: &[Agent]) -> String {
    let mut text = String::new();
    for agent in agents {
        let explanation = agent.aggregates().explain("requests").await.unwrap();
        let (members, info) = (agent.members().await.unwrap(), agent.info().await.unwrap());
        text += &format!("{}: {members:?}\n{explanation:?}\n{:?}\n", agent.name(), info.counters);
    }
    text
}

/// Waits for the first notice of which `pick` makes something.
pub(crate) async fn notice<T>(
    notices: &mut Subscription<Notice>,
    mut pick: impl FnMut(Notice) -> Option<T>,
) -> T {
    let wait = async {
        loop {
            if let Some(picked) = pick(notices.next().await.unwrap().unwrap()) {
                return picked;
            }
        }
    };
    timeout(LONG, wait).await.expect("the notice did not come in time")
}
