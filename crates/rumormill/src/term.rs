//! The terminal: exit codes, output, progress, signals, numbers and flags that all verbs share.

pub(crate) mod exit;
pub(crate) mod format;
pub(crate) mod machine;
pub(crate) mod output;
pub(crate) mod parse;
pub(crate) mod progress;
pub(crate) mod read;
pub(crate) mod refuse;
pub(crate) mod signal;
pub(crate) mod start;
