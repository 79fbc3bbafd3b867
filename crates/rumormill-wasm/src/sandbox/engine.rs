//! What a session plays: a rumor or an average, by the followers of the round models.

use std::ops::ControlFlow;

use rumormill_model::simulate::average::follow as average;
use rumormill_model::simulate::spread::follow as spread;
use rumormill_model::simulate::stream::{Purpose, Stream};
use serde::Serialize;

use super::{Action, Mode, check};
use crate::average::{MEMORY, words};

/// How a node is painted in a spread.
mod rumor {
    pub(super) const UNINFORMED: u8 = 0;
    pub(super) const INFORMED: u8 = 1;
    /// Informed in this round.
    pub(super) const FRESH: u8 = 2;
    /// Informed, and interested no more.
    pub(super) const TIRED: u8 = 3;
}

/// How a node is painted in an average: from 0 for the smallest estimate at the start to this for
/// the largest.
const SHADES: f64 = 250.0;

/// A node without an estimate.
const UNKNOWN: u8 = 251;

/// A node that is dead.
const DEAD: u8 = 255;

/// The message was lost, or its receiver is dead.
const LOST: u32 = 1;

/// It is an answer, or a pull.
const ANSWER: u32 = 2;

/// How the nodes stand after a round.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Statistics {
    pub(super) alive: u32,
    /// Messages of the round.
    pub(super) messages: u64,
    /// Of the living.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) informed: Option<u32>,
    /// Of the living, those that still pass the rumor on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) interested: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) variance: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) worst_error: Option<f64>,
    /// (Masses − inputs) / |inputs|.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) mass_lost: Option<f64>,
}

/// The run, and what of its last round is shown.
#[derive(Clone)]
pub(super) struct Engine {
    play: Play,
    /// From, to and flags of some contacts.
    shown: Vec<[u32; 3]>,
    messages: u64,
}

#[derive(Clone)]
enum Play {
    Rumor(Box<spread::Follow>),
    Average {
        follow: average::Follow,
        /// The estimates at the start, from and to.
        range: (f64, f64),
    },
}

impl Engine {
    pub(super) fn new(mode: &Mode) -> Result<Self, String> {
        check(mode)?;
        let play = match mode {
            Mode::Spread { spread, seed } => {
                let go_on = |_| ControlFlow::Continue(());
                let graph = spread.graph.build(spread.nodes, *seed, MEMORY, &go_on);
                let topology = graph.map_err(words)?;
                let follow = spread::Follow::new(spread, &topology, *seed, 0).map_err(words)?;
                Play::Rumor(Box::new(follow))
            }
            Mode::Average(asked) => {
                let follow = average::Follow::new(&asked.averaging()?, 0).map_err(words)?;
                let estimates = (0..follow.nodes()).filter_map(|node| follow.held(node).estimate);
                let range = estimates
                    .fold((f64::INFINITY, f64::NEG_INFINITY), |range, estimate| {
                        (range.0.min(estimate), range.1.max(estimate))
                    });
                Play::Average { follow, range }
            }
        };
        Ok(Self { play, shown: Vec::new(), messages: 0 })
    }

    pub(super) fn nodes(&self) -> u32 {
        match &self.play {
            Play::Rumor(follow) => follow.informed_in().len() as u32,
            Play::Average { follow, .. } => follow.nodes(),
        }
    }

    /// Plays a round, and keeps up to this many of its contacts to be shown, evenly chosen.
    pub(super) fn round(&mut self, contacts: usize) {
        self.shown.clear();
        let shown = &mut self.shown;
        match &mut self.play {
            Play::Rumor(follow) => {
                let round = follow.step_on();
                self.messages = round.messages;
                if contacts > 0 {
                    let stride = round.calls.len().div_ceil(contacts).max(1);
                    shown.extend(round.calls.iter().step_by(stride).map(|call| {
                        let lost = if call.lost || call.dead { LOST } else { 0 };
                        [call.from, call.to, lost | if call.pulls { ANSWER } else { 0 }]
                    }));
                }
            }
            Play::Average { follow, .. } => {
                let expected = 2 * follow.nodes() as usize;
                let stride = if contacts == 0 { 0 } else { expected.div_ceil(contacts).max(1) };
                let mut seen = 0;
                let moment = follow.round(&mut |sent: average::Sent| {
                    // A prime apart, so that pushes and replies are both among them.
                    if stride > 0 && seen % (stride | 1) == 0 && shown.len() < contacts {
                        let lost = if sent.lost { LOST } else { 0 };
                        shown.push([
                            sent.from,
                            sent.to,
                            lost | if sent.reply { ANSWER } else { 0 },
                        ]);
                    }
                    seen += 1;
                });
                self.messages = moment.messages;
            }
        }
    }

