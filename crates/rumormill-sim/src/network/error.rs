//! Why a call on a network is refused.

use rumormill_proto::{ConfigError, InputError, NameError};

use super::index::NodeIndex;

/// What went wrong; the network has not changed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SimError {
    /// A name was refused.
    #[error(transparent)]
    Name(#[from] NameError),
    /// A node's setting was refused.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// An input was refused.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A parameter of the network is out of its range.
    #[error("{parameter} is {value}, but must be {range}")]
    Parameter {
        /// The parameter.
        parameter: &'static str,
        /// The value that was refused.
        value: String,
        /// What is allowed, in words.
        range: &'static str,
    },
    /// The node is not running: it has not started yet, has crashed, or has left.
    #[error("node {0} is not running; start or restart it first")]
    NotRunning(NodeIndex),
    /// The node is running, and can't be started again.
    #[error("node {0} is running; crash it before it restarts")]
    Running(NodeIndex),
}
