//! Short names for messages.

use core::time::Duration;

use raft_core::{
    AppendEntries, AppendEntriesResponse, LogIndex, LogPosition, Message, RequestPreVote,
    RequestPreVoteResponse, RequestVote, RequestVoteResponse, Round, Term, TimeoutNow,
};

use super::{Node, T};

pub(crate) fn request_vote(term: u64, last_log: LogPosition) -> Message {
    Message::RequestVote(RequestVote {
        term: Term(term),
        last_log,
        leadership_transfer: false,
    })
}

/// A vote request with an empty log.
pub(crate) fn ask(term: u64) -> Message {
    request_vote(term, LogPosition::default())
}

/// A vote request of a node that was asked to take over, with an empty log.
pub(crate) fn flagged(term: u64) -> Message {
    Message::RequestVote(RequestVote {
        term: Term(term),
        last_log: LogPosition::default(),
        leadership_transfer: true,
    })
}

pub(crate) fn vote(term: u64, vote_granted: bool) -> Message {
    Message::RequestVoteResponse(RequestVoteResponse {
        term: Term(term),
        vote_granted,
    })
}

pub(crate) fn grant(term: u64) -> Message {
    vote(term, true)
}

pub(crate) fn deny(term: u64) -> Message {
    vote(term, false)
}

pub(crate) fn request_pre_vote(prospective_term: u64, last_log: LogPosition) -> Message {
    Message::RequestPreVote(RequestPreVote {
        prospective_term: Term(prospective_term),
        last_log,
        nonce: 77,
    })
}

/// A pre-vote request with an empty log.
pub(crate) fn pre_ask(prospective_term: u64) -> Message {
    request_pre_vote(prospective_term, LogPosition::default())
}

pub(crate) fn pre_vote(term: u64, nonce: u64, vote_granted: bool) -> Message {
    Message::RequestPreVoteResponse(RequestPreVoteResponse {
        term: Term(term),
        nonce,
        vote_granted,
    })
}

/// A yes, from a voter in the same term, to the question that `node` asks now.
pub(crate) fn pre_grant(node: &Node) -> Message {
    pre_vote(node.term(), node.raft.state().pre_vote_nonce(), true)
}

/// A no to the question that `node` asks now, from a voter in `term`.
pub(crate) fn pre_deny(node: &Node, term: u64) -> Message {
    pre_vote(term, node.raft.state().pre_vote_nonce(), false)
}

pub(crate) fn heartbeat_with_lease(term: u64, round: u64, lease: Duration) -> Message {
    Message::AppendEntries(AppendEntries {
        term: Term(term),
        prev_log: LogPosition::default(),
        leader_commit: LogIndex(0),
        round: Round(round),
        lease,
    })
}

/// A heartbeat of a leader with default options.
pub(crate) fn heartbeat(term: u64, round: u64) -> Message {
    heartbeat_with_lease(term, round, T * 4 / 5)
}

pub(crate) fn append(term: u64, round: u64, success: bool) -> Message {
    Message::AppendEntriesResponse(AppendEntriesResponse {
        term: Term(term),
        success,
        round: Round(round),
        can_campaign: true,
    })
}

/// "I followed you at this round".
pub(crate) fn ack(term: u64, round: u64) -> Message {
    append(term, round, true)
}

/// The same, of a voter that would not campaign.
pub(crate) fn ack_of_witness(term: u64, round: u64) -> Message {
    Message::AppendEntriesResponse(AppendEntriesResponse {
        term: Term(term),
        success: true,
        round: Round(round),
        can_campaign: false,
    })
}

pub(crate) fn timeout_now(term: u64) -> Message {
    Message::TimeoutNow(TimeoutNow {
        term: Term(term),
        stopped: false,
    })
}

pub(crate) fn timeout_now_stopped(term: u64) -> Message {
    Message::TimeoutNow(TimeoutNow {
        term: Term(term),
        stopped: true,
    })
}

/// A message of each kind with this term. The pre-vote's term is prospective: nobody's.
pub(crate) fn one_of_each(term: u64) -> [Message; 7] {
    [
        ask(term),
        vote(term, true),
        heartbeat(term, 1),
        append(term, 1, true),
        pre_ask(term),
        pre_vote(term, 0, true),
        timeout_now(term),
    ]
}
