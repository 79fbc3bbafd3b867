//! What an agent does with aggregates.

use std::time::Duration;

use rumormill_proto::{Explanation, Input, Mode, Name, Node, Reading};
use tokio::time::{Instant as Deadline, sleep, sleep_until};

use super::Agent;
use crate::error::Error;

/// The shortest and the longest pause between two looks at an aggregate that is waited for.
const PAUSE: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(250));

/// The aggregates of a cluster, as one agent takes part in them; see [`Agent::aggregates`].
#[derive(Clone, Debug)]
pub struct Aggregates(pub(super) Agent);

impl Aggregates {
    /// Sets this agent's input to the aggregate `name`, in mode live. Returns when the input is on
    /// disk, or at once if the agent has no store.
    ///
    /// # Errors
    /// Fails like [`Aggregates::set_in`].
    pub async fn set(&self, name: &str, value: f64) -> Result<(), Error> {
        self.set_in(name, value, Mode::Live).await
    }

    /// Sets this agent's input to the aggregate `name`, in the given mode. In mode epoch it returns when
    /// the input has taken effect: while an epoch begins all agents keep changes back, for some
    /// milliseconds as a rule and one second at the most.
    ///
    /// # Errors
    /// Fails if the name is malformed, the value is not a finite number within ±2⁵³, the aggregate
    /// exists in the other mode, or the input can't be written to the agent's store.
    pub async fn set_in(&self, name: &str, value: f64, mode: Mode) -> Result<(), Error> {
        let name = Name::new(name)?;
        let changed = name.clone();
        self.0
            .keep(move |core| {
                let now = core.now();
                core.node.aggregates_mut().set(now, &name, value, mode)?;
                if let Some(store) = &core.store {
                    store.input(&name, Some((value, mode)));
                }
                Ok(())
            })
            .await?;
        match mode {
            // It is in effect.
            Mode::Live => Ok(()),
            Mode::Epoch => self.in_effect(changed).await,
        }
    }

    /// Waits until a change of an input is in effect.
    async fn in_effect(&self, name: Name) -> Result<(), Error> {
        loop {
            let changed = name.clone();
            let pending = move |node: &mut Node, _| node.aggregates().is_pending(&changed);
            if !self.0.with_node(pending).await? {
                return Ok(());
            }
            sleep(PAUSE.0).await;
        }
    }

    /// Removes this agent's input to the aggregate `name`.
    ///
    /// # Errors
    /// Fails if the agent has no such input, or the change can't be written to its store.
    pub async fn unset(&self, name: &str) -> Result<(), Error> {
        let name = Name::new(name)?;
        let changed = name.clone();
        self.0
            .keep(move |core| {
                let now = core.now();
                core.node.aggregates_mut().unset(now, &name)?;
                if let Some(store) = &core.store {
                    store.input(&name, None);
                }
                Ok(())
            })
            .await?;
        self.in_effect(changed).await
    }

    /// Returns this agent's inputs, by name.
    ///
    /// # Errors
    /// Fails if the agent has stopped.
    pub async fn inputs(&self) -> Result<Vec<Input>, Error> {
        self.0.with_node(|node, _| node.aggregates().inputs()).await
    }

    /// Returns the agent's reading of the aggregate `name`, `None` if the agent does not know it.
    ///
    /// # Errors
    /// Fails if the name is malformed.
    pub async fn get(&self, name: &str) -> Result<Option<Reading>, Error> {
        let name = Name::new(name)?;
        self.0.with_node(move |node, now| node.aggregates().get(now, &name)).await
    }

    /// Returns the agent's readings of all aggregates that it knows, by name.
    ///
    /// # Errors
    /// Fails if the agent has stopped.
    pub async fn list(&self) -> Result<Vec<Reading>, Error> {
        self.0.with_node(|node, now| node.aggregates().list(now)).await
    }

    /// Returns the masses, links and anchors behind this agent's reading of the aggregate `name`,
    /// `None` if the agent does not know it.
    ///
    /// # Errors
    /// Fails if the name is malformed.
    pub async fn explain(&self, name: &str) -> Result<Option<Explanation>, Error> {
        let name = Name::new(name)?;
        self.0.with_node(move |node, now| node.aggregates().explain(now, &name)).await
    }

    /// Waits until the aggregate `name` has converged, for `at_most` this time. The agent need not
    /// know the aggregate yet.
    ///
    /// # Errors
    /// Fails if the aggregate has not converged in time (the error has the last reading), is still
    /// unknown by then, has a malformed name, or the agent stops.
    pub async fn wait(&self, name: &str, at_most: Duration) -> Result<Reading, Error> {
        let deadline = Deadline::now() + at_most;
        let pause = (self.0.config().interval / 2).clamp(PAUSE.0, PAUSE.1);
        loop {
            match self.get(name).await? {
                Some(reading) if reading.converged => return Ok(reading),
                _ if Deadline::now() < deadline => {
                    sleep_until(deadline.min(Deadline::now() + pause)).await;
                }
                Some(reading) => return Err(Error::NotConverged(Box::new(reading))),
                None => return Err(self.unknown(name).await),
            }
        }
    }

    /// Returns the error for an aggregate that the agent does not know.
    pub(crate) async fn unknown(&self, name: &str) -> Error {
        match self.list().await {
            Ok(readings) => Error::Unknown {
                name: name.to_owned(),
                names: readings.into_iter().map(|reading| reading.name).collect(),
            },
            Err(error) => error,
        }
    }
}
