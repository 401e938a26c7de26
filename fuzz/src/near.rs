//! Messages that are made near what a node knows, so that they get past its first checks, and far from it.

use core::time::Duration;

use arbitrary::Arbitrary;
use raft_core::{
    AppendEntries, AppendEntriesResponse, Event, LogIndex, LogPosition, Message, NodeId,
    RequestPreVote, RequestPreVoteResponse, RequestVote, RequestVoteResponse, Round, State, Term,
    TimeoutNow,
};

/// A message with numbers near the node's own.
#[derive(Clone, Copy, Debug, Arbitrary)]
pub(crate) struct Near {
    from: u8,
    kind: u8,
    term: i8,
    round: i8,
    grant: bool,
    flag: bool,
    log: u8,
}

/// A message with any numbers.
#[derive(Clone, Copy, Debug, Arbitrary)]
pub(crate) struct Far {
    from: u64,
    kind: u8,
    term: u64,
    round: u64,
    grant: bool,
    flag: bool,
    log: u64,
}

/// An answer with the number of the latest pre-vote question.
#[derive(Clone, Copy, Debug, Arbitrary)]
pub(crate) struct GrantPreVote {
    from: u8,
    term: i8,
}

impl Near {
    pub(crate) fn event(self, state: &State) -> Event {
        let term = near(state.current_term().0, self.term);
        let round = near(state.round().0, self.round);
        let log = u64::from(self.log % 4);
        Event::Receive {
            from: node(self.from),
            message: message(self.kind, term, round, self.grant, self.flag, log),
        }
    }
}

impl Far {
    pub(crate) fn event(self) -> Event {
        let Far {
            kind, term, round, ..
        } = self;
        Event::Receive {
            from: NodeId(self.from),
            message: message(kind, term, round, self.grant, self.flag, self.log),
        }
    }
}

impl GrantPreVote {
    pub(crate) fn event(self, state: &State) -> Event {
        let term = state.current_term().0;
        let response = RequestPreVoteResponse {
            term: Term(near(term, self.term).min(term)),
            nonce: state.pre_vote_nonce(),
            vote_granted: true,
        };
        Event::Receive {
            from: node(self.from),
            message: Message::RequestPreVoteResponse(response),
        }
    }
}

/// A voter, or somebody who could be one.
pub(crate) fn node(id: u8) -> NodeId {
    NodeId(u64::from(id % 9))
}

fn near(base: u64, offset: i8) -> u64 {
    base.saturating_add_signed(i64::from(offset % 3))
}

pub(crate) fn position(term: u64, index: u64) -> LogPosition {
    LogPosition {
        term: Term(term),
        index: LogIndex(index),
    }
}

fn message(kind: u8, term: u64, round: u64, grant: bool, flag: bool, log: u64) -> Message {
    let (term, last_log) = (Term(term), position(log, log));
    match kind % 7 {
        0 => Message::RequestVote(RequestVote {
            term,
            last_log,
            leadership_transfer: flag,
        }),
        1 => Message::RequestVoteResponse(RequestVoteResponse {
            term,
            vote_granted: grant,
        }),
        2 => Message::AppendEntries(AppendEntries {
            term,
            prev_log: last_log,
            leader_commit: LogIndex(log),
            round: Round(round),
            lease: if flag {
                Duration::MAX
            } else {
                Duration::from_millis(400)
            },
        }),
        3 => Message::AppendEntriesResponse(AppendEntriesResponse {
            term,
            success: grant,
            round: Round(round),
            can_campaign: flag,
        }),
        4 => Message::RequestPreVote(RequestPreVote {
            prospective_term: term,
            last_log,
            nonce: round,
        }),
        5 => Message::RequestPreVoteResponse(RequestPreVoteResponse {
            term,
            nonce: round,
            vote_granted: grant,
        }),
        _ => Message::TimeoutNow(TimeoutNow {
            term,
            stopped: flag,
        }),
    }
}
