//! The spread of an event, from the nodes' records, and its exact mean.

use std::time::Duration;

use rumormill_agent::api::{Info, Trace};
use rumormill_model::spread::Spread as Question;
use rumormill_proto::Style;
use serde::Serialize;

/// Shares of the nodes for which the time is printed.
const SHARES: [f64; 4] = [0.5, 0.9, 0.99, 1.0];

/// A node that took more than this many times the median is late.
const LATE: f64 = 2.0;
/// No node is late below this time, in milliseconds.
const SOON: f64 = 10.0;
/// The most late nodes that are named.
const NAMED: usize = 10;

/// How an event has spread.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Spread {
    /// The nodes that were asked.
    pub(crate) nodes: usize,
    /// The payload's length.
    pub(crate) bytes: u64,
    /// The informed nodes after each round.
    pub(crate) rounds: Vec<ByRound>,
    /// When a share of the nodes was informed.
    pub(crate) milliseconds: Vec<ByTime>,
    /// Copies received for each informed node, the needed one included; `None` if only its origin is
    /// informed.
    pub(crate) copies_per_delivery: Option<f64>,
    /// The number of nodes that pulled it.
    pub(crate) pulled: usize,
    /// Nodes that received it much later than most, the latest first.
    pub(crate) late: Vec<Late>,
    /// The nodes whose validators rejected it.
    pub(crate) rejected: Vec<String>,
    #[serde(skip)]
    times: Vec<f64>,
}

/// The informed nodes after a round.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct ByRound {
    /// The round.
    pub(crate) round: u32,
    /// Their number.
    pub(crate) nodes: usize,
    /// Their share.
    pub(crate) share: f64,
    /// When the last of them received it.
    pub(crate) milliseconds: f64,
}

/// When a share of the nodes knew it.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct ByTime {
    /// The share.
    pub(crate) share: f64,
    /// When; `None` if that share was not reached.
    pub(crate) milliseconds: Option<f64>,
}

/// A node that received it late.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Late {
    /// The node.
    pub(crate) node: String,
    /// The round in which it received it.
    pub(crate) round: u32,
    /// Milliseconds after the publication.
    pub(crate) milliseconds: f64,
}

impl Spread {
    pub(crate) fn of(trace: &Trace) -> Self {
        // Nodes that joined after the publication answered, too.
        let nodes = trace.expected.max(trace.informed.len());
        let share = |n: usize| n as f64 / nodes.max(1) as f64;
        let mut times: Vec<f64> = trace.informed.iter().map(|node| ms(node.record.age)).collect();
        times.sort_by(f64::total_cmp);

        let last = trace.informed.iter().map(|node| node.record.round).max();
        let rounds = (0..=last.unwrap_or(0)).map(|round| {
            let by = trace.informed.iter().filter(|node| node.record.round <= round);
            let nodes = by.clone().count();
            let milliseconds = by.map(|node| ms(node.record.age)).fold(0.0, f64::max);
            ByRound { round, nodes, share: share(nodes), milliseconds }
        });
        let milliseconds = SHARES.map(|share| {
            let at = (share * nodes as f64).ceil() as usize;
            ByTime { share, milliseconds: times.get(at.saturating_sub(1)).copied() }
        });
        // The origin did not receive it.
        let others = trace.informed.iter().filter(|node| node.record.round > 0);
        let deliveries = others.clone().count();
        let again: u32 = trace.informed.iter().map(|node| node.record.copies).sum();
        let copies = (deliveries > 0).then(|| 1.0 + f64::from(again) / deliveries as f64);

        let median = times.get(times.len() / 2).copied().unwrap_or(0.0);
        let is_late = |ms: f64| ms > SOON && ms > LATE * median;
        let late = trace.informed.iter().rev().filter(|node| is_late(ms(node.record.age)));
        let late = late.take(NAMED).map(|node| Late {
            node: node.node.clone(),
            round: node.record.round,
            milliseconds: ms(node.record.age),
        });
        let rejected = trace.informed.iter().filter(|node| node.record.rejected);
        Self {
            nodes,
            bytes: trace.informed.iter().map(|node| node.record.bytes).max().unwrap_or(0),
            rounds: rounds.collect(),
            milliseconds: milliseconds.into(),
            copies_per_delivery: copies,
            pulled: trace.informed.iter().filter(|node| node.record.pulled).count(),
            late: late.collect(),
            rejected: rejected.map(|node| node.node.clone()).collect(),
            times,
        }
    }

