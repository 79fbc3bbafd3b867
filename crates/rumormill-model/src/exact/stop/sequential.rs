//! Sequential contacts: the exact residue.
//!
//! Each contact sees the state the last one left, so whose turn it is changes nothing about who is
//! told: the nodes can be run to the end one after another. The coin needs the number uninformed
//! and the number active, O(n²); the counter needs the count of the node at work too, O(kn²).
//!
//! One rule is not so innocent: a counter that is reset by a useful contact remembers *who* was
//! useful. There the schedule matters, and the figures are for nodes run to the end in turn.

use rumormill_proto::Counted;

use crate::error::{Error, count, need};
use crate::exact::stop::Rule;

/// The most nodes [`sequential`] takes: its time grows with their square.
pub const MAX_SEQUENTIAL_NODES: u64 = 5_000;

/// The most nodes squared times the counter's limit: about a second.
const MAX_STEPS: u64 = 400_000_000;

/// What is left when the rumor has died.
#[derive(Clone, Debug, PartialEq)]
pub struct Residue {
    /// Mean share of nodes never told.
    pub residue: f64,
    /// Chance that at least one node is never told.
    pub incomplete: f64,
    /// Mean contacts per node.
    pub traffic: f64,
}

/// Returns the exact residue from one origin, contacts one after another, targets uniform over the
/// others.
///
/// # Errors
/// If `nodes` is 0 or above [`MAX_SEQUENTIAL_NODES`], or the rule's number is out of range, or both
/// together take far longer than a second.
///
/// ```
/// use rumormill_model::exact::stop::{Rule, sequential};
/// use rumormill_proto::Counted;
/// let end = sequential(30, Rule::Coin(0.25), Counted::Feedback)?;
/// assert!((end.incomplete - 0.19999).abs() < 5e-6);
/// # Ok::<(), rumormill_model::error::Error>(())
/// ```
pub fn sequential(nodes: u64, rule: Rule, counted: Counted) -> Result<Residue, Error> {
    count("nodes", nodes, 1, MAX_SEQUENTIAL_NODES)?;
    rule.check()?;
    if nodes == 1 {
        return Ok(Residue { residue: 0.0, incomplete: 0.0, traffic: 0.0 });
    }
    let n = nodes as usize;
    let states = match rule {
        Rule::Coin(_) => 1,
        Rule::Counter { limit, .. } => limit as usize,
    };
    let most = MAX_STEPS / (nodes * nodes);
    let range = format!("1 to {most} with {nodes} nodes, to be followed within a second");
    need(states as u64 <= most, "counter", states, range)?;
    // law[a][d]: a nodes active, the one at work with count d, for the present number uninformed.
    let width = n + 2;
    let mut law = vec![0.0; width * states];
    let mut next = law.clone();
    law[states] = 1.0;
    let others = (n - 1) as f64;
    let (mut residue, mut incomplete, mut contacts) = (0.0, 0.0, 0.0);
    for uninformed in (0..n).rev() {
        let hit = uninformed as f64 / others;
        let miss = (others - uninformed as f64) / others;
        next.fill(0.0);
        for active in (1..=n - uninformed).rev() {
            for d in 0..states {
                let p = law[active * states + d];
                if p == 0.0 {
                    continue;
                }
                match rule {
                    Rule::Coin(coin) => {
                        // Contacts that change nothing are skipped: `leave` is the chance per
                        // contact to change something.
                        let leave = hit + miss * coin;
                        contacts += p / leave;
                        let lost = if counted == Counted::Blind { coin } else { 0.0 };
                        next[(active + 1) * states] += p * hit * (1.0 - lost) / leave;
                        next[active * states] += p * hit * lost / leave;
                        law[(active - 1) * states] += p * miss * coin / leave;
                    }
                    Rule::Counter { limit, reset } => {
                        contacts += p;
                        let up = d + 1;
                        let after = |counts: bool| if counts { up } else { d };
                        let told = if counted == Counted::Blind && !reset {
                            after(true)
                        } else if reset {
                            0
                        } else {
                            d
                        };
                        let done = limit as usize;
                        if told == done {
                            next[active * states] += p * hit;
                        } else {
                            next[(active + 1) * states + told] += p * hit;
                        }
                        if up == done {
                            law[(active - 1) * states] += p * miss;
                        } else {
                            law[active * states + up] += p * miss;
                        }
                    }
                }
            }
        }
        // With none active it is over: state (0, 0).
        let over = law[0];
        residue += over * uninformed as f64 / n as f64;
        if uninformed > 0 {
            incomplete += over;
        }
        std::mem::swap(&mut law, &mut next);
    }
    Ok(Residue { residue, incomplete, traffic: contacts / n as f64 })
}
