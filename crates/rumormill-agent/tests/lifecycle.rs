//! Agents start, join, refuse, leave and die: over real sockets.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::time::Duration;

use common::{LONG, address, any, builder, cluster, eventually, everyone_knows, notice};
use rumormill_agent::{Agent, Config, Error, StartError, StopReason};
use rumormill_proto::{MemberState, Notice};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::time::timeout;

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_started_is_refused_in_words_and_leaves_nothing_behind() {
    let start = |builder: rumormill_agent::Builder| async { builder.start().await.unwrap_err() };
    let error = start(builder("no spaces")).await;
    assert!(matches!(error, StartError::Name(_)) && error.to_string().contains("' '"), "{error}");
    let error = start(builder("a").loss(1.5)).await;
    assert!(matches!(error, StartError::Loss(1.5)) && error.to_string().contains("1.5"), "{error}");
    assert!(matches!(start(builder("a").loss(f64::NAN)).await, StartError::Loss(_)));
    let config = Config { interval: Duration::from_millis(1), ..Config::default() };
    let error = start(builder("a").config(config)).await;
    assert!(error.to_string().contains("interval is 1ms"), "{error}");
    let error = start(builder("a").join(["nowhere".to_owned()])).await;
    assert!(error.to_string().contains("HOST:PORT"), "{error}");
    for wild in ["0.0.0.0:0", "[::]:0"] {
        let error = start(builder("a").bind(wild.parse().unwrap())).await;
        assert!(matches!(error, StartError::Advertise(_)), "{error}");
        assert!(error.to_string().contains("advertise"), "{error}");
    }
    // Not an address of this machine (TEST-NET-1).
    let error = start(builder("a").bind("192.0.2.1:0".parse().unwrap())).await;
    assert!(matches!(error, StartError::Bind { .. }), "{error}");
    assert!(error.to_string().contains("192.0.2.1:0"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_bound_to_any_address_announces_the_advertised_one() {
    let wild = "0.0.0.0:0".parse().unwrap();
    let a = builder("a").bind(wild).advertise(any()).start().await.unwrap();
    let info = a.info().await.unwrap();
    assert_eq!(info.address.to_string(), format!("127.0.0.1:{}", a.udp_addr().port()));
    let b = builder("b").join([info.address.to_string()]).start().await.unwrap();
    everyone_knows(&[a, b], 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port_is_refused_with_its_address_whichever_protocol_has_it() {
    let a = builder("a").http(Some(any())).start().await.unwrap();
    let (udp, http) = (a.udp_addr(), a.http_addr().unwrap());
    for (builder, taken) in [
        (builder("b").bind(udp), udp),
        (builder("b").http(Some(udp)), udp),
        (builder("b").http(Some(http)), http),
    ] {
        let error = builder.start().await.unwrap_err();
        assert!(matches!(error, StartError::Taken { addr, .. } if addr == taken), "{error}");
        let text = error.to_string();
        assert!(text.contains(&taken.to_string()) && text.contains("choose another"), "{text}");
    }
    // Only UDP is taken. Any connection on this machine may have the port for TCP, so try again.
    let mut refused = false;
    for _ in 0..20 {
        let only_udp = UdpSocket::bind(any()).await.unwrap();
        let addr = only_udp.local_addr().unwrap();
        let error = builder("b").bind(addr).start().await.unwrap_err();
        refused = matches!(error, StartError::Taken { protocol: "UDP", .. })
            // The failed start has let go of TCP.
            && TcpListener::bind(addr).await.is_ok();
        if refused {
            break;
        }
    }
    assert!(refused);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_of_one_name_is_refused_and_the_first_goes_on_undisturbed() {
    let all = cluster(&["a", "b"]).await;
    let mut notices = all[0].subscribe();
    let second = builder("b").join([address(&all[0])]).start().await.unwrap();
    let reason = timeout(LONG, second.stopped()).await.unwrap();
    let by = all[1].udp_addr();
    assert_eq!(reason, StopReason::NameTaken { name: "b".into(), by });
    assert!(reason.to_string().contains("choose another name"), "{reason}");
    assert_eq!(second.info().await.unwrap_err(), Error::Stopped(reason));
    // A third that comes later has been let in: what the second did is over, and was nothing.
    let third = builder("c").join([address(&all[0])]).start().await.unwrap();
    everyone_knows(&[all[0].clone(), all[1].clone(), third], 3).await;
    let up = notice(&mut notices, |notice| match notice {
        Notice::MemberUp { member } => Some(member.name),
        Notice::MemberDown { member } => panic!("{} went down", member.name),
        Notice::NameConflict { name, .. } => panic!("{name} twice"),
        _ => None,
    });
    assert_eq!(up.await, "c");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_address_is_reported_and_tried_again_until_somebody_is_there() {
    let nobody = builder("b").start().await.unwrap();
    let there = nobody.udp_addr();
    nobody.kill().await;
    let a = builder("a").start().await.unwrap();
    let mut notices = a.subscribe();
    assert_eq!(a.join(&there.to_string()).await.unwrap(), [there]);
    let failed = notice(&mut notices, |notice| match notice {
        Notice::JoinFailed { addr, attempts, reason } => Some((addr, attempts, reason)),
        _ => None,
    });
    assert_eq!(failed.await, (there, 1, "connection refused".to_owned()));
    assert!(a.info().await.unwrap().joining);
    let b = builder("b").bind(there).start().await.unwrap();
    let joined = notice(&mut notices, |notice| match notice {
        Notice::Joined { via, members } => Some((via, members)),
        _ => None,
    });
    assert_eq!(joined.await, (there, 2));
    everyone_knows(&[a.clone(), b], 2).await;
    assert!(!a.info().await.unwrap().joining);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_resolves_to_nothing_is_reported_and_does_not_stop_the_agent() {
    // RFC 6761 promises that no name under .invalid resolves.
    let nowhere = "nobody.invalid:7946";
    let a = builder("a").join([nowhere.to_owned()]).start().await.unwrap();
    let mut notices = a.subscribe();
    let failed = notice(&mut notices, |notice| match notice {
        Notice::LookupFailed { address, attempts, .. } => Some((address, attempts)),
        _ => None,
    });
    let (address, attempts) = failed.await;
    assert_eq!(address, nowhere);
    assert!(attempts >= 1);
    let error = a.join(nowhere).await.unwrap_err();
    assert!(matches!(error, Error::Address(_)) && error.to_string().contains(nowhere), "{error}");
    a.aggregates().set("requests", 1.0).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn foreign_packets_are_counted_reported_and_harmless() {
    let all = cluster(&["a", "b"]).await;
    let a = &all[0];
    let mut notices = a.subscribe();
    let stranger = UdpSocket::bind(any()).await.unwrap();
    let mut version = b"RM\x63".to_vec();
    version.resize(60, 0);
    // The right magic and version, and a cluster's tag that is not ours.
    let mut cluster = vec![b'R', b'M', rumormill_proto::VERSION, 0xde, 0xad, 0xbe, 0xef];
    cluster.resize(60, 0);
    let long = vec![b'x'; 65_000];
    for packet in [&b""[..], b"hello", &long, &version, &cluster] {
        stranger.send_to(packet, a.udp_addr()).await.unwrap();
    }
    // On the reliable path: a frame of garbage, and no frame at all.
    for bytes in [&b"\0\0\0\x05hello"[..], b"GET / HTTP/1.1\r\n\r\n"] {
        let mut stream = TcpStream::connect(a.udp_addr()).await.unwrap();
        stream.write_all(bytes).await.unwrap();
    }
    eventually("all are counted", || async {
        let n = a.counters().await.unwrap();
        let (node, refused) = (n.node, n.sockets.streams_refused);
        (node.dropped_garbage, node.dropped_version, node.dropped_cluster, refused) == (4, 1, 1, 1)
    })
    .await;
    let mut reasons = Vec::new();
    while reasons.len() < 3 {
        let dropped = notice(&mut notices, |notice| match notice {
            Notice::Dropped { reason, .. } => Some(reason),
            Notice::MemberDown { member } => panic!("{} went down", member.name),
            _ => None,
        });
        reasons.push(dropped.await);
    }
    assert!(reasons.iter().any(|reason| reason.to_string().contains("version 99")), "{reasons:?}");
    assert_eq!(a.info().await.unwrap().members, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_cluster_s_agent_is_not_let_in() {
    let a = builder("a").start().await.unwrap();
    let other = Config { cluster: "other".into(), ..common::fast() };
    let b = builder("b").config(other).join([address(&a)]).start().await.unwrap();
    let mut notices = b.subscribe();
    let reason = notice(&mut notices, |notice| match notice {
        Notice::JoinFailed { reason, .. } => Some(reason),
        Notice::Joined { .. } => panic!("let in"),
        _ => None,
    });
    let reason = reason.await;
    assert!(reason.contains("it belongs to the cluster"), "{reason}");
    assert!(reason.contains("this node to \"other\""), "{reason}");
    assert!(a.counters().await.unwrap().node.dropped_cluster >= 1);
    assert_eq!(a.info().await.unwrap().members, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_is_gone_at_once_and_who_is_killed_when_it_is_found_out() {
    let all = cluster(&["a", "b", "c"]).await;
    let mut notices = all[0].subscribe();
    let down = |event| match event {
        Notice::MemberDown { member } => Some(member.name),
        _ => None,
    };
    all[2].leave().await;
    assert_eq!(all[2].stopped().await, StopReason::Left);
    assert_eq!(notice(&mut notices, down).await, "c");
    // It said goodbye, so nobody had to suspect it.
    everyone_knows(&all[..2], 2).await;
    all[1].kill().await;
    assert_eq!(all[1].stopped().await, StopReason::Killed);
    assert_eq!(notice(&mut notices, down).await, "b");
    for gone in &all[1..] {
        assert!(matches!(gone.aggregates().set("x", 1.0).await, Err(Error::Stopped(_))));
        assert!(gone.subscribe().next().await.is_none());
        assert!(matches!(gone.aggregates().wait("x", LONG).await, Err(Error::Stopped(_))));
        gone.leave().await;
        gone.kill().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_agent_s_ports_are_free_at_once_and_its_next_life_is_another_incarnation() {
    let all = cluster(&["a", "b"]).await;
    let before = all[1].info().await.unwrap();
    let addr = all[1].udp_addr();
    all[1].kill().await;
    let b = builder("b").bind(addr).join([address(&all[0])]).start().await.unwrap();
    let after = b.info().await.unwrap();
    assert!(
        after.incarnation > before.incarnation && after.id != before.id,
        "{before:?} {after:?}"
    );
    everyone_knows(&[all[0].clone(), b], 2).await;
    eventually("a sees the new life of b", || async {
        let members = all[0].members().await.unwrap();
        members.iter().any(|m| m.id == after.id && m.state == MemberState::Alive)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_stops_when_its_last_handle_is_dropped() {
    let a = builder("a").http(Some(any())).start().await.unwrap();
    let (addr, http) = (a.udp_addr(), a.http_addr());
    let mut notices = a.subscribe();
    let b = a.clone();
    drop(a);
    assert_eq!(b.info().await.unwrap().name, "a");
    drop(b);
    assert!(timeout(LONG, notices.next()).await.unwrap().is_none());
    eventually("its ports are free", || async {
        let again = Agent::builder("a").bind(addr).http(http).start().await;
        again.is_ok()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_loss_that_was_asked_for_is_counted_and_close_to_what_was_asked_for() {
    let a = builder("a").loss(0.25).seed(7).start().await.unwrap();
    let b = builder("b").join([address(&a)]).start().await.unwrap();
    a.aggregates().set("requests", 1.0).await.unwrap();
    eventually("a has sent 400 datagrams", || async {
        a.counters().await.unwrap().node.datagrams_sent >= 400
    })
    .await;
    let n = a.counters().await.unwrap();
    let share = n.sockets.datagrams_lost_on_purpose as f64 / n.node.datagrams_sent as f64;
    assert!((0.15..0.35).contains(&share), "{n:?}");
    assert_eq!(b.counters().await.unwrap().sockets.datagrams_lost_on_purpose, 0);
    assert_eq!(a.info().await.unwrap().loss, 0.25);
}
