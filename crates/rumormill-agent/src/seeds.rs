//! The names that an agent was given to join: what they resolve to, when they are looked up again,
//! and what came of the addresses.
//!
//! A name is looked up for as long as the agent runs, because what it resolves to changes: a member
//! may have come back at another address, and two parts of a cluster may have started without each
//! other. The pause between lookups doubles from [`FIRST`] to [`SEEKING`] while the agent is alone
//! or a member is missing, and to [`SETTLED`] otherwise. The agent contacts all addresses that belong
//! to no member, [`AT_ONCE`] of a name's at each lookup, in turn.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rumormill_proto::{Instant, Rng};

use crate::api::JoinTarget;
use crate::resolve::Address;

/// The pause after the first lookup.
const FIRST: Duration = Duration::from_secs(1);
/// The longest pause while the agent is alone or a member is missing.
const SEEKING: Duration = Duration::from_secs(15);
/// The longest pause otherwise. Also how long an address counts as the agent's own after it has led
/// to the agent itself: behind a load balancer it may lead to another agent the next time.
const SETTLED: Duration = Duration::from_secs(60);
/// The most addresses of one name that are contacted at once. A name can stand for a whole cluster.
pub(crate) const AT_ONCE: usize = 8;

/// The names to join.
pub(crate) struct Seeds {
    seeds: Vec<Seed>,
    /// Addresses that led to this agent itself, besides the advertised one, and when they did.
    own: BTreeMap<SocketAddr, Instant>,
    /// Why the last contact of an address failed.
    failures: BTreeMap<SocketAddr, String>,
    /// Addresses at which a member has answered since the agent was last alone.
    reached: BTreeSet<SocketAddr>,
    rng: Rng,
}

struct Seed {
    address: Address,
    /// The addresses of the last successful lookup, sorted.
    found: Vec<SocketAddr>,
    /// Those of them that are contacted until the next lookup.
    contacted: Vec<SocketAddr>,
    /// The index in `found` of the next ones.
    turn: usize,
    /// Why the last lookup failed.
    problem: Option<String>,
    /// The number of lookups in a row that have failed.
    failed: u32,
    /// Whether a lookup has finished.
    looked_up: bool,
    running: bool,
    pause: Duration,
    next: Instant,
}

/// What the names to join have led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// There are none.
    Nothing,
    /// They resolve to this agent itself alone, as far as they can be looked up.
    OnlyItself,
    /// They resolve to others, or to nothing yet, and nobody has answered.
    Unreached,
}

impl Seeds {
    pub(crate) fn new(now: Instant, addresses: Vec<Address>, seed: u64) -> Self {
        let mut seeds = Self {
            seeds: Vec::new(),
            own: BTreeMap::new(),
            failures: BTreeMap::new(),
            reached: BTreeSet::new(),
            // The node and the driver have generators of `seed` themselves.
            rng: Rng::seed_from_u64(seed.rotate_left(32)),
        };
        for address in addresses {
            seeds.add(now, address);
        }
        seeds
    }

    /// Adds a name, to be looked up at once. Does nothing if it was added before.
    pub(crate) fn add(&mut self, now: Instant, address: Address) {
        if self.seeds.iter().any(|seed| seed.address == address) {
            return;
        }
        self.seeds.push(Seed {
            address,
            found: Vec::new(),
            contacted: Vec::new(),
            turn: self.rng.random_range(0..AT_ONCE),
            problem: None,
            failed: 0,
            looked_up: false,
            running: false,
            pause: FIRST,
            next: now,
        });
    }

