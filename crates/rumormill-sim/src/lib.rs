//! A deterministic virtual network.
