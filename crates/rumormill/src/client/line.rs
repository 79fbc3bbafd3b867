//! Notices as text, a line each.

use rumormill_agent::api::{BytesError, Event, Member};
use rumormill_proto::Reading;

use crate::client::reply::DIGITS;
use crate::term::format;

/// The most characters of a payload in a line.
const SHOWN: usize = 120;

/// Shows bytes in a line: as text if it is short and safe for a terminal, otherwise their number.
pub(crate) fn shown(bytes: Result<Vec<u8>, BytesError>) -> String {
    let bytes = bytes.unwrap_or_default();
    let long = bytes.len();
    match String::from_utf8(bytes) {
        Ok(text) if text.is_empty() => "(empty)".to_owned(),
        Ok(text) if !text.contains(char::is_control) && text.chars().count() <= SHOWN => text,
        Ok(text) if text.trim_end().contains(char::is_control) || text.len() > SHOWN => {
            let start: String = text.chars().take_while(|c| !c.is_control()).take(SHOWN).collect();
            format!("{start}… ({})", format::plural(long, "byte"))
        }
        Ok(text) => text.trim_end().to_owned(),
        Err(_) => format!("({}, not text)", format::plural(long, "byte")),
    }
}

/// Returns a notice as one line.
pub(crate) fn line(event: &Event) -> String {
    let who = |member: &Member| format!("{} ({})", member.name, member.addr);
    match event {
        Event::Aggregate { reading } => reading_line(reading),
        Event::MemberUp { member } => format!("member up: {}", who(member)),
        Event::MemberDown { member } => format!("member down: {}", who(member)),
        Event::Joined { via, members } => {
            format!("joined through {via}: {}", format::plural(*members, "member"))
        }
        Event::JoinFailed { address, attempts, reason } => {
            format!("cannot join through {address}: {reason} (attempt {attempts}, will try again)")
        }
        Event::NameTaken { name, by } => format!("the name {name} is taken by {by}"),
        Event::NameConflict { name, addrs: [one, other] } => {
            format!("two live members have the name {name}: {one} and {other}")
        }
        Event::Renewed { member } => format!("back as a new incarnation: {}", who(member)),
        Event::NarrowPath { member, limit_bytes } => {
            format!("only datagrams of up to {limit_bytes} bytes reach {}", who(member))
        }
        Event::Dropped { from, reason } => format!("dropping packets from {from}: {reason}"),
        Event::RoundFinished { round, participants } => {
            format!("round {round} finished: {}", format::plural(*participants, "participant"))
        }
        Event::Rumor(rumor) => {
            format!(
                "event {}: {} (from {}, {}, {})",
                rumor.name,
                shown(rumor.payload.bytes()),
                rumor.origin,
                format::plural(rumor.round as usize, "round"),
                rumor.id
            )
        }
        Event::Query(query) => {
            let asked = shown(query.payload.bytes());
            format!("query {}: {asked} (from {}, {})", query.name, query.origin, query.id)
        }
        Event::Key(change) if change.deleted => {
            format!("key {} deleted (by {})", change.key, change.origin)
        }
        Event::Key(change) => {
            let value = shown(change.value.bytes());
            format!("key {} = {value} (by {})", change.key, change.origin)
        }
        Event::CatchUp { from, have, total } => {
            format!("catching up with {from}: {have} of {total} entries")
        }
        Event::Protocol { name, text, payload } => match text {
            Some(text) => format!("{name}: {text}"),
            None => format!("{name}: {}", format::plural(payload.len(), "byte")),
        },
        Event::KvDiffers { member, seconds } => {
            format!("keys of {member} have differed for {}", format::seconds(*seconds))
        }
        Event::ClockSkew { member, ahead_seconds } => {
            let by = format::seconds(ahead_seconds.abs());
            let way = if *ahead_seconds < 0.0 { "behind" } else { "ahead" };
            format!("the clock of {member} is {by} {way}")
        }
        Event::ClockCorrected { correction_seconds } if *correction_seconds == 0.0 => {
            "the clock of this machine agrees with the members again".to_owned()
        }
        Event::ClockCorrected { correction_seconds } => format!(
            "the clock of this machine is wrong; the agent adds {} s to it",
            format::number(*correction_seconds, DIGITS)
        ),
        Event::Missed { events } => {
            format!("{events} notices missed: they came faster than they were read")
        }
    }
}

fn reading_line(reading: &Reading) -> String {
    format!(
        "{}: sum {} {}, average {}, count {}, {}{}",
        reading.name,
        format::known(reading.sum.value, DIGITS),
        format::enclosure(reading.sum.lower, reading.sum.upper, DIGITS),
        format::known(reading.average.value, DIGITS),
        format::known(reading.count.value, DIGITS),
        format::plural(reading.members, "member"),
        if reading.converged { ", converged" } else { "" },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_shown_in_one_harmless_line() {
        let shown = |bytes: &[u8]| shown(Ok(bytes.to_vec()));
        assert_eq!(shown(b"v2 started"), "v2 started");
        assert_eq!(shown(b"v2 started\n"), "v2 started");
        assert_eq!(shown(b""), "(empty)");
        assert_eq!(shown(b"one\ntwo\n"), "one… (8 bytes)");
        assert_eq!(shown(b"\x1b[2J"), "… (4 bytes)");
        assert_eq!(shown(b"\xff\x00"), "(2 bytes, not text)");
        assert_eq!(shown("ä".repeat(200).as_bytes()).chars().filter(|&c| c == 'ä').count(), SHOWN);
    }
}
