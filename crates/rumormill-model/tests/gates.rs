//! The gates: figures, middle and large populations, literature, duality.

use rumormill_model::exact::usual::{Verdict, estimates};
use rumormill_model::exact::{Distribution, Engine, Options};
use rumormill_model::spread::{STEADY, Spread};
use rumormill_proto::Style;

fn with(spread: &Spread, engine: Option<Engine>, refine: u32) -> Distribution {
    spread
        .solve_with(Options { engine, refine, ..Options::default() })
        .expect("the question is sound")
}

fn largest_gap(a: &Distribution, b: &Distribution) -> f64 {
    assert_eq!(a.survival.len(), b.survival.len());
    a.survival.iter().zip(&b.survival).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max)
}

#[test]
fn figures_at_64_8_and_3_nodes() {
    for engine in [Engine::Dense, Engine::Backward] {
        let d = with(&Spread::new(64, Style::Push), Some(engine), 1);
        assert!((d.mean - 11.158119112619).abs() < 1e-12);
        assert!((d.survival(10) - 0.660449342197).abs() < 1e-12);
        assert!((d.survival(12) - 0.139960294874).abs() < 1e-12);
        assert!((d.survival(15) - 0.00737897650721).abs() < 1e-12);
        assert!((d.survival(20) - 4.79772e-5).abs() < 5e-11);
        assert_eq!(d.percentile(99.0).unwrap(), Some(15));
        let d = with(&Spread::new(8, Style::Push), Some(engine), 1);
        assert!((d.survival(2) - d.survival(3) - 6.1199e-3).abs() < 5e-8);
        let d = with(&Spread::new(3, Style::Push), Some(engine), 1);
        assert!((d.mean - 7.0 / 3.0).abs() < 1e-14);
    }
    let d = Spread { loss: 0.1, ..Spread::new(64, Style::Push) }.solve().unwrap();
    assert!((d.mean - 12.194).abs() < 5e-4);
}

#[test]
fn messages_and_means_of_the_styles_at_64() {
    let figures = [(Style::Push, 329.0, 11.16), (Style::Pull, 385.0, 8.96)];
    for (style, messages, mean) in figures {
        let d = Spread::new(64, style).solve().unwrap();
        assert!((d.messages - messages).abs() < 0.5 && (d.mean - mean).abs() < 0.005);
    }
    assert!((Spread::new(64, Style::PushPull).solve().unwrap().mean - 5.99).abs() < 0.005);
    assert!((Spread::new(128, Style::Push).solve().unwrap().messages - 751.94).abs() < 0.005);
    let both = Spread { pull_after: Some(6), ..Spread::new(64, Style::Push) }.solve().unwrap();
    assert!((both.messages - 93.8).abs() < 0.05 && (both.mean - 8.87).abs() < 0.005);
}

#[test]
fn forward_and_backward_agree_at_middle_sizes() {
    let mut worst = 0.0f64;
    for style in STEADY {
        for (nodes, fanout, loss) in [(3000, 1, 0.0), (2500, 2, 0.3)] {
            let spread = Spread { fanout, loss, ..Spread::new(nodes, style) };
            let forward = with(&spread, Some(Engine::Dense), 1);
            let backward = with(&spread, Some(Engine::Backward), 1);
            let gap = largest_gap(&forward, &backward);
            assert!(gap < 1e-12, "{spread:?}: {gap:e}");
            assert!((forward.messages / backward.messages - 1.0).abs() < 1e-11);
            worst = worst.max(gap);
        }
    }
    println!("forward against backward: {worst:.2e}");
}

#[test]
fn a_front_agrees_with_the_forward_engine() {
    let mut worst = 0.0f64;
    for style in STEADY {
        for coverage in [0.3, 0.95, 0.9995] {
            let spread = Spread { coverage, ..Spread::new(2600, style) };
            let forward = with(&spread, Some(Engine::Dense), 1);
            let backward = with(&spread, Some(Engine::Backward), 1);
            for (x, p) in forward.survival.iter().enumerate() {
                let gap = (p - backward.survival(x as u64)).abs();
                assert!(gap < 1e-12, "{spread:?} x = {x}: {gap:e}");
                worst = worst.max(gap);
            }
            let ratio = forward.messages / backward.messages;
            assert!((ratio - 1.0).abs() < 1e-11, "{spread:?}: messages {ratio}");
        }
    }
    println!("front against forward: {worst:.2e}");
}

#[test]
fn halving_the_panels_moves_nothing() {
    let mut worst = 0.0f64;
    for style in STEADY {
        for (nodes, fanout, loss) in [
            (1_000_000, 1, 0.0),
            (1_000_000_000, 1, 0.0),
            (1_000_000_000_000, 1, 0.0),
            (1_000_000_000, 16, 0.0),
            (1_000_000_000_000, 4, 0.1),
            (1_000_000_000_000, 16, 0.99),
        ] {
            let spread = Spread { fanout, loss, ..Spread::new(nodes, style) };
            let (once, twice) = (with(&spread, None, 1), with(&spread, None, 2));
            let gap = largest_gap(&once, &twice);
            assert!(gap < 1e-12, "{spread:?}: {gap:e}");
            worst = worst.max(gap);
        }
    }
    println!("panels halved: {worst:.2e}");
}

