//! Broadcasts against their formulas. Seeds are fixed; limits are at 4.5 standard errors.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::ops::ControlFlow;

use rumormill_model::error::Error;
use rumormill_model::exact::broadcast::{
    acknowledged_messages, acknowledged_rounds, blind, eager_failure, eager_messages,
};
use rumormill_model::simulate::{Broadcast, BroadcastKind, Summary};

const RUNS: u64 = 20_000;

fn go(broadcast: &Broadcast) -> Summary {
    broadcast.simulate(0..RUNS, 11, 1, &|_| ControlFlow::Continue(())).unwrap()
}

fn assert_share(seen: f64, p: f64, what: &str) {
    let error = (p * (1.0 - p) / RUNS as f64).sqrt();
    assert!((seen - p).abs() < 4.5 * error, "{what}: {seen} against {p} +- {error}");
}

fn assert_mean(seen: f64, exact: f64, variance: f64, what: &str) {
    let error = (variance / RUNS as f64).sqrt();
    assert!((seen - exact).abs() < 4.5 * error, "{what}: {seen} against {exact} +- {error}");
}

#[test]
fn blind_broadcast() {
    for (nodes, loss, repeats) in [(64, 0.1, 1), (64, 0.1, 2), (20, 0.4, 4), (2, 0.5, 1)] {
        let kind = BroadcastKind::Blind { repeats };
        let summary = go(&Broadcast { loss, ..Broadcast::new(nodes, kind) });
        let what = format!("{nodes} {loss} {repeats}");
        assert_share(summary.incomplete(), blind(nodes, loss, repeats).unwrap(), &what);
        assert_eq!(summary.messages.mean(), (nodes - 1) as f64 * f64::from(repeats), "{what}");
        assert_eq!(summary.unfinished() as f64 / RUNS as f64, summary.incomplete());
    }
}

#[test]
fn retransmission_until_acknowledged() {
    let (nodes, loss) = (64, 0.1);
    let kind = BroadcastKind::Acknowledged { ack_loss: 0.0 };
    let summary = go(&Broadcast { loss, ..Broadcast::new(nodes, kind) });
    assert_eq!(summary.incomplete(), 0.0);
    let sent = &summary.messages;
    let exact = acknowledged_messages(nodes, loss).unwrap();
    assert_mean(sent.mean(), exact, sent.variance(), "messages");
    let exact = acknowledged_rounds(nodes, loss).unwrap();
    assert_mean(summary.mean(), exact, summary.variance(), "rounds");
    let survival = summary.survival(u64::MAX);
    for rounds in 1..4 {
        let exact = blind(nodes, loss, rounds).unwrap();
        assert_share(survival[rounds as usize], exact, "survival");
    }
    // With acknowledgements lost too, messages are (n−1)/((1−p)(1−q)), and all hear as before.
    let kind = BroadcastKind::Acknowledged { ack_loss: 0.3 };
    let summary = go(&Broadcast { loss, ..Broadcast::new(nodes, kind) });
    let sent = &summary.messages;
    assert_mean(sent.mean(), 63.0 / (0.9 * 0.7), sent.variance(), "messages");
    let exact = acknowledged_rounds(nodes, loss).unwrap();
    assert_mean(summary.mean(), exact, summary.variance(), "rounds");
}

#[test]
fn eager_broadcast() {
    for (nodes, loss) in [(5, 0.4), (8, 0.6), (3, 0.5), (64, 0.1)] {
        let summary = go(&Broadcast { loss, ..Broadcast::new(nodes, BroadcastKind::Eager) });
        let what = format!("{nodes} {loss}");
        assert_share(summary.incomplete(), eager_failure(nodes, loss).unwrap(), &what);
        // Whoever hears sends to all others.
        let heard = nodes as f64 - summary.residue.moments().mean();
        assert!((summary.messages.mean() - heard * (nodes - 1) as f64).abs() < 1e-6);
    }
    let all = go(&Broadcast::new(64, BroadcastKind::Eager));
    assert_eq!((all.messages.mean(), all.mean()), (eager_messages(64), 1.0));
}

#[test]
fn the_dead_are_sent_to_and_not_waited_for() {
    let kind = BroadcastKind::Acknowledged { ack_loss: 0.0 };
    let broadcast = Broadcast { loss: 0.5, dead: 0.5, ..Broadcast::new(20, kind) };
    let summary = go(&broadcast);
    assert_eq!((summary.alive, summary.unfinished()), (10, 0));
    let rounds = acknowledged_rounds(10, 0.5).unwrap();
    assert_mean(summary.mean(), rounds, summary.variance(), "rounds");
    let sent = &summary.messages;
    assert_mean(sent.mean(), 9.0 / 0.5 + 10.0 * rounds, sent.variance(), "messages");
}

#[test]
fn bad_fields_are_named() {
    let good = Broadcast::new(10, BroadcastKind::Eager);
    let acknowledged = |ack_loss| BroadcastKind::Acknowledged { ack_loss };
    let cases = [
        (Broadcast { nodes: 0, ..good.clone() }, "nodes is 0"),
        (Broadcast { loss: 1.5, ..good.clone() }, "loss is 1.5"),
        (Broadcast { loss: 1.0, kind: acknowledged(0.0), ..good.clone() }, "loss is 1"),
        (Broadcast { kind: acknowledged(1.0), ..good.clone() }, "ack loss is 1"),
        (Broadcast { kind: BroadcastKind::Blind { repeats: 0 }, ..good.clone() }, "repeats is 0"),
        (Broadcast { dead: -0.1, ..good.clone() }, "dead is -0.1"),
        (Broadcast { max_rounds: 0, ..good }, "max rounds is 0"),
    ];
    for (broadcast, want) in cases {
        let error: Error = broadcast.check().expect_err(want);
        assert!(error.to_string().starts_with(want), "{error}");
    }
}
