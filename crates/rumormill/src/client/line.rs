//! Events in words, a line each.

use rumormill_agent::api::{BytesError, Event, Member, Reading};

use crate::client::DIGITS;
use crate::term::format;

/// How much of a text stands in a line.
const SHOWN: usize = 120;

/// Bytes in a line: text as it is, if it is short and harmless for a terminal; otherwise how many
/// there are.
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

/// What has happened, in a line.
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
            format!("cannot join through {address} yet: {reason} (attempt {attempts})")
        }
        Event::NameTaken { name, by } => format!("the name {name} is taken by {by}"),
        Event::NameConflict { name, addrs: [one, other] } => {
            format!("two live members are named {name}, at {one} and {other}")
        }
        Event::Renewed { member } => format!("back as a new incarnation: {}", who(member)),
        Event::NarrowPath { member, limit_bytes } => {
            format!("only datagrams up to {limit_bytes} bytes get through to {}", who(member))
        }
        Event::Dropped { from, reason } => format!("packets from {from} are dropped: {reason}"),
        Event::RoundFinished { round, participants } => {
            format!("round {round} is over: {}", format::plural(*participants, "participant"))
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
            format!("the keys of {member} have differed for {}", format::seconds(*seconds))
        }
        Event::ClockSkew { member, ahead_seconds } => {
            let by = format::seconds(ahead_seconds.abs());
            let way = if *ahead_seconds < 0.0 { "behind" } else { "ahead" };
            format!("the clock of {member} is {by} {way}")
        }
        Event::ClockCorrected { correction_seconds } if *correction_seconds == 0.0 => {
            "the clock of this agent's machine agrees with the members' again".to_owned()
        }
        Event::ClockCorrected { correction_seconds } => format!(
            "the clock of this agent's machine is wrong; {} s are added to it",
            format::number(*correction_seconds, DIGITS)
        ),
        Event::Missed { events } => format!("{events} events came too fast and were missed"),
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
