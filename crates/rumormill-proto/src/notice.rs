//! What a node asks its driver for: to send a message, to tell the user something.

use core::net::SocketAddr;

use crate::codec::WireError;
use crate::identity::{Identity, Name};
use crate::kv::entry::KeyChange;
use crate::rumor::event::{Event, EventId};
use crate::time::Duration;

/// What the user should hear.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Notice {
    /// A member is up.
    MemberUp(Identity),
    /// A member has left or was declared dead.
    MemberDown(Identity),
    /// The cluster that `via` belongs to has let this node in.
    Joined {
        /// The address that was asked.
        via: SocketAddr,
        /// How many members are up now, this node included.
        members: usize,
    },
    /// An address has not answered. The node tries again by itself, less and less often.
    JoinFailed {
        /// The address that was asked.
        addr: SocketAddr,
        /// How often it has been asked.
        attempts: u32,
        /// What went wrong.
        reason: String,
    },
    /// An address that was asked leads to this node itself. It is not asked again.
    OwnAddress {
        /// The address that was asked.
        addr: SocketAddr,
    },
    /// The cluster refused this node: a live member at `by` has its name. It doesn't try again.
    NameTaken {
        /// The name.
        name: Name,
        /// Where the member is that has it.
        by: SocketAddr,
    },
    /// Two live members have the same name. Figures count both.
    NameConflict {
        /// The name.
        name: Name,
        /// The addresses of the two.
        addrs: [SocketAddr; 2],
    },
    /// Large datagrams to a peer vanish on the way; what is larger goes over the reliable path.
    NarrowPath {
        /// The peer.
        peer: Identity,
        /// The size in bytes up to which datagrams get through.
        limit: usize,
    },
    /// The others held this node for dead; it goes on as this new incarnation.
    Renewed(Identity),
    /// A foreign packet was dropped. Told at most once in ten seconds for each reason.
    Dropped {
        /// Where it came from.
        from: SocketAddr,
        /// What was wrong with it.
        reason: WireError,
    },
    /// A rumor has arrived, or was published here. Each is heard once.
    Event(Event),
    /// A question has arrived, or was asked here; [`Node::answer`](crate::Node::answer) answers it.
    Query {
        /// The question: its topic and payload. Its id names it.
        question: Event,
        /// How long an answer is waited for.
        timeout: Duration,
    },
    /// A node has answered a question that this node asked.
    Answer {
        /// The question.
        query: EventId,
        /// Who answers.
        from: Name,
        /// What it says.
        payload: Vec<u8>,
    },
    /// All have answered, or the time is up.
    QueryFinished {
        /// The question.
        query: EventId,
        /// How many nodes have answered.
        answered: usize,
        /// How many were members when it was asked, this one included.
        expected: usize,
    },
    /// A key has changed here.
    Key(KeyChange),
    /// This node is taking over what it lacks of the replica from `from`.
    CatchUp {
        /// From whom.
        from: Name,
        /// How many entries this node holds now, tombstones included.
        have: u64,
        /// How many it will hold, as far as that is known.
        total: u64,
    },
    /// The replica of a member has differed from this node's for this long, whatever was exchanged.
    Differs {
        /// The member.
        member: Name,
        /// For how long, without a moment at which both were seen to be equal.
        elapsed: Duration,
    },
    /// A member's clock differs from this node's time by more than `max_clock_skew`. What it writes
    /// is refused if its clock is ahead.
    ClockSkew {
        /// The member.
        member: Name,
        /// By how much it is ahead, in milliseconds; negative if it is behind.
        ahead_millis: i64,
    },
    /// Most members' clocks differ from this node's own, so that it goes by theirs from now on; or,
    /// if the correction is 0, by its own again.
    ClockCorrected {
        /// What is added to this node's clock, in milliseconds.
        correction_millis: i64,
    },
    /// A round of the figures in round mode is over; [`Node::reading`](crate::Node::reading) has
    /// the results.
    RoundFinished {
        /// The round's number.
        round: u64,
        /// How many nodes were members from its beginning to its end.
        participants: usize,
    },
    /// A user's protocol said something with [`Context::emit`](crate::Context::emit).
    Protocol {
        /// The protocol's name.
        name: String,
        /// What it said.
        payload: Vec<u8>,
    },
}
