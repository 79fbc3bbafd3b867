//! The table `[rumor]`: every knob of rumor mongering, by the literature's names.

use rumormill_proto::{Counted, Decided, EventSettings, Stop, Style};
use serde::Deserialize;

use crate::agent::file::text::{FromText, Span, Text};

/// The table `[rumor]`; what `rumormill plan` prints is one.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Rumor {
    style: Option<Text<Style>>,
    fanout: Option<u32>,
    stop: Option<Text<Rule>>,
    round_cap: Option<u32>,
    round_factor: Option<f64>,
    k: Option<u32>,
    interval: Option<Text<Span>>,
    pull_interval: Option<Text<Span>>,
    eager: Option<bool>,
    retention: Option<Text<Span>>,
    max_payload: Option<usize>,
    max_events: Option<usize>,
    max_bytes: Option<usize>,
    max_queue: Option<usize>,
}

/// A rule for when to stop telling, before its parameters are known.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Rule {
    RoundCap,
    Interest(Counted, Decided),
}

const RULES: [(&str, Rule); 5] = [
    ("round-cap", Rule::RoundCap),
    ("feedback-coin", Rule::Interest(Counted::Feedback, Decided::Coin)),
    ("feedback-counter", Rule::Interest(Counted::Feedback, Decided::Counter)),
    ("blind-coin", Rule::Interest(Counted::Blind, Decided::Coin)),
    ("blind-counter", Rule::Interest(Counted::Blind, Decided::Counter)),
];

impl FromText for Rule {
    const EXPECTED: &str = "\"round-cap\", \"feedback-coin\", \"feedback-counter\", \
                            \"blind-coin\" or \"blind-counter\"";

    fn parse(text: &str) -> Result<Self, String> {
        let found = RULES.iter().find(|(name, _)| *name == text);
        found.map(|(_, rule)| *rule).ok_or_else(|| {
            let names = RULES.map(|(name, _)| name).join(", ");
            format!("{text:?} is none of {names}")
        })
    }
}

impl Rumor {
    /// When to stop telling; `None` leaves the default.
    pub(crate) fn stop(&self) -> Result<Option<Stop>, String> {
        let rule = self.stop.as_ref().map(|text| text.0);
        if let Some(Rule::Interest(counted, decided)) = rule {
            if self.round_cap.is_some() || self.round_factor.is_some() {
                let which = if self.round_cap.is_some() { "round_cap" } else { "round_factor" };
                return Err(format!(
                    "rumor.{which} has no meaning with this rumor.stop; it belongs to \
                     stop = \"round-cap\""
                ));
            }
            let k = self.k.ok_or("rumor.k is missing: this rumor.stop needs it, at least 1")?;
            return Ok(Some(Stop::Interest { counted, decided, k }));
        }
        if let Some(k) = self.k {
            return Err(format!(
                "rumor.k is {k}, but has a meaning only with rumor.stop = \"feedback-coin\", \
                 \"feedback-counter\", \"blind-coin\" or \"blind-counter\""
            ));
        }
        match (self.round_cap, self.round_factor) {
            (Some(_), Some(_)) => Err("rumor.round_cap (rounds) and rumor.round_factor (c of \
                                       c·log2 n rounds) exclude each other; keep one"
                .to_owned()),
            (Some(rounds), None) => Ok(Some(Stop::Rounds(rounds))),
            (None, Some(factor)) => Ok(Some(Stop::Log(factor))),
            (None, None) => Ok(None),
        }
    }

    /// The settings, with defaults for what the table leaves out.
    pub(crate) fn config(&self) -> EventSettings {
        let mut config = EventSettings::default();
        let span = |text: &Option<Text<Span>>, default| text.as_ref().map_or(default, |t| t.0.0);
        config.style = self.style.as_ref().map_or(config.style, |text| text.0);
        config.fanout = self.fanout.unwrap_or(config.fanout);
        // Checked when the file was read.
        config.stop = self.stop().ok().flatten().unwrap_or(config.stop);
        config.interval = span(&self.interval, config.interval);
        config.pull_interval = span(&self.pull_interval, config.pull_interval);
        config.eager = self.eager.unwrap_or(config.eager);
        config.retention = span(&self.retention, config.retention);
        config.max_payload = self.max_payload.unwrap_or(config.max_payload);
        config.max_events = self.max_events.unwrap_or(config.max_events);
        config.max_bytes = self.max_bytes.unwrap_or(config.max_bytes);
        config.max_queue = self.max_queue.unwrap_or(config.max_queue);
        config
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::agent::file::File;

    fn read(text: &str) -> Result<EventSettings, String> {
        File::parse(&format!("[rumor]\n{text}")).map(|file| file.rumor.config())
    }

    #[test]
    fn what_is_left_out_is_the_default() {
        assert_eq!(read(""), Ok(EventSettings::default()));
    }

    #[test]
    fn every_key_is_read() {
        let text = "style = \"pull\"\nfanout = 2\nround_cap = 9\ninterval = \"100ms\"\n\
                    pull_interval = \"2s\"\neager = false\nretention = \"1m\"\n\
                    max_payload = 10\nmax_events = 20\nmax_bytes = 30\nmax_queue = 40";
        let want = EventSettings {
            style: Style::Pull,
            fanout: 2,
            stop: Stop::Rounds(9),
            interval: Duration::from_millis(100),
            pull_interval: Duration::from_secs(2),
            eager: false,
            retention: Duration::from_secs(60),
            max_payload: 10,
            max_events: 20,
            max_bytes: 30,
            max_queue: 40,
        };
        assert_eq!(read(text), Ok(want));
    }

    #[test]
    fn rules_need_their_own_parameters() {
        let stop = |text: &str| read(text).map(|config| config.stop);
        assert_eq!(stop("stop = \"round-cap\"\nround_factor = 2.0"), Ok(Stop::Log(2.0)));
        assert_eq!(stop("round_factor = 2"), Ok(Stop::Log(2.0)));
        assert_eq!(
            stop("stop = \"feedback-counter\"\nk = 3"),
            Ok(Stop::Interest { counted: Counted::Feedback, decided: Decided::Counter, k: 3 })
        );
        assert_eq!(
            stop("stop = \"blind-coin\"\nk = 4"),
            Ok(Stop::Interest { counted: Counted::Blind, decided: Decided::Coin, k: 4 })
        );
        for (text, says) in [
            ("stop = \"blind-coin\"", "rumor.k is missing"),
            ("k = 3", "rumor.k is 3"),
            ("stop = \"feedback-coin\"\nk = 2\nround_cap = 3", "rumor.round_cap has no meaning"),
            ("round_cap = 3\nround_factor = 1.5", "exclude each other"),
            ("stop = \"never\"", "none of round-cap, feedback-coin"),
            ("style = \"shout\"", "none of push, pull"),
            ("fanout = 3.5", "fanout = 3.5"),
        ] {
            let error = stop(text).expect_err(text);
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
