//! Runs of the protocols themselves, in the virtual network: made here from a scenario, or recorded
//! by `rumormill simulate cluster --record`. Both are looked at slice by slice.

use std::cell::RefCell;
use std::io::Cursor;

use rumormill_sim::scenario::{Mark, Sample, Scenario, ScenarioRun, Slice};
use rumormill_sim::trace::{Chunk, Ending, Header, TraceReader};
use serde::{Deserialize, Serialize};

use crate::blocks;
use crate::question::{Answer, json};
use crate::shelf::Shelf;

/// The most nodes that run in a page.
const NODES: u32 = 500;

/// The most that the details of a run made here may take, in bytes, about.
const KEPT: usize = 1 << 28;

/// The largest recorded run, in bytes.
const RECORDED: usize = 1 << 28;

thread_local! {
    static OPEN: RefCell<Shelf<Run>> = const { RefCell::new(Shelf::new("run")) };
}

/// A run whose slices can be looked at.
enum Run {
    /// It is made here.
    Made(Box<Made>),
    /// It was recorded.
    Recorded(Box<Recorded>),
}

struct Made {
    run: ScenarioRun,
    slices: Vec<Slice>,
    /// What the slices take, about.
    bytes: usize,
}

struct Recorded {
    reader: TraceReader<Cursor<Vec<u8>>>,
    /// Where each slice begins.
    places: Vec<u64>,
}

/// A slice without its details.
#[derive(Serialize)]
struct Brief {
    marks: Vec<Mark>,
    sample: Sample,
}

impl Brief {
    fn of(slice: &Slice) -> Self {
        Self { marks: slice.marks.clone(), sample: slice.sample.clone() }
    }
}

/// How a run ended.
#[derive(Serialize)]
struct End {
    #[serde(flatten)]
    ending: Ending,
    /// The digest as the command prints it: numbers in JavaScript have fewer digits.
    digest_hex: String,
}

impl End {
    fn of(ending: Ending) -> Self {
        Self { digest_hex: format!("{:016x}", ending.digest), ending }
    }
}

#[derive(Serialize)]
struct Opened {
    run: u32,
    header: Header,
    /// All slices that there are, without details.
    slices: Vec<Brief>,
    ending: Option<End>,
}

/// Starts a scenario, in JSON as `rumormill simulate cluster --json` prints it. (A parser of TOML
/// would make the module a seventh larger.)
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScenarioOpen {
    scenario: serde_json::Value,
}

impl ScenarioOpen {
    pub(crate) fn answer(self) -> Answer {
        let text = self.scenario.to_string();
        let scenario = Scenario::deserialize(self.scenario).map_err(|error| error.to_string())?;
        if scenario.nodes > NODES {
            return Err(format!(
                "nodes is {}, but a page runs at most {NODES}; `rumormill simulate cluster` runs more",
                scenario.nodes
            ));
        }
        let run = ScenarioRun::detailed(&scenario).map_err(|error| error.to_string())?;
        let header = Header::of(&run, &scenario, text);
        let made = Run::Made(Box::new(Made { run, slices: Vec::new(), bytes: 0 }));
        let number = OPEN.with_borrow_mut(|open| open.keep(made))?;
        json(&Opened { run: number, header, slices: Vec::new(), ending: None })
    }
}

/// Goes on with a scenario.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScenarioAdvance {
    run: u32,
    /// Slices to go on by.
    slices: u32,
}

#[derive(Serialize)]
struct Advanced {
    slices: Vec<Brief>,
    /// How the run ended, once it has.
    ending: Option<End>,
}

impl ScenarioAdvance {
    pub(crate) fn answer(&self) -> Answer {
        OPEN.with_borrow_mut(|open| {
            let Run::Made(made) = open.get(self.run)? else {
                return Err("a recorded run has all its slices".to_owned());
            };
            let mut slices = Vec::new();
            for _ in 0..self.slices {
                let Some(slice) = made.run.advance() else {
                    let ending = Some(End::of(Ending::of(&made.run.outcome(), true)));
                    return json(&Advanced { slices, ending });
                };
                made.bytes += size(&slice);
                if made.bytes > KEPT {
                    return Err(format!(
                        "the run is too long to be kept in a page: its details take more than {} MB \
                         at {}; record it with `rumormill simulate cluster --record`, or look less \
                         often (sample)",
                        KEPT >> 20,
                        slice.sample.at
                    ));
                }
                slices.push(Brief::of(&slice));
                made.slices.push(slice);
            }
            json(&Advanced { slices, ending: None })
        })
    }
}

/// Returns about the bytes that a slice takes.
fn size(slice: &Slice) -> usize {
    let words: usize = slice.notices.iter().map(|notice| notice.text.len() + 48).sum();
    let nodes: usize = slice.nodes.iter().map(|node| 64 + 112 * node.aggregates.len()).sum();
    1024 + words + nodes + size_of_val(slice.traffic.as_slice())
}

/// Opens a recorded run: the bytes of its file go with the question.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TraceOpen {}

impl TraceOpen {
    pub(crate) fn answer(&self) -> Answer {
        let bytes = blocks::take();
        if bytes.len() > RECORDED {
            return Err(format!(
                "the recording has {} MB, but a page takes at most {}; `rumormill replay` takes more",
                bytes.len() >> 20,
                RECORDED >> 20
            ));
        }
        let refused = |error: rumormill_sim::trace::TraceError| error.to_string();
        let mut reader = TraceReader::new(Cursor::new(bytes)).map_err(refused)?;
        let header = reader.header().clone();
        let (mut slices, mut places) = (Vec::new(), Vec::new());
        let ending = loop {
            let place = reader.position();
            match reader.read().map_err(refused)? {
                Chunk::Slice(slice) => {
                    slices.push(Brief::of(&slice));
                    places.push(place);
                }
                Chunk::Ending(ending) => break *ending,
            }
        };
        let recorded = Run::Recorded(Box::new(Recorded { reader, places }));
        let run = OPEN.with_borrow_mut(|open| open.keep(recorded))?;
        json(&Opened { run, header, slices, ending: Some(End::of(ending)) })
    }
}

/// Asks for slices with all their details: states of nodes, notices, packets.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunSlices {
    run: u32,
    from: usize,
    /// The one behind the last.
    to: usize,
}

impl RunSlices {
    pub(crate) fn answer(&self) -> Answer {
        let Self { run, from, to } = *self;
        OPEN.with_borrow_mut(|open| {
            let open = open.get(run)?;
            let there = match &open {
                Run::Made(made) => made.slices.len(),
                Run::Recorded(recorded) => recorded.places.len(),
            };
            if from > to || to > there {
                return Err(format!("slices {from} to {to}: there are {there}, from 0"));
            }
            match open {
                Run::Made(made) => json(&made.slices[from..to].iter().collect::<Vec<_>>()),
                Run::Recorded(recorded) => json(&recorded.slices(from, to)?),
            }
        })
    }
}

impl Recorded {
    fn slices(&mut self, from: usize, to: usize) -> Result<Vec<Slice>, String> {
        let read = |&place: &u64| {
            self.reader.seek(place).map_err(|error| error.to_string())?;
            match self.reader.read().map_err(|error| error.to_string())? {
                Chunk::Slice(slice) => Ok(*slice),
                Chunk::Ending(_) => Err("the recording has no such slice".to_owned()),
            }
        };
        self.places[from..to].iter().map(read).collect()
    }
}

/// Closes a run.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunClose {
    run: u32,
}

impl RunClose {
    pub(crate) fn answer(&self) -> Answer {
        OPEN.with_borrow_mut(|open| open.close(self.run));
        json(&())
    }
}