    /// Returns the share of informed nodes by milliseconds: a step for each node.
    pub(crate) fn curve(&self) -> Vec<(f64, f64)> {
        let share = |n: usize| n as f64 / self.nodes.max(1) as f64;
        self.times.iter().enumerate().map(|(at, &time)| (time, share(at + 1))).collect()
    }
}

/// The exact mean of the spread under the settings in force.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Prediction {
    /// In words.
    pub(crate) words: String,
    /// The mean share of informed nodes after each round, by the milliseconds at which the round ends.
    pub(crate) milliseconds: Vec<(f64, f64)>,
}

impl Prediction {
    /// Returns the exact mean, or why there is none.
    pub(crate) fn of(info: &Info, spread: &Spread) -> Result<Self, String> {
        let events = &info.settings.events;
        if events.eager {
            return Err("nodes push events at once (events.eager), and the model's rounds are \
                        synchronous"
                .to_owned());
        }
        let style = events.style;
        if style == Style::PushThenPull {
            return Err(format!("none for the style {style}"));
        }
        if style != Style::Push && events.pull_interval != events.interval {
            return Err("nodes pull in another rhythm (events.pull_interval) than they push \
                        (events.interval)"
                .into());
        }
        let interval = events.interval.as_secs_f64() * 1e3;
        let last = spread.rounds.last().map_or(0, |by| by.round);
        let question = Question {
            fanout: u64::from(events.fanout),
            loss: info.loss,
            ..Question::new(spread.nodes as u64, style)
        };
        let rounds = u64::from(last) + 3;
        let known = question.expected_informed(rounds).map_err(|error| error.to_string())?;
        let share = |known: f64| known / spread.nodes as f64;
        let at = |round: usize| round as f64 * interval;
        Ok(Self {
            words: format!(
                "exact mean: {}, fan-out {}, loss {} %, rounds of {} ms",
                events.style,
                events.fanout,
                crate::term::format::number(info.loss * 100.0, 4),
                crate::term::format::number(interval, 4)
            ),
            milliseconds: known.iter().enumerate().map(|(r, &k)| (at(r), share(k))).collect(),
        })
    }
}

/// Returns a duration in milliseconds.
fn ms(duration: Duration) -> f64 {
    duration.as_nanos() as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use rumormill_agent::api::Informed;
    use rumormill_proto::{EventId, EventRecord, Name, Stamp};

    use super::*;

    fn informed(node: &str, round: u32, ms: u64, copies: u32) -> Informed {
        let record = EventRecord {
            id: EventId(0),
            topic: Name::new("x").unwrap(),
            origin: Name::new("a").unwrap(),
            stamp: Stamp(0),
            bytes: 7,
            round,
            age: Duration::from_millis(ms),
            pulled: node == "d",
            copies,
            rejected: false,
        };
        Informed { node: node.into(), record }
    }

    #[test]
    fn shares_copies_and_latecomers() {
        let trace = Trace {
            id: "00".into(),
            expected: 5,
            answered: 5,
            informed: vec![
                informed("a", 0, 0, 1),
                informed("b", 1, 20, 2),
                informed("c", 1, 30, 0),
                informed("d", 4, 400, 0),
            ],
            missing: vec!["e".into()],
            silent: vec![],
        };
        let spread = Spread::of(&trace);
        assert_eq!((spread.nodes, spread.bytes, spread.pulled), (5, 7, 1));
        let by: Vec<_> = spread.rounds.iter().map(|by| (by.round, by.nodes)).collect();
        assert_eq!(by, [(0, 1), (1, 3), (2, 3), (3, 3), (4, 4)]);
        let times: Vec<_> = spread.milliseconds.iter().map(|by| by.milliseconds).collect();
        assert_eq!(times, [Some(30.0), None, None, None]);
        // Three deliveries took six copies.
        assert_eq!(spread.copies_per_delivery, Some(2.0));
        assert_eq!(spread.late.len(), 1);
        assert_eq!(spread.late[0].node, "d");
        assert_eq!(spread.curve(), [(0.0, 0.2), (20.0, 0.4), (30.0, 0.6), (400.0, 0.8)]);
    }
}
