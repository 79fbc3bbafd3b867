//! The answer for people.

use std::fmt::Write as _;

use rumormill_model::compare::average::report::{Goal, Row};

use crate::average::answer::Answer;
use crate::term::format;
use crate::term::format::{Align, grouped, plural, table};

/// The most rows of the table.
const ROWS: usize = 30;

/// Returns the answer as text.
pub(crate) fn of(answer: &Answer) -> String {
    let mut out = format!("{}\n{}\n\n", answer.title(), answer.conditions().join(", "));
    if answer.interrupted {
        let _ = writeln!(
            out,
            "interrupted after {} of {}; the result so far:\n",
            grouped(answer.runs),
            plural(answer.runs_asked as usize, "run")
        );
    }
    if answer.components > 1 {
        let _ = writeln!(
            out,
            "the graph has {} components: each converges to its own average\n",
            grouped(answer.components)
        );
    }
    out += &factor(answer);
    out += &reached(answer);
    out.push('\n');
    for line in rows(answer) {
        let _ = writeln!(out, "{line}");
    }
    let _ = write!(
        out,
        "\nErrors are relative; variance: of the nodes' estimates; factor: variance over that of \
         the round before.\nengine {}, {} a node, {} in {}: {} ns a node and round on a thread\n",
        answer.engine,
        format::bytes(answer.bytes_per_node),
        plural(answer.runs as usize, "run"),
        format::seconds(answer.seconds),
        format::number(answer.nanoseconds_per_node_round, 3)
    );
    out
}

/// Returns the variance's factor beside the theory's.
fn factor(answer: &Answer) -> String {
    let factor = &answer.report.factor;
    let Some(mean) = factor.mean else { return String::new() };
    let mut out = format!("variance, factor a round   {mean:.5}");
    if let Some(error) = factor.standard_error {
        let _ = write!(out, " ± {error:.5}");
    }
    match (factor.theory, factor.theory_applies) {
        (Some(theory), true) => {
            let _ = write!(out, "   theory {theory:.5}");
            if let Some(error) = factor.standard_error.filter(|error| *error > 0.0) {
                let _ = write!(out, ", {:+.1} standard errors", (mean - theory) / error);
            }
        }
        (Some(theory), false) => {
            let _ = write!(out, "   ({theory:.5} on the complete graph without faults)");
        }
        (None, _) => {}
    }
    out.push('\n');
    out
}

/// Returns the rounds that goals took.
fn reached(answer: &Answer) -> String {
    let mut out = String::new();
    for goal in &answer.report.reached {
        let _ = writeln!(
            out,
            "worst node within {:<7}  {}",
            format!("{:e}", goal.error),
            rounds(goal, answer)
        );
    }
    out
}

fn rounds(goal: &Goal, answer: &Answer) -> String {
    let (Some(mean), Some(least), Some(most)) = (goal.mean, goal.least, goal.most) else {
        return "not reached".to_owned();
    };
    let mut text = format!("{mean:.1} rounds");
    if least < most {
        let _ = write!(text, " ({least} to {most})");
    }
    if goal.runs < answer.runs {
        let _ = write!(text, " in {} of {} runs", grouped(goal.runs), grouped(answer.runs));
    }
    text
}

/// Returns the table by round: all, or as many as fit a screen.
fn rows(answer: &Answer) -> Vec<String> {
    let step = answer.report.by_round.len().div_ceil(ROWS);
    let last = answer.report.by_round.len() - 1;
    let shown = answer.report.by_round.iter().enumerate();
    let shown = shown.filter(|(at, _)| at % step == 0 || *at == last).map(|(_, row)| cells(row));
    let head =
        ["round", "mean", "worst", "90 % of the runs", "variance", "factor", "mass", "messages"]
            .map(|title| (title, Align::Right));
    table(&head, &shown.collect::<Vec<_>>())
}

fn cells(row: &Row) -> Vec<String> {
    vec![
        row.round.to_string(),
        small(row.mean_error),
        small(row.worst_error),
        format!("{}..{}", small(row.worst_error_p5), small(row.worst_error_p95)),
        small(row.variance),
        row.factor.map_or_else(|| format::UNKNOWN.to_owned(), |factor| format!("{factor:.4}")),
        lost(row.mass_lost),
        grouped(row.messages.round() as u64),
    ]
}

/// Writes three digits, over many decades.
fn small(x: f64) -> String {
    if x == 0.0 { "0".to_owned() } else { format!("{x:.2e}") }
}

/// Returns a share of the mass, with its sign: an exact zero differs from what rounding leaves.
fn lost(share: f64) -> String {
    if share == 0.0 { "0".to_owned() } else { format!("{share:+.1e}") }
}
