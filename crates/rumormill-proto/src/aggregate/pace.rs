//! The pace of exchanges: soon after news, and ever more seldom without.
//!
//! Exchanges are event-triggered (Dimarogonas, Frazzoli, Johansson 2012 have the idea for consensus):
//! after news the next one follows after a short gap, and every exchange that brings none doubles
//! the gap, up to that of an aggregate at rest. A budget bounds the exchanges that a node starts.

use rand::RngExt;

use crate::Rng;
use crate::aggregate::settings::{AggregateSettings, BURST, GAPS_PER_INTERVAL, REST_INTERVALS};
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

/// The budget of exchanges: a token bucket that holds half a second's, and at least one exchange with
/// each peer of a full view.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Budget {
    /// When the exchanges so far would have ended, had they been spread evenly.
    paid_until: Instant,
}

impl Budget {
    fn cost(settings: &AggregateSettings) -> Duration {
        Duration::from_secs(1) / settings.max_exchanges.max(1)
    }

    fn burst(settings: &AggregateSettings) -> Duration {
        BURST.max(Self::cost(settings) * settings.view_size.min(1 << 16) as u32)
    }

    /// Returns when this number of exchanges may start.
    pub(super) fn ready(&self, exchanges: usize, settings: &AggregateSettings) -> Instant {
        let exchanges = u32::try_from(exchanges).unwrap_or(u32::MAX);
        let after = self.paid_until + Self::cost(settings).saturating_mul(exchanges);
        after - Self::burst(settings)
    }

    /// Spends one exchange.
    pub(super) fn spend(&mut self, now: Instant, settings: &AggregateSettings) {
        self.paid_until = self.paid_until.max(now) + Self::cost(settings);
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

    #[test]
    fn the_budget_allows_a_burst_and_then_its_rate() {
        let settings = AggregateSettings { max_exchanges: 100, ..AggregateSettings::default() };
        let mut budget = Budget::default();
        let (mut now, mut started) = (at(10_000), 0);
        while now < at(12_000) {
            while budget.ready(1, &settings) <= now {
                budget.spend(now, &settings);
                started += 1;
            }
            if now == at(10_000) {
                assert_eq!(started, 50, "half a second's");
            }
            now += Duration::from_millis(1);
        }
        assert_eq!(started, 50 + 199);
        assert!(budget.ready(16, &settings) > now, "a broadcast waits for its tokens");
        let slow = AggregateSettings { max_exchanges: 1, ..settings };
        assert!(Budget::default().ready(16, &slow) <= at(0), "a full view is never out of reach");
    }
}
