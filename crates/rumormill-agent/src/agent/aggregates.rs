//! The handle's verbs for figures.

use std::time::Duration;

use rumormill_proto::{self as proto, Name, NameError};
use tokio::time::{Instant as Deadline, sleep_until};

use super::Agent;
use crate::api::{Explanation, Input, Reading};
use crate::error::{Error, WaitError};

/// How long a request that waits for a figure looks away at least and at most.
const LOOKS: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(250));

impl Agent {
    /// Sets this agent's input to the figure `name`, which follows its inputs.
    ///
    /// # Errors
    /// When the name or the value is no good, or the figure exists in round mode.
    pub async fn set(&self, name: &str, value: f64) -> Result<(), Error> {
        self.set_in(name, value, proto::Mode::Live).await
    }

    /// Sets this agent's input to the figure `name`, in the given mode.
    ///
    /// # Errors
    /// When the name or the value is no good, the figure exists in the other mode, or the change
    /// can't be written to the agent's store.
    pub async fn set_in(
        &self,
        name: &str,
        value: f64,
        mode: impl Into<proto::Mode>,
    ) -> Result<(), Error> {
        let (name, mode) = (Name::new(name)?, mode.into());
        self.keep(move |core| {
            let now = core.now();
            core.node.set_input(now, &name, value, mode)?;
            if let Some(store) = &core.store {
                store.input(&name, Some((value, mode)));
            }
            Ok(())
        })
        .await
    }

    /// Takes this agent's input to the figure `name` away.
    ///
    /// # Errors
    /// When the agent has no such input.
    pub async fn unset(&self, name: &str) -> Result<(), Error> {
        let name = Name::new(name)?;
        self.keep(move |core| {
            let now = core.now();
            core.node.unset_input(now, &name)?;
            if let Some(store) = &core.store {
                store.input(&name, None);
            }
            Ok(())
        })
        .await
    }

    /// This agent's inputs, by name.
    ///
    /// # Errors
    /// When the agent has stopped.
    pub async fn inputs(&self) -> Result<Vec<Input>, Error> {
        self.with_node(|node, _| Input::all(node)).await
    }

    /// What the agent can say of the figure `name`; `None` if it has never heard of it.
    ///
    /// # Errors
    /// When the name is no good.
    pub async fn get(&self, name: &str) -> Result<Option<Reading>, Error> {
        let name = Name::new(name)?;
        self.with_node(move |node, now| node.reading(now, &name).map(Reading::from)).await
    }

    /// What the agent can say of every figure that it has heard of, by name.
    ///
    /// # Errors
    /// When the agent has stopped.
    pub async fn readings(&self) -> Result<Vec<Reading>, Error> {
        self.with_node(|node, now| node.readings(now).into_iter().map(Reading::from).collect())
            .await
    }

    /// What the figure `name` rests on at this agent; `None` if it has never heard of it.
    ///
    /// # Errors
    /// When the name is no good.
    pub async fn explain(&self, name: &str) -> Result<Option<Explanation>, Error> {
        let name = Name::new(name)?;
        self.with_node(move |node, now| node.explain(now, &name).map(Explanation::from)).await
    }

    /// Waits until the figure `name` has converged, for `at_most` so long. A figure that the agent
    /// has not heard of yet is waited for, too.
    ///
    /// # Errors
    /// When the figure has not converged in time, with the last reading; when there was none; when
    /// the name is no good; when the agent stops.
    pub async fn wait(&self, name: &str, at_most: Duration) -> Result<Reading, WaitError> {
        let deadline = Deadline::now() + at_most;
        let look = (self.0.interval / 2).clamp(LOOKS.0, LOOKS.1);
        loop {
            let reading = self.get(name).await.map_err(|error| self.wait_error(error))?;
            match reading {
                Some(reading) if reading.converged => return Ok(reading),
                reading if Deadline::now() >= deadline => {
                    let Some(reading) = reading else {
                        return Err(self.unknown(name).await);
                    };
                    return Err(WaitError::NotConverged(Box::new(reading)));
                }
                _ => sleep_until(deadline.min(Deadline::now() + look)).await,
            }
        }
    }

    fn wait_error(&self, error: Error) -> WaitError {
        match error {
            Error::Name(error) => WaitError::Name(error),
            Error::Stopped(reason) => WaitError::Stopped(reason),
            // `get` gives no others.
            _ => WaitError::Name(NameError::Empty),
        }
    }

    async fn unknown(&self, name: &str) -> WaitError {
        match self.readings().await {
            Ok(readings) => WaitError::Unknown {
                name: name.to_owned(),
                names: readings.into_iter().map(|reading| reading.name).collect(),
            },
            Err(error) => self.wait_error(error),
        }
    }
}
