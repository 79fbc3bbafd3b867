//! Protocols of one's own, driven by agents over real sockets.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::time::Duration;

use common::{address, builder, eventually, everyone_knows, notice};
use rumormill_agent::{Agent, StopReason, proto};
use rumormill_examples::epidemic::{Epidemic, TooLong};
use rumormill_examples::round_based::RoundAverage;
use rumormill_proto::{Notice, Rounds};

const PERIOD: Duration = Duration::from_millis(20);

async fn cluster(n: usize, protocol: impl Fn(usize) -> Box<dyn proto::Protocol>) -> Vec<Agent> {
    let mut all: Vec<Agent> = Vec::new();
    for i in 0..n {
        let agent = builder(&format!("n{i}"))
            .aggregates(false)
            .events(false)
            .kv(false)
            .protocol(protocol(i));
        let agent = agent.join(all.first().map(address));
        all.push(agent.start().await.unwrap());
    }
    everyone_knows(&all, n).await;
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_spreads_over_real_sockets() {
    let all = cluster(5, |_| Box::new(Epidemic::new(PERIOD))).await;
    let mut subscriptions: Vec<_> = all.iter().map(Agent::subscribe).collect();
    let said = all[2].with_protocol(|p: &mut Epidemic, cx| p.publish(cx, b"hello")).await;
    assert_eq!(said.unwrap(), Some(Ok(())));
    // The one that published it receives nothing.
    subscriptions.remove(2);
    for subscription in &mut subscriptions {
        let received = notice(subscription, |notice| match notice {
            Notice::Protocol { name, payload } => Some((name, payload)),
            _ => None,
        });
        let want = ("example.epidemic".to_owned(), b"hello".to_vec());
        assert_eq!(received.await, want);
    }
    let long = all[0].with_protocol(|p: &mut Epidemic, cx| p.publish(cx, &[0; 999])).await;
    assert_eq!(long.unwrap(), Some(Err(TooLong(999))));
    let other = all[0].with_protocol(|p: &mut Rounds<RoundAverage>, _| p.get().outcome()).await;
    assert_eq!(other.unwrap(), None, "there is no such protocol here");
}

#[tokio::test(flavor = "multi_thread")]
async fn rounds_end_with_the_average_over_real_sockets() {
    let all =
        cluster(4, |i| Box::new(Rounds::new(RoundAverage::new(10.0 * i as f64, PERIOD, 50)))).await;
    for agent in &all {
        eventually("a round of all four has ended right", || async {
            let outcome =
                agent.with_protocol(|p: &mut Rounds<RoundAverage>, _| p.get().outcome()).await;
            outcome.unwrap().flatten().is_some_and(|outcome| {
                // A datagram may be late for its round even on loopback.
                outcome.participants == 4 && (outcome.average - 15.0).abs() < 1e-3
            })
        })
        .await;
    }
}

/// Panics at its first tick.
struct Broken;

impl proto::Protocol for Broken {
    fn name(&self) -> &str {
        "broken"
    }
    fn period(&self) -> Option<Duration> {
        Some(PERIOD)
    }
    fn tick(&mut self, _: &mut proto::Context<'_>) {
        panic!("on purpose");
    }
    fn receive(&mut self, _: &mut proto::Context<'_>, _: proto::NodeId, _: &[u8]) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_a_protocol_stops_its_agent_in_good_order() {
    let agent = builder("a").protocol(Box::new(Broken)).start().await.unwrap();
    let addr = agent.udp_addr();
    assert_eq!(agent.stopped().await, StopReason::Panicked("on purpose".into()));
    builder("a").bind(addr).start().await.expect("its port is free");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_node_itself_can_be_asked() {
    let agent = builder("a").incarnation(17).start().await.unwrap();
    let incarnation = agent.with_node(|node, _| node.identity().incarnation).await.unwrap();
    assert_eq!(incarnation, 17);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_built_in_protocol_can_be_turned_off_alone() {
    for off in ["aggregates", "events", "kv"] {
        let builder =
            builder("a").aggregates(off != "aggregates").events(off != "events").kv(off != "kv");
        let agent = builder.start().await.unwrap();
        let works = [
            ("aggregates", agent.aggregates().set("x", 1.0).await.is_ok()),
            ("events", agent.events().publish("x", b"x").await.is_ok()),
            ("kv", agent.kv().put("x", b"x").await.is_ok()),
        ];
        for (what, works) in works {
            assert_eq!(works, what != off, "{what} while {off} is off");
        }
        let ask = agent.queries().ask("x", b"", Duration::from_secs(1)).await;
        assert_eq!(ask.is_ok(), off != "events", "queries are carried by events");
        agent.leave().await;
    }
}
