//! What is asked, and who answers.

use rumormill_model::graph::GraphKind;
use rumormill_model::simulate::EngineKind;
use rumormill_proto::Style;

/// A question, and all that are measured on it by turns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question {
    pub(crate) name: &'static str,
    pub(crate) graph: GraphKind,
    pub(crate) nodes: u64,
    pub(crate) task: Task,
    pub(crate) size: Size,
    /// The first is the one that others are compared with.
    pub(crate) by: &'static [By],
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Task {
    /// Tell everyone, fan-out 1. What is counted are contacts.
    Spread(Style),
    /// Push-pull averaging, so many rounds. What is counted are nodes times rounds.
    Average(u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Size {
    Small,
    /// Left out with `--small`.
    Large,
    /// Only with `--huge`.
    Huge,
}

/// Who answers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct By {
    pub(crate) who: Who,
    /// Runs of each measurement.
    pub(crate) runs: u64,
    pub(crate) threads: usize,
    /// Measurements at most.
    pub(crate) times: usize,
    pub(crate) note: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Engine(EngineKind),
    /// Averaging has engines of its own, of which the fastest is taken.
    Averaging,
    Numba,
    Networkx,
}

impl Who {
    pub(crate) fn is_peer(self) -> bool {
        matches!(self, Self::Numba | Self::Networkx)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Engine(engine) => engine.name(),
            Self::Averaging => "averaging",
            Self::Numba => "numba",
            Self::Networkx => "networkx",
        }
    }
}

const COMPLETE: GraphKind = GraphKind::Complete;
const REGULAR: GraphKind = GraphKind::RandomRegular { degree: 8 };
const PUSH: Task = Task::Spread(Style::Push);
const MILLION: u64 = 1_000_000;

const fn by(who: Who, runs: u64) -> By {
    By { who, runs, threads: 1, times: usize::MAX, note: "" }
}

const fn engine(kind: EngineKind, runs: u64) -> By {
    by(Who::Engine(kind), runs)
}

const fn two(one: By) -> By {
    By { threads: 2, ..one }
}

const fn at_most(times: usize, one: By) -> By {
    By { times, ..one }
}

const fn noted(note: &'static str, one: By) -> By {
    By { note, ..one }
}

const BITSET: By = at_most(3, engine(EngineKind::Bitset, 1));
const MANY: By = at_most(1, engine(EngineKind::BitParallel, 512));

/// All questions.
pub(crate) const QUESTIONS: &[Question] = &[
    Question {
        name: "complete-64",
        graph: COMPLETE,
        nodes: 64,
        task: PUSH,
        size: Size::Small,
        by: &[
            engine(EngineKind::Count, 10_000),
            two(engine(EngineKind::Count, 100_000)),
            engine(EngineKind::Reference, 2000),
            by(Who::Numba, 10_000),
            by(Who::Networkx, 200),
        ],
    },
    Question {
        name: "complete-1e3",
        graph: COMPLETE,
        nodes: 1000,
        task: PUSH,
        size: Size::Small,
        by: &[
            engine(EngineKind::Count, 5000),
            by(Who::Numba, 500),
            noted("a million nodes would be 5e11 edges", by(Who::Networkx, 10)),
        ],
    },
    Question {
        name: "complete-1e6",
        graph: COMPLETE,
        nodes: MILLION,
        task: PUSH,
        size: Size::Small,
        by: &[
            engine(EngineKind::Bitset, 5),
            two(engine(EngineKind::Bitset, 10)),
            engine(EngineKind::Count, 5000),
            two(engine(EngineKind::Count, 10_000)),
            at_most(3, engine(EngineKind::Reference, 1)),
            by(Who::Numba, 2),
        ],
    },
    Question {
        name: "complete-1e9",
        graph: COMPLETE,
        nodes: 1000 * MILLION,
        task: PUSH,
        size: Size::Large,
        by: &[
            BITSET,
            two(BITSET),
            engine(EngineKind::Count, 3000),
            noted("its first rounds, 1e8 contacts, once", at_most(1, by(Who::Numba, 1))),
        ],
    },
    Question {
        name: "complete-1e15",
        graph: COMPLETE,
        nodes: 1_000_000_000 * MILLION,
        task: PUSH,
        size: Size::Small,
        by: &[engine(EngineKind::Count, 1000)],
    },
    Question {
        name: "complete-1e8-pull",
        graph: COMPLETE,
        nodes: 100 * MILLION,
        task: Task::Spread(Style::Pull),
        size: Size::Large,
        by: &[BITSET, two(BITSET)],
    },
    Question {
        name: "complete-1e8-push-pull",
        graph: COMPLETE,
        nodes: 100 * MILLION,
        task: Task::Spread(Style::PushPull),
        size: Size::Large,
        by: &[BITSET, two(BITSET)],
    },
    Question {
        name: "complete-1e10",
        graph: COMPLETE,
        nodes: 10_000 * MILLION,
        task: PUSH,
        size: Size::Huge,
        by: &[at_most(1, BITSET), at_most(1, two(BITSET))],
    },
    Question {
        name: "regular-1e3",
        graph: REGULAR,
        nodes: 1000,
        task: PUSH,
        size: Size::Small,
        by: &[
            engine(EngineKind::BitParallel, 1024),
            two(engine(EngineKind::BitParallel, 1024)),
            engine(EngineKind::Csr, 200),
            by(Who::Numba, 200),
            by(Who::Networkx, 10),
        ],
    },
    Question {
        name: "regular-1e5",
        graph: REGULAR,
        nodes: 100_000,
        task: PUSH,
        size: Size::Small,
        by: &[
            at_most(3, engine(EngineKind::BitParallel, 512)),
            at_most(3, two(engine(EngineKind::BitParallel, 512))),
            engine(EngineKind::Csr, 5),
            by(Who::Numba, 5),
            noted("a million takes minutes to build", at_most(3, by(Who::Networkx, 1))),
        ],
    },
    Question {
        name: "regular-1e6",
        graph: REGULAR,
        nodes: MILLION,
        task: PUSH,
        size: Size::Small,
        by: &[
            engine(EngineKind::Csr, 2),
            two(engine(EngineKind::Csr, 2)),
            at_most(3, engine(EngineKind::Reference, 1)),
            MANY,
            two(MANY),
            at_most(3, by(Who::Numba, 1)),
        ],
    },
    Question {
        name: "regular-1e7",
        graph: REGULAR,
        nodes: 10 * MILLION,
        task: PUSH,
        size: Size::Large,
        by: &[at_most(3, engine(EngineKind::Csr, 1)), noted("once", at_most(1, by(Who::Numba, 1)))],
    },
    Question {
        name: "average-complete-1e6",
        graph: COMPLETE,
        nodes: MILLION,
        task: Task::Average(10),
        size: Size::Small,
        by: &[by(Who::Averaging, 2), two(by(Who::Averaging, 2)), by(Who::Numba, 1)],
    },
    Question {
        name: "average-20-out-1e6",
        graph: GraphKind::KOut { degree: 20 },
        nodes: MILLION,
        task: Task::Average(10),
        size: Size::Small,
        by: &[at_most(3, by(Who::Averaging, 1)), at_most(3, by(Who::Numba, 1))],
    },
];
