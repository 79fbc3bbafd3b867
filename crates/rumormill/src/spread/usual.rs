//! The usual equations beside the exact answer: stages and curves of `rumormill predict spread`,
//! and `rumormill predict doubling`.

use crate::spread::args::NodesAndLoss;
use crate::spread::title::predicted;
use crate::term::exit::{Exit, finish, finish_json};
use crate::term::format::{Align, grouped, number, short, table, two_decimals};
use crate::term::refuse::refuse;
use clap::Args;
use rumormill_model::error::Error;
use rumormill_model::exact::spread::Stage;
use rumormill_model::exact::usual::{Doubling, Point, curve};
use rumormill_model::spread::Spread;
use serde::Serialize;

/// The stages as JSON, and of the whole.
#[derive(Serialize)]
struct Stages {
    nodes: u64,
    stages: Vec<Stage>,
    mean: f64,
    variance: f64,
    waits_mean: f64,
    waits_variance: f64,
}

/// Prints the waits stage by stage.
pub(crate) fn stages(spread: &Spread, json: bool) -> anyhow::Result<Exit> {
    let answer = spread.stages().and_then(|stages| Ok((stages, spread.solve()?)));
    let (stages, exact) = answer.map_err(|error| refuse(&error))?;
    let sum = |part: fn(&Stage) -> f64| stages.iter().map(part).sum::<f64>();
    let (waits_mean, waits_variance) = (sum(|s| s.waits_mean), sum(|s| s.waits_variance));
    if json {
        return finish_json(&Stages {
            nodes: spread.nodes,
            stages,
            mean: exact.mean,
            variance: exact.variance,
            waits_mean,
            waits_variance,
        });
    }
    let part = |variance: f64, all: f64| {
        if all > 0.0 { format!("{:.1} %", 100.0 * variance / all) } else { String::new() }
    };
    let row = |name: String, values: [f64; 4]| {
        let [mean, variance, waits_mean, waits_part] = values;
        vec![
            name,
            format!("{mean:.6}"),
            format!("{variance:.6}"),
            part(variance, exact.variance),
            format!("{waits_mean:.6}"),
            format!("{waits_part:.6}"),
            part(waits_part, waits_variance),
        ]
    };
    let mut rows: Vec<_> = stages
        .iter()
        .map(|s| {
            let name = format!("{} to {}", grouped(s.from), grouped(s.to));
            row(name, [s.mean, s.variance, s.waits_mean, s.waits_variance])
        })
        .collect();
    rows.push(row("all".to_owned(), [exact.mean, exact.variance, waits_mean, waits_variance]));
    let right = Align::Right;
    let head = [
        ("informed", right),
        ("mean rounds", right),
        ("variance", right),
        ("part", right),
        ("waits' mean", right),
        ("variance", right),
        ("part", right),
    ];
    let lines = table(&head, &rows).join("\n");
    finish(&format!(
        "{} (synchronous rounds, complete graph)\n\n{lines}\n\nExact, beside independent exponential \
         waits at the rates of the logistic equation.\nStages of the process depend on each other, so \
         its variances do not add up to the whole.\n",
        predicted(spread)
    ))
}

/// The curves as JSON.
#[derive(Serialize)]
struct Curves {
    nodes: u64,
    rounds: Vec<Point>,
}

/// Prints the number informed round by round: to the round given, or until nearly all are.
pub(crate) fn curves(spread: &Spread, rounds: Option<u64>, json: bool) -> anyhow::Result<Exit> {
    let points = asked(spread, rounds).map_err(|error| refuse(&error))?;
    if json {
        return finish_json(&Curves { nodes: spread.nodes, rounds: points });
    }
    let step = points.len().div_ceil(60).max(1);
    let cell = |x: f64| number(x, 9);
    let rows: Vec<Vec<String>> = points
        .iter()
        .step_by(step)
        .map(|p| {
            vec![
                p.round.to_string(),
                cell(p.exact),
                cell(p.logistic),
                cell(p.collisions),
                p.taylor.map_or_else(|| "-".to_owned(), cell),
                cell(p.recurrence),
            ]
        })
        .collect();
    let head = ["round", "exact mean", "logistic", "collisions", "second order", "recurrence"];
    let lines = table(&head.map(|title| (title, Align::Right)), &rows).join("\n");
    finish(&format!(
        "{} (synchronous rounds, complete graph)\n\nInformed nodes by round\n{lines}\n\nlogistic: u' = r u \
         (n-u)/n; collisions: u' = (n-u) P(reached | u); second order: the same, cut;\nrecurrence: \
         each round the mean of the next as if the mean were the state: of the share\nuninformed, \
         with one call and no loss, x (1-1/n)^(n(1-x)) under push and x^2 under pull\n",
        predicted(spread)
    ))
}

fn asked(spread: &Spread, rounds: Option<u64>) -> Result<Vec<Point>, Error> {
    let rounds = match rounds {
        Some(rounds) => rounds,
        None => spread.solve()?.percentile(99.9)?.unwrap_or(0),
    };
    curve(spread, rounds)
}

/// The perfect spread to ask about.
#[derive(Args)]
pub(crate) struct DoublingArgs {
    #[command(flatten)]
    among: NodesAndLoss,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Runs `rumormill predict doubling`.
pub(crate) fn doubling(args: &DoublingArgs) -> anyhow::Result<Exit> {
    let (nodes, loss) = (args.among.nodes, args.among.loss + 0.0);
    let doubling = Doubling::new(nodes, loss).map_err(|error| refuse(&error))?;
    if args.json {
        return finish_json(&doubling);
    }
    let ideal = doubling.schedule;
    let (last, all) = (doubling.log10_last_round, doubling.log10_all_rounds);
    let (halves, doubles) = (nodes.is_multiple_of(2), nodes.is_power_of_two());
    let chance = |log10: Option<f64>, meets: bool, needs: &str| match log10 {
        None if meets => "0".to_owned(),
        None => format!("none: it takes {needs}"),
        Some(log10) if log10 > -290.0 => short(10f64.powf(log10)),
        Some(log10) if log10 > -1e6 => format!("10^{}", number(log10, 9)),
        Some(log10) => format!("10^{log10:.8e}"),
    };
    finish(&format!(
        "{} nodes, loss {loss}\n\nA schedule: in round t node i < 2^(t-1) sends to node i + 2^(t-1)\n\
         rounds                     {}\nmessages                   {}\nP(all are informed)        {}\n\
         mean share informed        {}\nIt takes what gossip does without: every node knows the \
         number of nodes, its own number and\nthe round, and all that hang on a message miss it if it \
         is lost.\n\nPush with fan-out 1, by chance as good\n\
         P(last round is perfect)   {}\nP(every round is perfect)  {}\n",
        grouped(nodes),
        ideal.rounds,
        two_decimals(ideal.messages as f64).trim_end_matches(".00"),
        short(ideal.complete),
        short(ideal.informed),
        chance(last, halves, "an even number of nodes"),
        chance(all, doubles, "a power of two"),
    ))
}
