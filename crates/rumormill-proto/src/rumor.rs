//! Rumors: news that reaches every node, and then dies out.

mod settings;

pub use settings::{Counted, Decided, RumorConfig, Stop, Style, UnknownWord};
