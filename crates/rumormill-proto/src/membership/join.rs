//! Joining a cluster: the addresses to ask, and when to ask again.

use core::net::SocketAddr;

use crate::time::{Duration, Instant};

const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_secs(15);

/// The addresses that have yet to answer.
#[derive(Default)]
pub(crate) struct Joins {
    pending: Vec<Join>,
    tokens: u64,
}

struct Join {
    addr: SocketAddr,
    token: u64,
    attempts: u32,
    /// Whether the failure of the last attempt has been reported.
    reported: bool,
    next: Instant,
}

/// One attempt to make now.
pub(crate) struct Attempt {
    pub(crate) addr: SocketAddr,
    pub(crate) token: u64,
    /// The number of attempts without an answer before, if not reported yet.
    pub(crate) unanswered: Option<u32>,
}

impl Joins {
    /// Adds an address, to be asked at once. One that is pending already is asked again at once.
    pub(crate) fn add(&mut self, now: Instant, addr: SocketAddr) {
        if let Some(join) = self.pending.iter_mut().find(|join| join.addr == addr) {
            join.next = now;
            return;
        }
        self.tokens += 1;
        let token = self.tokens;
        self.pending.push(Join { addr, token, attempts: 0, reported: true, next: now });
    }

    /// Stops asking an address.
    pub(crate) fn stop(&mut self, addr: SocketAddr) {
        self.pending.retain(|join| join.addr != addr);
    }

    /// Returns the addresses that have yet to answer.
    pub(crate) fn pending(&self) -> impl Iterator<Item = SocketAddr> {
        self.pending.iter().map(|join| join.addr)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.pending.iter().map(|join| join.next).min()
    }

    /// Returns the attempts that are due.
    pub(crate) fn due(&mut self, now: Instant) -> Vec<Attempt> {
        let mut due = Vec::new();
        for join in self.pending.iter_mut().filter(|join| join.next <= now) {
            let unanswered = (!join.reported).then_some(join.attempts);
            due.push(Attempt { addr: join.addr, token: join.token, unanswered });
            let doublings = join.attempts.min(8);
            join.next = now + (FIRST_RETRY * 2u32.pow(doublings)).min(LAST_RETRY);
            join.attempts += 1;
            join.reported = false;
        }
        due
    }

    /// Removes the attempt with this token, which was answered; returns its address.
    pub(crate) fn answered(&mut self, token: u64) -> Option<SocketAddr> {
        let at = self.pending.iter().position(|join| join.token == token)?;
        Some(self.pending.remove(at).addr)
    }

    /// Notes that the attempt with this token was refused; returns the address and the number of
    /// attempts, if not reported yet.
    pub(crate) fn refused(&mut self, token: u64) -> Option<(SocketAddr, u32)> {
        let join = self.pending.iter_mut().find(|join| join.token == token && !join.reported)?;
        join.reported = true;
        Some((join.addr, join.attempts))
    }

    /// Notes that a request could not be delivered; returns the number of attempts, if one was pending
    /// and not reported yet.
    pub(crate) fn failed(&mut self, addr: SocketAddr) -> Option<u32> {
        let join = self.pending.iter_mut().find(|join| join.addr == addr && !join.reported)?;
        join.reported = true;
        Some(join.attempts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unanswered_address_is_asked_again_later_and_later_and_each_failure_is_told_once() {
        let addr: SocketAddr = "127.0.0.1:1".parse().unwrap();
        let mut joins = Joins::default();
        joins.add(Instant::ZERO, addr);
        let mut times = Vec::new();
        let mut reported = 0;
        for _ in 0..8 {
            let now = joins.poll_timeout().unwrap();
            times.push(now.as_nanos() / 1_000_000_000);
            let due = joins.due(now);
            assert_eq!(due.len(), 1);
            reported += u32::from(due[0].unanswered.is_some());
        }
        assert_eq!(times, [0, 1, 3, 7, 15, 30, 45, 60]);
        assert_eq!(reported, 7);
        assert_eq!(joins.failed(addr), Some(8));
        assert_eq!(joins.failed(addr), None);
        assert_eq!(joins.answered(99), None);
        assert_eq!(joins.answered(1), Some(addr));
        assert!(joins.is_empty());
    }

    #[test]
    fn a_refusal_is_told_once_and_an_address_that_is_stopped_is_not_asked_again() {
        let [one, two]: [SocketAddr; 2] =
            ["127.0.0.1:1", "127.0.0.1:2"].map(|a| a.parse().unwrap());
        let mut joins = Joins::default();
        joins.add(Instant::ZERO, one);
        joins.add(Instant::ZERO, two);
        let token = joins.due(Instant::ZERO)[0].token;
        assert_eq!(joins.refused(token), Some((one, 1)));
        assert_eq!(joins.refused(token), None);
        joins.stop(one);
        assert!(joins.pending().eq([two]));
        assert_eq!(joins.answered(token), None, "an answer that comes too late");
        assert!(joins.due(Instant::ZERO + LAST_RETRY).iter().all(|ask| ask.addr == two));
    }
}