    /// Does what the reader does.
    pub(super) fn act(&mut self, action: &Action) -> Result<(), String> {
        let nodes = self.nodes();
        let first = |share: f64| {
            let ok = share > 0.0 && share < 1.0;
            ok.then_some((share * f64::from(nodes)).round() as u32)
                .ok_or_else(|| format!("the share is {share}, but must be above 0 and below 1"))
        };
        match (&mut self.play, action) {
            (Play::Rumor(follow), Action::Kill { nodes }) => follow.kill(nodes).map_err(words),
            (Play::Average { follow, .. }, Action::Kill { nodes }) => {
                follow.crash(nodes).map_err(words)
            }
            (_, Action::Strike { share, seed }) => {
                let dying = first(*share)?;
                let mut all: Vec<u32> = (0..nodes).filter(|&node| self.lives(node)).collect();
                Stream::new(*seed, Purpose::Dead).draws().shuffle(&mut all);
                all.truncate(dying as usize);
                self.act(&Action::Kill { nodes: all })
            }
            (Play::Rumor(follow), Action::Cut { share }) => {
                let end = first(*share)?;
                follow.cut(|node| node < end);
                Ok(())
            }
            (Play::Average { follow, .. }, Action::Cut { share }) => {
                let end = first(*share)?;
                follow.cut(|node| node < end);
                Ok(())
            }
            (Play::Rumor(follow), Action::Heal) => {
                follow.heal();
                Ok(())
            }
            (Play::Average { follow, .. }, Action::Heal) => {
                follow.heal(&mut |_| {});
                Ok(())
            }
            (Play::Rumor(follow), Action::Loss { loss }) => follow.set_loss(*loss).map_err(words),
            (Play::Average { follow, .. }, Action::Loss { loss }) => {
                follow.set_loss(*loss).map_err(words)
            }
            (Play::Rumor(follow), Action::Inform { node }) => follow.inform(*node).map_err(words),
            (Play::Average { follow, .. }, Action::Raise { node, by }) => {
                follow.raise(*node, *by).map_err(words)
            }
            (Play::Rumor(follow), Action::Reseed { seed }) => {
                follow.reseed(*seed);
                Ok(())
            }
            (Play::Average { follow, .. }, Action::Reseed { seed }) => {
                follow.reseed(*seed);
                Ok(())
            }
            (Play::Rumor(_), Action::Raise { .. }) => Err("a rumor has no inputs to raise".into()),
            (Play::Average { .. }, Action::Inform { .. }) => {
                Err("an average has no rumor to inform a node of".into())
            }
        }
    }

    fn lives(&self, node: u32) -> bool {
        match &self.play {
            Play::Rumor(follow) => follow.lives(node),
            Play::Average { follow, .. } => follow.is_up(node),
        }
    }

    pub(super) fn statistics(&self) -> Statistics {
        let nodes = self.nodes();
        let living = || (0..nodes).filter(|&node| self.lives(node));
        let plain = Statistics {
            alive: living().count() as u32,
            messages: self.messages,
            informed: None,
            interested: None,
            variance: None,
            worst_error: None,
            mass_lost: None,
        };
        match &self.play {
            Play::Rumor(follow) => {
                let informed = |node: &u32| follow.informed_in()[*node as usize].is_some();
                let interested = |node: &u32| follow.is_interested(*node);
                Statistics {
                    informed: Some(living().filter(informed).count() as u32),
                    interested: Some(living().filter(interested).count() as u32),
                    ..plain
                }
            }
            Play::Average { follow, .. } => {
                let moment = follow.moment();
                Statistics {
                    variance: Some(moment.variance),
                    worst_error: Some(moment.worst_error),
                    mass_lost: Some(moment.mass_lost),
                    ..plain
                }
            }
        }
    }

    /// Appends a byte for each node.
    pub(super) fn paint(&self, bytes: &mut Vec<u8>) {
        match &self.play {
            Play::Rumor(follow) => {
                let round = follow.record().rounds;
                bytes.extend((0u32..).zip(follow.informed_in()).map(|(node, since)| match since {
                    _ if !follow.lives(node) => DEAD,
                    None => rumor::UNINFORMED,
                    Some(_) if !follow.is_interested(node) => rumor::TIRED,
                    Some(since) if *since == round => rumor::FRESH,
                    Some(_) => rumor::INFORMED,
                }));
            }
            Play::Average { follow, range: (low, high) } => {
                let width = if high > low { high - low } else { 1.0 };
                bytes.extend((0..follow.nodes()).map(|node| {
                    if !follow.is_up(node) {
                        return DEAD;
                    }
                    follow.held(node).estimate.map_or(UNKNOWN, |estimate| {
                        (SHADES * (estimate - low) / width).clamp(0.0, SHADES).round() as u8
                    })
                }));
            }
        }
    }

    /// Appends the contacts that are shown; returns how many.
    pub(super) fn contacts(&self, bytes: &mut Vec<u8>) -> usize {
        bytes.extend(self.shown.iter().flatten().flat_map(|word| word.to_le_bytes()));
        self.shown.len()
    }
}
