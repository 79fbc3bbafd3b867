//! The report as tables for people.

use std::fmt::Write as _;

use crate::spread::report::{PERCENTILES, Report};
use crate::term::format;
use crate::term::format::{Align, grouped, known, number, plural, short, short_seconds};

/// The most rows of a table.
const ROWS: usize = 30;

impl Report {
    /// Returns the tables for people.
    pub(crate) fn text(&self) -> String {
        let mut out = format!("{}\n{}\n", self.title, self.how());
        if let Some(pieces) = &self.pieces {
            let _ = writeln!(
                out,
                "The graph is not in one piece: {} components, the largest of {} nodes. An event can \
                 reach {} % of the nodes{}.",
                grouped(pieces.components),
                grouped(pieces.largest),
                number(100.0 * pieces.reachable, 4),
                if self.asked.spread().is_none_or(|spread| spread.origin.is_none()) {
                    " on average"
                } else {
                    ""
                }
            );
        }
        out.push('\n');
        out += &self.summary_table();
        out += &self.finishing_table();
        out += &self.rounds_table();
        out
    }

    /// Returns how it was done, in a line.
    pub(crate) fn how(&self) -> String {
        let runs = plural_runs(self.runs);
        let asked = if self.runs < self.runs_asked {
            format!(" of {}, interrupted", grouped(self.runs_asked))
        } else {
            String::new()
        };
        format!(
            "{runs}{asked}, seed {}, engine {}, {}",
            self.seed,
            self.engine,
            short_seconds(self.seconds)
        )
    }

    fn summary_table(&self) -> String {
        let law = self.exact.law.as_ref();
        let p = |p: Option<f64>| p.map_or_else(String::new, |p| format!("{p:.3}"));
        let none = String::new;
        let mut rows: Vec<Vec<String>> = Vec::new();
        let mut row = |name: &str, seen: String, exact: Option<String>, test: String| {
            rows.push(vec![name.to_owned(), seen, exact.unwrap_or_else(none), test]);
        };
        let seven = |x: f64| if x.is_nan() { format::UNKNOWN.to_owned() } else { number(x, 7) };
        let exactly = |x: Option<f64>| x.filter(|x| x.is_finite()).map(seven);
        if self.finished > 0 {
            let mean = law.map(|law| law.mean);
            row("mean rounds", seven(self.mean), exactly(mean), p(self.agreement.mean));
            let deviation = law.map(|law| law.variance.sqrt());
            let seen = seven(self.variance.sqrt());
            row("standard deviation", seen, exactly(deviation), p(self.agreement.variance));
        }
        for percent in PERCENTILES {
            let seen = self.percentiles.get(&percent.to_string()).copied().flatten();
            let exact = law.and_then(|law| law.percentile(percent).ok().flatten());
            if self.finished > 0 {
                let seen = seen.map_or_else(|| format::UNKNOWN.to_owned(), grouped);
                row(&format!("{percent}th percentile"), seen, exact.map(grouped), none());
            }
        }
        let test = p(self.agreement.messages);
        row("messages", seven(self.messages), exactly(self.exact.messages), test);
        let per_node = |messages: f64| messages / self.alive as f64;
        let exact = exactly(self.exact.messages.map(per_node));
        row("per node", seven(per_node(self.messages)), exact, none());
        let residue = self.exact.residue.map(short);
        let test = p(self.agreement.residue);
        row("residue (share not informed)", short(self.residue), residue, test);
        let incomplete = self.exact.incomplete.map(short);
        let test = p(self.agreement.incomplete);
        row("runs that miss some node", short(self.incomplete), incomplete, test);
        if self.finished < self.runs {
            let share = 1.0 - self.finished as f64 / self.runs as f64;
            let test = p(self.agreement.unfinished);
            row("runs that miss the goal", short(share), self.exact.unfinished.map(short), test);
        }
        let exact = rows.iter().any(|row| !row[2].is_empty());
        let head = [
            ("", Align::Left),
            ("simulated", Align::Right),
            ("exact", Align::Right),
            ("p-value", Align::Right),
        ];
        let head = if exact { &head[..] } else { &head[..2] };
        let mut out = format::table(head, &rows).join("\n") + "\n";
        if let Some(test) = self.agreement.finishing {
            let _ = writeln!(
                out,
                "goodness of fit of the finishing rounds: chi^2 = {:.2} on {}, p = {:.3}",
                test.chi_square,
                plural(test.degrees as usize, "degree"),
                test.p_value
            );
        }
        if let Some(why) = &self.exact.missing {
            let _ = writeln!(out, "({why})");
        }
        out
    }

