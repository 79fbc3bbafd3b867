//! Every statistic that is stated beside `converged` is right: the variance and the standard
//! deviation to 1e-9 of themselves, held against exact rational arithmetic.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use num_bigint::BigInt;
use num_rational::BigRational;
use proptest::prelude::*;
use rumormill_proto::{Config, Duration, Instant, MAX_INPUT, Name, Reading};
use rumormill_sim::{NetworkConfig, NodeIndex, NodeSpec, VirtualNetwork};

const SECOND: Duration = Duration::from_secs(1);

fn exact(value: f64) -> BigRational {
    BigRational::from_float(value).unwrap()
}

fn count(n: usize) -> BigRational {
    BigRational::from_integer(BigInt::from(n))
}

/// What is true of these inputs.
struct Truth {
    inputs: Vec<f64>,
    sum: BigRational,
    variance: BigRational,
}

impl Truth {
    fn of(inputs: &[f64]) -> Self {
        // Inputs are taken to the nearest 2⁻⁶⁴.
        let digits = 2f64.powi(64);
        let rounded =
            inputs.iter().map(|x| if x.abs() < 1e-3 { (x * digits).round() / digits } else { *x });
        let inputs: Vec<f64> = rounded.collect();
        let n = count(inputs.len());
        let sum: BigRational = inputs.iter().map(|&x| exact(x)).sum();
        let squares: BigRational = inputs.iter().map(|&x| exact(x) * exact(x)).sum();
        let variance = (&n * squares - &sum * &sum) / (&n * &n);
        Self { inputs, sum, variance }
    }

    /// What the reading says that is wrong about these inputs.
    fn wrong(&self, reading: &Reading, tolerance: f64) -> Option<&'static str> {
        let n = self.inputs.len();
        let largest = self.inputs.iter().fold(0f64, |largest, x| largest.max(x.abs()));
        let near = |said: Option<f64>, truth: &BigRational, error: BigRational| {
            let off = |said| {
                let off = exact(said) - truth;
                off <= error && -off <= error
            };
            said.is_some_and(off)
        };
        // The enclosure may be one tolerance wide, and the estimate as far beside it.
        let error = exact(4.0 * (tolerance * largest + 1e-18));
        let min = self.inputs.iter().copied().fold(f64::INFINITY, f64::min);
        let max = self.inputs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let part = exact(1e-9);
        let deviation_is_right = reading.standard_deviation.is_none_or(|said| {
            let square = exact(said) * exact(said);
            let (less, more) = (count(1) - &part, count(1) + &part);
            &less * &less * &self.variance <= square && square <= &more * &more * &self.variance
        });
        let variance_is_right = reading
            .variance
            .is_none_or(|said| near(Some(said), &self.variance, part.clone() * &self.variance));
        [
            ("sum", near(reading.sum.value, &self.sum, error.clone() * count(n))),
            ("average", near(reading.average.value, &(&self.sum / count(n)), error)),
            ("count", reading.count.value == Some(n as f64)),
            ("min", reading.certified.and_then(|c| c.min) == Some(min)),
            ("max", reading.certified.and_then(|c| c.max) == Some(max)),
            ("variance", variance_is_right),
            ("standard deviation", deviation_is_right),
        ]
        .into_iter()
        .find_map(|(what, right)| (!right).then_some(what))
    }
}

struct Cluster {
    net: VirtualNetwork,
    nodes: Vec<NodeIndex>,
    /// What was true since when.
    past: Vec<(Instant, Truth)>,
    /// How many readings stated a variance beside `converged`.
    stated: usize,
}

impl Cluster {
    fn new(n: usize, seed: u64) -> Self {
        let mut net =
            VirtualNetwork::new(NetworkConfig { seed, ..NetworkConfig::default() }).unwrap();
        let nodes: Vec<_> = (0..n)
            .map(|i| net.add_node(NodeSpec::named(&format!("n{i}")).unwrap()).unwrap())
            .collect();
        assert!(net.form(&nodes, Instant::ZERO + SECOND * 60));
        Self { net, nodes, past: Vec::new(), stated: 0 }
    }

    /// The first nodes report these; the others report nothing from the beginning.
    fn set(&mut self, inputs: &[f64]) {
        for (&node, &input) in self.nodes.iter().zip(inputs) {
            self.net.set(node, "x", input).unwrap();
        }
        self.past.push((self.net.now(), Truth::of(inputs)));
    }

    fn readings(&self) -> Vec<Reading> {
        let x = Name::new("x").unwrap();
        self.net
            .running()
            .filter_map(|(at, node)| node.aggregates().get(self.net.local_now(at), &x))
            .collect()
    }

