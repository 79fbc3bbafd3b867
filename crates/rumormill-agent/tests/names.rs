//! The names to join, which resolve to other addresses over time: over real sockets, with a resolver of the test's own.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use common::http::Client;
use common::{LONG, address, any, builder, eventually, everyone_knows, notice};
use rumormill_agent::{Agent, Builder, Config};
use rumormill_proto::Notice;
use tokio::time::timeout;

/// What names resolve to, for all agents that have it as their resolver.
#[derive(Clone, Default)]
struct Registry(Arc<Mutex<BTreeMap<String, Vec<SocketAddr>>>>);

impl Registry {
    fn set(&self, name: &str, to: &[SocketAddr]) {
        self.0.lock().unwrap().insert(name.to_owned(), to.to_vec());
    }

    /// An agent that joins these names.
    fn agent(&self, name: &str, join: &[&str]) -> Builder {
        let names = self.0.clone();
        let join: Vec<_> = join.iter().map(ToString::to_string).collect();
        builder(name).join(join).resolver(move |name| {
            let found = names.lock().unwrap().get(&name).cloned();
            async move { found.ok_or_else(|| format!("the registry has no {name}")) }
        })
    }
}

/// An address that nobody listens at, and that no other test takes meanwhile.
async fn dead() -> SocketAddr {
    let aside = "127.9.8.7:0".parse().unwrap();
    let agent = builder("dead").bind(aside).start().await.unwrap();
    let addr = agent.udp_addr();
    agent.kill().await;
    addr
}

