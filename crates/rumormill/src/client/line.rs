//! Notices as text, a line each.

use rumormill_agent::api::{StreamUpdate, Update};
use rumormill_proto::{Identity, Notice, Reading};

use crate::client::reading;
use crate::client::reply::DIGITS;
use crate::term::format;

/// The most characters of a payload in a line.
const SHOWN: usize = 120;

/// Formats bytes in a line: as text if it is short and safe for a terminal, otherwise their number.
pub(crate) fn shown(bytes: &[u8]) -> String {
    let long = bytes.len();
    match str::from_utf8(bytes) {
        Ok("") => "(empty)".to_owned(),
        Ok(text) if !text.contains(char::is_control) && text.chars().count() <= SHOWN => {
            text.to_owned()
        }
        Ok(text) if text.trim_end().contains(char::is_control) || text.len() > SHOWN => {
            let start: String = text.chars().take_while(|c| !c.is_control()).take(SHOWN).collect();
            format!("{start}… ({})", format::plural(long, "byte"))
        }
        Ok(text) => text.trim_end().to_owned(),
        Err(_) => format!("({}, not text)", format::plural(long, "byte")),
    }
}

/// Returns an update as one line.
pub(crate) fn line(update: &Update) -> String {
    match update {
        Update::Notice(notice) => notice_line(notice),
        Update::Stream(StreamUpdate::Aggregate { reading }) => reading_line(reading),
        Update::Stream(StreamUpdate::Missed { notices }) => {
            format!("{notices} notices missed: they came faster than they were read")
        }
        Update::Stream(other) => format!("{other:?}"),
    }
}

fn notice_line(notice: &Notice) -> String {
    let who = |member: &Identity| format!("{} ({})", member.name, member.addr);
    match notice {
        Notice::MemberUp { member } => format!("member up: {}", who(member)),
        Notice::MemberDown { member } => format!("member down: {}", who(member)),
        Notice::Joined { via, members } => {
            format!("joined through {via}: {}", format::plural(*members, "member"))
        }
        Notice::JoinFailed { addr, attempts, reason } => {
            format!("cannot join through {addr}: {reason} (attempt {attempts}, will try again)")
        }
        Notice::LookupFailed { address, attempts, reason } => {
            format!("cannot join through {address}: {reason} (attempt {attempts}, will try again)")
        }
        Notice::NameTaken { name, by } => format!("the name {name} is taken by {by}"),
        Notice::NameConflict { name, addrs: [one, other] } => {
            format!("two live members have the name {name}: {one} and {other}")
        }
        Notice::Renewed { member } => format!("back as a new incarnation: {}", who(member)),
        Notice::NarrowPath { member, limit_bytes } => {
            format!("only datagrams of up to {limit_bytes} bytes reach {}", who(member))
        }
        Notice::Dropped { from, reason } => format!("dropping packets from {from}: {reason}"),
        Notice::EpochFinished { epoch, participants } => {
            format!("epoch {epoch} finished: {}", format::plural(*participants, "participant"))
        }
        Notice::Event(event) => {
            format!(
                "event {}: {} (from {}, {}, {})",
                event.topic,
                shown(&event.payload),
                event.origin,
                format::plural(event.round as usize, "round"),
                event.id
            )
        }
        Notice::Query { question: query, .. } => {
            let asked = shown(&query.payload);
            format!("query {}: {asked} (from {}, {})", query.topic, query.origin, query.id)
        }
        Notice::Key(change) => match &change.value {
            None => format!("key {} deleted (by {})", change.key, change.origin),
            Some(value) => {
                format!("key {} = {} (by {})", change.key, shown(value), change.origin)
            }
        },
        Notice::CatchUp { from, have, total } => {
            format!("catching up with {from}: {have} of {total} entries")
        }
        Notice::Protocol { name, payload } => match str::from_utf8(payload) {
            Ok(text) => format!("{name}: {text}"),
            Err(_) => format!("{name}: {}", format::plural(payload.len(), "byte")),
        },
        Notice::KvDiffers { member, elapsed } => {
            format!("keys of {member} have differed for {}", format::seconds(elapsed.as_secs_f64()))
        }
        Notice::ClockSkew { member, ahead_millis } => {
            let by = format::seconds(ahead_millis.unsigned_abs() as f64 / 1e3);
            let way = if *ahead_millis < 0 { "behind" } else { "ahead" };
            format!("the clock of {member} is {by} {way}")
        }
        Notice::ClockCorrected { correction_millis: 0 } => {
            "the clock of this machine agrees with the members again".to_owned()
        }
        Notice::ClockCorrected { correction_millis } => format!(
            "the clock of this machine is wrong; the agent adds {} s to it",
            format::number(*correction_millis as f64 / 1e3, DIGITS)
        ),
        other => format!("{other:?}"),
    }
}

fn reading_line(reading: &Reading) -> String {
    let certified = reading.certified.map_or_else(
        || "nothing certified".to_owned(),
        |certified| format!("certified {}", reading::certainty(&certified)),
    );
    format!(
        "{}: sum {}, average {}, count {}, {}, {}; {certified}",
        reading.name,
        reading::estimate(&reading.sum),
        reading::value(&reading.average),
        reading::value(&reading.count),
        format::plural(reading.members, "member"),
        reading.state,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_shown_in_one_harmless_line() {
        assert_eq!(shown(b"v2 started"), "v2 started");
        assert_eq!(shown(b"v2 started\n"), "v2 started");
        assert_eq!(shown(b""), "(empty)");
        assert_eq!(shown(b"one\ntwo\n"), "one… (8 bytes)");
        assert_eq!(shown(b"\x1b[2J"), "… (4 bytes)");
        assert_eq!(shown(b"\xff\x00"), "(2 bytes, not text)");
        assert_eq!(shown("ä".repeat(200).as_bytes()).chars().filter(|&c| c == 'ä').count(), SHOWN);
    }
}
