//! The rules by which a node stops pushing a rumor, and how they are written.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::json::from_text;

/// When a node stops pushing a rumor.
///
/// Written, in flags, files and JSON alike, as `rounds:12`, `log:1.5`, `feedback-coin:4`,
/// `feedback-counter:4`, `blind-coin:4` or `blind-counter:4`.
///
/// ```
/// use rumormill_proto::Stop;
/// assert_eq!("rounds:12".parse(), Ok(Stop::Rounds(12)));
/// assert_eq!(Stop::Log(1.5).to_string(), "log:1.5");
/// assert!("rounds:0".parse::<Stop>().is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stop {
    /// When the rumor is this many rounds old, counted from its first push by its origin.
    Rounds(u32),
    /// When it is ⌈c·log₂ n⌉ rounds old, n being the number of members.
    Log(f64),
    /// When the node loses interest (deactivation).
    Interest {
        /// Which contacts count.
        counted: Counted,
        /// What decides.
        decided: Decided,
        /// One over the coin's probability, or the counter's limit.
        k: u32,
    },
}

/// Which contacts count towards losing interest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Counted {
    /// Those that found an informed peer: peers must answer.
    Feedback,
    /// All.
    Blind,
}

/// What decides that interest is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Decided {
    /// A coin, with probability 1/k after each contact that counts.
    Coin,
    /// The k-th contact that counts.
    Counter,
}

/// The names of the rules by which nodes lose interest.
const INTEREST: [(&str, Counted, Decided); 4] = [
    ("feedback-coin", Counted::Feedback, Decided::Coin),
    ("feedback-counter", Counted::Feedback, Decided::Counter),
    ("blind-coin", Counted::Blind, Decided::Coin),
    ("blind-counter", Counted::Blind, Decided::Counter),
];

const GRAMMAR: &str = "rounds:R, log:C (C·log2 n rounds), feedback-coin:K, feedback-counter:K, \
                       blind-coin:K or blind-counter:K";

/// A text that is not a stop rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is not a stop rule; it must be {expected}")]
#[non_exhaustive]
pub struct StopError {
    /// The text.
    pub given: String,
    /// What it must be, in words.
    pub expected: &'static str,
}

impl Stop {
    /// Returns what the rule must be, if its parameter is out of range.
    pub(crate) fn out_of_range(&self) -> Option<&'static str> {
        match *self {
            Self::Rounds(0) => Some("at least rounds:1"),
            Self::Log(c) if !(c > 0.0 && c <= 1000.0) => {
                Some("log:C with C above 0 and at most 1000")
            }
            Self::Interest { k: 0, .. } => Some("one with K of at least 1"),
            _ => None,
        }
    }
}

impl FromStr for Stop {
    type Err = StopError;

    fn from_str(text: &str) -> Result<Self, StopError> {
        let wrong = |expected| StopError { given: text.to_owned(), expected };
        let rule = text.split_once(':').and_then(|(rule, parameter)| match rule {
            "rounds" => parameter.parse().ok().map(Self::Rounds),
            "log" => parameter.parse().ok().map(Self::Log),
            _ => {
                let (_, counted, decided) = *INTEREST.iter().find(|(name, ..)| *name == rule)?;
                parameter.parse().ok().map(|k| Self::Interest { counted, decided, k })
            }
        });
        let rule = rule.ok_or_else(|| wrong(GRAMMAR))?;
        rule.out_of_range().map_or(Ok(rule), |expected| Err(wrong(expected)))
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rounds(rounds) => write!(f, "rounds:{rounds}"),
            Self::Log(c) => write!(f, "log:{c}"),
            Self::Interest { counted, decided, k } => {
                let counted = match counted {
                    Counted::Feedback => "feedback",
                    Counted::Blind => "blind",
                };
                let decided = match decided {
                    Decided::Coin => "coin",
                    Decided::Counter => "counter",
                };
                write!(f, "{counted}-{decided}:{k}")
            }
        }
    }
}

impl Serialize for Stop {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Stop {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from_text(from, "a stop rule such as \"rounds:12\" or \"log:1.5\"", Self::from_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let interest =
            INTEREST.map(|(_, counted, decided)| Stop::Interest { counted, decided, k: 3 });
        for stop in [Stop::Rounds(12), Stop::Log(1.5), Stop::Log(2.0)].into_iter().chain(interest) {
            assert_eq!(stop.to_string().parse(), Ok(stop), "{stop}");
        }
        assert_eq!(
            "blind-coin:4".parse(),
            Ok(Stop::Interest { counted: Counted::Blind, decided: Decided::Coin, k: 4 })
        );
    }

    #[test]
    fn what_is_wrong_is_said_with_what_it_must_be() {
        for (text, says) in [
            ("never", "rounds:R, log:C"),
            ("rounds", "rounds:R"),
            ("rounds:1.5", "rounds:R"),
            ("blind-coin:", "blind-coin:K"),
            ("rounds:0", "at least rounds:1"),
            ("log:0", "above 0 and at most 1000"),
            ("log:nan", "above 0 and at most 1000"),
            ("feedback-counter:0", "at least 1"),
        ] {
            let error = text.parse::<Stop>().expect_err(text).to_string();
            assert!(error.contains(&format!("{text:?}")) && error.contains(says), "{error}");
        }
    }
}