async fn ready(agent: &Agent) -> (u16, String) {
    let client = Client::new(agent).await;
    let (status, answer) = client.get("/readyz").await;
    let text = answer["status"].as_str().or(answer["error"].as_str()).unwrap().to_owned();
    (status, text)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_pointed_at_an_old_address_is_asked_at_its_new_one() {
    let registry = Registry::default();
    let old = dead().await;
    registry.set("seed:1", &[old]);
    let b = registry.agent("b", &["seed:1"]).http(Some(any())).start().await.unwrap();
    let mut notices = b.subscribe();
    let failed = notice(&mut notices, |notice| match notice {
        Notice::JoinFailed { addr, .. } => Some(addr),
        _ => None,
    });
    assert_eq!(failed.await, old);
    eventually("the reason is known", || async {
        b.info().await.unwrap().join[0].problems == [format!("{old}: connection refused")]
    })
    .await;
    let (status, text) = ready(&b).await;
    assert_eq!(status, 503, "{text}");
    assert!(text.contains(&format!("seed:1 ({old}: connection refused)")), "{text}");
    assert!(b.info().await.unwrap().joining);

    let a = builder("a").start().await.unwrap();
    registry.set("seed:1", &[a.udp_addr()]);
    everyone_knows(&[a.clone(), b.clone()], 2).await;
    let info = b.info().await.unwrap();
    assert!(!info.joining, "{info:?}");
    assert_eq!(ready(&b).await, (200, "ready, 2 member(s)".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_whose_names_led_only_to_themselves_say_so_and_become_one_cluster() {
    let registry = Registry::default();
    let a = registry.agent("a", &["first:1"]).http(Some(any())).start().await.unwrap();
    let b = registry.agent("b", &["second:1"]).http(Some(any())).start().await.unwrap();
    for (agent, name) in [(&a, "first:1"), (&b, "second:1")] {
        let (status, text) = ready(agent).await;
        assert_eq!(status, 503, "{text}");
        registry.set(name, &[agent.udp_addr()]);
        eventually("the name has been looked up", || async { ready(agent).await.0 == 200 }).await;
        let (_, text) = ready(agent).await;
        assert!(text.contains("lead to this agent itself alone"), "{text}");
        assert!(text.contains(name), "{text}");
        assert!(!agent.info().await.unwrap().joining);
    }
    registry.set("second:1", &[a.udp_addr(), b.udp_addr()]);
    everyone_knows(&[a, b], 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seed_that_comes_back_at_another_address_is_found_though_it_joins_nobody() {
    let registry = Registry::default();
    let a = builder("a").start().await.unwrap();
    registry.set("seed:1", &[a.udp_addr()]);
    let b = registry.agent("b", &["seed:1"]).http(Some(any())).start().await.unwrap();
    let c = registry.agent("c", &["seed:1"]).start().await.unwrap();
    everyone_knows(&[a.clone(), b.clone(), c.clone()], 3).await;
    a.kill().await;
    let again = builder("a").start().await.unwrap();
    registry.set("seed:1", &[again.udp_addr()]);
    everyone_knows(&[again.clone(), b.clone(), c.clone()], 3).await;
    // All others are gone: it stays ready, since it has what it needs, and says that it is alone.
    for agent in [again, c] {
        agent.kill().await;
    }
    everyone_knows(std::slice::from_ref(&b), 1).await;
    let (status, text) = ready(&b).await;
    assert_eq!(status, 200, "{text}");
    assert!(text.contains("no other member is up any more") && text.contains("seed:1"), "{text}");
    assert!(b.info().await.unwrap().joining);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_parts_that_never_knew_each_other_become_one() {
    let registry = Registry::default();
    let of = |name, join: &[&str]| registry.agent(name, join);
    let [a, b, d] = ["a", "b", "d"].map(|name| of(name, &["left:1", "right:1"]));
    let c = of("c", &["right:1"]);
    let (a, c) = (a.start().await.unwrap(), c.start().await.unwrap());
    registry.set("left:1", &[a.udp_addr()]);
    let b = b.start().await.unwrap();
    everyone_knows(&[a.clone(), b.clone()], 2).await;
    // Nobody is alone or misses anybody when the other name comes to resolve to something.
    let e = builder("e").join([address(&c)]).start().await.unwrap();
    everyone_knows(&[c.clone(), e.clone()], 2).await;
    registry.set("right:1", &[c.udp_addr()]);
    let d = d.start().await.unwrap();
    everyone_knows(&[a, b, c, d, e], 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_of_many_is_found_however_many_are_dead() {
    let registry = Registry::default();
    let a = builder("a").start().await.unwrap();
    // Addresses of this host that nobody listens at; one of the other family that is no use.
    let port = a.udp_addr().port();
    let mut many: Vec<SocketAddr> = (2..30).map(|n| ([127, 7, 7, n], port).into()).collect();
    many.push(([0, 0, 0, 0, 0, 0, 0, 1], port).into());
    many.push(a.udp_addr());
    registry.set("many:1", &many);
    let b = registry.agent("b", &["many:1"]).http(Some(any())).start().await.unwrap();
    everyone_knows(&[a.clone(), b.clone()], 2).await;
    let info = b.info().await.unwrap();
    assert!(!info.joining);
    assert_eq!(info.join[0].resolved.len(), 29, "{info:?}");
    assert_eq!(ready(&b).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_dead_name_beside_one_that_answers_is_no_problem_and_is_reported_once() {
    let registry = Registry::default();
    let (a, gone) = (builder("a").start().await.unwrap(), dead().await);
    registry.set("a:1", &[a.udp_addr()]);
    registry.set("gone:1", &[gone]);
    let b = registry.agent("b", &["gone:1", "a:1"]).http(Some(any())).start().await.unwrap();
    everyone_knows(&[a.clone(), b.clone()], 2).await;
    let info = b.info().await.unwrap();
    assert!(!info.joining);
    assert_eq!(ready(&b).await, (200, "ready, 2 member(s)".to_owned()));
    eventually("it is known that gone:1 is dead", || async {
        !b.info().await.unwrap().join[0].problems.is_empty()
    })
    .await;
    // It is asked on, in case it is another part of the cluster.
    let c = builder("c").bind(gone).start().await.unwrap();
    everyone_knows(&[a, b, c], 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lookup_that_hangs_holds_nothing_up_and_is_made_again() {
    let a = builder("a").start().await.unwrap();
    let there = a.udp_addr();
    let lookups = Arc::new(Mutex::new(0));
    let count = lookups.clone();
    let b = builder("b").http(Some(any())).join(["slow:1".to_owned()]).resolver(move |_| {
        *count.lock().unwrap() += 1;
        let first = *count.lock().unwrap() == 1;
        async move {
            if first {
                std::future::pending::<()>().await;
            }
            Ok(vec![there])
        }
    });
    let b = timeout(LONG, b.start()).await.unwrap().unwrap();
    b.aggregates().set("requests", 1.0).await.unwrap();
    let (status, text) = ready(&b).await;
    assert!(status == 503 && text.contains("slow:1 (not looked up yet)"), "{text}");
    let mut notices = b.subscribe();
    let failed = notice(&mut notices, |notice| match notice {
        Notice::LookupFailed { address, reason, .. } => Some((address, reason)),
        _ => None,
    });
    let (name, reason) = failed.await;
    assert!(name == "slow:1" && reason.contains("within 10 s"), "{reason}");
    everyone_knows(&[a, b], 2).await;
    assert!(*lookups.lock().unwrap() >= 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_leads_back_to_the_agent_is_not_joined_and_said_to_be_its_own() {
    let registry = Registry::default();
    let wild = "0.0.0.0:0".parse().unwrap();
    let a = registry.agent("a", &["vip:1"]).bind(wild).advertise(any()).http(Some(any()));
    let a = a.start().await.unwrap();
    // The agent is reached there, though it is not the address that it announces.
    let other_way = SocketAddr::from(([127, 0, 0, 2], a.udp_addr().port()));
    registry.set("vip:1", &[other_way]);
    eventually("a knows that it is itself", || async {
        a.info().await.unwrap().join[0].problems == [format!("{other_way}: this agent itself")]
    })
    .await;
    let (status, text) = ready(&a).await;
    assert!(status == 200 && text.contains("lead to this agent itself alone"), "{text}");
    assert_eq!(a.info().await.unwrap().members, 1);
    let b = builder("b").start().await.unwrap();
    registry.set("vip:1", &[other_way, b.udp_addr()]);
    everyone_knows(&[a, b], 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_of_another_cluster_is_called_that() {
    let other = Config { cluster: "other shop".into(), ..common::fast() };
    let a = builder("a").config(other).start().await.unwrap();
    let registry = Registry::default();
    registry.set("seed:1", &[a.udp_addr()]);
    let b = registry.agent("b", &["seed:1"]).http(Some(any())).start().await.unwrap();
    eventually("b knows why it is not let in", || async {
        ready(&b).await.1.contains("it belongs to the cluster \"other shop\"")
    })
    .await;
    assert_eq!(ready(&b).await.0, 503);
    assert_eq!(a.info().await.unwrap().members, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_given_later_is_kept_as_well() {
    let registry = Registry::default();
    let (a, old) = (builder("a").start().await.unwrap(), dead().await);
    registry.set("later:1", &[old]);
    let b = registry.agent("b", &[]).http(Some(any())).start().await.unwrap();
    assert_eq!(ready(&b).await.0, 200);
    assert_eq!(b.join("later:1").await.unwrap(), [old]);
    eventually("the old address is dead", || async { ready(&b).await.1.contains("refused") }).await;
    registry.set("later:1", &[a.udp_addr()]);
    everyone_knows(&[a.clone(), b.clone()], 2).await;
    // Asked for again by hand, an address is reported again.
    let mut notices = b.subscribe();
    b.join("later:1").await.unwrap();
    notice(&mut notices, |notice| matches!(notice, Notice::Joined { .. }).then_some(())).await;
}
