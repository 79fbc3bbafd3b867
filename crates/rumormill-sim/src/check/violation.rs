//! What did not hold, and when.

use rumormill_proto::{ComponentKind, Duration, EventId, Instant, Name, NodeId};

use super::truth::Units;
use crate::network::error::SimError;
use crate::network::index::NodeIndex;

/// Something that must hold and does not.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Violation {
    /// A node's members are not the running nodes.
    #[error("node {node} lacks the members {missing:?} and has members that do not run: {extra:?}")]
    Roster {
        /// The node.
        node: NodeIndex,
        /// Running nodes that it does not know.
        missing: Vec<NodeId>,
        /// Its members that do not run.
        extra: Vec<NodeId>,
    },
    /// The masses don't add up to the inputs.
    #[error("{component} of {aggregate}: the nodes hold {held} units, the inputs are {put_in}")]
    Unbalanced {
        /// The aggregate.
        aggregate: Name,
        /// Its component.
        component: ComponentKind,
        /// The sum of the masses.
        held: Box<Units>,
        /// The sum of the inputs.
        put_in: Box<Units>,
    },
    /// A node does not know an aggregate that others report.
    #[error("node {node} does not know {aggregate}")]
    Unknown {
        /// The node.
        node: NodeIndex,
        /// The aggregate.
        aggregate: Name,
    },
    /// A statistic of a node is wrong.
    #[error("at node {node} the {what} of {aggregate} is {said:?}; the truth is {truth}")]
    Wrong {
        /// The node.
        node: NodeIndex,
        /// The aggregate.
        aggregate: Name,
        /// What is wrong about it.
        what: &'static str,
        /// What the node reports.
        said: Option<f64>,
        /// What is true.
        truth: f64,
    },
    /// An aggregate has not converged at a node.
    #[error("at node {node} the aggregate {aggregate} has not converged")]
    NotConverged {
        /// The node.
        node: NodeIndex,
        /// The aggregate.
        aggregate: Name,
    },
    /// At no instant that was looked at had all exchanges of an aggregate come to their end, so that
    /// masses could be added up.
    #[error("something is always under way in {aggregate}: {what}")]
    NeverQuiet {
        /// The aggregate.
        aggregate: Name,
        /// What was under way when it was last looked at.
        what: String,
    },
    /// A node received an event twice in one incarnation.
    #[error("node {node} received the event {event} twice")]
    DeliveredTwice {
        /// The node.
        node: NodeIndex,
        /// The event.
        event: EventId,
    },
    /// A node was up all the time, and did not receive an event that others received.
    #[error("node {node} missed the event {event}")]
    Missed {
        /// The node.
        node: NodeIndex,
        /// The event.
        event: EventId,
    },
    /// One version of a key has two values.
    #[error("two nodes hold one version of the key {key:?} with different values")]
    TwoValues {
        /// The key.
        key: String,
    },
    /// The entries of two nodes differ.
    #[error("the entries of node {node} differ from those of the first node")]
    KvDiffers {
        /// The node.
        node: NodeIndex,
    },
    /// A key is not what the newest write that is held says.
    #[error("at node {node} the key {key:?} is not what was written last")]
    WrongValue {
        /// The node.
        node: NodeIndex,
        /// The key.
        key: String,
    },
    /// A node stamps with a time of day that is too wrong, though most clocks are right.
    #[error("the time of day that node {node} uses is off by {millis} ms")]
    WrongTime {
        /// The node.
        node: NodeIndex,
        /// By how much it is ahead.
        millis: i64,
    },
    /// An enclosure does not contain the truth.
    #[error(
        "node {node} encloses the {what} of {aggregate} in [{lower:?}, {upper:?}]; it is {truth}"
    )]
    Escaped {
        /// The node.
        node: NodeIndex,
        /// The aggregate.
        aggregate: Name,
        /// What is enclosed.
        what: &'static str,
        /// The lower bound.
        lower: f64,
        /// The upper bound.
        upper: f64,
        /// What is true.
        truth: f64,
    },
}

/// What did not hold, and when.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Failure {
    /// It never came to hold.
    #[error("after {0:?} of calm, still: {1}")]
    Never(Duration, Violation),
    /// It was violated though it must hold at all times.
    #[error("at {0}: {1}")]
    Broken(Instant, Violation),
    /// The run itself went wrong.
    #[error("the run could not be made: {0}")]
    Run(#[from] SimError),
}
