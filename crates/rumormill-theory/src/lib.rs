//! The exact mathematics of gossip.
