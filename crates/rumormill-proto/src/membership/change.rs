//! Changes of the membership, and the other requests of foca.

use std::collections::VecDeque;

use foca::{Notification, Timer};

use crate::membership::peer::Peer;
use crate::time::Duration;

/// A change in the membership, in the order in which it happened.
#[derive(Debug)]
pub(crate) enum Change {
    /// These peers, one after the other, are up.
    Up(Vec<Peer>),
    Down(Peer),
    /// This incarnation replaced an earlier one at the same address. `Membership::poll_change` turns
    /// it into an `Up`, or drops it.
    Replaced(Peer),
    /// This node was declared dead; it continues under this new identity.
    Renewed(Peer),
}

/// Collects the requests of foca.
#[derive(Default)]
pub(super) struct Sink {
    pub(super) transmits: VecDeque<(Peer, Vec<u8>)>,
    pub(super) timers: Vec<(Timer<Peer>, Duration)>,
    pub(super) changes: VecDeque<Change>,
    pub(super) renewed: bool,
}

impl Sink {
    pub(super) fn up(&mut self, peers: Vec<Peer>) {
        match self.changes.back_mut() {
            _ if peers.is_empty() => {}
            Some(Change::Up(before)) => before.extend(peers),
            _ => self.changes.push_back(Change::Up(peers)),
        }
    }

    pub(super) fn renew(&mut self, me: Peer) {
        self.changes.push_back(Change::Renewed(me));
        self.renewed = true;
    }
}

impl foca::Runtime<Peer> for Sink {
    fn notify(&mut self, notification: Notification<'_, Peer>) {
        match notification {
            Notification::MemberUp(id) => self.up(vec![id.clone()]),
            Notification::MemberDown(id) => self.changes.push_back(Change::Down(id.clone())),
            Notification::Rename(before, after) => {
                self.changes.push_back(Change::Down(before.clone()));
                self.changes.push_back(Change::Replaced(after.clone()));
            }
            Notification::Rejoin(id) => self.renew(id.clone()),
            Notification::Active | Notification::Idle | Notification::Defunct => {}
        }
    }

    fn send_to(&mut self, to: Peer, data: &[u8]) {
        self.transmits.push_back((to, data.to_vec()));
    }

    fn submit_after(&mut self, event: Timer<Peer>, after: Duration) {
        self.timers.push((event, after));
    }
}
