//! Agents that keep what they have in a directory.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::path::Path;
use std::time::Duration;

use common::{address, any, builder, eventually, everyone_knows};
use rumormill_agent::{Agent, Builder, Config, Error, Mode, StartError, Store, StoreError};
use rumormill_proto::{Caveat, Expected, KvSettings, Reading, State};
use tempfile::TempDir;

/// A directory of the test's own.
struct Dir(TempDir);

impl Dir {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn builder(&self, name: &str) -> Builder {
        builder(name).store(Store::open(self.path()).unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn inputs_keys_and_the_incarnation_survive_a_kill() {
    let dir = Dir::new();
    let a = dir.builder("a").start().await.unwrap();
    let first = a.info().await.unwrap();
    assert_eq!(first.store.unwrap().directory, dir.path().display().to_string());
    a.aggregates().set("requests", 5.0).await.unwrap();
    a.aggregates().set_in("queue", 2.5, Mode::Epoch).await.unwrap();
    a.aggregates().set("gone", 1.0).await.unwrap();
    a.aggregates().unset("gone").await.unwrap();
    let version = a.kv().put("k", b"v").await.unwrap();
    a.kv().put("deleted", b"v").await.unwrap();
    a.kv().delete("deleted").await.unwrap();
    let inputs = a.aggregates().inputs().await.unwrap();
    let digest = a.info().await.unwrap().kv.digest;
    a.kill().await;

    // With a clock that has gone back.
    let a = dir.builder("a").incarnation(7).start().await.unwrap();
    let info = a.info().await.unwrap();
    assert!(
        info.incarnation > first.incarnation,
        "{} after {}",
        info.incarnation,
        first.incarnation
    );
    assert_eq!(info.inputs, inputs);
    assert_eq!((info.kv.digest, info.kv.tombstones), (digest, 1));
    let entry = a.kv().get("k").await.unwrap().unwrap();
    assert_eq!((entry.version, entry.value), (version, b"v".to_vec()));
    assert!(a.kv().get("deleted").await.unwrap().is_none());
    // What is written now is later than what was written then.
    let later = a.kv().put("k", b"w").await.unwrap();
    assert!(later > version);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_others_write_is_kept_too() {
    let dir = Dir::new();
    let a = builder("a").start().await.unwrap();
    let b = dir.builder("b").join([address(&a)]).start().await.unwrap();
    everyone_knows(&[a.clone(), b.clone()], 2).await;
    for n in 0..100 {
        a.kv().put(&format!("k{n}"), b"v").await.unwrap();
    }
    eventually("b has them", || async { b.kv().list("").await.unwrap().len() == 100 }).await;
    eventually("they are on disk", || async {
        let store = b.info().await.unwrap().store.unwrap();
        store.waiting == 0 && store.records >= 100
    })
    .await;
    let store = b.info().await.unwrap().store.unwrap();
    assert!(store.commits <= 50, "a transaction for each: {store:?}");
    b.kill().await;
    a.kill().await;
    let b = dir.builder("b").start().await.unwrap();
    assert_eq!(b.kv().list("").await.unwrap().len(), 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_is_not_undone_by_who_was_away() {
    let dir = Dir::new();
    let a = builder("a").start().await.unwrap();
    let b = dir.builder("b").join([address(&a)]).start().await.unwrap();
    everyone_knows(&[a.clone(), b.clone()], 2).await;
    a.kv().put("k", b"v").await.unwrap();
    eventually("b has it", || async { b.kv().get("k").await.unwrap().is_some() }).await;
    b.leave().await;
    a.kv().delete("k").await.unwrap();
    let b = dir.builder("b").join([address(&a)]).start().await.unwrap();
    assert!(b.kv().get("k").await.unwrap().is_some(), "it was on disk");
    eventually("b has deleted it", || async { b.kv().get("k").await.unwrap().is_none() }).await;
    assert!(a.kv().get("k").await.unwrap().is_none());
}

/// The reading of `requests` when the agent has been alone for a while.
async fn not_settled(agent: &Agent) -> Reading {
    let waited = agent.aggregates().wait("requests", Duration::from_millis(500)).await;
    let Err(Error::NotConverged(reading)) = waited else { panic!("{waited:?}") };
    *reading
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_restarts_alone_says_so_if_it_knew_others() {
    let dir = Dir::new();
    let a = builder("a").start().await.unwrap();
    let b = dir.builder("b").join([address(&a)]).start().await.unwrap();
    b.aggregates().set("requests", 5.0).await.unwrap();
    everyone_knows(&[a.clone(), b.clone()], 2).await;
    b.kill().await;
    a.kill().await;
    // However often it restarts.
    for _ in 0..2 {
        let b = dir.builder("b").start().await.unwrap();
        let reading = not_settled(&b).await;
        assert_eq!((reading.state, reading.certified), (State::Disturbed, None), "{reading:#?}");
        assert_eq!(reading.caveats[0], Caveat::AloneSinceStart(Expected::Known(1)));
        b.kill().await;
    }
    // Once it has met one, it goes on as ever, even when it is alone again.
    let b = dir.builder("b").start().await.unwrap();
    let c = builder("c").join([address(&b)]).start().await.unwrap();
    c.aggregates().set("requests", 10.0).await.unwrap();
    common::everyone_says(&[b.clone(), c.clone()], 15.0, 2.0).await;
    c.leave().await;
    let reading = common::everyone_says(std::slice::from_ref(&b), 5.0, 1.0).await.remove(0);
    assert_eq!((reading.state, &reading.caveats[0]), (State::Settled, &Caveat::Alone));
    b.kill().await;
    // It was the last one when it stopped.
    let b = dir.builder("b").start().await.unwrap();
    let reading = b.aggregates().wait("requests", common::LONG).await.unwrap();
    assert_eq!(reading.caveats[0], Caveat::Alone);

    // One that leaves while others are there is no member any more.
    let d = builder("d").join([address(&b)]).start().await.unwrap();
    everyone_knows(&[b.clone(), d.clone()], 2).await;
    b.leave().await;
    d.kill().await;
    let b = dir.builder("b").start().await.unwrap();
    b.aggregates().wait("requests", common::LONG).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_was_given_others_to_join_is_not_settled_before_one_answers() {
    // Nobody is there yet.
    let first = builder("a").start().await.unwrap();
    let seed = address(&first);
    first.kill().await;
    let b = builder("b").join([seed.clone()]).start().await.unwrap();
    b.aggregates().set("requests", 5.0).await.unwrap();
    let reading = not_settled(&b).await;
    assert_eq!(reading.state, State::Disturbed);
    assert_eq!(reading.caveats[0], Caveat::AloneSinceStart(Expected::Joining));
    let a = builder("a").bind(seed.parse().unwrap()).start().await.unwrap();
    a.aggregates().set("requests", 1.0).await.unwrap();
    common::everyone_says(&[a, b], 6.0, 2.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_is_refused_to_a_second_agent_and_to_another_one() {
    let dir = Dir::new();
    let a = dir.builder("a").start().await.unwrap();
    let error = Store::open(dir.path()).unwrap_err();
    assert!(matches!(&error, StoreError::Taken { holder, .. } if holder.contains("agent a")));
    a.kill().await;
    let error = dir.builder("b").start().await.unwrap_err();
    assert!(matches!(error, StartError::Store(StoreError::Other { .. })), "{error}");
    let refused = dir.builder("a").config(Config { cluster: "other".into(), ..common::fast() });
    assert!(refused.start().await.is_err());
    dir.builder("a").start().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn old_keys_are_set_aside_unless_they_are_to_be_kept() {
    let dir = Dir::new();
    // The shortest life that the settings allow is a minute, so that the clock of the store is
    // turned back instead.
    let kv = KvSettings { tombstone_life: Duration::from_secs(60), ..Default::default() };
    let config = Config { kv, ..common::fast() };
    let start = async |keep: bool| {
        let store = Store::open(dir.path()).unwrap();
        let builder = Agent::builder("a").bind(any()).config(config.clone());
        builder.store(store).keep_old_kv(keep).start().await.unwrap()
    };
    let a = start(false).await;
    a.kv().put("k", b"v").await.unwrap();
    a.aggregates().set("requests", 5.0).await.unwrap();
    a.kill().await;
    let turn_back = || {
        let database = redb::Database::open(dir.path().join("rumormill.redb")).unwrap();
        let write = database.begin_write().unwrap();
        let numbers = redb::TableDefinition::<&str, u64>::new("numbers");
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let then = u64::try_from(now.as_millis()).unwrap() - 61_000;
        write.open_table(numbers).unwrap().insert("last_alive", then).unwrap();
        write.commit().unwrap();
    };
    turn_back();
    let a = start(true).await;
    assert!(a.kv().get("k").await.unwrap().is_some());
    a.kill().await;
    turn_back();
    let a = start(false).await;
    assert!(a.kv().get("k").await.unwrap().is_none());
    assert_eq!(a.aggregates().inputs().await.unwrap().len(), 1, "inputs are its own");
    let files: Vec<_> =
        std::fs::read_dir(dir.path()).unwrap().map(|f| f.unwrap().file_name()).collect();
    let aside = files.iter().any(|file| file.to_string_lossy().contains("redb.old-"));
    assert!(aside, "{files:?}");
}

/// Two agents; 8,000 keys are overwritten, or 5,000 deleted, while one of them is away.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_overwritten_or_deleted_while_an_agent_was_away_is_so_when_it_is_back() {
    let dirs = [Dir::new(), Dir::new()];
    let a = dirs[0].builder("a").start().await.unwrap();
    let join = || dirs[1].builder("b").join([address(&a)]).start();
    let digest = |agent: Agent| async move { agent.info().await.unwrap().kv.digest };
    for (count, delete) in [(8000, false), (5000, true)] {
        let b = join().await.unwrap();
        everyone_knows(&[a.clone(), b.clone()], 2).await;
        write(&a, count, b"old").await;
        eventually("they are equal", || async {
            digest(a.clone()).await == digest(b.clone()).await
        })
        .await;
        eventually("b has all on disk", || async {
            b.info().await.unwrap().store.unwrap().waiting == 0
        })
        .await;
        b.kill().await;
        everyone_knows(std::slice::from_ref(&a), 1).await;
        if delete {
            let all = move |node: &mut rumormill_agent::proto::Node, now| {
                (0..count).filter(|n| node.kv_mut().delete(now, &format!("k{n}")).is_some()).count()
            };
            assert_eq!(a.with_node(all).await.unwrap(), count);
        } else {
            write(&a, count, b"new").await;
        }
        let b = join().await.unwrap();
        eventually("they are equal again", || async {
            digest(a.clone()).await == digest(b.clone()).await
        })
        .await;
        let keys = b.info().await.unwrap().kv.keys;
        assert_eq!(keys, if delete { 3000 } else { 8000 });
        b.leave().await;
    }
}

async fn write(agent: &Agent, count: usize, value: &'static [u8]) {
    let all = move |node: &mut rumormill_agent::proto::Node, now| {
        for n in 0..count {
            node.kv_mut().put(now, &format!("k{n}"), value).unwrap();
        }
    };
    agent.with_node(all).await.unwrap();
}
