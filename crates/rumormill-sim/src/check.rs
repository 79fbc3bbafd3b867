//! What must hold, and a checker for each: whether all agree on who is there, whether mass is
//! conserved to the last bit, whether figures are right, and whether enclosures enclose.
//!
//! The checkers look at plain data (what nodes say, and the [`Truth`] from the inputs that were
//! set), so that each can be shown something wrong and seen to find it.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use rumormill_proto::{Caveat, Explanation, Figure, Instant, Name, NodeId, Reading, RumorId};

use crate::network::VirtualNetwork;
use crate::spec::NodeIndex;
use crate::truth::{COMPONENTS, Truth, Units};

/// Something that must hold and does not.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Violation {
    /// A node's members are not the nodes that run.
    #[error("node {node} misses {missing:?} and holds {extra:?}, which are no more, for members")]
    Roster {
        /// The node.
        node: NodeIndex,
        /// Running nodes that it doesn't know.
        missing: Vec<NodeId>,
        /// Members in its eyes that don't run.
        extra: Vec<NodeId>,
    },
    /// The masses don't add up to the inputs.
    #[error("{component} of {figure}: the nodes hold {held} units, the inputs are {put_in}")]
    Unbalanced {
        /// The figure.
        figure: Name,
        /// Its component.
        component: &'static str,
        /// The sum of the masses.
        held: Box<Units>,
        /// The sum of the inputs.
        put_in: Box<Units>,
    },
    /// A node has never heard of a figure that others report.
    #[error("node {node} knows nothing of {figure}")]
    Unknown {
        /// The node.
        node: NodeIndex,
        /// The figure.
        figure: Name,
    },
    /// A node says something wrong.
    #[error("node {node} says that the {what} of {figure} is {said:?}; it is {truth}")]
    Wrong {
        /// The node.
        node: NodeIndex,
        /// The figure.
        figure: Name,
        /// What is wrong about it.
        what: &'static str,
        /// What the node says.
        said: Option<f64>,
        /// What is true.
        truth: f64,
    },
    /// A node does not say that a figure has converged.
    #[error("node {node} does not call {figure} converged")]
    NotConverged {
        /// The node.
        node: NodeIndex,
        /// The figure.
        figure: Name,
    },
    /// At no instant that was looked at had all exchanges of a figure come to their end, so that
    /// masses could be added up.
    #[error("something is always under way in {figure}: {what}")]
    NeverQuiet {
        /// The figure.
        figure: Name,
        /// What was under way when it was last looked at.
        what: String,
    },
    /// A node heard a rumor twice in one life.
    #[error("node {node} heard the rumor {rumor} twice")]
    HeardTwice {
        /// The node.
        node: NodeIndex,
        /// The rumor.
        rumor: RumorId,
    },
    /// A node was up all the time, and did not hear a rumor that others heard.
    #[error("node {node} missed the rumor {rumor}")]
    Missed {
        /// The node.
        node: NodeIndex,
        /// The rumor.
        rumor: RumorId,
    },
    /// One version of a key said two things.
    #[error("two nodes hold one version of the key {key:?} with different values")]
    TwoValues {
        /// The key.
        key: String,
    },
    /// Two nodes' replicas are not the same.
    #[error("the replica of node {node} is not that of the first node")]
    ReplicaDiffers {
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
    #[error("node {node} goes by a time of day that is off by {millis} ms")]
    WrongTime {
        /// The node.
        node: NodeIndex,
        /// By how much it is ahead.
        millis: i64,
    },
    /// An enclosure does not contain the truth.
    #[error("node {node} encloses the {what} of {figure} in [{lower:?}, {upper:?}]; it is {truth}")]
    Escaped {
        /// The node.
        node: NodeIndex,
        /// The figure.
        figure: Name,
        /// What is enclosed.
        what: &'static str,
        /// The lower bound.
        lower: Option<f64>,
        /// The upper bound.
        upper: Option<f64>,
        /// What is true.
        truth: f64,
    },
}

/// Whom a node holds for members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// The node.
    pub node: NodeIndex,
    /// Its own id.
    pub id: NodeId,
    /// The members in its eyes, itself included.
    pub members: Vec<NodeId>,
}

