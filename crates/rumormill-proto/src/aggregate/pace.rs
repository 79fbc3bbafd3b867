//! The pace of exchanges: soon after news, and ever more seldom without.
//!
//! Exchanges are event-triggered (Dimarogonas, Frazzoli, Johansson 2012 have the idea for consensus):
//! after news the next one follows after a short gap, and every exchange that brings none doubles
//! the gap, up to that of an aggregate at rest. A budget bounds the exchanges that a node starts.

use rand::RngExt;

use crate::Rng;
use crate::aggregate::settings::{
    AggregateSettings, BURST, BURST_BROADCASTS, GAPS_PER_INTERVAL, HURRIED_BROADCASTS,
    KEPT_EXCHANGES, REST_INTERVALS,
};
use crate::config::Config;
use crate::time::{Duration, Instant};

/// The gaps between the exchanges of one node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gaps {
    /// The gap after news.
    pub(super) shortest: Duration,
    /// The gap of an aggregate at rest.
    pub(super) longest: Duration,
}

impl Gaps {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            shortest: config.interval / GAPS_PER_INTERVAL,
            longest: config.interval * REST_INTERVALS,
        }
    }
}

/// The pace of one group of components that are exchanged together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// When the next exchange is due.
    due: Instant,
    /// The gap that follows it.
    gap: Duration,
}

impl Pace {
    /// Returns the pace of a group whose first exchange is due now.
    pub(super) fn new(now: Instant, gaps: Gaps) -> Self {
        Self { due: now, gap: gaps.shortest }
    }

    pub(super) fn due(&self) -> Instant {
        self.due
    }

    /// Returns whether an exchange that starts now for other groups takes this one along: it is due
    /// before half of its gap has passed.
    pub(super) fn joins(&self, now: Instant) -> bool {
        self.due <= now + self.gap / 2
    }

    /// Notes news: the next exchange follows after the shortest gap.
    pub(super) fn news(&mut self, now: Instant, gaps: Gaps) {
        self.gap = gaps.shortest;
        self.due = self.due.min(now + gaps.shortest);
    }

    /// Notes that an exchange has started. The gaps vary by a quarter, so that the nodes do not act in
    /// step.
    pub(super) fn started(&mut self, now: Instant, gaps: Gaps, rng: &mut Rng) {
        self.due = now + self.gap.mul_f64(rng.random_range(0.75..1.25));
        self.gap = (self.gap * 2).min(gaps.longest);
    }
}

/// The budget of exchanges: a token bucket that holds half a second's, and at least two broadcasts to a
/// full view.
///
/// Exchanges with single peers leave a broadcast's tokens in it: one broadcast does what many such
/// exchanges would, and a node that always has news would otherwise spend every token as it comes. A node
/// whose changes come too fast for broadcasts makes none, and has the whole budget for single peers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Budget {
    /// When the exchanges so far would have ended, had they been spread evenly.
    paid_until: Instant,
    /// Until when changes are not broadcast.
    hurried_until: Instant,
}

impl Budget {
    fn cost(settings: &AggregateSettings) -> Duration {
        Duration::from_secs(1) / settings.max_exchanges.max(1)
    }

    fn burst(settings: &AggregateSettings) -> Duration {
        let broadcasts = BURST_BROADCASTS * settings.view_size.min(1 << 16) as u32;
        BURST.max(Self::cost(settings) * broadcasts)
    }

    /// Returns when an exchange with one of this number of peers may start.
    pub(super) fn single(&self, peers: usize, settings: &AggregateSettings) -> Instant {
        let at_once = self.ready(1, settings);
        if at_once < self.hurried_until {
            return at_once;
        }
        // Never out of reach, whatever the links.
        let kept = (peers + KEPT_EXCHANGES).min(settings.view_size + KEPT_EXCHANGES);
        self.ready(kept, settings)
    }

    /// Returns whether a change may be broadcast to this number of peers now. If not, exchanges with
    /// single peers spread it, with the whole budget until changes are rarer.
    pub(super) fn allows_broadcast(
        &mut self,
        now: Instant,
        peers: usize,
        settings: &AggregateSettings,
    ) -> bool {
        if now >= self.hurried_until && self.ready(peers, settings) <= now {
            return true;
        }
        let peers = u32::try_from(peers).unwrap_or(u32::MAX);
        let earns = Self::cost(settings).saturating_mul(peers);
        self.hurried_until = now + earns.mul_f64(HURRIED_BROADCASTS);
        false
    }

