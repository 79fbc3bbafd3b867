use rumormill_proto::Decided;

use super::*;

#[test]
fn bad_fields_are_named() {
    let good = Spread::new(10, Style::Push);
    let ten = Topology::Complete(10);
    assert_eq!(good.check_on(&ten), Ok(()));
    let interest =
        |k| Some(Stop::Interest { counted: Counted::Feedback, decided: Decided::Coin, k });
    let cases = [
        (Spread { nodes: 0, ..good.clone() }, "nodes is 0"),
        (Spread { nodes: MAX_NODES + 1, ..good.clone() }, "nodes is 1000000000000001"),
        (Spread { loss: -0.1, ..good.clone() }, "loss is -0.1"),
        (Spread { loss: 1.1, ..good.clone() }, "loss is 1.1"),
        (Spread { loss: f64::NAN, ..good.clone() }, "loss is NaN"),
        (Spread { dead: 1.0, ..good.clone() }, "dead is 1"),
        (Spread { coverage: 0.0, ..good.clone() }, "coverage is 0"),
        (Spread { fanout: 0, ..good.clone() }, "fanout is 0"),
        (Spread { fanout: 100, targets: Targets::Independent, ..good.clone() }, "fanout is 100"),
        (Spread { origins: 0, ..good.clone() }, "origins is 0"),
        (Spread { origins: 11, ..good.clone() }, "origins is 11"),
        (Spread { origins: 6, dead: 0.5, ..good.clone() }, "origins is 6"),
        (Spread { origin: Some(10), ..good.clone() }, "origin is 10"),
        (Spread { stop: Some(Stop::Rounds(0)), ..good.clone() }, "stop is 0"),
        (Spread { stop: interest(0), ..good.clone() }, "stop is 0"),
        (Spread { stop: interest(1), loss: 1.0, ..good.clone() }, "loss is 1"),
        (Spread { max_rounds: Some(0), ..good.clone() }, "max_rounds is 0"),
    ];
    for (spread, start) in cases {
        let message = spread.check().expect_err(start).to_string();
        assert!(message.starts_with(start) && message.contains("must be"), "{message}");
    }
    let other = good.check_on(&Topology::Complete(11)).expect_err("other nodes").to_string();
    assert!(other.starts_with("nodes is 10, but must be 11"), "{other}");
    let wide = Spread { fanout: 65, ..Spread::new(1000, Style::Push) };
    assert!(wide.check().is_err());
    assert_eq!(Spread { nodes: 60, ..wide }.check(), Ok(()));
    let everyone = Spread { fanout: 1 << 40, ..Spread::new(10_000, Style::Pull) };
    assert_eq!(everyone.check(), Ok(()));
}

#[test]
fn goals_are_whole_nodes() {
    let spread = Spread { coverage: 0.1, ..Spread::new(30, Style::Push) };
    assert_eq!(spread.goal(), 3);
    assert_eq!(Spread { coverage: 0.101, ..spread.clone() }.goal(), 4);
    assert_eq!(Spread { dead: 0.5, coverage: 1.0, ..spread }.goal(), 15);
}

#[test]
fn push_then_pull_switches() {
    let spread = Spread { pull_after: Some(3), ..Spread::new(64, Style::PushThenPull) };
    assert!(spread.pushes_in(3) && !spread.pulls_in(3));
    assert!(!spread.pushes_in(4) && spread.pulls_in(4));
}

#[test]
fn styles_change_to_pull() {
    // log2 of the number of nodes, rounded up.
    for (nodes, after) in [(1, 1), (2, 1), (64, 6), (65, 7)] {
        assert_eq!(Spread::new(nodes, Style::PushThenPull).switches_after(), Some(after));
    }
    let both = Spread { pull_after: Some(2), ..Spread::new(64, Style::PushPull) };
    assert!(both.pushes_in(2) && both.pulls_in(2) && !both.pushes_in(3) && both.pulls_in(3));
}

#[test]
fn words_are_read_back() {
    for &semantics in Semantics::ALL {
        assert_eq!(semantics.name().parse(), Ok(semantics));
    }
    let error = "parallel".parse::<Semantics>().unwrap_err().to_string();
    assert!(error.contains("synchronous, sequential, asynchronous"), "{error}");
}