#[test]
fn the_largest_population_works() {
    for style in STEADY {
        let spread = Spread::new(1_000_000_000_000_000, style);
        let (once, twice) = (with(&spread, None, 1), with(&spread, None, 2));
        let gap = largest_gap(&once, &twice);
        assert!(gap < 2e-12, "{style:?}: {gap:e}");
    }
}

#[test]
fn push_lies_where_the_literature_says() {
    // Daknama, Panagiotou, Reisser: E − log₂n − ln n in [1.1824, 1.1827] for n ≥ 10⁶; Doerr and
    // Künnemann 2014: within [−1.116, 2.765].
    let constant = |n: u64| {
        let d = Spread::new(n, Style::Push).solve().unwrap();
        d.mean - (n as f64).log2() - (n as f64).ln()
    };
    let (mut low, mut high) = (f64::MAX, f64::MIN);
    for n in [1_000_000, 1_300_000, 1_700_000, 1_000_000_000, 1 << 40, 1_000_000_000_000] {
        let c = constant(n);
        // The printed bounds are rounded to four decimals.
        assert!((1.18235..1.18275).contains(&c), "{n}: {c}");
        (low, high) = (low.min(c), high.max(c));
    }
    // It wobbles, by no more than 2e-4 and a little.
    assert!(high - low > 1e-6 && high - low < 3e-4, "{low} {high}");
    for n in [10, 100, 1000, 10_000] {
        assert!((-1.116..2.765).contains(&constant(n)), "{n}");
    }
}

#[test]
fn push_pull_takes_log3_and_little_more() {
    // Karp et al. 2000: log₃ n + O(log log n).
    for n in [1_000u64, 1_000_000, 1_000_000_000, 1_000_000_000_000_000] {
        let d = Spread::new(n, Style::PushPull).solve().unwrap();
        let beyond = d.mean - (n as f64).ln() / 3f64.ln();
        assert!(beyond > 0.0 && beyond < 1.5 * (n as f64).ln().log2(), "{n}: {beyond}");
    }
}

#[test]
fn chebyshev_with_the_storys_moments_is_a_false_guarantee() {
    let spread = Spread::new(1_000_000, Style::Push);
    let exact = spread.solve().unwrap();
    let mean = 2.0 * 1e6f64.ln();
    let claimed = std::f64::consts::PI.powi(2) / 3.0 / (35.0 - mean).powi(2);
    assert!((claimed - 0.0606).abs() < 5e-5);
    assert!((exact.survival(35) - 0.27195).abs() < 5e-6);
    assert_eq!(exact.percentile(99.0).unwrap(), Some(39));
    let all = estimates(&spread, &exact).unwrap();
    let find = |name| all.iter().find(|e| e.name == name).unwrap();
    assert_eq!(find("chebyshev_story").verdict, Verdict::False);
    assert_eq!(find("chebyshev").verdict, Verdict::Valid);
    assert_eq!(find("chebyshev_taylor").verdict, Verdict::Valid);
    assert!((find("chebyshev_taylor").p99.unwrap() - 70.1).abs() < 0.05);
    assert!((find("pareto").p99.unwrap() - 71.9).abs() < 0.05);
    assert!((find("erlang").largest_error - 0.2).abs() < 0.01);
    assert_eq!(find("doubling").verdict, Verdict::Valid);
    // The variance of the process is 1.73, not pi^2/3.
    assert!((exact.variance - 1.73).abs() < 0.005);
}

#[test]
fn duality_on_the_complete_graph() {
    // The expected number uninformed is the same under push and pull, whatever the loss.
    for (nodes, loss) in [(64, 0.0), (1000, 0.3), (1_000_000, 0.1)] {
        let means = |style| {
            let spread = Spread { loss, ..Spread::new(nodes, style) };
            spread.means(40, |_, m| m).unwrap()
        };
        let (push, pull) = (means(Style::Push), means(Style::Pull));
        for (t, (a, b)) in push.iter().zip(&pull).enumerate() {
            let scale = nodes as f64;
            assert!((a - b).abs() <= 1e-13 * scale, "{nodes} {loss} t = {t}: {a} {b}");
        }
    }
}

