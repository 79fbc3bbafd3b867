//! The sandbox: a run of many nodes that the reader steps, rewinds, forks and interferes with.
//!
//! A session is its question and the list of what the reader did, and when: the same two give the
//! same session, bit for bit. To rewind is to go back to the nearest checkpoint and play again from
//! there; a fork is a copy that goes on with the random numbers of another seed. The states of the
//! nodes go with each answer as bytes: one a node, then the contacts that are shown.

mod engine;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use rumormill_model::average::Protocol;
use rumormill_model::compare;
use rumormill_model::spread::Spread;
use serde::{Deserialize, Serialize};

use crate::average::{Asked, words};
use crate::blocks;
use crate::question::{Answer, json};
use crate::shelf::Shelf;
use engine::{Engine, Statistics};

/// The most nodes of a session.
const NODES: u64 = 100_000;

/// The most links that a ledger keeps books on, over all nodes.
const BOOKS: u64 = 2_000_000;

/// The most rounds of a session.
const ROUNDS: u32 = 100_000;

/// Checkpoints that are kept; when there are more, every second goes.
const CHECKPOINTS: usize = 16;

thread_local! {
    static SESSIONS: RefCell<Shelf<Session>> = const { RefCell::new(Shelf::new("sandbox")) };
}

/// What is played.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    /// A rumor.
    Spread {
        /// The question.
        #[serde(flatten)]
        spread: Spread,
        /// What all random choices follow from.
        seed: u64,
    },
    /// An average.
    Average(Asked),
}

/// What the reader does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(crate) enum Action {
    /// Lets nodes die.
    Kill { nodes: Vec<u32> },
    /// Lets a share of the nodes die, drawn by a seed.
    Strike { share: f64, seed: u64 },
    /// Cuts off the first nodes, this share of all.
    Cut { share: f64 },
    /// Heals the cut.
    Heal,
    /// Sets the probability that a message is lost.
    Loss { loss: f64 },
    /// Informs a node of the rumor.
    Inform { node: u32 },
    /// Raises the input of a node.
    Raise { node: u32, by: f64 },
    /// Goes on with the random numbers of another seed.
    Reseed { seed: u64 },
}

/// An action, and the round after which it was done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Timed {
    after: u32,
    #[serde(flatten)]
    action: Action,
}

#[derive(Clone)]
struct Session {
    nodes: u32,
    engine: Engine,
    round: u32,
    actions: Vec<Timed>,
    /// States right after a round was played, before the actions that follow it.
    checkpoints: BTreeMap<u32, Rc<Engine>>,
    /// Rounds between checkpoints.
    spacing: u32,
    /// How the nodes stood after each round, as far as it was played since the last action.
    history: Vec<Statistics>,
}

impl Session {
    fn new(mode: &Mode, actions: Vec<Timed>) -> Result<Self, String> {
        let engine = Engine::new(mode)?;
        let mut session = Self {
            nodes: engine.nodes(),
            round: 0,
            actions,
            checkpoints: BTreeMap::from([(0, Rc::new(engine.clone()))]),
            spacing: 8,
            history: Vec::new(),
            engine,
        };
        session.apply()?;
        session.note();
        Ok(session)
    }

    /// Applies the actions that follow the present round.
    fn apply(&mut self) -> Result<(), String> {
        let due = self.actions.iter().filter(|timed| timed.after == self.round);
        due.map(|timed| &timed.action).try_for_each(|action| self.engine.act(action))
    }

    /// Notes how the nodes stand, if that is not known yet.
    fn note(&mut self) {
        if self.history.len() <= self.round as usize {
            self.history.push(self.engine.statistics());
        }
    }

    fn play(&mut self, contacts: Option<usize>) -> Result<(), String> {
        self.engine.round(contacts.unwrap_or(0));
        self.round += 1;
        if self.round.is_multiple_of(self.spacing) {
            self.checkpoints.insert(self.round, Rc::new(self.engine.clone()));
            if self.checkpoints.len() > CHECKPOINTS {
                self.spacing *= 2;
                self.checkpoints.retain(|round, _| round.is_multiple_of(self.spacing));
            }
        }
        self.apply()?;
        self.note();
        Ok(())
    }

    /// Goes to a round, forwards or backwards.
    fn seek(&mut self, round: u32, contacts: usize) -> Result<(), String> {
        if round > ROUNDS {
            return Err(format!("round is {round}, but must be at most {ROUNDS}"));
        }
        // The contacts of the round itself are shown, so that it has to be played.
        if round < self.round || round == self.round && round > 0 {
            let before = ..round.max(1);
            let checkpoint = self.checkpoints.range(before).next_back();
            let (&at, engine) = checkpoint.ok_or("the start of the session is gone")?;
            (self.engine, self.round) = (Engine::clone(engine), at);
            self.apply()?;
        }
        while self.round < round {
            self.play((self.round + 1 == round).then_some(contacts))?;
        }
        Ok(())
    }

    /// Does something now. What was done later is forgotten.
    fn act(&mut self, action: &Action) -> Result<(), String> {
        self.engine.act(action)?;
        self.actions.retain(|timed| timed.after <= self.round);
        self.checkpoints.retain(|&round, _| round <= self.round);
        self.history.truncate(self.round as usize);
        self.actions.push(Timed { after: self.round, action: action.clone() });
        self.note();
        Ok(())
    }

