//! The tables of Demers et al. 1987 ("Epidemic algorithms for replicated database maintenance"):
//! what rumor mongering leaves out, and what it costs, among 1,000 nodes.
//!
//! Seeds are fixed. Residues are held to 4.5 standard errors and what the printed ones are off
//! themselves, traffic to the printed digits.

mod support;

use rumormill_model::graph::Topology;
use rumormill_model::simulate::EngineKind;
use rumormill_model::spread::Spread;
use rumormill_proto::{Counted, Decided, Stop, Style};
use support::run;

const NODES: u64 = 1000;
const RUNS: u64 = 600;

/// A row: k, and residue and traffic (messages for each node) as printed.
type Row = (u32, f64, f64);

/// Holds a table against the reference engine; the printed residues are off by up to a share `off`.
fn assert_table(style: Style, (counted, decided): (Counted, Decided), off: f64, rows: &[Row]) {
    let topology = Topology::Complete(NODES);
    for &(k, residue, traffic) in rows {
        // Counters are set back by a useful contact; coins have no memory.
        let reset = decided == Decided::Counter;
        let stop = Some(Stop::Interest { counted, decided, k });
        let spread = Spread { stop, reset, ..Spread::new(NODES, style) };
        let summary = run(&spread, &topology, EngineKind::Reference, (RUNS, 8));
        let error = (summary.residue.moments().variance() / RUNS as f64).sqrt() / NODES as f64;
        let got = summary.residue_share();
        assert!((got - residue).abs() < 4.5 * error + off * residue, "{k}: residue {got}");
        let sent = summary.messages.mean() / NODES as f64;
        assert!((sent - traffic).abs() < 0.025 + 0.015 * traffic, "{k}: traffic {sent}");
    }
}

#[test]
fn table_one_push_feedback_and_counter() {
    let rows =
        [(1, 0.18, 1.7), (2, 0.037, 3.3), (3, 0.011, 4.5), (4, 0.0036, 5.6), (5, 0.0012, 6.7)];
    assert_table(Style::Push, (Counted::Feedback, Decided::Counter), 0.03, &rows);
}

#[test]
fn table_two_push_blind_and_coin() {
    let rows = [(1, 0.96, 0.04), (2, 0.20, 1.6), (3, 0.060, 2.8), (4, 0.021, 3.9), (5, 0.008, 4.9)];
    // Its last residue is that of few runs: the limit for many nodes, s = e^{-5(1-s)}, is 0.0070.
    assert_table(Style::Push, (Counted::Blind, Decided::Coin), 0.15, &rows);
}

#[test]
fn table_three_pull_feedback_and_counter() {
    let rows = [(1, 3.1e-2, 2.7), (2, 5.8e-4, 4.5), (3, 4.0e-6, 6.1)];
    assert_table(Style::Pull, (Counted::Feedback, Decided::Counter), 0.03, &rows);
}
