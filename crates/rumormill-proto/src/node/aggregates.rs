//! The verbs for aggregates.

use crate::aggregate::Aggregation;
use crate::aggregate::input::{Input, InputError, Mode};
use crate::aggregate::reading::{Explanation, Reading};
use crate::host::Host;
use crate::identity::Name;
use crate::node::Node;
use crate::protocol::Context;
use crate::time::Instant;

/// The aggregates of a node: sums, averages and counts over the inputs of all members.
///
/// [`Node::aggregates`] reads, [`Node::aggregates_mut`] writes.
///
/// ```
/// use rumormill_proto::{Config, Identity, Instant, Mode, Name, Node};
///
/// let me = Identity { name: Name::new("a")?, addr: "127.0.0.1:7946".parse()?, incarnation: 1 };
/// let mut node = Node::new(Instant::ZERO, me, Config::default(), 42)?;
/// let requests = Name::new("requests")?;
/// node.aggregates_mut().set(Instant::ZERO, &requests, 5.0, Mode::Live)?;
/// assert_eq!(node.aggregates().inputs()[0].value, 5.0);
/// let reading = node.aggregates().get(Instant::ZERO, &requests).ok_or("unknown")?;
/// assert_eq!(reading.sum.value, Some(5.0));
/// node.aggregates_mut().unset(Instant::ZERO, &requests)?;
/// assert!(node.aggregates().inputs().is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Aggregates<N>(N);

impl Node {
    /// Adds the protocol of aggregates, in mode live and in mode epoch.
    pub fn add_aggregates(&mut self, now: Instant) {
        for mode in [Mode::Live, Mode::Epoch] {
            self.add_protocol(now, Box::new(Aggregation::new(now, mode, &self.core.config)));
        }
    }

    /// Returns the aggregates, to read.
    pub fn aggregates(&self) -> Aggregates<&Node> {
        Aggregates(self)
    }

    /// Returns the aggregates, to set inputs.
    pub fn aggregates_mut(&mut self) -> Aggregates<&mut Node> {
        Aggregates(self)
    }

    fn aggregation(&self, mode: Mode) -> Option<&Aggregation> {
        self.aggregations().find(|aggregation| aggregation.mode() == mode)
    }

    fn aggregations(&self) -> impl Iterator<Item = &Aggregation> {
        self.hosts.iter().filter_map(Host::get)
    }

    fn with_aggregation<R>(
        &mut self,
        now: Instant,
        mode: Mode,
        f: impl FnOnce(&mut Aggregation, &mut Context<'_>) -> R,
    ) -> Option<R> {
        let of_mode = |host: &&mut Host| {
            host.get::<Aggregation>().is_some_and(|aggregation| aggregation.mode() == mode)
        };
        let host = self.hosts.iter_mut().find(of_mode)?;
        let result = host.call_as(now, &mut self.core, f);
        self.settle(now);
        result
    }
}

impl Aggregates<&Node> {
    /// Returns this node's inputs, by name.
    pub fn inputs(self) -> Vec<Input> {
        let mut inputs = Vec::new();
        for aggregation in self.0.aggregations() {
            let mode = aggregation.mode();
            let input = |(name, value): (&Name, f64)| Input { name: name.clone(), value, mode };
            inputs.extend(aggregation.inputs().map(input));
        }
        inputs.sort_by(|a, b| a.name.cmp(&b.name));
        inputs
    }

    /// Returns whether a change of this node's input has not taken effect yet: while an epoch begins, all
    /// members keep changes back, one second at the most.
    pub fn is_pending(self, name: &Name) -> bool {
        self.0.aggregations().any(|aggregation| aggregation.is_pending(name))
    }

    /// Returns this node's reading of the aggregate `name`; `None` if the aggregate is unknown here.
    pub fn get(self, now: Instant, name: &Name) -> Option<Reading> {
        self.holder(name)?.reading(now, name, &self.0.core)
    }

    /// Returns this node's readings of all aggregates that are known here, by name.
    pub fn list(self, now: Instant) -> Vec<Reading> {
        let mut readings = Vec::new();
        for aggregation in self.0.aggregations() {
            let read = |name| aggregation.reading(now, name, &self.0.core);
            readings.extend(aggregation.names().filter_map(read));
        }
        readings.sort_by(|a, b| a.name.cmp(&b.name));
        readings
    }

    /// Returns the reading of the aggregate `name` with its basis: masses, links, anchors.
    pub fn explain(self, now: Instant, name: &Name) -> Option<Explanation> {
        self.holder(name)?.explain(now, name, &self.0.core)
    }

    /// Returns the aggregation that has the aggregate.
    fn holder(&self, name: &Name) -> Option<&Aggregation> {
        self.0.aggregations().find(|aggregation| aggregation.contains(name))
    }
}

impl Aggregates<&mut Node> {
    /// Sets this node's input to the aggregate `name`, from now on; in mode epoch it may take effect a
    /// moment later ([`Aggregates::is_pending`]).
    ///
    /// # Errors
    /// Fails if the value is not finite or out of range, if the aggregate exists in the other mode,
    /// or if there are too many aggregates. Nothing has changed then.
    pub fn set(self, now: Instant, name: &Name, value: f64, mode: Mode) -> Result<(), InputError> {
        if let Some(other) = self.0.aggregation(mode.other())
            && other.contains(name)
        {
            return Err(InputError::OtherMode { name: name.clone(), mode: mode.other() });
        }
        let set = |aggregation: &mut Aggregation, cx: &mut Context<'_>| {
            aggregation.set_input(cx, name, value)
        };
        self.0.with_aggregation(now, mode, set).unwrap_or(Err(InputError::NotRunning))
    }

    /// Removes this node's input to the aggregate `name`.
    ///
    /// # Errors
    /// Fails if this node has no such input.
    pub fn unset(self, now: Instant, name: &Name) -> Result<(), InputError> {
        let holder = self.0.aggregations().find(|aggregation| aggregation.latest(name).is_some());
        let mode = holder.map(Aggregation::mode);
        let mode = mode.ok_or_else(|| InputError::NoInput { name: name.clone() })?;
        let unset =
            |aggregation: &mut Aggregation, cx: &mut Context<'_>| aggregation.unset_input(cx, name);
        self.0.with_aggregation(now, mode, unset).unwrap_or(Ok(()))
    }
}
