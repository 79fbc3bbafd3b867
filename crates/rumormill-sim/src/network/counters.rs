//! What really happened: the proof that a run full of faults was one.

use core::fmt;
use core::ops::AddAssign;

use serde::Serialize;

macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $field:ident,)+) => {
        /// What really happened in a run. Counters only rise.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
        pub struct Counters {
            $($(#[doc = $doc])+ pub $field: u64,)+
        }

        impl Counters {
            /// Returns every counter with its name, in the order of declaration.
            pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($field), self.$field)),+].into_iter()
            }
        }

        impl AddAssign for Counters {
            fn add_assign(&mut self, other: Self) {
                $(self.$field += other.$field;)+
            }
        }
    };
}

counters! {
    /// Datagrams that nodes sent.
    packets_sent,
    /// Datagrams that arrived at a running node, copies included.
    packets_delivered,
    /// Datagrams that a link lost.
    packets_lost,
    /// Datagrams that a link repeated.
    packets_duplicated,
    /// Datagrams that a link held back.
    packets_held_back,
    /// Datagrams that arrived after a later one of the same pair.
    packets_reordered,
    /// Datagrams that a partition, a cut or an isolation stopped.
    packets_blocked,
    /// Datagrams that arrived where no node was running.
    packets_to_the_dead,
    /// Messages on the reliable path that arrived.
    streams_delivered,
    /// Messages on the reliable path that could not be delivered.
    streams_failed,
    /// Nodes started for the first time.
    starts,
    /// Nodes that stopped without goodbye.
    crashes,
    /// Nodes started again at the same address with lost state.
    restarts,
    /// Nodes that took leave.
    leaves,
    /// Partitions of the network.
    partitions,
    /// Ways cut in one direction.
    one_way_cuts,
    /// Nodes cut off from all others for a while.
    isolations,
    /// Nodes stopped for a while.
    pauses,
    /// Packets that waited for a stopped node to go on.
    packets_that_waited,
    /// Changes of a clock's rate.
    clock_changes,
    /// Steps of a wall clock.
    clock_steps,
    /// Inputs set or taken away.
    inputs_changed,
    /// Running members seen under suspicion, sampled; see
    /// [`crate::VirtualNetwork::sample_suspicions`].
    false_suspicions,
    /// Times that a node saw a running member go down.
    false_deaths,
    /// Times that a node was declared dead while it ran, and came back as a new incarnation.
    renewals,
}

impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (name, count)) in self.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{} {count}", name.replace('_', " "))?;
        }
        Ok(())
    }
}
