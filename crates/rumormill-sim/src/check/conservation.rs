//! Whether mass is conserved to the last bit.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use rumormill_proto::{ComponentKind, Explanation, Name};

use super::truth::{Truth, Units};
use super::violation::Violation;
use crate::network::VirtualNetwork;
use crate::network::index::NodeIndex;

/// What a running node says that an aggregate rests on.
#[derive(Clone, Debug)]
pub struct Book {
    /// The node.
    pub node: NodeIndex,
    /// Its address.
    pub addr: SocketAddr,
    /// What it says; `None` if it does not know the aggregate.
    pub explanation: Option<Explanation>,
}

/// Returns what all running nodes say that an aggregate rests on.
pub fn books(net: &VirtualNetwork, aggregate: &Name) -> Vec<Book> {
    net.running().filter_map(|(node, _)| book(net, node, aggregate)).collect()
}

/// Returns what a node says that an aggregate rests on; `None` if it is not running.
pub fn book(net: &VirtualNetwork, node: NodeIndex, aggregate: &Name) -> Option<Book> {
    let explanation = net.node(node)?.aggregates().explain(net.local_now(node), aggregate);
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
            return Err(format!("node {node} does not know the aggregate"));
        };
        for link in &explanation.links {
            if link.outstanding {
                return Err(format!("node {node} awaits a reply of {}", link.name));
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

/// Checks that the masses of each component add up to the inputs, to the last bit. To be asked when
/// [`quiet`].
///
/// # Errors
/// The first component whose masses don't.
pub fn conservation(aggregate: &Name, truth: &Truth, books: &[Book]) -> Result<(), Violation> {
    let explanations = || books.iter().filter_map(|book| book.explanation.as_ref());
    for (component, put_in) in ComponentKind::ALL.iter().copied().zip(truth.units) {
        let lines = explanations().flat_map(|explanation| &explanation.components);
        let units = lines.filter(|line| line.component == component).map(|line| &line.units);
        // A mass that is no number is none of ours; as no mass, it is missed.
        let held =
            units.fold(Units::default(), |sum, u| sum + u.parse::<Units>().unwrap_or_default());
        if held != put_in {
            let (held, put_in) = (Box::new(held), Box::new(put_in));
            return Err(Violation::Unbalanced {
                aggregate: aggregate.clone(),
                component,
                held,
                put_in,
            });
        }
    }
    Ok(())
}
