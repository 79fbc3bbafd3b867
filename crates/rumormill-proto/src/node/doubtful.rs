//! Exchanges whose senders have yet to prove that datagrams get through to them.

use std::collections::BTreeMap;

use crate::membership::messages::StateMessage;
use crate::time::{Duration, Instant};

/// How long a proof is waited for, and from how many at a time.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
pub(super) const MOST: usize = 1024;

/// What members that were declared dead sent on the reliable path, until an answer by datagram
/// proves that they can be members.
pub(super) type Doubtful = BTreeMap<u64, (Instant, StateMessage)>;
