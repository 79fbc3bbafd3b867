//! The user's verbs for figures.

use super::*;
use crate::aggregate::{Explanation, Input, InputError, Reading};

impl Node {
    /// Adds the protocol of aggregates, in live mode and in round mode.
    pub fn add_aggregates(&mut self, now: Instant) {
        for mode in [Mode::Live, Mode::Round] {
            let aggregation = Aggregation::new(mode, &self.config);
            self.add_protocol(now, Box::new(aggregation));
        }
    }

    /// Sets this node's input to the figure `name`, from now on.
    ///
    /// # Errors
    /// When the value is not finite or out of range, when the figure exists in the other mode, or
    /// when there are too many figures. Nothing has changed then.
    pub fn set_input(
        &mut self,
        now: Instant,
        name: &Name,
        value: f64,
        mode: Mode,
    ) -> Result<(), InputError> {
        if let Some(other) = self.aggregation(mode.other())
            && other.knows(name)
        {
            return Err(InputError::OtherMode { name: name.clone(), mode: mode.other() });
        }
        let set = |aggregation: &mut Aggregation, cx: &mut Context<'_>| {
            aggregation.set_input(cx, name, value)
        };
        self.with_aggregation(now, mode, set).unwrap_or(Err(InputError::NotRunning))
    }

    /// Takes this node's input to the figure `name` away.
    ///
    /// # Errors
    /// When this node has no such input.
    pub fn unset_input(&mut self, now: Instant, name: &Name) -> Result<(), InputError> {
        for mode in [Mode::Live, Mode::Round] {
            let unset = |aggregation: &mut Aggregation, cx: &mut Context<'_>| {
                aggregation.unset_input(cx, name)
            };
            if self.aggregation(mode).is_some_and(|a| a.input(name).is_some()) {
                return self.with_aggregation(now, mode, unset).unwrap_or(Ok(()));
            }
        }
        Err(InputError::NoInput { name: name.clone() })
    }

    /// This node's inputs, by name.
    pub fn inputs(&self) -> Vec<Input> {
        let mut inputs = Vec::new();
        for mode in [Mode::Live, Mode::Round] {
            if let Some(aggregation) = self.aggregation(mode) {
                inputs.extend(aggregation.inputs().map(|(name, value)| Input {
                    name: name.clone(),
                    value,
                    mode,
                }));
            }
        }
        inputs.sort_by(|a, b| a.name.cmp(&b.name));
        inputs
    }

    /// What this node can say of the figure `name`; `None` if it has never heard of it.
    pub fn reading(&self, now: Instant, name: &Name) -> Option<Reading> {
        let holder = self.holder(name)?;
        holder.reading(now, name, &self.roster, &self.config)
    }

    /// What this node can say of every figure that it has heard of, by name.
    pub fn readings(&self, now: Instant) -> Vec<Reading> {
        let mut readings = Vec::new();
        for mode in [Mode::Live, Mode::Round] {
            if let Some(aggregation) = self.aggregation(mode) {
                let names = aggregation.names();
                let read = |name| aggregation.reading(now, name, &self.roster, &self.config);
                readings.extend(names.filter_map(read));
            }
        }
        readings.sort_by(|a, b| a.name.cmp(&b.name));
        readings
    }

    /// What the figure `name` rests on at this node: mass, links, anchors.
    pub fn explain(&self, now: Instant, name: &Name) -> Option<Explanation> {
        self.holder(name)?.explain(now, name, &self.roster, &self.config)
    }

    fn aggregation(&self, mode: Mode) -> Option<&Aggregation> {
        let all = self.hosts.iter().filter_map(|host| as_any(host.protocol()).downcast_ref());
        all.into_iter().find(|aggregation: &&Aggregation| aggregation.mode() == mode)
    }

    /// The aggregation that knows the figure.
    fn holder(&self, name: &Name) -> Option<&Aggregation> {
        let both = [Mode::Live, Mode::Round].map(|mode| self.aggregation(mode));
        both.into_iter().flatten().find(|aggregation| aggregation.knows(name))
    }

    fn with_aggregation<R>(
        &mut self,
        now: Instant,
        mode: Mode,
        f: impl FnOnce(&mut Aggregation, &mut Context<'_>) -> R,
    ) -> Option<R> {
        let at = self.hosts.iter().position(|host| {
            let aggregation = as_any(host.protocol()).downcast_ref::<Aggregation>();
            aggregation.is_some_and(|aggregation| aggregation.mode() == mode)
        })?;
        let result = self.call_host(now, at, f);
        self.settle(now);
        result
    }
}
