//! How rumors are told: every knob of rumor mongering (Demers et al. 1987), by its usual name.

use core::fmt;
use core::str::FromStr;

use crate::config::ConfigError;
use crate::time::Duration;

/// Who calls, and which way a rumor travels along a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Style {
    /// Nodes that know tell; nothing is asked for, so that whom every push misses never hears.
    Push,
    /// Nodes ask a random peer, once in a pull interval.
    Pull,
    /// Both, all the time.
    PushPull,
    /// Push while a rumor is young, pull to finish: nodes ask while they hear news, and whenever
    /// a membership packet shows that its sender knows something else.
    PushThenPull,
}

impl Style {
    /// All styles.
    pub const ALL: [Self; 4] = [Self::Push, Self::Pull, Self::PushPull, Self::PushThenPull];

    /// The name in commands, configurations and JSON: `push`, `pull`, `push-pull`,
    /// `push-then-pull`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Pull => "pull",
            Self::PushPull => "push-pull",
            Self::PushThenPull => "push-then-pull",
        }
    }

    /// Whether nodes that know a rumor tell it.
    pub fn pushes(self) -> bool {
        self != Self::Pull
    }

    /// Whether nodes ask for what they have missed.
    pub fn pulls(self) -> bool {
        self != Self::Push
    }
}

/// When a node stops telling a rumor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stop {
    /// When the rumor has gone this many rounds since its origin first told it.
    Rounds(u32),
    /// When it has gone ⌈c·log₂ n⌉ rounds, n being the number of members.
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
    /// Those that found a peer that knew the rumor: peers must answer.
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

/// The settings of rumors: the table `[rumor]` of a configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct RumorConfig {
    /// Who calls. Default push-then-pull.
    pub style: Style,
    /// How many distinct peers a node tells in each round. Default 3; 1 to 64.
    pub fanout: u32,
    /// When a node stops telling. Default ⌈1.5·log₂ n⌉ rounds.
    pub stop: Stop,
    /// The length of a round. Default 200 ms; 10 ms to 60 s.
    pub interval: Duration,
    /// How often a node that pulls asks: `fanout` random peers, but with push-then-pull one, while
    /// news is about. Default 1 s; 10 ms to 1 h.
    pub pull_interval: Duration,
    /// Whether a node tells a rumor on at once when it first hears it, and then in its rounds.
    /// Default true. Otherwise it waits for the next round: all act on the state at the round's
    /// start, as in the theory's synchronous rounds.
    pub eager: bool,
    /// How long a rumor is kept: for peers that have missed it, and to know it again. Whoever is
    /// cut off for longer than this misses it. Default 10 min; 10 s to 24 h.
    pub retention: Duration,
    /// The largest payload, in bytes. Default 65,536; at most 1 MiB.
    pub max_payload: usize,
    /// How many rumors are kept at most; beyond that the oldest go. Default 65,536; at least 16.
    pub max_rumors: usize,
    /// How many bytes of payload are kept at most. Default 64 MiB; at least `max_payload`.
    pub max_bytes: usize,
    /// How many rumors of its own a node may be telling; beyond that it refuses. Default 1024.
    pub max_queue: usize,
}

impl Default for RumorConfig {
    fn default() -> Self {
        Self {
            style: Style::PushThenPull,
            fanout: 3,
            stop: Stop::Log(1.5),
            interval: Duration::from_millis(200),
            pull_interval: Duration::from_secs(1),
            eager: true,
            retention: Duration::from_secs(600),
            max_payload: 65_536,
            max_rumors: 65_536,
            max_bytes: 64 << 20,
            max_queue: 1024,
        }
    }
}

impl RumorConfig {
    /// Checks every setting against its range.
    ///
    /// # Errors
    /// Names the first setting that is out of range, with its value and the range.
    pub fn check(&self) -> Result<(), ConfigError> {
        let fail = |setting, value: String, range| Err(ConfigError { setting, value, range });
        let (ms, s) = (Duration::from_millis, Duration::from_secs);
        if !(1..=64).contains(&self.fanout) {
            return fail("rumor.fanout", self.fanout.to_string(), "from 1 to 64");
        }
        match self.stop {
            Stop::Rounds(0) => return fail("rumor.round_cap", "0".into(), "at least 1"),
            Stop::Log(c) if !(c > 0.0 && c <= 1000.0) => {
                return fail("rumor.round_factor", c.to_string(), "above 0 and at most 1000");
            }
            Stop::Interest { k: 0, .. } => return fail("rumor.k", "0".into(), "at least 1"),
            _ => {}
        }
        if self.interval < ms(10) || self.interval > s(60) {
            return fail("rumor.interval", format!("{:?}", self.interval), "from 10ms to 60s");
        }
        if self.pull_interval < ms(10) || self.pull_interval > s(3600) {
            let value = format!("{:?}", self.pull_interval);
            return fail("rumor.pull_interval", value, "from 10ms to 1h");
        }
        if self.retention < s(10) || self.retention > s(86_400) {
            return fail("rumor.retention", format!("{:?}", self.retention), "from 10s to 24h");
        }
        if self.max_payload > 1 << 20 {
            let value = self.max_payload.to_string();
            return fail("rumor.max_payload", value, "at most 1048576 bytes");
        }
        if self.max_rumors < 16 {
            return fail("rumor.max_rumors", self.max_rumors.to_string(), "at least 16");
        }
        if self.max_bytes < self.max_payload {
            let value = self.max_bytes.to_string();
            return fail("rumor.max_bytes", value, "at least rumor.max_payload");
        }
        if self.max_queue == 0 {
            return fail("rumor.max_queue", "0".into(), "at least 1");
        }
        Ok(())
    }
}

/// A text that is none of the allowed words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is none of {allowed}")]
pub struct UnknownWord {
    /// What was given.
    pub given: String,
    /// What is allowed, in words.
    pub allowed: &'static str,
}

impl FromStr for Style {
    type Err = UnknownWord;
    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let allowed = "push, pull, push-pull, push-then-pull";
        let found = Self::ALL.into_iter().find(|style| style.name() == text);
        found.ok_or_else(|| UnknownWord { given: text.into(), allowed })
    }
}

impl fmt::Display for Style {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rounds(rounds) => write!(f, "after {rounds} rounds"),
            Self::Log(c) => write!(f, "after {c}·log2(n) rounds"),
            Self::Interest { counted, decided, k } => {
                let counted = match counted {
                    Counted::Feedback => "feedback",
                    Counted::Blind => "blind",
                };
                let decided = match decided {
                    Decided::Coin => "coin",
                    Decided::Counter => "counter",
                };
                write!(f, "{counted}, {decided}, k = {k}")
            }
        }
    }
}
