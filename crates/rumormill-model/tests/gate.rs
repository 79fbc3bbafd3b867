//! The engine against chains of its own kind but no code of its own: random settings over 1 to
//! 2,500 nodes, every style and option, both tails, moments and messages, and the bound itself.
//!
//! `cargo test` runs a slice. `RUMORMILL_GATE=5000 cargo test --release -p rumormill-model --test
//! gate -- --nocapture random` runs as many as asked and prints the worst by region;
//! `RUMORMILL_GATE_SEED` chooses the settings.

#[path = "gate/chain.rs"]
mod chain;
#[path = "gate/double.rs"]
mod double;
#[path = "support/random.rs"]
mod random;

use std::collections::BTreeMap;

use chain::{Setting, Truth, Way, truth};
use random::{Random, asked};
use rumormill_model::exact::{Distribution, Options};
use rumormill_model::spread::{Spread, Targets};
use rumormill_proto::Style;

/// A random setting whose truth takes at most about `budget` steps, and the cheaper way to it.
fn setting(random: &mut Random, budget: f64) -> (Setting, Way) {
    let (push, pull) = [(true, false), (false, true), (true, true)][random.below(3) as usize];
    let loss = match random.below(4) {
        0 => 0.0,
        1 => (random.unit() * 1000.0).floor() / 1000.0,
        2 => 0.999 * random.unit(),
        _ => 1.0 - 10f64.powf(-3.0 * random.unit()),
    };
    let mut setting = Setting {
        nodes: if random.below(3) == 0 { 1 + random.below(2500) } else { random.size(2500) },
        push,
        pull,
        fanout: random.size(64),
        loss,
        distinct: random.below(2) == 0,
        include_self: random.below(3) == 0,
        origins: 1,
        dead: if random.below(3) == 0 { random.below(1000) } else { 0 },
        coverage: if random.below(2) == 0 { 10 + random.below(991) } else { 1000 },
        pull_after: None,
    };
    let many = random.below(3) == 0;
    let share = random.unit();
    if push && random.below(4) == 0 {
        setting.pull_after = Some(random.below(12));
    }
    loop {
        let alive = setting.alive();
        setting.origins = if many { 1 + (alive as f64 * share * 0.999) as u64 } else { 1 };
        let (way, cost) = cost(&setting);
        if cost <= budget || setting.nodes == 1 {
            return (setting, way);
        }
        setting.nodes = (setting.nodes * 4 / 5).max(1);
    }
}

/// About how many steps the truth takes, the cheaper way.
fn cost(setting: &Setting) -> (Way, f64) {
    let alive = setting.alive() as f64;
    let steps = setting.picks() as f64 * if setting.distinct { 2.0 } else { 1.0 };
    let rate = setting.picks() as f64 * (1.0 - setting.loss) * alive / setting.pool().max(1) as f64;
    let tail = (60.0 + alive.ln()) / rate.min(20.0);
    let rounds = 3.0 + alive.ln() / rate.ln_1p() + tail;
    let jump = (rate * alive).min(alive) * 0.3;
    let width = (20.0 + 24.0 * jump.sqrt()).min(alive);
    let wide = rounds.min(3.0 + alive.ln() / rate.ln_1p() + 70.0 / rate.min(20.0));
    let senders = alive * steps * (wide * alive / 3.0 + rounds * width);
    let rows = steps * alive * alive / 2.0 * width + rounds * alive * width;
    if !setting.push || rows < senders { (Way::Rows, rows) } else { (Way::Senders, senders) }
}

fn ask(setting: &Setting) -> Distribution {
    let style = match (setting.push, setting.pull) {
        (true, true) => Style::PushPull,
        (true, false) => Style::Push,
        _ => Style::Pull,
    };
    let spread = Spread {
        pull_after: setting.pull_after.map(|after| after as u32),
        fanout: setting.fanout,
        loss: setting.loss,
        targets: if setting.distinct { Targets::Distinct } else { Targets::Independent },
        include_self: setting.include_self,
        origins: setting.origins,
        dead: setting.dead as f64 / 1000.0,
        coverage: setting.coverage as f64 / 1000.0,
        ..Spread::new(setting.nodes, style)
    };
    let options = Options { floor: Some(1e-26), ..Options::default() };
    spread.solve_with(options).unwrap_or_else(|error| panic!("{setting:?}: {error}"))
}

/// The largest differences: absolute, relative down to 1e-25, of moments and messages, and the
/// absolute one as a part of what the bound allows.
#[derive(Clone, Copy, Debug, Default)]
struct Gaps {
    absolute: f64,
    relative: f64,
    moments: f64,
    used: f64,
    bound: f64,
}

impl Gaps {
    fn max(self, other: Self) -> Self {
        Self {
            absolute: self.absolute.max(other.absolute),
            relative: self.relative.max(other.relative),
            moments: self.moments.max(other.moments),
            used: self.used.max(other.used),
            bound: self.bound.max(other.bound),
        }
    }
}