    /// Returns when the next lookup is due.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.seeds.iter().filter(|seed| !seed.running).map(|seed| seed.next).min()
    }

    /// Returns the names to look up now. [`Seeds::looked_up`] must follow for each.
    pub(crate) fn due(&mut self, now: Instant) -> Vec<Address> {
        let due = self.seeds.iter_mut().filter(|seed| !seed.running && seed.next <= now);
        due.map(|seed| {
            seed.running = true;
            seed.address.clone()
        })
        .collect()
    }

    /// Takes the result of a lookup. `seeking` is true if the agent is alone or a member is missing.
    /// Returns the addresses to contact until the next lookup, without those to `skip`, and the
    /// number of lookups in a row that have failed. After a failure these are the addresses of the
    /// last success.
    pub(crate) fn looked_up(
        &mut self,
        now: Instant,
        address: &Address,
        result: Result<Vec<SocketAddr>, String>,
        seeking: bool,
        skip: impl Fn(SocketAddr) -> bool,
    ) -> (Vec<SocketAddr>, u32) {
        let Some(seed) = self.seeds.iter_mut().find(|seed| seed.address == *address) else {
            return (Vec::new(), 0);
        };
        seed.running = false;
        seed.looked_up = true;
        match result {
            Ok(found) => {
                seed.found = found;
                seed.failed = 0;
                seed.problem = None;
            }
            Err(reason) => {
                seed.failed += 1;
                seed.problem = Some(reason);
            }
        }
        let longest = if seeking { SEEKING } else { SETTLED };
        let pause = seed.pause.min(longest);
        seed.next = now + pause.mul_f64(self.rng.random_range(0.75..1.25));
        seed.pause = (pause * 2).min(longest);

        self.own.retain(|_, since| now.since(*since) < SETTLED);
        let own = &self.own;
        let worth = |addr: &SocketAddr| !own.contains_key(addr) && !skip(*addr);
        let candidates: Vec<_> = seed.found.iter().copied().filter(worth).collect();
        let count = candidates.len().min(AT_ONCE);
        seed.contacted = candidates.iter().cycle().skip(seed.turn).take(count).copied().collect();
        seed.turn = (seed.turn + count) % candidates.len().max(1);
        let contacted = seed.contacted.clone();
        let failed = seed.failed;
        let resolved: BTreeSet<_> = self.seeds.iter().flat_map(|seed| &seed.found).collect();
        self.failures.retain(|addr, _| resolved.contains(addr));
        (contacted, failed)
    }

    /// Makes all lookups due soon, because a member is missing.
    pub(crate) fn quicken(&mut self, now: Instant) {
        for seed in &mut self.seeds {
            seed.pause = FIRST;
            seed.next = seed.next.min(now + FIRST.mul_f64(self.rng.random_range(0.75..1.25)));
        }
    }

    /// Forgets which addresses have led to members, because no other member is up.
    pub(crate) fn alone(&mut self) {
        self.reached.clear();
    }

    /// Returns whether an address is contacted for one of the names.
    pub(crate) fn contacts(&self, addr: SocketAddr) -> bool {
        self.seeds.iter().any(|seed| seed.contacted.contains(&addr))
    }

    /// Notes that an address has led to a member. Returns false if it did so before.
    pub(crate) fn reached(&mut self, addr: SocketAddr) -> bool {
        self.failures.remove(&addr);
        self.reached.insert(addr)
    }

    /// Forgets what came of an address, so that the result of the next contact is new.
    pub(crate) fn forget(&mut self, addr: SocketAddr) {
        self.reached.remove(&addr);
        self.failures.remove(&addr);
    }

    /// Notes that an address has led to this agent itself.
    pub(crate) fn is_own(&mut self, now: Instant, addr: SocketAddr) {
        self.failures.remove(&addr);
        self.own.insert(addr, now);
    }

    /// Notes that the contact of an address failed. Returns false if this was known.
    pub(crate) fn failed(&mut self, addr: SocketAddr, reason: &str) -> bool {
        let before = self.failures.insert(addr, reason.to_owned());
        before.is_none_or(|before| before != reason)
    }

    /// Returns what the names have led to, for an agent at `me` without other members.
    pub(crate) fn standing(&self, me: SocketAddr) -> Standing {
        if self.seeds.is_empty() {
            return Standing::Nothing;
        }
        let mut found = self.seeds.iter().flat_map(|seed| &seed.found).peekable();
        let all_tried = self.seeds.iter().all(|seed| seed.looked_up);
        if all_tried && found.peek().is_some() && found.all(|addr| self.leads_here(me, addr)) {
            Standing::OnlyItself
        } else {
            Standing::Unreached
        }
    }

    /// Returns whether each name has been looked up, and every address was contacted in vain.
    pub(crate) fn all_failed(&self, me: SocketAddr) -> bool {
        let useless =
            |addr: &SocketAddr| self.leads_here(me, addr) || self.failures.contains_key(addr);
        self.seeds.iter().all(|seed| seed.looked_up && seed.found.iter().all(useless))
    }

    /// Returns each name with what it resolves to and what failed.
    pub(crate) fn targets(&self, me: SocketAddr) -> Vec<JoinTarget> {
        let target = |seed: &Seed| JoinTarget {
            address: seed.address.as_str().to_owned(),
            resolved: seed.found.clone(),
            problems: self.problems(me, seed, |_| None),
        };
        self.seeds.iter().map(target).collect()
    }

    /// Returns what is wrong with a name and its addresses; for one without a known problem, what
    /// `otherwise` says.
    fn problems(
        &self,
        me: SocketAddr,
        seed: &Seed,
        otherwise: impl Fn(&SocketAddr) -> Option<String>,
    ) -> Vec<String> {
        let of = |addr: &SocketAddr| match self.failures.get(addr) {
            _ if self.leads_here(me, addr) => Some(format!("{addr}: this agent itself")),
            Some(reason) => Some(format!("{addr}: {reason}")),
            None => otherwise(addr),
        };
        let lookup = seed.problem.iter().map(|problem| format!("lookup failed: {problem}"));
        lookup.chain(seed.found.iter().filter_map(of)).collect()
    }

    fn leads_here(&self, me: SocketAddr, addr: &SocketAddr) -> bool {
        *addr == me || self.own.contains_key(addr)
    }

    /// Returns each name with the state of its addresses, in words.
    pub(crate) fn describe(&self, me: SocketAddr) -> String {
        let name = |seed: &Seed| {
            let mut parts = self.problems(me, seed, |addr| Some(format!("{addr}: no answer yet")));
            // A name can stand for a whole cluster.
            let more = parts.len().saturating_sub(AT_ONCE);
            parts.truncate(AT_ONCE);
            if more > 0 {
                parts.push(format!("{more} more"));
            }
            if parts.is_empty() {
                parts.push("not looked up yet".to_owned());
            }
            format!("{} ({})", seed.address.as_str(), parts.join("; "))
        };
        self.seeds.iter().map(name).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: &str = "10.0.0.1:7946";

    fn addr(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn seeds(names: &[&str]) -> Seeds {
        let addresses = names.iter().map(|name| Address::parse(name).unwrap()).collect();
        Seeds::new(Instant::ZERO, addresses, 7)
    }

    fn found(seeds: &mut Seeds, now: Instant, name: &str, addrs: &[&str]) -> Vec<SocketAddr> {
        let found = addrs.iter().map(|text| addr(text)).collect();
        let name = Address::parse(name).unwrap();
        seeds.looked_up(now, &name, Ok(found), true, |a| a == addr(ME)).0
    }

    /// Looks the one name up until `until`; returns the seconds of the lookups.
    fn times(seeds: &mut Seeds, until: u64, seeking: bool) -> Vec<f64> {
        let mut times = Vec::new();
        loop {
            let now = seeds.poll_timeout().unwrap();
            if now > Instant::ZERO + Duration::from_secs(until) {
                return times;
            }
            times.push(now.as_nanos() as f64 / 1e9);
            let due = seeds.due(now);
            assert_eq!(due.len(), 1);
            assert!(seeds.poll_timeout().is_none(), "one lookup at a time");
            let result = Ok(vec![addr("10.0.0.2:7946")]);
            seeds.looked_up(now, &due[0], result, seeking, |_| false);
        }
    }

    #[test]
    fn a_name_is_looked_up_again_and_again_with_growing_pauses_and_soon_after_a_loss() {
        for (seeking, longest, least) in [(true, 15.0 * 1.25, 45), (false, 60.0 * 1.25, 14)] {
            let mut one = seeds(&["a:1"]);
            let looks = times(&mut one, 900, seeking);
            let pauses: Vec<f64> = looks.windows(2).map(|pair| pair[1] - pair[0]).collect();
            assert!((0.75..1.25).contains(&pauses[0]), "{pauses:?}");
            assert!(pauses.iter().all(|pause| *pause <= longest), "{pauses:?}");
            assert!(looks.len() >= least, "{}", looks.len());
            let lost = Instant::ZERO + Duration::from_secs(900);
            one.quicken(lost);
            let next = one.poll_timeout().unwrap();
            assert!(next.since(lost) <= FIRST.mul_f64(1.25), "{:?}", next.since(lost));
        }
        let same = times(&mut seeds(&["a:1"]), 900, true);
        assert_eq!(same, times(&mut seeds(&["a:1"]), 900, true), "the seed decides");
    }

    #[test]
    fn all_addresses_of_a_name_have_their_turn_and_old_ones_are_dropped() {
        let mut one = seeds(&["a:1"]);
        let all: Vec<String> = (2..22).map(|host| format!("10.0.0.{host}:7946")).collect();
        let all: Vec<&str> = all.iter().map(String::as_str).chain([ME]).collect();
        let mut contacted = BTreeSet::new();
        for _ in 0..3 {
            let now = found(&mut one, Instant::ZERO, "a:1", &all);
            assert_eq!(now.len(), AT_ONCE);
            assert!(now.iter().all(|addr| one.contacts(*addr)));
            contacted.extend(now);
        }
        assert_eq!(contacted.len(), 20, "all but the agent's own");
        assert_eq!(found(&mut one, Instant::ZERO, "a:1", &[all[3]]), [addr(all[3])]);
        assert!(one.contacts(addr(all[3])) && !one.contacts(addr(all[4])));
        let name = Address::parse("a:1").unwrap();
        let failed = Err("SERVFAIL".to_owned());
        let (contacted, failures) = one.looked_up(Instant::ZERO, &name, failed, true, |_| false);
        assert_eq!((contacted, failures), (vec![addr(all[3])], 1), "a failure keeps the addresses");
    }

    #[test]
    fn the_standing_follows_what_the_names_resolve_to_and_who_answers() {
        assert_eq!(seeds(&[]).standing(addr(ME)), Standing::Nothing);
        let mut two = seeds(&["a:1", "b:1", "a:1"]);
        assert_eq!(two.due(Instant::ZERO).len(), 2, "a name given twice is one");
        assert_eq!(two.standing(addr(ME)), Standing::Unreached);
        found(&mut two, Instant::ZERO, "a:1", &[ME]);
        assert_eq!(two.standing(addr(ME)), Standing::Unreached, "b has not been looked up");
        let b = Address::parse("b:1").unwrap();
        two.looked_up(Instant::ZERO, &b, Err("no such host".into()), true, |_| false);
        assert_eq!(two.standing(addr(ME)), Standing::OnlyItself);
        found(&mut two, Instant::ZERO, "b:1", &["10.0.0.9:1"]);
        assert_eq!(two.standing(addr(ME)), Standing::Unreached);
        assert!(two.failed(addr("10.0.0.9:1"), "connection refused"));
        assert!(!two.failed(addr("10.0.0.9:1"), "connection refused"), "known");
        let text = two.describe(addr(ME));
        assert!(text.contains("a:1 (10.0.0.1:7946: this agent itself)"), "{text}");
        assert!(text.contains("b:1 (10.0.0.9:1: connection refused)"), "{text}");
        // The address of a load balancer that happened to choose this agent.
        two.is_own(Instant::ZERO, addr("10.0.0.9:1"));
        assert_eq!(two.standing(addr(ME)), Standing::OnlyItself);
        assert!(found(&mut two, Instant::ZERO, "b:1", &["10.0.0.9:1"]).is_empty());
        let later = Instant::ZERO + SETTLED;
        assert_eq!(found(&mut two, later, "b:1", &["10.0.0.9:1"]).len(), 1, "and may not again");
    }
}