/// The views of all running nodes.
pub fn views(net: &VirtualNetwork) -> Vec<View> {
    let view = |(node, running): (NodeIndex, &rumormill_proto::Node)| {
        let roster = running.roster();
        View { node, id: running.identity().id(), members: roster.ids().to_vec() }
    };
    net.running().map(view).collect()
}

/// Every node's members are exactly the nodes that there are.
///
/// # Errors
/// The first node whose members are others.
pub fn rosters(views: &[View]) -> Result<(), Violation> {
    let running: BTreeSet<NodeId> = views.iter().map(|view| view.id).collect();
    for view in views {
        let members: BTreeSet<NodeId> = view.members.iter().copied().collect();
        if members != running {
            return Err(Violation::Roster {
                node: view.node,
                missing: running.difference(&members).copied().collect(),
                extra: members.difference(&running).copied().collect(),
            });
        }
    }
    Ok(())
}

/// What a running node says that a figure rests on.
#[derive(Clone, Debug)]
pub struct Book {
    /// The node.
    pub node: NodeIndex,
    /// Its address.
    pub addr: SocketAddr,
    /// What it says; `None` if it has not heard of the figure.
    pub explanation: Option<Explanation>,
}

/// What all running nodes say that a figure rests on.
pub fn books(net: &VirtualNetwork, figure: &Name) -> Vec<Book> {
    net.running().filter_map(|(node, _)| book(net, node, figure)).collect()
}

/// What a node says that a figure rests on; `None` if it is not running.
pub fn book(net: &VirtualNetwork, node: NodeIndex, figure: &Name) -> Option<Book> {
    let explanation = net.node(node)?.explain(net.local_now(node), figure);
    Some(Book { node, addr: node.addr(), explanation })
}

/// Nothing is under way: no push awaits its reply, and both ends of each link have it. Only then do
/// masses have to add up.
///
/// A push that was answered twice, or a late copy of one, changes nothing when it arrives, so the
/// packets themselves need not be looked at.
///
/// # Errors
/// The first thing that is under way, in words.
pub fn quiet(books: &[Book]) -> Result<(), String> {
    let mut ends = BTreeSet::new();
    for book in books {
        let node = book.node;
        let Some(explanation) = &book.explanation else {
            return Err(format!("node {node} has not heard of the figure"));
        };
        for link in &explanation.links {
            if link.outstanding {
                return Err(format!("node {node} awaits an answer from {}", link.name));
            }
            if link.linked {
                ends.insert((book.addr, link.addr));
            }
        }
    }
    match ends.iter().find(|&&(a, b)| !ends.contains(&(b, a))) {
        Some((a, b)) => Err(format!("{a} has a link to {b}, which has none back")),
        None => Ok(()),
    }
}

/// The masses of each component add up to the inputs, to the last bit. To be asked when
/// [`quiet`].
///
/// # Errors
/// The first component whose masses don't.
pub fn conservation(figure: &Name, truth: &Truth, books: &[Book]) -> Result<(), Violation> {
    let explanations = || books.iter().filter_map(|book| book.explanation.as_ref());
    for (component, put_in) in COMPONENTS.into_iter().zip(truth.units) {
        let lines = explanations().flat_map(|explanation| &explanation.components);
        let units = lines.filter(|line| line.component == component).map(|line| &line.units);
        // A mass that is no number is none of ours; as no mass, it is missed.
        let held =
            units.fold(Units::default(), |sum, u| sum + u.parse::<Units>().unwrap_or_default());
        if held != put_in {
            let (held, put_in) = (Box::new(held), Box::new(put_in));
            return Err(Violation::Unbalanced { figure: figure.clone(), component, held, put_in });
        }
    }
    Ok(())
}

/// What a running node says of a figure.
#[derive(Clone, Debug)]
pub struct Said {
    /// The node.
    pub node: NodeIndex,
    /// Its own time.
    pub now: Instant,
    /// What it says; `None` if it has not heard of the figure.
    pub reading: Option<Reading>,
}

/// What all running nodes say of a figure.
pub fn said(net: &VirtualNetwork, figure: &Name) -> Vec<Said> {
    let said = |(node, running): (NodeIndex, &rumormill_proto::Node)| {
        let now = net.local_now(node);
        Said { node, now, reading: running.reading(now, figure) }
    };
    net.running().map(said).collect()
}

