//! The counters of an agent.

use rumormill_proto::{GossipStats, Stats, counters};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

counters! {
    /// The counters of an agent's sockets.
    #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
    pub struct SocketStats {
        datagrams_lost_on_purpose: "Datagrams dropped on purpose at the socket",
        datagrams_unsent: "Datagrams that the operating system did not accept",
        receive_errors: "Errors of receiving datagrams",
        stream_messages_received: "Frames received on the reliable path",
        stream_bytes_received: "Bytes of the frames received on the reliable path",
        streams_failed: "Messages not delivered on the reliable path",
        streams_refused: "Inbound streams closed because of a bad length, silence or an error",
    }
}

/// The counters of an agent since its start. They only rise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Counters {
    /// The counters of the protocols.
    #[serde(flatten)]
    pub node: Stats,
    /// The counters of the sockets.
    #[serde(flatten)]
    pub sockets: SocketStats,
}

impl Counters {
    /// Returns the name of each counter, what it counts, and its value.
    pub fn each(&self) -> impl Iterator<Item = (String, String, u64)> + use<> {
        let group = |name: &'static str, stats: &GossipStats| {
            let named = move |(counter, help, n)| {
                (format!("{name}_{counter}"), format!("{help} ({name})"), n)
            };
            stats.each().map(named)
        };
        let owned = |(name, help, n): (&str, &str, u64)| (name.to_owned(), help.to_owned(), n);
        let plain = self.node.each().chain(self.sockets.each()).map(owned);
        plain.chain(group("events", &self.node.events)).chain(group("kv", &self.node.kv))
    }
}