    /// Shows the present round; `from` is the first round whose statistics are listed.
    fn show(&self, number: u32, from: u32) -> Answer {
        let mut contacts = 0;
        blocks::put(|bytes| {
            self.engine.paint(bytes);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
            contacts = self.engine.contacts(bytes);
        });
        let upto = self.history.len().min(self.round as usize + 1);
        json(&View {
            session: number,
            nodes: self.nodes,
            round: self.round,
            contacts,
            from,
            history: self.history.get(from as usize..upto).unwrap_or_default(),
            actions: &self.actions,
        })
    }
}

#[derive(Serialize)]
struct View<'a> {
    session: u32,
    nodes: u32,
    round: u32,
    /// Contacts in the bytes, behind the nodes: from, to, flags (1 lost, 2 an answer or a pull).
    contacts: usize,
    /// The round of the first entry of `history`.
    from: u32,
    history: &'a [Statistics],
    actions: &'a [Timed],
}

/// Works with a session and shows it.
fn with(number: u32, from: u32, work: impl FnOnce(&mut Session) -> Result<(), String>) -> Answer {
    SESSIONS.with_borrow_mut(|sessions| {
        let session = sessions.get(number)?;
        work(session)?;
        session.show(number, from)
    })
}

/// Opens a session, as the reader left it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SandboxOpen {
    mode: Mode,
    #[serde(default)]
    actions: Vec<Timed>,
    #[serde(default)]
    round: u32,
    #[serde(default)]
    contacts: usize,
}

impl SandboxOpen {
    pub(crate) fn answer(self) -> Answer {
        let Self { mode, actions, round, contacts } = self;
        let mut session = Session::new(&mode, actions)?;
        session.seek(round, contacts)?;
        SESSIONS.with_borrow_mut(|sessions| {
            let number = sessions.keep(session)?;
            sessions.get(number)?.show(number, 0)
        })
    }
}

/// Goes to a round: the next, or any other.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SandboxSeek {
    session: u32,
    round: u32,
    /// The most contacts of the round to show.
    #[serde(default)]
    contacts: usize,
    #[serde(default)]
    from: u32,
}

impl SandboxSeek {
    pub(crate) fn answer(&self) -> Answer {
        with(self.session, self.from, |session| session.seek(self.round, self.contacts))
    }
}

/// Does something to a session.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SandboxAct {
    session: u32,
    action: Action,
    #[serde(default)]
    from: u32,
}

impl SandboxAct {
    pub(crate) fn answer(&self) -> Answer {
        with(self.session, self.from, |session| session.act(&self.action))
    }
}

/// Makes a copy that goes on with the random numbers of another seed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SandboxFork {
    session: u32,
    seed: u64,
}

impl SandboxFork {
    pub(crate) fn answer(&self) -> Answer {
        SESSIONS.with_borrow_mut(|sessions| {
            let mut fork = sessions.get(self.session)?.clone();
            fork.act(&Action::Reseed { seed: self.seed })?;
            let number = sessions.keep(fork)?;
            sessions.get(number)?.show(number, 0)
        })
    }
}

/// Closes a session.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SandboxClose {
    session: u32,
}

impl SandboxClose {
    pub(crate) fn answer(&self) -> Answer {
        SESSIONS.with_borrow_mut(|sessions| sessions.close(self.session));
        json(&())
    }
}

/// What is known exactly of a session in which nobody interferes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SandboxExact {
    mode: Mode,
    rounds: u64,
}

#[derive(Serialize)]
struct Exact {
    /// The mean number informed, or the mean variance, after each round; empty if it is not known.
    by_round: Vec<f64>,
    /// Why it is not known.
    missing: Option<String>,
}

impl SandboxExact {
    pub(crate) fn answer(&self) -> Answer {
        let exact = match &self.mode {
            Mode::Spread { spread, .. } => {
                let exact = compare::spread::exact(spread, self.rounds);
                let by_round = exact.informed.into_iter().take(self.rounds as usize + 1).collect();
                Exact { by_round, missing: exact.missing }
            }
            Mode::Average(asked) => {
                let averaging = asked.averaging()?;
                let reference = compare::average::Reference::of(&averaging);
                match reference.filter(|reference| reference.applies) {
                    Some(reference) => {
                        let start = Engine::new(&self.mode)?.statistics().variance.unwrap_or(0.0);
                        let rounds = 0..=self.rounds as i32;
                        let by_round = rounds.map(|r| start * reference.factor.powi(r)).collect();
                        Exact { by_round, missing: None }
                    }
                    None => Exact {
                        by_round: Vec::new(),
                        missing: Some(
                            "the exact factor is known on the complete graph, with nothing going \
                             wrong, and not of push-sum's estimates"
                                .to_owned(),
                        ),
                    },
                }
            }
        };
        json(&exact)
    }
}

/// Refuses what is too large for a page.
fn check(mode: &Mode) -> Result<(), String> {
    let too_many = |nodes: u64| {
        (nodes > NODES)
            .then(|| format!("nodes is {nodes}, but the sandbox has at most {NODES}"))
            .map_or(Ok(()), Err)
    };
    match mode {
        Mode::Spread { spread, .. } => too_many(spread.nodes),
        Mode::Average(asked) => {
            let averaging = asked.averaging()?;
            too_many(averaging.nodes())?;
            let books = averaging.nodes() as f64 * averaging.topology.mean_degree();
            if averaging.protocol == Protocol::Ledger && books > BOOKS as f64 {
                return Err(format!(
                    "the ledger keeps a book for each neighbour: {} nodes with {} neighbours each \
                     are more than {BOOKS} books; choose fewer nodes, or a graph such as \
                     random-regular:8",
                    averaging.nodes(),
                    averaging.topology.mean_degree()
                ));
            }
            averaging.check().map_err(words)
        }
    }
}
