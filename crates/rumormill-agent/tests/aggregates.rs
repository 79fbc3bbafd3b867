//! The main thing: real agents agree on their sum, whatever happens to them.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{
    LONG, address, builder, cluster, describe, eventually, everyone_knows, everyone_says,
};
use rumormill_agent::{Agent, Error, Mode};

async fn set_inputs(all: &[Agent]) {
    for (i, agent) in all.iter().enumerate() {
        agent.aggregates().set("requests", 2f64.powi(i as i32)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn five_agents_agree_and_come_right_after_a_death_a_restart_and_a_newcomer() {
    let mut all = cluster(&["a", "b", "c", "d", "e"]).await;
    set_inputs(&all).await;
    let readings = everyone_says(&all, 31.0, 5.0).await;
    for reading in readings {
        assert_eq!(reading.members, 5);
        let certified = reading.certified.unwrap();
        assert_eq!((certified.min, certified.max), (Some(1.0), Some(16.0)));
    }
    // Of 1, 2, 4, 8, 16: variance 68.2 - 6.2². It is certain a little later than the sum, and null
    // until then.
    let should = (68.2f64 - 6.2 * 6.2).sqrt();
    for agent in &all {
        eventually("the deviation is known", || async {
            let reading = agent.aggregates().get("requests").await.unwrap().unwrap();
            let deviation = reading.converged.then_some(reading.standard_deviation).flatten();
            assert!(deviation.is_none_or(|d| (d / should - 1.0).abs() < 1e-9), "{deviation:?}");
            deviation.is_some()
        })
        .await;
    }

    let dead = all.pop().unwrap();
    dead.kill().await;
    everyone_knows(&all, 4).await;
    everyone_says(&all, 15.0, 4.0).await;

    let again = builder("e").bind(dead.udp_addr()).join([address(&all[0])]);
    let again = again.start().await.unwrap();
    again.aggregates().set("requests", 100.0).await.unwrap();
    all.push(again);
    everyone_says(&all, 115.0, 5.0).await;

    let newcomer = builder("f").join([address(&all[2])]).start().await.unwrap();
    newcomer.aggregates().set("requests", 0.5).await.unwrap();
    all.push(newcomer);
    everyone_says(&all, 115.5, 6.0).await;

    all[0].aggregates().set("requests", -1.0).await.unwrap();
    everyone_says(&all, 113.5, 6.0).await;
    all[1].aggregates().unset("requests").await.unwrap();
    everyone_says(&all, 111.5, 5.0).await;

    all.pop().unwrap().leave().await;
    everyone_says(&all, 111.0, 4.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sum_is_right_when_a_fifth_of_all_datagrams_is_lost() {
    let mut all: Vec<Agent> = Vec::new();
    for name in ["a", "b", "c", "d"] {
        let agent = builder(name).loss(0.2).join(all.first().map(address));
        all.push(agent.start().await.unwrap());
    }
    set_inputs(&all).await;
    everyone_says(&all, 15.0, 4.0).await;
    for agent in &all {
        assert!(agent.counters().await.unwrap().sockets.datagrams_lost_on_purpose > 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_whose_earlier_agent_had_a_later_incarnation_counts_like_any_other() {
    // The clock was set back, or another program's agent had the port before.
    let y = builder("y").start().await.unwrap();
    let x = builder("x").incarnation(u64::MAX / 2).join([address(&y)]).start().await.unwrap();
    everyone_knows(&[x.clone(), y.clone()], 2).await;
    x.kill().await;
    everyone_knows(std::slice::from_ref(&y), 1).await;
    // These two know nothing of y; y still tries to reach x.
    let b = builder("b").start().await.unwrap();
    let a = builder("a").bind(x.udp_addr()).join([address(&b)]).start().await.unwrap();
    let all = [a, b, y];
    set_inputs(&all).await;
    everyone_knows(&all, 3).await;
    everyone_says(&all, 7.0, 3.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_ends_with_a_converged_reading_or_says_why_not() {
    let all = cluster(&["a", "b"]).await;
    let short = std::time::Duration::from_millis(50);
    let unknown = all[0].aggregates().wait("requests", short).await.unwrap_err();
    assert!(matches!(unknown, Error::Unknown { .. }), "{unknown}");
    assert!(unknown.to_string().contains("requests"), "{unknown}");
    set_inputs(&all).await;
    let reading = match all[1].aggregates().wait("requests", LONG).await {
        Ok(reading) => reading,
        Err(error) => panic!("{error}\n{}", describe(&all).await),
    };
    assert!(reading.converged);
    // One that was given an address to join, at which nobody answers, does not converge.
    let dead = builder("dead").start().await.unwrap();
    let (seed, lone) = (address(&dead), builder("lone"));
    dead.kill().await;
    let lone = lone.join([seed]).start().await.unwrap();
    for (name, mode) in [("requests", Mode::Live), ("queue", Mode::Epoch)] {
        lone.aggregates().set_in(name, 3.0, mode).await.unwrap();
        match lone.aggregates().wait(name, short).await.unwrap_err() {
            Error::NotConverged(last) => assert_eq!(last.name, name),
            other => panic!("{other}"),
        }
    }
    all[0].aggregates().set_in("queue", 3.0, Mode::Epoch).await.unwrap();
    let reading = all[0].aggregates().wait("queue", LONG).await.unwrap();
    assert_eq!(reading.sum.value.map(|sum| (sum * 1e6).round()), Some(3e6));
    assert!(reading.epoch.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_input_changes_nothing() {
    let a = builder("a").start().await.unwrap();
    a.aggregates().set("requests", 5.0).await.unwrap();
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e30] {
        let error = a.aggregates().set("requests", bad).await.unwrap_err();
        assert!(error.to_string().contains("requests"), "{error}");
    }
    a.aggregates().set("no spaces", 1.0).await.unwrap_err();
    a.aggregates().set_in("requests", 1.0, Mode::Epoch).await.unwrap_err();
    a.aggregates().unset("other").await.unwrap_err();
    let inputs = a.aggregates().inputs().await.unwrap();
    assert_eq!(inputs.len(), 1);
    assert_eq!((inputs[0].name.as_str(), inputs[0].value), ("requests", 5.0));
}
