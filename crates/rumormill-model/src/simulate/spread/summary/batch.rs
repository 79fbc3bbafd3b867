//! Many short runs at once, as how often each step was seen.
//!
//! Among few nodes a run takes less time than [`Summary::add`] would. But its steps are few and
//! come again and again; so they are counted, and all that the summary keeps follows from the
//! counts, to the last bit.

use super::{Level, MOST_GAIN, Summary, gain};
use crate::simulate::histogram::Moments;

/// Runs from the same number of origins, all of whose rounds are kept (see `place`).
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Batch {
    pub(crate) origins: u64,
    /// The contacts of each run.
    pub(crate) messages: Moments,
    /// From round 0, in which nothing moves, to the last of the longest run.
    pub(crate) rounds: Vec<BatchRound>,
}

/// What runs did in one round.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct BatchRound {
    pub(crate) moves: Vec<Move>,
    /// The numbers informed in runs that ended after this round, each with the number of these
    /// runs.
    pub(crate) ended: Vec<(u64, u64)>,
    /// The contacts that those runs made, in all their rounds.
    pub(crate) messages: u64,
}

/// A step that was seen in a round.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Move {
    /// The number informed before the round, and after it.
    pub(crate) from: u64,
    pub(crate) to: u64,
    /// The contacts made.
    pub(crate) contacts: u64,
    /// In how many runs.
    pub(crate) times: u64,
}

impl Summary {
    /// Takes up many runs: the same as [`Summary::add`] for each of them.
    pub(crate) fn add_batch(&mut self, batch: &Batch) {
        let (alive, goal) = (self.alive, self.goal);
        let runs = batch.messages.count();
        if runs == 0 {
            return;
        }
        self.runs += runs;
        self.messages.merge(&batch.messages);
        // Contacts so far of the runs that go on. Runs that have met their goal: that were seen up
        // to the round before, and that have ended since.
        let (mut sent, mut met_before, mut met_ended) = (0, 0, 0);
        let met = |informed: u64, times: u64| if informed >= goal { times } else { 0 };
        for (number, round) in batch.rounds.iter().enumerate() {
            let here = level(&mut self.here, number);
            let mut met_here = 0;
            if number == 0 {
                here.add_times(batch.origins, runs, alive);
                met_here = met(batch.origins, runs);
            }
            for step in &round.moves {
                here.add_times(step.to, step.times, alive);
                here.grown.add_times(gain(step.from, step.to), step.times, MOST_GAIN);
                sent += u128::from(step.contacts) * u128::from(step.times);
                met_here += met(step.to, step.times);
            }
            here.sent += sent;
            if met_here + met_ended > met_before {
                self.finished.add(number as u64, met_here + met_ended - met_before);
            }
            met_before = met_here + met_ended;
            if round.ended.is_empty() {
                continue;
            }
            let after = level(&mut self.ended, number + 1);
            after.sent += u128::from(round.messages);
            sent -= u128::from(round.messages);
            for &(informed, times) in &round.ended {
                after.add_times(informed, times, alive);
                self.residue.add(alive - informed, times);
                self.lengths.add(number as u64, times);
                met_ended += met(informed, times);
            }
        }
    }
}

/// Returns the level at a place, which is made if it is not there.
fn level(levels: &mut Vec<Level>, at: usize) -> &mut Level {
    if levels.len() <= at {
        levels.resize_with(at + 1, Level::default);
    }
    &mut levels[at]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::spread::run::Run;
    use crate::simulate::stream::{Purpose, Stream};

    /// Adds a run to a batch: the number informed after each round, and contacts by round.
    fn count(batch: &mut Batch, informed: &[u64], contacts: &[u64]) {
        let last = informed.len() - 1;
        let rounds = batch.rounds.len().max(informed.len());
        batch.rounds.resize_with(rounds, BatchRound::default);
        for (round, (pair, &contacts)) in (1..).zip(informed.windows(2).zip(contacts)) {
            let step = Move { from: pair[0], to: pair[1], contacts, times: 1 };
            batch.rounds[round].moves.push(step);
        }
        let messages = contacts.iter().sum();
        batch.rounds[last].ended.push((informed[last], 1));
        batch.rounds[last].messages += messages;
        batch.messages.add(messages);
    }

    #[test]
    fn it_is_the_summary_run_by_run() {
        for (alive, goal) in [(1, 1), (64, 64), (300, 250), (512, 1), (5000, 4000)] {
            let origins = alive.min(2);
            let mut plain = Summary::new(alive + 3, alive, goal);
            let mut whole = plain.clone();
            let mut batch = Batch { origins, ..Batch::default() };
            for number in 0..400u64 {
                let mut draws = Stream::new(8, Purpose::Counts).child(alive).child(number).draws();
                let rounds = draws.below(if number % 50 == 0 { 256 } else { 20 });
                let (mut run, mut informed) = (Run::default(), vec![origins]);
                let mut contacts = Vec::new();
                run.start(origins, goal);
                for round in 0..rounds as usize {
                    contacts.push(draws.below(1000));
                    informed.push(informed[round] + draws.below(alive - informed[round] + 1));
                    run.round(informed[round + 1], contacts[round]);
                }
                plain.add(&run);
                count(&mut batch, &informed, &contacts);
                if number == 130 {
                    whole.add_batch(&std::mem::take(&mut batch));
                    batch.origins = origins;
                }
            }
            whole.add_batch(&batch);
            assert!(plain == whole, "{alive} nodes");
            whole.add_batch(&Batch::default());
            assert!(plain == whole, "{alive} nodes, and nothing new");
        }
    }
}
