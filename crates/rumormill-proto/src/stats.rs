//! Counters.

use serde::{Deserialize, Serialize};

/// Declares a struct of counters, each once: its name, and what it counts, which is its documentation
/// and its help in metrics.
#[doc(hidden)]
#[macro_export]
macro_rules! counters {
    ($(#[$attribute:meta])* $visibility:vis struct $name:ident { $($field:ident: $help:literal,)* }
     $($(#[$inner:meta])* $group:ident: $type:ty,)*) => {
        $(#[$attribute])*
        $visibility struct $name {
            $(#[doc = $help] pub $field: u64,)*
            $($(#[$inner])* pub $group: $type,)*
        }

        impl $name {
            /// Returns the name of each counter, what it counts, and its value.
            pub fn each(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> + use<> {
                [$((stringify!($field), $help, self.$field),)*].into_iter()
            }
        }
    };
}

counters! {
    /// A node's counters since its start. They only rise.
    #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
    #[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
    #[non_exhaustive]
    pub struct Stats {
        datagrams_sent: "Datagrams that the protocol sent, including those dropped on purpose",
        bytes_sent: "Bytes of the datagrams sent, without IP and UDP headers",
        datagrams_received: "Datagrams received for this node",
        bytes_received: "Bytes of the datagrams received, without IP and UDP headers",
        stream_messages_sent: "Messages sent on the reliable path",
        stream_bytes_sent: "Bytes of the messages sent on the reliable path",
        longest_stream_message: "Bytes of the longest message sent on the reliable path",
        dropped_garbage: "Packets dropped because they are not rumormill packets",
        dropped_version: "Packets dropped because they are of another wire version",
        dropped_cluster: "Packets dropped because they are of a cluster with another name",
        dropped_stranger: "Packets dropped because they are from or to an incarnation that is not a member",
        dropped_channel: "Packets dropped because this node does not run their protocol",
        dropped_malformed: "Packets dropped because their bodies are malformed",
        exchanges: "Exchanges of mass that this node started and finished",
        retransmissions: "Pushes sent a second time or more",
        answered: "Pushes of others that this node answered",
        answered_again: "Pushes of others answered again, because the reply was lost or late",
        busy: "Pushes of others declined because a push of this node was outstanding",
        refused_jumps: "Messages refused because a number in them was impossibly far ahead",
        paths_narrowed: "Paths found to lose large datagrams and not small ones",
        unlinked: "Links undone, because the peer died, left or came back as another incarnation",
        windows: "Windows that ended with bounds",
        windows_void: "Windows that ended without bounds",
        stamps_refused: "Stamps of others refused because they were too far ahead of this node's clock",
        clock_steps: "Steps of this node's wall clock",
        renewals: "Times that this node was declared dead and came back as a new incarnation",
    }
    /// The counters of events.
    events: GossipStats,
    /// The counters of changes of keys.
    kv: GossipStats,
}

counters! {
    /// Counters of entries that are pushed and pulled: events, or changes of keys.
    #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
    #[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
    #[serde(deny_unknown_fields)]
    #[non_exhaustive]
    pub struct GossipStats {
        messages: "Messages sent, on either path",
        bytes: "Bytes of those messages",
        pushes: "Pushes sent",
        entries_pushed: "Entries in the pushes sent",
        comparisons: "Comparisons that this node started",
        comparison_steps: "Steps of comparisons received",
        entries_sent: "Entries sent to peers that lacked them, in steps of comparisons",
        received_by_push: "New entries received by push",
        received_by_pull: "New entries received by pull",
        copies: "Entries received that were here already",
        outdated: "Entries received that were too old",
        refused: "Entries received and refused: malformed, too large, or stamped too far ahead",
        restamped: "Entries written again because a wrong clock had stamped them",
        rejected: "Entries rejected by the validation hook",
        evicted: "Entries removed early because there was no room",
    }
}