/// P(v knows after t rounds) on a graph given by neighbour lists, over all sets of informed nodes.
fn knows(
    graph: &[Vec<usize>],
    from: usize,
    to: usize,
    rounds: usize,
    loss: f64,
    push: bool,
) -> f64 {
    let n = graph.len();
    let mut law = vec![0.0; 1 << n];
    law[1 << from] = 1.0;
    for _ in 0..rounds {
        let mut next = vec![0.0; 1 << n];
        for (set, &p) in law.iter().enumerate().filter(|(_, p)| **p > 0.0) {
            // Callers decide one after another, all from the state at the round's start.
            let mut partial = vec![(set, p)];
            for (node, neighbours) in graph.iter().enumerate() {
                let informed = set >> node & 1 == 1;
                if informed != push {
                    continue;
                }
                let each = 1.0 / neighbours.len() as f64;
                let mut after: Vec<(usize, f64)> = Vec::new();
                for &(s, p) in &partial {
                    after.push((s, p * loss));
                    for &other in neighbours {
                        let told = if push {
                            s | 1 << other
                        } else if set >> other & 1 == 1 {
                            s | 1 << node
                        } else {
                            s
                        };
                        after.push((told, p * (1.0 - loss) * each));
                    }
                }
                after.sort_by_key(|(s, _)| *s);
                partial.clear();
                for (s, p) in after {
                    match partial.last_mut() {
                        Some((last, sum)) if *last == s => *sum += p,
                        _ => partial.push((s, p)),
                    }
                }
            }
            for (s, p) in partial {
                next[s] += p;
            }
        }
        law = next;
    }
    law.iter().enumerate().filter(|(s, _)| s >> to & 1 == 1).map(|(_, p)| p).sum()
}

#[test]
fn duality_on_an_irregular_graph() {
    // A triangle with a tail of three.
    let graph = vec![vec![1, 2], vec![0, 2], vec![0, 1, 3], vec![2, 4], vec![3, 5], vec![4]];
    for loss in [0.0, 0.2] {
        for rounds in 1..7 {
            let push = knows(&graph, 0, 5, rounds, loss, true);
            let pull = knows(&graph, 5, 0, rounds, loss, false);
            assert!((push - pull).abs() < 1e-15, "{loss} {rounds}: {push} {pull}");
        }
    }
    // Not vacuous: the chance is neither 0 nor 1, and direction matters.
    let push = knows(&graph, 0, 5, 6, 0.2, true);
    assert!(push > 0.01 && (push - knows(&graph, 0, 5, 6, 0.2, false)).abs() > 1e-3);
}

#[test]
fn the_last_delivery_under_a_cap() {
    // Push among three: told in round 2 with 3/4, in round 3 with 3/16, or never in time.
    let three = Spread::new(3, Style::Push).last_delivery(3).unwrap();
    assert!((three - 2.125).abs() < 1e-14, "{three}");
    for style in STEADY {
        for (nodes, fanout, loss) in [(50, 49, 0.3), (1000, 2, 0.2), (1_000_000, 1, 0.01)] {
            let spread = Spread { fanout, loss, ..Spread::new(nodes, style) };
            // A cap that is never reached: the last delivery is T.
            let (last, mean) = (spread.last_delivery(120).unwrap(), spread.solve().unwrap().mean);
            assert!((last - mean).abs() < 1e-11, "{spread:?}: {last} {mean}");
            // A cap of two rounds, of which the first is idle or the second, or neither.
            let two = spread.last_delivery(2).unwrap();
            assert!(two > 0.0 && two <= 2.0, "{spread:?}: {two}");
        }
    }
    assert_eq!(Spread::new(1, Style::Pull).last_delivery(9).unwrap(), 0.0);
    assert_eq!(Spread { loss: 1.0, ..Spread::new(9, Style::Push) }.last_delivery(9).unwrap(), 0.0);
}

#[test]
fn tails_keep_their_digits() {
    // Far out each round multiplies the tail by the last node's chance to be missed.
    let spread = Spread::new(1_000_000, Style::Push);
    let d = spread.solve_with(Options { floor: Some(1e-24), ..Options::default() }).unwrap();
    let last = (999_999.0 * (-1.0f64 / 999_999.0).ln_1p()).exp();
    let x = d.survival.iter().position(|&p| p < 1e-18).unwrap();
    assert!((d.survival[x + 1] / d.survival[x] / last - 1.0).abs() < 1e-9);
}

#[test]
fn edges() {
    for style in STEADY {
        let one = Spread::new(1, style).solve().unwrap();
        assert_eq!((one.mean, one.variance, one.messages), (0.0, 0.0, 0.0));
        let two = Spread::new(2, style).solve().unwrap();
        assert!((two.mean - 1.0).abs() < 1e-15 && two.survival(1) == 0.0, "{style:?} {two:?}");
        // Everyone calls everyone: one round.
        let all = Spread { fanout: 99, ..Spread::new(100, style) }.solve().unwrap();
        assert!((all.mean - 1.0).abs() < 1e-12);
        let never = Spread { loss: 1.0, ..Spread::new(10, style) }.solve().unwrap();
        assert!(never.mean.is_infinite() && never.survival(1 << 40) == 1.0);
        assert_eq!(never.percentile(50.0).unwrap(), None);
        let met = Spread { coverage: 0.1, loss: 1.0, ..Spread::new(10, style) }.solve().unwrap();
        assert_eq!(met.mean, 0.0);
        // Nearly everything lost: rounds scale with 1/(1 − loss).
        let spread = Spread { loss: 0.9999, ..Spread::new(30, style) };
        let slow = spread.solve().unwrap();
        let slower = Spread { loss: 0.99995, ..spread }.solve().unwrap();
        assert!((slower.mean / slow.mean - 2.0).abs() < 1e-3);
        assert!(Spread { loss: 1.0 - 1e-12, ..Spread::new(30, style) }.solve().is_err());
    }
}