    /// Returns when this number of exchanges may start.
    fn ready(&self, exchanges: usize, settings: &AggregateSettings) -> Instant {
        let exchanges = u32::try_from(exchanges).unwrap_or(u32::MAX);
        let after = self.paid_until + Self::cost(settings).saturating_mul(exchanges);
        after - Self::burst(settings)
    }

    /// Spends one exchange. Costs vary by a quarter, so that nodes whose budget is short do not act in
    /// step: exchanges that all start at once bring them together more slowly.
    pub(super) fn spend(&mut self, now: Instant, settings: &AggregateSettings, rng: &mut Rng) {
        let cost = Self::cost(settings).mul_f64(rng.random_range(0.75..1.25));
        self.paid_until = self.paid_until.max(now) + cost;
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn exchanges_without_news_become_rare_and_news_makes_them_quick_again() {
        let gaps = Gaps::new(&Config::default());
        let mut rng = Rng::seed_from_u64(1);
        let mut pace = Pace::new(at(0), gaps);
        let mut now = at(0);
        for _ in 0..12 {
            now = pace.due();
            pace.started(now, gaps, &mut rng);
        }
        let rest = pace.due().since(now);
        assert!(rest > gaps.longest * 3 / 4 && rest < gaps.longest * 5 / 4, "{rest:?}");
        assert!(now > at(3000) && now < at(25_000), "{now}");
        pace.news(now, gaps);
        assert_eq!(pace.due(), now + gaps.shortest);
        pace.started(pace.due(), gaps, &mut rng);
        assert!(pace.due() < now + gaps.shortest * 3);
    }

    /// Starts exchanges with single peers for a while, as fast as the budget allows; returns how many.
    fn singles(
        budget: &mut Budget,
        (from, until): (u64, u64),
        peers: usize,
        settings: &AggregateSettings,
    ) -> i32 {
        let mut rng = Rng::seed_from_u64(1);
        let mut started = 0;
        for now in (from..until).map(at) {
            while budget.single(peers, settings) <= now {
                budget.spend(now, settings, &mut rng);
                started += 1;
            }
        }
        started
    }

    #[test]
    fn the_budget_allows_a_burst_and_then_its_rate() {
        let settings = AggregateSettings { max_exchanges: 100, ..AggregateSettings::default() };
        let mut budget = Budget::default();
        let burst = singles(&mut budget, (10_000, 10_001), 16, &settings);
        assert!((30..=36).contains(&burst), "half a second's, without a broadcast's: {burst}");
        let rate = singles(&mut budget, (10_001, 30_001), 16, &settings);
        assert!((1960..=2040).contains(&rate), "{rate} in 20 seconds");
        // What is left is for a change.
        assert!(budget.allows_broadcast(at(30_001), 16, &settings));
        let slow = AggregateSettings { max_exchanges: 1, ..settings };
        assert!(Budget::default().allows_broadcast(at(40_000), 16, &slow), "never out of reach");
        assert!(singles(&mut Budget::default(), (40_000, 40_001), 16, &slow) > 0, "nor is this");
    }

    #[test]
    fn changes_that_come_too_fast_are_not_broadcast_and_leave_the_budget_to_single_peers() {
        let settings = AggregateSettings { max_exchanges: 100, ..AggregateSettings::default() };
        let (mut budget, mut rng) = (Budget::default(), Rng::seed_from_u64(1));
        let mut broadcasts = Vec::new();
        // Every 100 ms, where 16 exchanges are earned in 160 ms.
        for change in 0..50 {
            let now = 10_000 + 100 * change;
            if budget.allows_broadcast(at(now), 16, &settings) {
                broadcasts.push(change);
                (0..16).for_each(|_| budget.spend(at(now), &settings, &mut rng));
            }
            singles(&mut budget, (now, now + 100), 16, &settings);
        }
        assert!(broadcasts.len() <= 4 && broadcasts.iter().all(|at| *at < 6), "{broadcasts:?}");
        let singles = singles(&mut budget, (15_000, 15_100), 16, &settings);
        assert!((8..=12).contains(&singles), "the whole budget: {singles}");
        // Once a second is slow enough.
        for now in (20_000..30_000).step_by(1000) {
            assert!(budget.allows_broadcast(at(now), 16, &settings), "at {now} ms");
            (0..16).for_each(|_| budget.spend(at(now), &settings, &mut rng));
            super::tests::singles(&mut budget, (now, now + 1000), 16, &settings);
        }
    }
}