fn compare(setting: &Setting, truth: &Truth, ours: &Distribution) -> Gaps {
    let mut gaps = Gaps { bound: ours.error, ..Gaps::default() };
    for (x, (&p, &q)) in truth.survival.iter().zip(&truth.success).enumerate() {
        let (ours_p, ours_q) =
            if x < ours.survival.len() { (ours.survival[x], ours.success[x]) } else { (0.0, 1.0) };
        gaps.absolute = gaps.absolute.max((ours_p - p).abs()).max((ours_q - q).abs());
        for (got, want) in [(ours_p, p), (ours_q, q)] {
            if want >= 1e-25 {
                gaps.relative = gaps.relative.max((got / want - 1.0).abs());
            }
        }
    }
    for (got, want) in
        [(ours.mean, truth.mean), (ours.variance, truth.variance), (ours.messages, truth.messages)]
    {
        gaps.moments = gaps.moments.max((got - want).abs() / want.abs().max(1.0));
    }
    gaps.used = gaps.absolute / ours.error.max(f64::MIN_POSITIVE);
    assert!(gaps.absolute <= 1e-12, "{setting:?}: absolute {:e}", gaps.absolute);
    assert!(gaps.relative <= 1e-9, "{setting:?}: relative {:e}", gaps.relative);
    assert!(gaps.moments <= 1e-12, "{setting:?}: moments or messages {:e}", gaps.moments);
    assert!(gaps.absolute <= ours.error, "{setting:?}: {:e} > {:e}", gaps.absolute, ours.error);
    gaps
}

fn region(setting: &Setting) -> String {
    let style = match (setting.push, setting.pull, setting.pull_after) {
        (true, false, None) => "push",
        (false, true, _) => "pull",
        (true, true, None) => "push-pull",
        _ => "then pull",
    };
    let nodes = match setting.alive() {
        0..=99 => "       to 99",
        100..=1201 => " 100 to 1201",
        _ => "1202 to 2500",
    };
    let loss = if setting.loss < 0.9 { "loss < 0.9 " } else { "loss >= 0.9" };
    let goal = if setting.coverage < 1000 { "part" } else { "all " };
    format!("{style:<9} {nodes} living, {loss}, {goal}")
}

#[test]
fn random_settings_meet_the_chain() {
    let number = asked("RUMORMILL_GATE");
    let (count, budget) = number.map_or((60, 2e6), |count| (count, 4e8));
    let seed = asked("RUMORMILL_GATE_SEED").unwrap_or(1);
    println!("gate: {count} settings from seed {seed}");
    let mut random = Random(seed);
    let mut worst: BTreeMap<String, (u64, Gaps)> = BTreeMap::new();
    for i in 0..count {
        let (setting, way) = setting(&mut random, budget);
        if setting.goal() <= setting.origins {
            assert_eq!(ask(&setting).mean, 0.0, "{setting:?}");
            worst.entry("finished at the start".into()).or_default().0 += 1;
            continue;
        }
        let gaps = compare(&setting, &truth(&setting, way), &ask(&setting));
        let entry = worst.entry(region(&setting)).or_default();
        *entry = (entry.0 + 1, entry.1.max(gaps));
        if number.is_some() && i % 250 == 249 {
            println!("{} done", i + 1);
        }
    }
    println!(
        "{:<45}{:>6}{:>10}{:>10}{:>10}{:>10}{:>10}",
        "region", "count", "absolute", "relative", "moments", "bound", "used"
    );
    for (region, (count, gaps)) in &worst {
        println!(
            "{region:<45}{count:>6}{:>10.1e}{:>10.1e}{:>10.1e}{:>10.1e}{:>10.1e}",
            gaps.absolute, gaps.relative, gaps.moments, gaps.bound, gaps.used
        );
    }
}

fn plain(nodes: u64, push: bool, pull: bool, fanout: u64, loss: f64) -> Setting {
    Setting {
        nodes,
        push,
        pull,
        fanout,
        loss,
        distinct: true,
        include_self: false,
        origins: 1,
        dead: 0,
        coverage: 1000,
        pull_after: None,
    }
}

#[test]
fn both_ways_through_the_chain_agree() {
    for (push, pull) in [(true, false), (true, true)] {
        let setting = Setting { coverage: 950, ..plain(40, push, pull, 3, 0.25) };
        let (a, b) = (truth(&setting, Way::Rows), truth(&setting, Way::Senders));
        for (x, y) in a.survival.iter().zip(&b.survival) {
            assert!((x / y - 1.0).abs() < 1e-14, "{x:e} {y:e}");
        }
    }
    // By hand: three nodes, T = 2 with 3/4, and each further round leaves a quarter.
    let three = truth(&plain(3, true, false, 1, 0.0), Way::Rows);
    assert!((three.mean - 7.0 / 3.0).abs() < 1e-15 && three.survival[3] == 0.0625);
}

#[test]
fn the_cases_of_the_audit() {
    // Once off by 2.5e-2, 4.4e-6 and 1.7e-10, each with a stated error near 1e-14.
    let part = Setting {
        include_self: true,
        origins: 84,
        coverage: 900,
        ..plain(338, false, true, 7, 0.7)
    };
    for setting in [part, plain(1201, false, true, 24, 0.0), plain(1000, false, true, 3, 0.0)] {
        let ours = ask(&setting);
        compare(&setting, &truth(&setting, Way::Rows), &ours);
        assert!(ours.error < 1e-12, "{:e}", ours.error);
    }
    // More picks than there are nodes to pick, with repeats: all of them are sent.
    let few = Setting { distinct: false, ..plain(4, true, false, 7, 0.0) };
    compare(&few, &truth(&few, Way::Rows), &ask(&few));
}
