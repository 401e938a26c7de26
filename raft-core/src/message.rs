//! What nodes say to each other: the RPCs of Figure 2 as one-way messages, and
//! the thesis's pre-vote and TimeoutNow.
//!
//! Two departures from Figure 2. `candidateId` and `leaderId` are not fields: they equal the
//! envelope's `from`, which the driver authenticates, and a second copy would be
//! a chance to disagree. And what asks carries a number that its response
//! echoes (a round, a nonce), because datagrams may be lost, repeated, reordered and replayed.

use core::time::Duration;

use crate::types::{LogIndex, LogPosition, Round, Term};
use crate::words::in_words;

/// A message from one node to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Message {
    /// A candidate asks for a vote.
    RequestVote(RequestVote),
    /// A voter answers [`RequestVote`].
    RequestVoteResponse(RequestVoteResponse),
    /// A leader's heartbeat.
    AppendEntries(AppendEntries),
    /// A follower answers [`AppendEntries`].
    AppendEntriesResponse(AppendEntriesResponse),
    /// A node asks whether it could win an election (thesis section 9.6).
    RequestPreVote(RequestPreVote),
    /// A voter answers [`RequestPreVote`].
    RequestPreVoteResponse(RequestPreVoteResponse),
    /// A leader asks the receiver to campaign at once (thesis section 3.10).
    TimeoutNow(TimeoutNow),
}

impl Message {
    /// The kind of the message.
    pub const fn kind(&self) -> MessageKind {
        match self {
            Message::RequestVote(_) => MessageKind::RequestVote,
            Message::RequestVoteResponse(_) => MessageKind::RequestVoteResponse,
            Message::AppendEntries(_) => MessageKind::AppendEntries,
            Message::AppendEntriesResponse(_) => MessageKind::AppendEntriesResponse,
            Message::RequestPreVote(_) => MessageKind::RequestPreVote,
            Message::RequestPreVoteResponse(_) => MessageKind::RequestPreVoteResponse,
            Message::TimeoutNow(_) => MessageKind::TimeoutNow,
        }
    }

    /// The sender's term; of a [`RequestPreVote`], the term that it would campaign in, which
    /// nobody is in yet.
    pub const fn term(&self) -> Term {
        match self {
            Message::RequestVote(m) => m.term,
            Message::RequestVoteResponse(m) => m.term,
            Message::AppendEntries(m) => m.term,
            Message::AppendEntriesResponse(m) => m.term,
            Message::RequestPreVote(m) => m.prospective_term,
            Message::RequestPreVoteResponse(m) => m.term,
            Message::TimeoutNow(m) => m.term,
        }
    }
}

/// The kind of a [`Message`], for counters and traces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum MessageKind {
    /// [`Message::RequestVote`].
    RequestVote,
    /// [`Message::RequestVoteResponse`].
    RequestVoteResponse,
    /// [`Message::AppendEntries`].
    AppendEntries,
    /// [`Message::AppendEntriesResponse`].
    AppendEntriesResponse,
    /// [`Message::RequestPreVote`].
    RequestPreVote,
    /// [`Message::RequestPreVoteResponse`].
    RequestPreVoteResponse,
    /// [`Message::TimeoutNow`].
    TimeoutNow,
}

in_words! {
    MessageKind {
        RequestVote => "RequestVote",
        RequestVoteResponse => "RequestVoteResponse",
        AppendEntries => "AppendEntries",
        AppendEntriesResponse => "AppendEntriesResponse",
        RequestPreVote => "RequestPreVote",
        RequestPreVoteResponse => "RequestPreVoteResponse",
        TimeoutNow => "TimeoutNow",
    }
}

/// Figure 2, RequestVote RPC, arguments: "Invoked by candidates to gather votes (section 5.2)."
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RequestVote {
    /// "Candidate's term."
    pub term: Term,
    /// "Index \[and\] term of candidate's last log entry (section 5.4)."
    pub last_log: LogPosition,
    /// Whether the candidate was asked to campaign by the leader of the term before
    /// ([`TimeoutNow`]). Such a request passes leader stickiness.
    pub leadership_transfer: bool,
}

/// Figure 2, RequestVote RPC, results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RequestVoteResponse {
    /// "CurrentTerm, for candidate to update itself."
    pub term: Term,
    /// "True means candidate received vote."
    pub vote_granted: bool,
}

/// Figure 2, AppendEntries RPC, arguments: "Invoked by leader to replicate log entries (section
/// 5.3); also used as heartbeat (section 5.2)." So far it carries no entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AppendEntries {
    /// "Leader's term."
    pub term: Term,
    /// "Index \[and term\] of log entry immediately preceding new ones": here, the leader's last.
    pub prev_log: LogPosition,
    /// "Leader's commitIndex."
    pub leader_commit: LogIndex,
    /// The number of this broadcast in the leader's term, from 1.
    pub round: Round,
    /// How long after it began this round the leader would lead undisturbed if a majority
    /// answered it. Zero when the leader takes no lease (plain Raft).
    pub lease: Duration,
}

/// Figure 2, AppendEntries RPC, results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AppendEntriesResponse {
    /// "CurrentTerm, for leader to update itself."
    pub term: Term,
    /// Whether the receiver follows the sender in its term. ("True if follower contained entry
    /// matching prevLogIndex and prevLogTerm" joins it when entries do.)
    pub success: bool,
    /// The round that is answered.
    pub round: Round,
    /// Whether the voter would campaign if it were asked to. A hint for the default target of a
    /// leadership transfer and for nothing else.
    pub can_campaign: bool,
}

/// The question of pre-vote (thesis section 9.6): would you vote for me in this term?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RequestPreVote {
    /// The term that the sender would campaign in: its own plus one.
    pub prospective_term: Term,
    /// The sender's last log entry.
    pub last_log: LogPosition,
    /// The number of the question, which the response echoes, so that an answer to an
    /// earlier question counts for nothing.
    pub nonce: u64,
}

/// The answer to [`RequestPreVote`]. It promises nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RequestPreVoteResponse {
    /// The voter's own term, so that a node that fell behind catches up.
    pub term: Term,
    /// The number of the question.
    pub nonce: u64,
    /// Whether the voter would have voted for the sender.
    pub vote_granted: bool,
}

/// Leadership transfer (thesis section 3.10): campaign now, in the next term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TimeoutNow {
    /// The leader's term. The receiver campaigns in exactly the next one.
    pub term: Term,
    /// Whether what the leader was running has surely stopped, so that a receiver that
    /// wins this campaign need not wait for a lease to end.
    pub stopped: bool,
}
