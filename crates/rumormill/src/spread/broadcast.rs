//! `rumormill predict broadcast`.

use crate::spread::args::NodesAndLoss;
use crate::term::exit::{Exit, finish, finish_json};
use crate::term::format::{left, list, right, short, two_decimals};
use crate::term::refuse::refuse;
use clap::Args;
use rumormill_model::error::Error;
use rumormill_model::exact::Options;
use rumormill_model::exact::broadcast::{
    Eager, acknowledged_messages, acknowledged_rounds, blind, blind_success, eager, eager_estimate,
    eager_messages, repeats_needed,
};
use rumormill_model::spread::{STEADY, Spread};
use rumormill_proto::Style;
use serde::Serialize;

/// The broadcast to compare with gossip.
#[derive(Args)]
pub(crate) struct BroadcastArgs {
    #[command(flatten)]
    among: NodesAndLoss,
    /// Failure probability to aim at, for ways that can be tuned, (0, 1).
    #[arg(long, default_value_t = 1e-6, allow_negative_numbers = true)]
    failure: f64,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Way {
    name: &'static str,
    /// Null where it is not known.
    messages: f64,
    rounds: f64,
    /// Probability that some node is missed.
    failure: f64,
    /// Probability that no node is missed: digits where it is small.
    success: f64,
    note: String,
}

/// Runs `rumormill predict broadcast`.
pub(crate) fn run(args: &BroadcastArgs) -> anyhow::Result<Exit> {
    let ways = match ways(args) {
        Ok(ways) => ways,
        Err(error) => return Err(refuse(&error)),
    };
    if args.json {
        return finish_json(&ways);
    }
    let lines = list(
        &ways,
        &[
            left("way", |way| way.name.to_owned()),
            right("messages", |way| known(way.messages, two_decimals)),
            right("rounds", |way| known(way.rounds, |x| format!("{x:.3}"))),
            right("P(some missed)", |way| known(way.failure, short)),
            left("note", |way| way.note.clone()),
        ],
    );
    let NodesAndLoss { nodes, loss } = args.among;
    finish(&format!("{nodes} nodes, loss {}\n\n{}\n", loss + 0.0, lines.join("\n")))
}

/// Returns a number as it is written, or a dash.
fn known(x: f64, write: impl Fn(f64) -> String) -> String {
    if x.is_nan() { "-".to_owned() } else { write(x) }
}

/// The most nodes for which the eager broadcast is computed exactly.
const EXACT_EAGER: u64 = 2000;

fn ways(args: &BroadcastArgs) -> Result<Vec<Way>, Error> {
    let NodesAndLoss { nodes: n, loss: p } = args.among;
    let (once, all) = (blind(n, p, 1)?, blind_success(n, p, 1)?);
    if p >= 1.0 {
        return Err(Error::NeverArrives { name: "loss", value: p });
    }
    let others = n as f64 - 1.0;
    let mut ways = vec![Way {
        name: "single shot",
        messages: others,
        rounds: 1.0,
        failure: once,
        success: all,
        note: format!("reaches all nodes with probability {}", short(all)),
    }];
    let repeats = repeats_needed(n, p, args.failure)?;
    ways.push(Way {
        name: "repeated",
        messages: f64::from(repeats) * others,
        rounds: f64::from(repeats),
        failure: blind(n, p, repeats)?,
        success: blind_success(n, p, repeats)?,
        note: format!("{repeats} blind repeats for failure {:e}", args.failure),
    });
    ways.push(Way {
        name: "acknowledged",
        messages: acknowledged_messages(n, p)?,
        rounds: acknowledged_rounds(n, p)?,
        failure: 0.0,
        success: 1.0,
        note: "means; acknowledgements are free and never lost".into(),
    });
    let (eager, note) = if n <= EXACT_EAGER {
        let usual = eager_estimate(n, p)?;
        (eager(n, p)?, format!("exact; the usual estimate (n-1) p^(n-1) is {}", short(usual)))
    } else {
        // After the first round the second misses no node, except with a
        // negligible probability.
        let failure = eager_estimate(n, p)?;
        let left = others * p.powf(0.9 * (1.0 - p) * others);
        if left < 1e-6 {
            let messages = eager_messages(n) * (1.0 - failure);
            let eager = Eager { messages, rounds: 1.0 + once, failure };
            (eager, "estimate: two rounds are enough".into())
        } else {
            let eager = Eager { messages: f64::NAN, rounds: f64::NAN, failure: f64::NAN };
            (eager, format!("not known for this size and loss; exact up to {EXACT_EAGER} nodes"))
        }
    };
    ways.push(Way {
        name: "eager reliable",
        messages: eager.messages,
        rounds: eager.rounds,
        failure: eager.failure,
        success: 1.0 - eager.failure,
        note,
    });
    for style in STEADY {
        let spread = Spread { loss: p, ..Spread::new(n, style) };
        let floor = Some(args.failure.min(1e-15));
        let exact = spread.solve_with(Options { floor, ..Default::default() })?;
        let cap = exact.survival.iter().position(|&x| x <= args.failure).unwrap_or(0) as u64;
        ways.push(Way {
            name: match style {
                Style::Push | Style::PushThenPull => "gossip push",
                Style::Pull => "gossip pull",
                Style::PushPull => "gossip both",
            },
            messages: exact.messages,
            rounds: exact.mean,
            failure: exact.survival(cap),
            success: exact.success(cap),
            note: format!("means until all are informed; failure at a cap of {cap} rounds"),
        });
    }
    Ok(ways)
}
