//! The results as tables.

use crate::Report;

pub(crate) fn print(report: &Report) {
    println!(
        "{} nodes that hold {} keys with values of {} bytes, from {} writers. A node lacks:",
        report.nodes, report.keys, report.value_bytes, report.writers
    );
    println!(
        "{:<16} {:>7} {:>10} {:>10} {:>6} {:>8} {:>7} {:>7} {:>9} {:>9}",
        "",
        "entries",
        "bytes",
        "sent",
        "ratio",
        "messages",
        "copies",
        "seconds",
        "at once",
        "held MiB"
    );
    for row in &report.reconciled {
        let mib = |bytes: Option<i64>| match bytes {
            Some(bytes) => format!("{:.1}", bytes as f64 / f64::from(1 << 20)),
            None => "unknown".into(),
        };
        println!(
            "{:<16} {:>7} {:>10} {:>10} {:>6.2} {:>8} {:>7} {:>7.1} {:>9} {:>9}",
            row.lacked,
            row.entries,
            row.entry_bytes,
            row.bytes,
            row.ratio,
            row.messages,
            row.copies,
            row.seconds,
            row.most_at_once,
            mib(row.held_bytes)
        );
    }
    println!("(sent: bytes of all messages about keys, from all nodes. at once: the most of");
    println!("them that one event brought forth. held: what the process has grown by.)");
    let digest = &report.digest;
    println!(
        "\nDigest: {:.0} bytes on each membership packet; {} bytes open a comparison, of {} that a \
         datagram may have.",
        digest.packet_bytes, digest.opening_bytes, digest.max_datagram
    );
    println!("\n{:<24} {:>8} {:>10} {:>12}", "at one node", "messages", "bytes", "ms to all");
    for row in &report.updates {
        println!(
            "{:<24} {:>8} {:>10} {:>12.0}",
            row.what, row.messages, row.bytes, row.milliseconds
        );
    }
}
