//! The exact answer to a broadcast by one sender.

use crate::compare::answer::{Exact, cut};
use crate::exact::broadcast::{MAX_EAGER_NODES, acknowledged_messages, blind, eager_failure};
use crate::exact::spread::Distribution;
use crate::simulate::broadcast::{Broadcast, BroadcastKind};

/// The most rounds of a law.
const ROUNDS: u32 = 100_000;

/// Returns the exact answer to a broadcast.
#[must_use]
pub fn exact(broadcast: &Broadcast) -> Exact {
    let Broadcast { nodes, loss, dead, max_rounds, .. } = *broadcast;
    if dead > 0.0 || nodes < 2 {
        return Exact::unknown("no exact law is known for broadcasts to dead nodes, or to no node");
    }
    let others = (nodes - 1) as f64;
    // Who is left after r tries: each of the others with probability p^r.
    let left = |tries: u32| others / nodes as f64 * loss.powi(tries.min(i32::MAX as u32) as i32);
    match broadcast.kind {
        BroadcastKind::Blind { repeats } => {
            let rounds = repeats.min(max_rounds);
            let failure = |r: u32| blind(nodes, loss, r).unwrap_or(f64::NAN);
            Exact {
                messages: Some(f64::from(rounds) * others),
                residue: Some(left(rounds)),
                incomplete: Some(failure(rounds)),
                unfinished: Some(failure(rounds)),
                law: Some(cut(&law(failure), rounds.into())),
                informed: informed(nodes, rounds, left),
                missing: None,
            }
        }
        BroadcastKind::Acknowledged { .. } if max_rounds == u32::MAX => Exact {
            messages: acknowledged_messages(nodes, loss).ok(),
            residue: Some(0.0),
            incomplete: Some(0.0),
            unfinished: Some(0.0),
            law: Some(law(|r| blind(nodes, loss, r).unwrap_or(f64::NAN))),
            informed: informed(nodes, 1000, left),
            missing: None,
        },
        BroadcastKind::Eager if nodes <= MAX_EAGER_NODES && max_rounds == u32::MAX => Exact {
            incomplete: eager_failure(nodes, loss).ok(),
            missing: Some("of an eager broadcast, only the failure is known exactly".into()),
            ..Exact::default()
        },
        _ => Exact::unknown("nothing exact is known of this broadcast"),
    }
}

fn informed(nodes: u64, rounds: u32, left: impl Fn(u32) -> f64) -> Vec<f64> {
    (0..=rounds.min(1000)).map(|r| nodes as f64 * (1.0 - left(r))).collect()
}

/// Returns the law with these P(T > r).
fn law(survival: impl Fn(u32) -> f64) -> Distribution {
    let mut tail = Vec::new();
    for round in 0..ROUNDS {
        let p = if round == 0 { 1.0 } else { survival(round).clamp(0.0, 1.0) };
        tail.push(p);
        if p < 1e-15 {
            break;
        }
    }
    Distribution::listed(tail, f64::INFINITY, 1e-12)
}
