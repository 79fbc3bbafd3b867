//! What a node counts.

use serde::Serialize;

/// Counters since the node's start. They only rise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Datagrams handed to the driver.
    pub datagrams_sent: u64,
    /// Bytes of those, without IP and UDP headers.
    pub bytes_sent: u64,
    /// Datagrams that came in and were for this node.
    pub datagrams_received: u64,
    /// Bytes of those.
    pub bytes_received: u64,
    /// Messages sent on the reliable path.
    pub stream_messages_sent: u64,
    /// Bytes of those.
    pub stream_bytes_sent: u64,
    /// The longest of them, in bytes.
    pub longest_stream_message: u64,
    /// Packets dropped: not rumormill packets at all.
    pub dropped_garbage: u64,
    /// Packets dropped: of another wire version.
    pub dropped_version: u64,
    /// Packets dropped: of a cluster with another name.
    pub dropped_cluster: u64,
    /// Packets dropped: from or to an incarnation that is not a member.
    pub dropped_stranger: u64,
    /// Packets dropped: for a protocol that this node doesn't run.
    pub dropped_channel: u64,
    /// Packets dropped: malformed bodies.
    pub dropped_malformed: u64,
    /// Exchanges of mass that this node started and saw the end of.
    pub exchanges: u64,
    /// Pushes sent a second time or more.
    pub retransmissions: u64,
    /// Pushes of others that this node answered.
    pub answered: u64,
    /// Pushes of others that this node answered again, because the reply was lost or late.
    pub answered_again: u64,
    /// Pushes of others that this node put off because one of its own was outstanding.
    pub busy: u64,
    /// Messages refused because a number in them was further ahead than it can be.
    pub refused_jumps: u64,
    /// Times that a path was found to lose large datagrams and not small ones.
    pub paths_narrowed: u64,
    /// Links undone, because the peer died, left or came back as another incarnation.
    pub unlinked: u64,
    /// Windows that ended with an enclosure.
    pub windows: u64,
    /// Windows that proved nothing.
    pub windows_void: u64,
    /// Times that this node was held for dead and came back as a new incarnation.
    pub renewals: u64,
    /// Stamps of others that were refused, because they were more than `max_clock_skew` ahead.
    pub stamps_refused: u64,
    /// Times that this node's wall clock was found to have been stepped.
    pub clock_steps: u64,
    /// How rumors got around.
    pub rumors: GossipStats,
    /// How updates of the replica got around.
    pub replica: GossipStats,
}

/// Counters of what is told and asked for; see [`Stats`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct GossipStats {
    /// Messages sent, on either path.
    pub messages: u64,
    /// Bytes of those.
    pub bytes: u64,
    /// Pushes sent.
    pub tells: u64,
    /// Entries in those.
    pub told: u64,
    /// Comparisons that this node began.
    pub comparisons: u64,
    /// Steps of comparisons that came in.
    pub talks: u64,
    /// Entries given to peers that lacked them.
    pub given: u64,
    /// Entries that were new here, and were told.
    pub pushed: u64,
    /// Entries that were new here, and were given on request.
    pub pulled: u64,
    /// Entries told or given that were here already.
    pub copies: u64,
    /// Entries told or given that were too old.
    pub outdated: u64,
    /// Entries told or given that were refused: malformed, too large, or stamped too far ahead.
    pub refused: u64,
    /// Entries that were written anew, because they were stamped by a clock that was wrong.
    pub restamped: u64,
    /// Entries that the validation hook rejected.
    pub rejected: u64,
    /// Entries that had to go before their time, because there was no room.
    pub evicted: u64,
}