    fn finishing_table(&self) -> String {
        if self.finishes.is_empty() {
            let goal = grouped(self.goal);
            return format!("\nNo run met the goal of {goal} informed nodes.\n");
        }
        let runs = self.runs as f64;
        let law = self.exact.law.as_ref().filter(|law| law.mean.is_finite());
        let exact = self.exact.finishing();
        let (first, last) = (self.finishes[0].0, self.finishes[self.finishes.len() - 1].0);
        let width = (last - first + 1).div_ceil(ROWS as u64);
        let mut left = self.runs;
        let mut rows = Vec::new();
        let mut seen = self.finishes.iter().peekable();
        let mut from = first;
        while from <= last {
            let to = (from + width - 1).min(last);
            let mut count = 0;
            while let Some((_, times)) = seen.next_if(|(round, _)| *round <= to) {
                count += times;
            }
            left -= count;
            let label = if from == to {
                grouped(from)
            } else {
                format!("{}-{}", grouped(from), grouped(to))
            };
            let mut row = vec![label, grouped(count), short(count as f64 / runs)];
            if law.is_some() {
                let cells = (from as usize).min(exact.len())..(to as usize + 1).min(exact.len());
                row.push(short(exact[cells].iter().sum()));
            }
            row.push(short(left as f64 / runs));
            if let Some(law) = law {
                row.push(short(law.survival(to)));
            }
            rows.push(row);
            from = to + 1;
        }
        let mut head =
            vec![("round", Align::Right), ("runs", Align::Right), ("share", Align::Right)];
        if law.is_some() {
            head.push(("exact", Align::Right));
        }
        head.push(("P(T > round)", Align::Right));
        if law.is_some() {
            head.push(("exact", Align::Right));
        }
        format!("\nFinishing rounds\n{}\n", format::table(&head, &rows).join("\n"))
    }

    fn rounds_table(&self) -> String {
        let exact = !self.exact.informed.is_empty();
        let mut head = vec!["round", "mean", "5 %", "95 %", "growth", "messages"];
        if exact {
            head.insert(2, "exact");
        }
        let step = self.by_round.len().div_ceil(ROWS).max(1);
        let last = self.by_round.len() - 1;
        let mut before: Option<f64> = None;
        let mut rows = Vec::new();
        for at in (0..=last).filter(|at| at % step == 0 || *at == last) {
            let round = &self.by_round[at];
            let growth = before.replace(round.informed).map(|before| round.informed / before);
            let mut row = vec![
                grouped(round.round),
                number(round.informed, 6),
                number(self.informed_p5[at], 6),
                number(self.informed_p95[at], 6),
                growth.map_or_else(String::new, |x| number(x, 4)),
                number(round.sent, 6),
            ];
            if exact {
                row.insert(2, known(self.exact.informed.get(round.round as usize).copied(), 6));
            }
            rows.push(row);
        }
        let head: Vec<_> = head.into_iter().map(|title| (title, Align::Right)).collect();
        format!("\nInformed nodes\n{}\n", format::table(&head, &rows).join("\n"))
    }
}

fn plural_runs(runs: u64) -> String {
    if runs == 1 { "1 run".to_owned() } else { format!("{} runs", grouped(runs)) }
}
