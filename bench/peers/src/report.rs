//! The runs as tables.

use crate::measure::{Milliseconds, Plan, Rates, Run, Spread};

/// Prints one table for all runs: spread one at a time, spread at once, and traffic.
pub(crate) fn print(runs: &[Run], plan: &Plan) {
    if runs.is_empty() {
        return;
    }
    let Plan { origins: messages, payload, spacing, .. } = plan;
    println!("{messages} messages of {payload} bytes, one at a time, milliseconds:");
    spreads(runs, |run| &run.spaced);
    println!("\nThe same number at once, milliseconds:");
    spreads(runs, |run| &run.at_once);
    println!("\nPer node and second; packets are UDP datagrams sent, bytes without headers, TCP's");
    println!(
        "included. Busy is one message in {spacing} ms in the whole cluster. A wake-up of the"
    );
    println!("process serves all nodes that are due at the time:");
    traffic(runs);
    let wrong: u64 = runs.iter().map(|run| run.wrong).sum();
    if wrong > 0 {
        println!("\n{wrong} deliveries of what nobody had published!");
    }
}

fn spreads(runs: &[Run], of: impl Fn(&Run) -> &Spread) {
    println!(
        "{:>5}  {:<19} {:>13} {:>13} {:>12} {:>6} {:>9} {:>9}",
        "", "", "to half of", "to all", "", "", "packets/", "bytes/"
    );
    println!(
        "{:>5}  {:<19} {:>6} {:>6} {:>6} {:>6} {:>12} {:>6} {:>9} {:>9}",
        "nodes",
        "",
        "median",
        "worst",
        "median",
        "worst",
        "missed",
        "twice",
        "delivery",
        "delivery"
    );
    for run in runs {
        let spread = of(run);
        let two = |m: Milliseconds| format!("{:>6.0} {:>6.0}", m.median, m.worst);
        println!(
            "{:>5}  {:<19} {} {} {:>12} {:>6} {:>9.2} {:>9.0}",
            run.nodes,
            run.implementation,
            two(spread.half),
            two(spread.all),
            format!("{} of {}", spread.missed, spread.expected),
            spread.repeated,
            spread.packets_per_delivery,
            spread.bytes_per_delivery,
        );
    }
}

fn traffic(runs: &[Run]) {
    println!(
        "{:>5}  {:<19} {:>7} {:>8} {:>7} {:>7} {:>8} {:>8} {:>7} {:>7}",
        "", "", "", "idle", "", "", "", "busy", "", ""
    );
    println!(
        "{:>5}  {:<19} {:>7} {:>8} {:>7} {:>7} {:>8} {:>8} {:>7} {:>7}",
        "nodes",
        "",
        "probe",
        "packets",
        "bytes",
        "CPU ms",
        "wake-ups",
        "packets",
        "bytes",
        "CPU ms"
    );
    for run in runs {
        let rates = |r: &Rates| {
            format!("{:>8.1} {:>7.0} {:>7.2}", r.packets, r.bytes(), r.cpu_milliseconds)
        };
        let probe = run.probe_milliseconds.map_or("none".into(), |ms| format!("{ms} ms"));
        println!(
            "{:>5}  {:<19} {probe:>7} {} {:>8.1} {}",
            run.nodes,
            run.implementation,
            rates(&run.idle),
            run.idle.wakeups.unwrap_or(f64::NAN),
            rates(&run.busy)
        );
    }
    if runs.iter().any(|run| run.idle.kernel_packets.is_some()) {
        println!(
            "\nWhat the kernel saw of that on loopback, with all headers and TCP's own packets:"
        );
        for run in runs {
            let both = |r: &Rates| {
                let of = |value: Option<f64>| value.unwrap_or(f64::NAN);
                format!("{:>8.1} {:>7.0}", of(r.kernel_packets), of(r.kernel_bytes))
            };
            println!(
                "{:>5}  {:<19} {:>7} {} {:>7} {}",
                run.nodes,
                run.implementation,
                "",
                both(&run.idle),
                "",
                both(&run.busy)
            );
        }
    }
}
