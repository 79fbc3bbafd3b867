//! Requests to join, and answers from outside the cluster: from this node itself, and from nodes of
//! another cluster.

use crate::codec::{CHANNEL_REFUSAL, CHANNEL_STATE, Envelope, WireError};
use crate::identity::NodeId;
use crate::membership::messages::StateMessage;
use crate::membership::refusal::Refusal;
use crate::node::Node;
use crate::notice::Notice;
use crate::time::Instant;
use crate::transmit::Plane;

impl Node {
    /// Sends the requests to join that are due.
    pub(super) fn ask(&mut self, now: Instant) {
        // A node that has been in the cluster is not refused because of its name: the other part of
        // a partitioned cluster may have an earlier incarnation of it.
        let newcomer = self.core.roster.is_empty() && self.membership.iter().next().is_none();
        for attempt in self.joins.due(now) {
            if let Some(attempts) = attempt.unanswered {
                let (addr, reason) = (attempt.addr, "no answer".to_owned());
                self.core.notices.push(Notice::JoinFailed { addr, attempts, reason });
            }
            let message = self.exchange(now, attempt.token, true, newcomer);
            self.send_state_to(attempt.addr, NodeId(0), &message);
        }
    }

    /// Handles a request to join that has come back to the node that sent it.
    pub(super) fn own_request(&mut self, body: &[u8]) -> Result<(), WireError> {
        let (token, _) = StateMessage::read_request(body)?;
        if let Some(addr) = self.joins.answered(token) {
            self.core.notices.push(Notice::OwnAddress { addr });
        }
        Ok(())
    }

    /// Refuses the request of a node of another cluster to join. The reply carries the tag of that
    /// cluster, since the node would drop any other.
    pub(super) fn refuse(&mut self, bytes: &[u8]) {
        let Ok((asker, body)) = Envelope::read_any(bytes) else { return };
        if asker.channel != CHANNEL_STATE || asker.to != NodeId(0) {
            return;
        }
        let Ok((token, addr)) = StateMessage::read_request(body) else { return };
        let mut body = Vec::new();
        Refusal { token, cluster: self.core.config.cluster.clone() }.write(&mut body);
        self.send_as(asker.cluster, addr, Plane::Stream, CHANNEL_REFUSAL, asker.from, &body);
    }

    /// Handles a refusal: the address belongs to another cluster. The request is repeated all the
    /// same, since the address may soon belong to another node.
    pub(super) fn refused(&mut self, body: &[u8]) -> Result<(), WireError> {
        let Refusal { token, cluster } = Refusal::read(body)?;
        if let Some((addr, attempts)) = self.joins.refused(token) {
            let reason = format!(
                "it belongs to the cluster {cluster:?}, this node to {:?}",
                self.core.config.cluster
            );
            self.core.notices.push(Notice::JoinFailed { addr, attempts, reason });
        }
        Ok(())
    }
}