    /// Looks at what every node says, for so long; ends early once all state everything.
    fn watch(&mut self, time: Duration) {
        let tolerance = Config::default().aggregates.tolerance;
        let until = self.net.now() + time;
        while self.net.now() < until {
            self.net.run_for(Duration::from_millis(50));
            let mut known = 0;
            for reading in self.readings().into_iter().filter(|reading| reading.converged) {
                self.stated += usize::from(reading.variance.is_some());
                known += usize::from(reading.variance.is_some());
                // It speaks of an instant of the last window.
                let since = self.net.now() - reading.certified.unwrap().age;
                let first = self.past.iter().rposition(|(at, _)| *at <= since).unwrap_or(0);
                let wrong: Vec<_> = self.past[first..]
                    .iter()
                    .map(|(_, truth)| truth.wrong(&reading, tolerance))
                    .collect();
                assert!(
                    wrong.contains(&None),
                    "{wrong:?} of {:?}, {} s after the change: {reading:#?}",
                    self.past.last().unwrap().1.inputs,
                    (self.net.now().since(self.past.last().unwrap().0)).as_secs_f64(),
                );
            }
            if known == self.nodes.len() && self.settled() {
                return;
            }
        }
        panic!("not all is known after {time:?}: {:#?}", self.readings());
    }

    /// All speak of the present inputs.
    fn settled(&self) -> bool {
        let changed = self.past.last().map_or(Instant::ZERO, |past| past.0);
        let age = self.net.now().since(changed);
        self.readings().iter().all(|reading| reading.certified.is_some_and(|c| c.age < age))
    }
}

fn check(nodes: usize, seed: u64, states: &[&[f64]]) {
    let mut cluster = Cluster::new(nodes, seed);
    for inputs in states {
        cluster.set(inputs);
        cluster.watch(SECOND * 120);
    }
    assert!(cluster.stated >= nodes * states.len());
}

#[test]
fn inputs_that_are_large_and_close_together() {
    check(2, 1, &[&[1_795_849_603.0, 1_795_849_605.0]]);
    check(3, 2, &[&[1e12 + 1.0, 1e12 + 3.0, 1e12 + 5.0]]);
    check(5, 3, &[&[1e12 + 1.0, 1e12 + 3.0, 1e12 + 5.0]]);
    check(4, 4, &[&[MAX_INPUT, MAX_INPUT - 1.0, MAX_INPUT, MAX_INPUT]]);
    check(3, 5, &[&[2f64.powi(-64), 0.0, 3.0 * 2f64.powi(-64)]]);
}

#[test]
fn inputs_that_fall_and_rise_by_many_orders_of_magnitude() {
    check(3, 6, &[&[1e9, 2e9, 3e9], &[1.0, 2.0, 3.0], &[1e9, 2e9, 3e9]]);
    check(3, 7, &[&[1000.0, 2000.0, 3000.0], &[1.0, 2.0, 3.0]]);
    check(5, 8, &[&[1e-3, 2e-3, 5e-3], &[9e15, -9e15, 1.0], &[1e-3, 2e-3, 5e-3]]);
    check(4, 9, &[&[9e15, 8e15, 9e15], &[108.0, 139.0, 120.0], &[7.0, 7.0, 7.0]]);
}

fn inputs() -> impl Strategy<Value = Vec<f64>> {
    let magnitude = || {
        (1.0..10.0, -3i32..=15, any::<bool>()).prop_map(|(digits, power, negative)| {
            let x = f64::min(digits * 10f64.powi(power), MAX_INPUT);
            if negative { -x } else { x }
        })
    };
    prop_oneof![
        // Of all magnitudes, of one, nearly equal, equal.
        prop::collection::vec(magnitude(), 1..7),
        (magnitude(), prop::collection::vec(0.5..2.0, 1..7))
            .prop_map(|(x, factors)| factors.iter().map(|f| x * f / 2.0).collect()),
        (magnitude(), prop::collection::vec(-5i32..=5, 1..7)).prop_map(|(x, steps)| {
            let ulp = x.abs().next_up() - x.abs();
            steps.iter().map(|&n| (x + f64::from(n) * ulp).clamp(-MAX_INPUT, MAX_INPUT)).collect()
        }),
        (magnitude(), 1usize..7).prop_map(|(x, n)| vec![x; n]),
        prop::collection::vec(-MAX_INPUT..=MAX_INPUT, 1..7),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// The same nodes report before and after each change; others stand by.
    #[test]
    fn whatever_is_stated_beside_converged_is_right(
        states in prop::collection::vec(inputs(), 1..4),
        others in 0usize..3,
        seed in any::<u64>(),
    ) {
        let reporting = states.iter().map(Vec::len).min().unwrap();
        let states: Vec<&[f64]> = states.iter().map(|inputs| &inputs[..reporting]).collect();
        check(reporting + others, seed, &states);
    }
}