/// How many times the configured tolerance a converged estimate may be off: the enclosure may be
/// one tolerance wide, the estimate may lie one beside it, and an average errs in sum and count.
const SLACK: f64 = 4.0;

/// A unit of mass.
const QUANTUM: f64 = 1.0 / 18_446_744_073_709_551_616.0;

/// Every node has converged, and what it says is true within the tolerance. Where there are more
/// members than enclosures can cover nobody knows the extremes or that it has converged, which is
/// not asked then.
///
/// Errors of sum and average are measured against the largest input, as the tolerance is: inputs
/// may cancel out. That of the variance is measured against itself.
///
/// # Errors
/// The first node that has not, or that says something wrong.
pub fn figures(
    figure: &Name,
    truth: &Truth,
    said: &[Said],
    tolerance: f64,
) -> Result<(), Violation> {
    let count = truth.count as f64;
    let relative = SLACK * tolerance;
    let scale = truth.largest();
    let said_by = said.len();
    for Said { node, reading, .. } in said {
        let (node, figure) = (*node, figure.clone());
        let Some(reading) = reading else { return Err(Violation::Unknown { node, figure }) };
        let wrong = |what, said: Option<f64>, truth: f64, error: f64| {
            let right = said.is_some_and(|said| (said - truth).abs() <= error);
            let figure = figure.clone();
            if right { Ok(()) } else { Err(Violation::Wrong { node, figure, what, said, truth }) }
        };
        // Each node's mass is a whole number of units, and so the sum is off by some of them.
        let quanta = 4.0 * QUANTUM * said_by as f64;
        wrong("sum", reading.sum.value, truth.sum(), relative * scale * count + quanta)?;
        let error = relative * scale + quanta / count;
        wrong("average", reading.average.value, truth.average(), error)?;
        wrong("count", reading.count.value, count, relative * count)?;
        let too_many = |caveat: &Caveat| matches!(caveat, Caveat::TooManyMembers(_, limit) if said_by > *limit);
        let enclosable = !reading.caveats.iter().any(too_many);
        if enclosable {
            wrong("minimum", reading.min, truth.min, 0.0)?;
            wrong("maximum", reading.max, truth.max, 0.0)?;
        }
        if !enclosable {
            continue;
        }
        if !reading.converged {
            return Err(Violation::NotConverged { node, figure });
        }
        wrong("variance", reading.variance, truth.variance, 1e-9 * truth.variance)?;
    }
    Ok(())
}

/// Every enclosure that holds for an instant at or after `since` (in the node's own time) contains
/// the truth, which must have been the same since then. Returns how many there were.
///
/// # Errors
/// The first enclosure that does not.
pub fn enclosures(
    figure: &Name,
    truth: &Truth,
    said: &[Said],
    since: impl Fn(NodeIndex) -> Option<Instant>,
) -> Result<u64, Violation> {
    let mut seen = 0;
    for Said { node, now, reading } in said {
        let Some(reading) = reading else { continue };
        let (Some(age), Some(since)) = (reading.enclosed, since(*node)) else { continue };
        if since + age > *now {
            continue;
        }
        let count = truth.count as f64;
        let mut check = |what, enclosed: &Figure, below: f64, above: f64| {
            let (Some(lower), Some(upper)) = (enclosed.lower, enclosed.upper) else {
                return Ok(());
            };
            seen += 1;
            if lower <= below && above <= upper {
                return Ok(());
            }
            let (lower, upper) = (enclosed.lower, enclosed.upper);
            let (node, figure) = (*node, figure.clone());
            Err(Violation::Escaped { node, figure, what, lower, upper, truth: below })
        };
        check("sum", &reading.sum, truth.sum_below, truth.sum_above)?;
        check("count", &reading.count, count, count)?;
        if truth.count == 0 {
            continue;
        }
        // The average as such is not a float; an enclosure must reach to within its rounding.
        let (low, high) = (truth.sum_below / count, truth.sum_above / count);
        check("average", &reading.average, low.next_up(), high.next_down())?;
    }
    Ok(seen)
}

#[cfg(test)]
mod tests;
