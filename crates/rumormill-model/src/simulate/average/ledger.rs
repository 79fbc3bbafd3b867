//! Ledgered SPSP: half of the difference moves, and it is booked.
//!
//! A model of `rumormill_proto::aggregate` without membership and wire, and with one component of
//! mass. Each node keeps, for every peer it has exchanged with, two cumulatives with a single
//! writer each: `out`, all that it ever took from the peer when the peer pushed, and `inn`, all
//! that the peer says it ever took from it. At any time
//!
//! ```text
//! mass = input + Σ over peers (out − inn)
//! ```
//!
//! Masses are integers in units of 2⁻⁶⁴, as in the core, so that what the summary calls lost is an
//! exact zero or is not.

use crate::simulate::average::protocol::{Content, Message, Protocol};

/// One, in units of mass.
const ONE: f64 = 18_446_744_073_709_551_616.0;

/// Returns the mass of a number; exact to 2⁻⁶⁴.
fn mass(x: f64) -> i128 {
    (x * ONE).round() as i128
}

/// The books that a node keeps with one peer.
#[derive(Clone, Copy, Debug, Default)]
struct Book {
    out: i128,
    inn: i128,
    peer: u32,
    /// The latest push to the peer, the latest that it answered, and the latest of the peer's that
    /// was answered.
    asked: u32,
    settled: u32,
    answered: u32,
}

/// Bytes of one book.
pub(super) const BOOK_BYTES: u64 = size_of::<Book>() as u64;

/// Bytes of a node without its books.
pub(super) const NODE_BYTES: u64 = (2 * size_of::<i128>() + size_of::<Vec<Book>>() + 4) as u64;

/// The masses and books of every node.
#[derive(Clone)]
pub(super) struct Ledger {
    masses: Vec<i128>,
    inputs: Vec<i128>,
    /// Sorted by peer.
    books: Vec<Vec<Book>>,
    /// How many peers' answers a node awaits.
    open: Vec<u32>,
}

/// A push: its number, and what its sender held when it was sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Push {
    seq: u32,
    mass: i128,
}

/// A reply: the push it answers, and all that its sender ever took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reply {
    seq: u32,
    taken: i128,
}

impl Ledger {
    pub(super) fn new(inputs: &[f64]) -> Self {
        let inputs: Vec<i128> = inputs.iter().map(|&x| mass(x)).collect();
        let nodes = inputs.len();
        let (books, open) = (vec![vec![]; nodes], vec![0; nodes]);
        Self { masses: inputs.clone(), inputs, books, open }
    }

    fn find(&self, node: u32, peer: u32) -> Option<&Book> {
        let books = &self.books[node as usize];
        books.binary_search_by_key(&peer, |book| book.peer).ok().map(|at| &books[at])
    }

    fn book(&mut self, node: u32, peer: u32) -> &mut Book {
        let books = &mut self.books[node as usize];
        let at = books.binary_search_by_key(&peer, |book| book.peer).unwrap_or_else(|at| {
            books.insert(at, Book { peer, ..Book::default() });
            at
        });
        &mut books[at]
    }
}

impl Protocol for Ledger {
    type Push = Push;
    type Reply = Reply;

    const RESENDS: bool = true;
    const ROTATES: bool = true;

    fn begin(&mut self, node: u32, peer: u32) -> Push {
        let mass = self.masses[node as usize];
        let book = self.book(node, peer);
        book.asked += 1;
        let seq = book.asked;
        self.open[node as usize] += 1;
        Push { seq, mass }
    }

    fn answer(&mut self, node: u32, peer: u32, push: Push) -> Option<Reply> {
        let own = self.masses[node as usize];
        let book = self.book(node, peer);
        if push.seq < book.answered {
            return None;
        }
        let fresh = push.seq > book.answered;
        // Half of the difference, rounded towards minus infinity; nothing for a repeated push.
        let taken = if fresh { push.mass.wrapping_sub(own) >> 1 } else { 0 };
        book.answered = push.seq;
        book.out = book.out.wrapping_add(taken);
        let reply = Reply { seq: push.seq, taken: book.out };
        self.masses[node as usize] = own.wrapping_add(taken);
        Some(reply)
    }

    fn settle(&mut self, node: u32, peer: u32, reply: Reply) -> bool {
        let book = self.book(node, peer);
        if reply.seq != book.asked || book.settled == book.asked {
            return false;
        }
        let moved = reply.taken.wrapping_sub(book.inn);
        book.inn = reply.taken;
        book.settled = book.asked;
        let own = &mut self.masses[node as usize];
        *own = own.wrapping_sub(moved);
        self.open[node as usize] -= 1;
        true
    }

    fn awaits(&self, node: u32, peer: u32) -> Option<u32> {
        let book = self.find(node, peer).filter(|book| book.asked != book.settled)?;
        Some(book.asked)
    }

    fn again(&self, node: u32, peer: u32) -> Option<Push> {
        // The masses of now: what a reply books is what the peer took, whichever it saw.
        let mass = self.masses[node as usize];
        self.awaits(node, peer).map(|seq| Push { seq, mass })
    }

    fn forget(&mut self, node: u32, peer: u32) {
        let books = &mut self.books[node as usize];
        if let Ok(at) = books.binary_search_by_key(&peer, |book| book.peer) {
            let book = books.remove(at);
            self.open[node as usize] -= u32::from(book.asked != book.settled);
            let own = &mut self.masses[node as usize];
            *own = own.wrapping_add(book.inn.wrapping_sub(book.out));
        }
    }

    fn linked(&self, node: u32) -> Vec<u32> {
        self.books[node as usize].iter().map(|book| book.peer).collect()
    }

    fn raise(&mut self, node: u32, by: f64) {
        let by = mass(by);
        for all in [&mut self.masses, &mut self.inputs] {
            all[node as usize] = all[node as usize].wrapping_add(by);
        }
    }

    fn state(&self, node: u32) -> (f64, f64) {
        (self.masses[node as usize] as f64 / ONE, 1.0)
    }

    fn content(message: Message<Push, Reply>) -> Content {
        let (mass, seq) = match message {
            Message::Push(push) => (push.mass, push.seq),
            Message::Reply(reply) => (reply.taken, reply.seq),
        };
        Content { value: mass as f64 / ONE, weight: None, number: Some(seq) }
    }

    fn excess(&self, up: &dyn Fn(u32) -> bool, inputs: &[f64], _carried: f64) -> f64 {
        let mut excess = 0i128;
        for node in (0..inputs.len() as u32).filter(|&node| up(node)) {
            let at = node as usize;
            excess = excess.wrapping_add(self.masses[at].wrapping_sub(self.inputs[at]));
            if self.open[at] == 0 {
                continue;
            }
            // What a peer has taken before this node is informed of it is counted at both.
            let awaited = |book: &&Book| book.asked != book.settled && up(book.peer);
            for book in self.books[at].iter().filter(awaited) {
                let taken = self.find(book.peer, node).map_or(0, |theirs| theirs.out);
                excess = excess.wrapping_sub(taken.wrapping_sub(book.inn));
            }
        }
        excess as f64 / ONE
    }
}
