//! Everything an agent counts.

use rumormill_proto::{GossipStats, Stats};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What the sockets' side counts, beside the core's [`Stats`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SocketStats {
    pub(crate) datagrams_lost_on_purpose: u64,
    pub(crate) datagrams_unsent: u64,
    pub(crate) receive_errors: u64,
    pub(crate) stream_messages_received: u64,
    pub(crate) stream_bytes_received: u64,
    pub(crate) streams_failed: u64,
    pub(crate) streams_refused: u64,
}

macro_rules! counters {
    ($($source:ident { $($field:ident: $help:literal,)* })*) => {
        /// Everything that an agent counts, since its start. Counters only rise.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        pub struct Counters {
            $($(#[doc = $help] pub $field: u64,)*)*
            /// How rumors got around.
            pub rumors: GossipCounters,
            /// How updates of the replica got around.
            pub replica: GossipCounters,
        }

        impl Counters {
            pub(crate) fn new(node: &Stats, sockets: &SocketStats) -> Self {
                Self {
                    $($($field: counters!(@$source node sockets).$field,)*)*
                    rumors: (&node.rumors).into(),
                    replica: (&node.replica).into(),
                }
            }

            /// Every counter's name, what it counts, and its value.
            pub fn each(&self) -> impl Iterator<Item = (String, String, u64)> + use<> {
                let own = [$($((stringify!($field), $help, self.$field),)*)*];
                let own = own.map(|(name, help, value)| (name.to_owned(), help.to_owned(), value));
                own.into_iter().chain(self.rumors.each("rumors")).chain(self.replica.each("replica"))
            }
        }
    };
    (@node $node:ident $sockets:ident) => { $node };
    (@sockets $node:ident $sockets:ident) => { $sockets };
}

counters! {
    node {
        datagrams_sent: "Datagrams that the protocol sent, those lost on purpose included",
        bytes_sent: "Bytes of the datagrams sent, without IP and UDP headers",
        datagrams_received: "Datagrams that came in and were for this node",
        bytes_received: "Bytes of the datagrams received, without IP and UDP headers",
        stream_messages_sent: "Messages sent on the reliable path",
        stream_bytes_sent: "Bytes of the messages sent on the reliable path",
        longest_stream_message: "Bytes of the longest message sent on the reliable path",
        dropped_garbage: "Packets dropped because they are not rumormill packets",
        dropped_version: "Packets dropped because they are of another wire version",
        dropped_cluster: "Packets dropped because they are of a cluster with another name",
        dropped_stranger: "Packets dropped because they are from or to an incarnation that is not a member",
        dropped_channel: "Packets dropped because this node doesn't run their protocol",
        dropped_malformed: "Packets dropped because their bodies are malformed",
        exchanges: "Exchanges of mass that this node started and saw the end of",
        retransmissions: "Pushes sent a second time or more",
        answered: "Pushes of others that this node answered",
        answered_again: "Pushes of others answered again, because the reply was lost or late",
        busy: "Pushes of others put off because one of this node's own was outstanding",
        refused_jumps: "Messages refused because a number in them was further ahead than it can be",
        paths_narrowed: "Times that a path was found to lose large datagrams and not small ones",
        unlinked: "Links undone, because the peer died, left or came back as another incarnation",
        windows: "Windows that ended with an enclosure",
        windows_void: "Windows that proved nothing",
        stamps_refused: "Stamps of others that were refused because they were too far ahead of its clock",
        clock_steps: "Times that this node's wall clock was found to have been stepped",
        renewals: "Times that this node was held for dead and came back as a new incarnation",
    }
    sockets {
        datagrams_lost_on_purpose: "Datagrams dropped at the socket because a loss was asked for",
        datagrams_unsent: "Datagrams that the operating system did not take",
        receive_errors: "Errors met when receiving datagrams",
        stream_messages_received: "Frames received on the reliable path",
        stream_bytes_received: "Bytes of the frames received on the reliable path",
        streams_failed: "Messages on the reliable path that could not be delivered",
        streams_refused: "Inbound streams closed because of a bad length, silence or an error",
    }
}

macro_rules! gossip {
    ($($field:ident: $help:literal,)*) => {
        /// What is counted of entries that get around, be they rumors or updates of the replica.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        pub struct GossipCounters {
            $(#[doc = $help] pub $field: u64,)*
        }

        impl From<&GossipStats> for GossipCounters {
            fn from(stats: &GossipStats) -> Self {
                Self { $($field: stats.$field,)* }
            }
        }

        impl GossipCounters {
            fn each(&self, of: &str) -> Vec<(String, String, u64)> {
                vec![$((
                    format!("{of}_{}", stringify!($field)),
                    format!("{} ({of})", $help),
                    self.$field,
                ),)*]
            }
        }
    };
}

gossip! {
    messages: "Messages sent, on either path",
    bytes: "Bytes of those messages",
    tells: "Pushes sent",
    told: "Entries in the pushes sent",
    comparisons: "Comparisons that this node began",
    talks: "Steps of comparisons that came in",
    given: "Entries given to peers that lacked them",
    pushed: "Entries that were new here, and were told",
    pulled: "Entries that were new here, and were given on request",
    copies: "Entries told or given that were here already",
    outdated: "Entries told or given that were too old",
    refused: "Entries told or given that were refused: malformed, too large, or stamped too far ahead",
    restamped: "Entries that were written anew, because they were stamped by a clock that was wrong",
    rejected: "Entries that the validation hook rejected",
    evicted: "Entries that had to go before their time, because there was no room",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_counter_of_the_core_is_left_out() {
        let core = serde_json::to_value(Stats::default()).unwrap();
        let all = serde_json::to_value(Counters::default()).unwrap();
        for (name, value) in core.as_object().unwrap() {
            assert!(all.get(name).is_some(), "{name}");
            for inner in value.as_object().into_iter().flat_map(|inner| inner.keys()) {
                assert!(all[name].get(inner).is_some(), "{name}.{inner}");
            }
        }
        let names = Counters::default().each().map(|(name, ..)| name);
        let names: std::collections::BTreeSet<_> = names.collect();
        assert!(names.contains("rumors_evicted") && names.contains("replica_evicted"));
    }
}
