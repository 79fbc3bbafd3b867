//! Masses by component, as ledgers exchange them.

use crate::aggregate::component::{Component, SQUARE};
use crate::aggregate::mass::{Mass, ZERO};

/// Component and mass.
pub(crate) type Masses = Vec<(Component, Mass)>;

/// The components of an aggregate among these.
pub(crate) fn of_one_aggregate(masses: &Masses) -> Masses {
    masses.iter().filter(|(c, _)| *c <= SQUARE).copied().collect()
}

pub(crate) fn mass_of(masses: &Masses, component: Component) -> Mass {
    let found = masses.iter().find(|(c, _)| *c == component);
    found.map_or(ZERO, |found| found.1)
}
