//! Both engines against 896-bit arithmetic, absolute and relative.

mod fixed;

use rumormill_model::exact::{Engine, Options};
use rumormill_model::spread::{STEADY, Spread, Targets};
use rumormill_proto::Style;

/// The largest absolute and relative difference from the reference.
fn compare(spread: &Spread, engine: Engine) -> (f64, f64) {
    let reference = fixed::survival(spread, 1e-19);
    let ours = spread
        .solve_with(Options { engine: Some(engine), floor: Some(1e-19), ..Options::default() })
        .expect("the question is sound");
    let (mut absolute, mut relative) = (0.0f64, 0.0f64);
    for (x, &want) in reference.iter().enumerate() {
        let got = ours.survival.get(x).copied().unwrap_or(0.0);
        absolute = absolute.max((got - want).abs());
        if want > 1e-25 {
            relative = relative.max((got - want).abs() / want);
        }
        assert!(
            (got - want).abs() <= ours.error + 1e-300,
            "{spread:?} {engine:?} x = {x}: {got:e} against {want:e}, error said {:e}",
            ours.error
        );
    }
    (absolute, relative)
}

fn check(spreads: &[Spread]) {
    let mut worst = (0.0f64, 0.0f64);
    for spread in spreads {
        for engine in [Engine::Dense, Engine::Backward] {
            let (absolute, relative) = compare(spread, engine);
            assert!(absolute < 1e-12, "{spread:?} {engine:?}: {absolute:e}");
            // Tails have digits: down to 1e-18 and beyond.
            assert!(relative < 1e-9, "{spread:?} {engine:?}: relative {relative:e}");
            worst = (worst.0.max(absolute), worst.1.max(relative));
        }
    }
    println!("largest difference: absolute {:.2e}, relative {:.2e}", worst.0, worst.1);
}

#[test]
fn sixty_four_nodes() {
    let mut spreads = Vec::new();
    for style in STEADY {
        for (fanout, loss) in [(1, 0.0), (1, 0.1), (2, 0.5), (4, 0.0), (16, 0.1), (16, 0.0)] {
            spreads.push(Spread { fanout, loss, ..Spread::new(64, style) });
        }
    }
    check(&spreads);
}

#[test]
fn every_option() {
    let mut spreads = Vec::new();
    for style in STEADY {
        let base = Spread { fanout: 3, loss: 0.25, ..Spread::new(24, style) };
        spreads.push(Spread { targets: Targets::Independent, ..base.clone() });
        spreads.push(Spread { include_self: true, ..base.clone() });
        spreads.push(Spread { origins: 5, ..base.clone() });
        spreads.push(Spread { dead: 0.25, ..base.clone() });
        spreads.push(Spread { coverage: 0.6, ..base.clone() });
        spreads.push(Spread { dead: 0.5, include_self: true, coverage: 0.9, ..base.clone() });
        // Everyone calls everyone, and more than everyone.
        spreads.push(Spread { fanout: 23, ..base.clone() });
        spreads.push(Spread { fanout: 1000, ..base.clone() });
        spreads.push(Spread { fanout: 22, ..base.clone() });
    }
    check(&spreads);
}

#[test]
fn heavy_loss() {
    let mut spreads = Vec::new();
    for style in STEADY {
        for fanout in [1, 16] {
            spreads.push(Spread { fanout, loss: 0.99, ..Spread::new(20, style) });
        }
    }
    check(&spreads);
}

#[test]
fn tiny_populations() {
    let mut spreads = Vec::new();
    for style in STEADY {
        for nodes in [2, 3, 4, 8] {
            spreads.push(Spread { loss: 0.3, ..Spread::new(nodes, style) });
            spreads.push(Spread { loss: 0.0, fanout: 2, ..Spread::new(nodes, style) });
            spreads.push(Spread { include_self: true, ..Spread::new(nodes, style) });
        }
    }
    check(&spreads);
}

#[test]
fn rows_by_contour_where_the_reference_still_reaches() {
    // Above 128 nodes the backward engine's rows come from the contour.
    for (style, fanout, loss) in [
        (Style::Push, 1, 0.0),
        (Style::Pull, 2, 0.1),
        (Style::PushPull, 3, 0.5),
        (Style::Push, 16, 0.25),
    ] {
        let spread = Spread { fanout, loss, ..Spread::new(140, style) };
        let (absolute, relative) = compare(&spread, Engine::Backward);
        assert!(absolute < 1e-12 && relative < 1e-9, "{spread:?}: {absolute:e} {relative:e}");
    }
}

#[test]
fn many_distinct_picks_of_few_nodes() {
    // Picks that cover a third of the nodes.
    for (style, loss) in [(Style::Push, 0.9), (Style::PushPull, 0.9), (Style::Push, 0.0)] {
        let spread = Spread { fanout: 48, loss, ..Spread::new(150, style) };
        let (absolute, relative) = compare(&spread, Engine::Backward);
        assert!(absolute < 1e-12 && relative < 1e-9, "{spread:?}: {absolute:e} {relative:e}");
    }
}
