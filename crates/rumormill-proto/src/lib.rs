//! Gossip protocols as state machines without I/O.
