//! What simulations and exact answers say side by side.

pub(crate) mod average {
    pub(crate) mod reference;
}
pub(crate) mod spread {
    pub(crate) mod agreement;
    pub(crate) mod exact;
}
