use super::*;

#[test]
fn mean_field_residues_of_the_issue() {
    for (k, want) in [(1.0, 0.2032), (2.0, 0.0595), (3.0, 0.0198), (4.0, 0.0070), (5.0, 0.0025)] {
        let s = mean_field_residue(Counted::Feedback, k).unwrap();
        assert!((s - want).abs() < 5.1e-5, "{k}: {s}");
        // Blind with k is feedback with k−1.
        let blind = mean_field_residue(Counted::Blind, k + 1.0).unwrap();
        assert!((blind - s).abs() < 1e-15);
    }
    assert_eq!(mean_field_residue(Counted::Blind, 1.0).unwrap(), 1.0);
}

#[test]
fn exact_incompleteness_of_the_issue() {
    for (n, coin, want, digits) in
        [(30, 0.25, 0.19999, 5e-6), (64, 0.2, 0.1595, 1e-4), (100, 0.2, 0.2300, 5e-5)]
    {
        let end = sequential(n, Rule::Coin(coin), Counted::Feedback).unwrap();
        assert!((end.incomplete - want).abs() < digits, "{n} {coin}: {}", end.incomplete);
    }
}

#[test]
fn sequential_meets_an_independent_simulation() {
    // A node-by-node run that shares no code: pick any active node, contact, apply the rule.
    let mut seed = 12_345u64;
    let mut draw = |bound: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % bound
    };
    let n = 20u64;
    let cases = [
        (Rule::Coin(0.5), Counted::Feedback),
        (Rule::Coin(0.3), Counted::Blind),
        (Rule::Counter { limit: 2, reset: false }, Counted::Feedback),
        (Rule::Counter { limit: 3, reset: false }, Counted::Blind),
    ];
    for (rule, counted) in cases {
        let exact = sequential(n, rule, counted).unwrap();
        let runs = 20_000;
        let (mut residue, mut incomplete, mut contacts) = (0u64, 0u64, 0u64);
        for _ in 0..runs {
            let mut knows = [false; 20];
            knows[0] = true;
            let mut active = vec![(0u64, 0u32)];
            while !active.is_empty() {
                let turn = draw(active.len() as u64) as usize;
                let (node, mut counter) = active[turn];
                let target = (node + 1 + draw(n - 1)) % n;
                contacts += 1;
                let useful = !knows[target as usize];
                if useful {
                    knows[target as usize] = true;
                    active.push((target, 0));
                }
                let counts = counted == Counted::Blind || !useful;
                let out = match rule {
                    Rule::Coin(p) => counts && (draw(1_000_000) as f64) < p * 1e6,
                    Rule::Counter { limit, reset } => {
                        if useful && reset {
                            counter = 0;
                        } else if counts {
                            counter += 1;
                        }
                        counter >= limit
                    }
                };
                active[turn].1 = counter;
                if out {
                    active.swap_remove(turn);
                }
            }
            let missed = knows.iter().filter(|k| !**k).count() as u64;
            residue += missed;
            incomplete += u64::from(missed > 0);
        }
        let runs = f64::from(runs);
        let p = exact.incomplete;
        let z = (incomplete as f64 / runs - p) / (p * (1.0 - p) / runs).sqrt();
        assert!(z.abs() < 4.5, "{rule:?} {counted:?}: z = {z}");
        let share = residue as f64 / runs / n as f64;
        assert!((share - exact.residue).abs() < 0.01, "{rule:?}: {share} {}", exact.residue);
        let traffic = contacts as f64 / runs / n as f64;
        assert!((traffic / exact.traffic - 1.0).abs() < 0.02, "{rule:?}: {traffic}");
    }
}

#[test]
fn a_fixed_counter_does_not_complete_large_populations() {
    let rule = Rule::Counter { limit: 3, reset: false };
    let small = sequential(30, rule, Counted::Feedback).unwrap().incomplete;
    let large = sequential(1000, rule, Counted::Feedback).unwrap().incomplete;
    assert!(small < 0.6 && large > 0.99, "{small} {large}");
    // The counter that grows with ln n does.
    let limit = counter_for_completeness(1000, 0.01).unwrap();
    let rule = Rule::Counter { limit, reset: false };
    let end = sequential(1000, rule, Counted::Feedback).unwrap();
    assert!(end.incomplete < 0.01, "{limit}: {}", end.incomplete);
}

#[test]
fn edges() {
    let rule = Rule::Coin(1.0);
    let alone = sequential(1, rule, Counted::Blind).unwrap();
    assert_eq!((alone.residue, alone.incomplete, alone.traffic), (0.0, 0.0, 0.0));
    // Two nodes: the first contact always tells the other.
    let two = sequential(2, rule, Counted::Blind).unwrap();
    assert!(two.incomplete.abs() < 1e-15);
    assert!(sequential(10, Rule::Coin(0.0), Counted::Blind).is_err());
}
