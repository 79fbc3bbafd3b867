//! The settings made into a question, checked, and answered.

use rumormill_sim::rounds::{
    EngineKind, Job, Observer, RoundsError, SpreadModel, Summary, Topology, simulate,
};

use super::settings::Settings;
use crate::exit::Usage;
use crate::memory::{Machine, written};

/// What to simulate, checked.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) settings: Settings,
    pub(crate) model: SpreadModel,
    pub(crate) topology: Topology,
    pub(crate) seed: u64,
}

impl Question {
    /// Builds the graph, and checks everything that can be checked before the first run.
    ///
    /// # Errors
    /// What is wrong, by the name of its flag.
    pub(crate) fn new(settings: &Settings, seed: u64, machine: &Machine) -> anyhow::Result<Self> {
        let topology = settings.graph.build(settings.nodes, seed)?;
        let model = settings.model(topology.nodes())?;
        let question = Self { settings: settings.clone(), model, topology, seed };
        question.job(machine.threads(), machine.limit()).check().map_err(|e| refuse(&e))?;
        Ok(question)
    }

    /// Checks the settings without making the graph, and gives the bytes of memory they need.
    pub(crate) fn need(settings: &Settings) -> anyhow::Result<u64> {
        let topology = settings.graph.build(settings.nodes, 1)?;
        let model = settings.model(topology.nodes())?;
        let question = Self { settings: settings.clone(), model, topology, seed: 1 };
        let job = question.job(1, u64::MAX);
        job.check().map_err(|e| refuse(&e))?;
        Ok(job.engine().bytes_needed(&question.model, &question.topology, 1))
    }

    fn job(&self, threads: usize, memory: u64) -> Job<'_> {
        Job {
            engine: self.settings.engine,
            threads,
            memory,
            ..Job::new(&self.model, &self.topology, 0..self.settings.runs, self.seed)
        }
    }

    /// The engine that answers.
    pub(crate) fn engine(&self) -> EngineKind {
        self.job(1, u64::MAX).engine()
    }

    /// Makes the runs.
    pub(crate) fn answer(
        &self,
        threads: usize,
        memory: u64,
        observe: &Observer<'_>,
    ) -> anyhow::Result<Summary> {
        simulate(&self.job(threads, memory), observe).map_err(|error| refuse(&error))
    }
}

/// A refusal in the words of the command line.
pub(crate) fn refuse(error: &RoundsError) -> anyhow::Error {
    let text = match error {
        RoundsError::Setting { name: "round cap" | "k", value, range } => {
            format!("--stop: {value} is out of range; must be {range}")
        }
        RoundsError::Setting { name, value, range } => {
            format!("--{} is {value}, but must be {range}", name.replace(' ', "-"))
        }
        RoundsError::NoGraph { .. } => format!("--graph: {error}"),
        RoundsError::Unsupported { .. } => format!("--engine: {error}"),
        RoundsError::Memory { what, need, limit } => format!(
            "{what} needs {} of memory, but {} are allowed; ask for less, use fewer --threads, or \
             raise --memory",
            written(*need),
            written(*limit)
        ),
        other => other.to_string(),
    };
    Usage(text).into()
}
