//! What one run did, round by round.

/// Up to here every round is kept; beyond, 2,048 in each doubling.
const EVERY: u64 = 4096;

/// Returns whether a round is kept: all below 4,096 are, then 2,048 in each doubling. The rule
/// looks at the round alone, so that summaries of different runs fit together.
#[must_use]
pub fn kept(round: u32) -> bool {
    let round = u64::from(round);
    round < EVERY || round.is_multiple_of(stride(round))
}

/// Returns the place of a kept round among the kept ones; the place of the next kept one for
/// others.
#[must_use]
pub fn place(round: u32) -> usize {
    let round = u64::from(round);
    if round < EVERY {
        return round as usize;
    }
    let octave = u64::from((round / EVERY).ilog2());
    let start = EVERY << octave;
    (EVERY + octave * EVERY / 2 + (round - start).div_ceil(stride(round))) as usize
}

/// Returns the round at a place: the inverse of [`place`].
#[must_use]
pub fn round_at(place: usize) -> u64 {
    let place = place as u64;
    if place < EVERY {
        return place;
    }
    let octave = (place - EVERY) / (EVERY / 2);
    let within = (place - EVERY) % (EVERY / 2);
    (EVERY << octave) + within * (2 << octave)
}

fn stride(round: u64) -> u64 {
    2 << (round / EVERY).ilog2()
}

/// What one run did. Engines fill it in, [`crate::simulate::Summary`] takes it up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    goal: u64,
    /// The first round after which the goal was met; 0 if it was met at the start. `None` if it
    /// was not met.
    pub finished: Option<u32>,
    /// Rounds of the run.
    pub rounds: u32,
    /// Number informed after round 0 (the origins), 1, …, of those that are [`kept`].
    pub informed: Vec<u64>,
    /// Contacts made in rounds 1..=t, for the same t.
    pub sent: Vec<u64>,
    /// Number informed at the end.
    pub reached: u64,
    /// Contacts made, lost ones included.
    pub messages: u64,
}

impl Run {
    /// Begins a run: `origins` are informed, and it is finished when `goal` are.
    pub fn start(&mut self, origins: u64, goal: u64) {
        self.goal = goal;
        self.finished = (origins >= goal).then_some(0);
        (self.rounds, self.reached, self.messages) = (0, origins, 0);
        self.informed.clear();
        self.sent.clear();
        self.informed.push(origins);
        self.sent.push(0);
    }

    /// Records a round: the number informed after it, and the contacts made in it.
    #[inline]
    pub fn round(&mut self, informed: u64, messages: u64) {
        self.rounds += 1;
        self.reached = informed;
        self.messages += messages;
        if informed >= self.goal && self.finished.is_none() {
            self.finished = Some(self.rounds);
        }
        if kept(self.rounds) {
            self.informed.push(informed);
            self.sent.push(self.messages);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_rounds_are_each_others_inverse() {
        let kept_rounds: Vec<u32> = (0..200_000).filter(|&round| kept(round)).collect();
        for (at, &round) in kept_rounds.iter().enumerate() {
            assert_eq!((place(round), round_at(at)), (at, u64::from(round)));
        }
        for round in 0..200_000u32 {
            let next = (round..).find(|&r| kept(r)).unwrap_or(0);
            assert_eq!(place(round), place(next), "{round}");
        }
        assert!(kept_rounds.len() < 4096 + 6 * 2048);
    }
}
