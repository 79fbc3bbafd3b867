use std::ops::ControlFlow;
use std::sync::Arc;

use super::*;
use crate::average::{Engine, Faults, Schedule, Strike, Values};
use crate::graph::kind::GraphKind;
use crate::simulate::average::job::{Job, simulate};

fn unseen() -> impl FnMut(Sent) {
    |_| {}
}

fn two(protocol: Kind) -> Averaging {
    let sum = protocol == Kind::Spsp;
    Averaging {
        values: Values::Given(Arc::new([5.0, 10.0])),
        schedule: Schedule::Fixed,
        aggregate: if sum { Aggregate::Sum } else { Aggregate::Average },
        ..Averaging::new(2, protocol)
    }
}

#[test]
fn what_is_followed_is_what_is_simulated() {
    for &protocol in Kind::ALL {
        for &schedule in Schedule::ALL {
            let averaging = Averaging {
                schedule,
                rounds: 12,
                seed: 7,
                engine: Some(Engine::Instant),
                faults: Faults {
                    loss: 0.2,
                    crashes: vec![Strike { share: 0.2, after: 4 }],
                    changes: vec![Strike { share: 0.5, after: 6 }],
                    detection: 2,
                    ..Faults::default()
                },
                ..Averaging::new(30, protocol)
            };
            if averaging.check().is_err() {
                continue;
            }
            let simulated =
                simulate(&Job::new(&averaging, 3..4), &|_| ControlFlow::Continue(())).unwrap();
            let mut follow = Follow::new(&averaging, 3).unwrap();
            let mut seen = 0u32;
            for level in &simulated.levels {
                let moment = follow.moment();
                assert_eq!(level.mean_error.statistic().mean(), Some(moment.mean_error));
                assert_eq!(level.worst_error.statistic().mean(), Some(moment.worst_error));
                assert_eq!(level.variance.mean(), Some(moment.variance));
                assert_eq!(level.mass_lost.mean(), Some(moment.mass_lost));
                assert_eq!(level.messages.mean(), Some(f64::from(seen)), "{protocol} {schedule}");
                seen = 0;
                follow.round(&mut |_| seen += 1);
            }
        }
    }
}

#[test]
fn five_and_ten_are_fifteen_after_one_exchange() {
    let mut messages = Vec::new();
    let mut follow = Follow::new(&two(Kind::Spsp), 0).unwrap();
    assert_eq!(follow.held(1).estimate, None, "no weight, no estimate");
    follow.round(&mut |sent| messages.push(sent));
    // Node 0 pushes half of 5, node 1 keeps half of 10, adds it and sends the other half.
    let (push, reply) = (messages[0], messages[1]);
    assert_eq!((push.from, push.to, push.reply, push.lost), (0, 1, false, false));
    assert_eq!((push.content.value, push.content.weight), (2.5, Some(0.5)));
    assert_eq!((reply.content.value, reply.content.weight), (5.0, Some(0.0)));
    assert_eq!((push.receiver.value, reply.receiver.value), (7.5, 7.5));
    assert!(messages.iter().enumerate().all(|(at, sent)| sent.message == at as u64));
    assert!((0..2).all(|node| follow.held(node).estimate == Some(15.0)));
}

#[test]
fn a_lost_message_takes_its_mass_along_under_spsp_and_nothing_under_the_ledger() {
    for (lost, missing) in [(0, 2.5), (1, 5.0)] {
        let mut follow = Follow::new(&two(Kind::Spsp), 0).unwrap();
        follow.lose([lost]);
        for _ in 0..50 {
            follow.round(&mut unseen());
        }
        let total = follow.total();
        assert_eq!(follow.input() - total.value, missing, "message {lost}");
        let wrong = follow.held(0).estimate.unwrap();
        assert!((wrong - 15.0).abs() > 1.0, "{wrong} is right after all");
        assert_eq!(follow.held(1).estimate, Some(wrong), "they agree, on a wrong sum");
    }
    for lost in [0, 1] {
        let mut messages = Vec::new();
        let mut follow = Follow::new(&two(Kind::Ledger), 0).unwrap();
        follow.lose([lost]);
        follow.round(&mut |sent| messages.push(sent));
        assert!(
            messages[lost as usize].lost && messages.iter().filter(|sent| sent.lost).count() == 1
        );
        // The push is sent again, under its number.
        let first = messages[0].content.number;
        let pushes = messages.iter().filter(|sent| !sent.reply && sent.from == 0);
        assert_eq!(pushes.filter(|sent| sent.content.number == first).count(), 2);
        assert!((0..2).all(|node| follow.held(node).estimate == Some(7.5)));
        assert_eq!(follow.moment().mass_lost, 0.0);
    }
}

#[test]
fn a_cut_takes_mass_from_spsp_and_none_from_the_ledger() {
    for protocol in [Kind::Spsp, Kind::Ledger] {
        let mut follow = Follow::new(&Averaging::new(40, protocol), 0).unwrap();
        follow.cut(|node| node < 10);
        for _ in 0..10 {
            follow.round(&mut |sent| {
                let across = (sent.from < 10) != (sent.to < 10);
                assert!(!across || sent.lost, "a message crosses the cut");
            });
        }
        let apart = follow.moment();
        follow.heal(&mut unseen());
        for _ in 0..30 {
            follow.round(&mut unseen());
        }
        let healed = follow.moment();
        if protocol == Kind::Ledger {
            assert!(apart.worst_error > 0.01, "the two sides agree: {}", apart.worst_error);
            assert_eq!((apart.mass_lost, healed.mass_lost), (0.0, 0.0));
            assert!(healed.worst_error < 1e-9, "{}", healed.worst_error);
        } else {
            assert!(apart.mass_lost < -0.5 && healed.mass_lost < -0.5, "{apart:?} {healed:?}");
        }
    }
}

#[test]
fn a_dead_nodes_input_leaves_the_ledgers_sum() {
    let mut follow = Follow::new(&Averaging::new(20, Kind::Ledger), 0).unwrap();
    for _ in 0..10 {
        follow.round(&mut unseen());
    }
    let before = follow.input();
    follow.crash(&[3]).unwrap();
    assert!(!follow.is_up(3) && follow.input() < before);
    for _ in 0..40 {
        follow.round(&mut unseen());
    }
    assert_eq!(follow.moment().mass_lost, 0.0);
    assert!(follow.moment().worst_error < 1e-9);
    let error = follow.crash(&(0..20).collect::<Vec<_>>()).unwrap_err();
    assert!(error.to_string().contains("one has to stay"), "{error}");
    assert!(follow.crash(&[20]).is_err());
}

#[test]
fn a_copy_goes_on_alike_and_with_another_seed_otherwise() {
    let grid = GraphKind::Grid.build(36, 1, u64::MAX, &|_| ControlFlow::Continue(())).unwrap();
    for &protocol in Kind::ALL {
        let lossy = Faults { loss: 0.1, ..Faults::default() };
        let averaging = Averaging { faults: lossy, ..Averaging::on(grid.clone(), protocol) };
        let mut follow = Follow::new(&averaging, 0).unwrap();
        for _ in 0..5 {
            follow.round(&mut unseen());
        }
        let (mut copy, mut other) = (follow.clone(), follow.clone());
        other.reseed(99);
        let play = |follow: &mut Follow| {
            let mut seen = Vec::new();
            for _ in 0..5 {
                follow.round(&mut |sent| seen.push(sent));
            }
            seen
        };
        let seen = play(&mut follow);
        assert_eq!(seen, play(&mut copy));
        assert_ne!(seen, play(&mut other));
    }
}
