//! An average in rounds, as `gen_gossip` computes it: push-sum (Kempe, Dobra, Gehrke 2003, section
//! 2), restarted in every round.
//!
//! Each node holds a value and a weight, at first its input and 1. Once a period it keeps half of
//! both and sends the other half to a random peer. value/weight tends to the average everywhere.
//! Times the number of participants, that is the sum. A message that is lost takes its mass along
//! until the next round: the reason why rumormill's own sums are ledgered.

use rumormill_proto::{Context, Duration, NodeId, Protocol, RoundProtocol};

/// The protocol, to run in [`Rounds`](rumormill_proto::Rounds). Emits the [`Outcome`] of each round as
/// text.
#[derive(Debug)]
pub struct RoundAverage {
    period: Duration,
    round_length: u32,
    input: f64,
    value: f64,
    weight: f64,
    outcome: Option<Outcome>,
}

/// The outcome of a round.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// The round's number.
    pub round: u64,
    /// The number of nodes that took part from its beginning to its end.
    pub participants: usize,
    /// The average of their inputs.
    pub average: f64,
}

impl Outcome {
    /// Returns the sum of the inputs, as `gen_gossip` computes it: the average times the number of
    /// participants.
    pub fn sum(&self) -> f64 {
        self.average * self.participants as f64
    }
}

impl RoundAverage {
    /// Creates a node with an `input`, which takes part in rounds of `round_length` periods.
    pub fn new(input: f64, period: Duration, round_length: u32) -> Self {
        Self { period, round_length, input, value: 0.0, weight: 0.0, outcome: None }
    }

    /// Changes this node's input, from the next round on.
    pub fn set_input(&mut self, input: f64) {
        self.input = input;
    }

    /// Returns the outcome of the last finished round.
    pub fn outcome(&self) -> Option<Outcome> {
        self.outcome
    }
}

impl Protocol for RoundAverage {
    fn name(&self) -> &str {
        "example.round_average"
    }

    fn period(&self) -> Option<Duration> {
        Some(self.period)
    }

    fn tick(&mut self, cx: &mut Context<'_>) {
        if let Some(peer) = cx.random_peer() {
            self.value /= 2.0;
            self.weight /= 2.0;
            let mut message = [0; 16];
            message[..8].copy_from_slice(&self.value.to_be_bytes());
            message[8..].copy_from_slice(&self.weight.to_be_bytes());
            cx.send(peer, &message);
        }
    }

    fn receive(&mut self, _: &mut Context<'_>, _from: NodeId, message: &[u8]) {
        let Some((value, [])) = message.split_first_chunk() else { return };
        let [value, weight] = halves(value);
        if value.is_finite() && (0.0..=f64::MAX).contains(&weight) {
            self.value += value;
            self.weight += weight;
        }
    }
}

impl RoundProtocol for RoundAverage {
    fn round_length(&self) -> u32 {
        self.round_length
    }

    fn round_started(&mut self, _: &mut Context<'_>, _round: u64, newcomer: bool) {
        // A newcomer relays: its input was not there when the others began.
        (self.value, self.weight) = if newcomer { (0.0, 0.0) } else { (self.input, 1.0) };
    }

    fn round_finished(&mut self, cx: &mut Context<'_>, round: u64, participants: usize) {
        if self.weight > 0.0 {
            let outcome = Outcome { round, participants, average: self.value / self.weight };
            self.outcome = Some(outcome);
            cx.emit(format!(
                "round {round}: average {:.6}, sum {:.6} of {participants} nodes",
                outcome.average,
                outcome.sum()
            ));
        }
    }
}

/// Returns the two numbers of a message.
fn halves(message: &[u8; 16]) -> [f64; 2] {
    let (numbers, _) = message.as_chunks::<8>();
    [f64::from_be_bytes(numbers[0]), f64::from_be_bytes(numbers[1])]
}

#[cfg(test)]
mod tests {
    use rumormill_proto::Rounds;

    use super::*;
    use crate::harness::Cluster;

    const N: u16 = 10;

    #[test]
    fn every_round_ends_with_the_average_of_the_inputs_at_its_beginning() {
        let period = Duration::from_millis(100);
        let mut cluster =
            Cluster::new(N, move |i| Rounds::new(RoundAverage::new(f64::from(i), period, 60)));
        let right = |want: f64, p: &Rounds<RoundAverage>| {
            p.get().outcome().is_some_and(|o| {
                o.participants == usize::from(N) && (o.average - want).abs() < 1e-6
            })
        };
        let minute = Duration::from_secs(60);
        cluster.run_until(minute, |p| right(4.5, p));
        cluster.with(0, |p: &mut Rounds<RoundAverage>, _| p.get_mut().set_input(100.0));
        cluster.run_until(minute, |p| right(14.5, p));
    }

    #[test]
    fn garbage_changes_nothing() {
        let mut cluster = Cluster::new(1, |_| {
            Rounds::new(RoundAverage::new(1.0, Duration::from_millis(100), 60))
        });
        let bad = [f64::NAN, f64::INFINITY].map(f64::to_be_bytes);
        for garbage in [bad.concat(), vec![], vec![1; 15], vec![1; 17]] {
            cluster.with(0, move |p: &mut Rounds<RoundAverage>, cx| {
                p.get_mut().receive(cx, NodeId(1), &garbage);
            });
        }
        let held = cluster.with(0, |p: &mut Rounds<RoundAverage>, _| {
            let p = p.get();
            (p.value, p.weight)
        });
        assert_eq!(held, (0.0, 0.0));
    }
}
