use rumormill_proto::{Counted, Decided};

use super::*;

#[test]
fn bad_fields_are_named() {
    let good = SpreadModel::new(Style::Push);
    let ten = Topology::Complete(10);
    assert_eq!(good.check(&ten), Ok(()));
    let interest = |k| StopRule::Interest {
        counted: Counted::Feedback,
        decided: Decided::Coin,
        k,
        reset: false,
    };
    let cases = [
        (SpreadModel { loss: -0.1, ..good.clone() }, "loss is -0.1"),
        (SpreadModel { loss: f64::NAN, ..good.clone() }, "loss is NaN"),
        (SpreadModel { dead: 1.0, ..good.clone() }, "dead is 1"),
        (SpreadModel { coverage: 0.0, ..good.clone() }, "coverage is 0"),
        (SpreadModel { fanout: 0, ..good.clone() }, "fanout is 0"),
        (
            SpreadModel { fanout: 100, targets: Targets::Independent, ..good.clone() },
            "fanout is 100",
        ),
        (SpreadModel { origins: 0, ..good.clone() }, "origins is 0"),
        (SpreadModel { origins: 6, dead: 0.5, ..good.clone() }, "origins is 6"),
        (SpreadModel { origin: Origin::Node(10), ..good.clone() }, "origin is 10"),
        (SpreadModel { stop: StopRule::Rounds(0), ..good.clone() }, "round cap is 0"),
        (SpreadModel { stop: interest(0), ..good.clone() }, "k is 0"),
        (SpreadModel { stop: interest(1), loss: 1.0, ..good.clone() }, "loss is 1"),
        (SpreadModel { max_rounds: 0, ..good.clone() }, "max rounds is 0"),
    ];
    for (model, start) in cases {
        let message = model.check(&ten).expect_err(start).to_string();
        assert!(message.starts_with(start) && message.contains("must be"), "{message}");
    }
    let none = good.check(&Topology::Complete(0)).expect_err("no nodes").to_string();
    assert!(none.starts_with("nodes is 0"), "{none}");
    let wide = SpreadModel { fanout: 65, ..good };
    assert!(wide.check(&Topology::Complete(1000)).is_err());
    assert_eq!(wide.check(&Topology::Complete(60)), Ok(()));
}

#[test]
fn goals_are_whole_nodes() {
    let model = SpreadModel { coverage: 0.1, ..SpreadModel::new(Style::Push) };
    assert_eq!(model.goal(30), 3);
    assert_eq!(SpreadModel { coverage: 0.101, ..model.clone() }.goal(30), 4);
    assert_eq!(SpreadModel { dead: 0.5, coverage: 1.0, ..model }.goal(30), 15);
}

#[test]
fn push_then_pull_switches() {
    let model = SpreadModel { switch_after: 3, ..SpreadModel::new(Style::PushThenPull) };
    assert!(model.pushes_in(3) && !model.pulls_in(3));
    assert!(!model.pushes_in(4) && model.pulls_in(4));
}

#[test]
fn words_are_read_back() {
    for &semantics in Semantics::ALL {
        assert_eq!(semantics.name().parse(), Ok(semantics));
    }
    let error = "parallel".parse::<Semantics>().unwrap_err().to_string();
    assert!(error.contains("synchronous, sequential, asynchronous"), "{error}");
}
