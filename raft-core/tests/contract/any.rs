//! Arbitrary events. A run is a list of small numbers, which quickcheck shrinks well; each is read against the node's
//! state, so that most messages get past the first check.

use core::time::Duration;

use quickcheck::{Gen, QuickCheck, Testable};
use raft_core::{
    AppendEntries, AppendEntriesResponse, Event, HardState, LogIndex, LogPosition, Message, NodeId,
    Options, Protocol, RequestPreVote, RequestPreVoteResponse, RequestVote, RequestVoteResponse,
    Round, Term, TimeoutNow, Timer,
};

use crate::common::{Node, T, log, plain, witness};

/// One event, before it is read against a node's state.
pub(crate) type Choice = (u8, u8, u8, u8);

/// Checks a property of runs of up to `size` events.
pub(crate) fn check<A: Testable>(tests: u64, size: usize, property: A) {
    QuickCheck::new()
        .rng(Gen::new(size))
        .tests(tests)
        .quickcheck(property);
}

/// A node of a cluster of 1 to 5, under one of three configurations.
pub(crate) fn node(setup: u8, seed: u64) -> Node {
    let n = u64::from(setup % 5) + 1;
    Node::seeded(1, n, options(setup), HardState::first_boot(), seed)
}

pub(crate) fn options(setup: u8) -> Options {
    match setup / 5 % 8 {
        0 | 1 => plain(),
        2 => witness(),
        _ => Options::default(),
    }
}

/// A number near `base`, or one of those at which arithmetic ends.
fn near(base: u64, choice: u8) -> u64 {
    match choice % 16 {
        0 => 0,
        1 => u64::MAX,
        2 => u64::MAX - 1,
        3 => base.wrapping_add(2),
        4..=6 => base.wrapping_add(1),
        7..=8 => base.wrapping_sub(1),
        _ => base,
    }
}

fn position(choice: u8) -> LogPosition {
    match choice % 8 {
        0 => log(u64::MAX, u64::MAX),
        1..=2 => log(1, u64::from(choice / 64)),
        _ => log(0, 0),
    }
}

fn lease(node: &Node, choice: u8) -> Duration {
    match choice % 8 {
        0 => Duration::MAX,
        1 => T,
        2 => Duration::ZERO,
        _ => node.raft.config().lease().unwrap_or_default(),
    }
}

/// What happens to `node`.
pub(crate) fn event(node: &Node, (kind, a, b, c): Choice) -> Event {
    let voters = node.raft.config().voters().len() as u64;
    match kind % 16 {
        0..=5 => timer(node, a, b),
        6 => Event::TransferLeadership {
            to: (a % 4 != 0).then_some(NodeId(u64::from(a) % (voters + 2))),
            stopped: b % 2 == 0,
        },
        7 => match a % 4 {
            0 => Event::Pause,
            1 => Event::Resume,
            _ => Event::LogTailMoved(position(b)),
        },
        _ => Event::Receive {
            from: NodeId(if a == 0 {
                u64::MAX
            } else {
                u64::from(a) % (voters + 2)
            }),
            message: message(node, kind / 16, b, c),
        },
    }
}

fn timer(node: &Node, a: u8, b: u8) -> Event {
    let armed = |timer: &Timer| node.raft.armed(*timer).is_some();
    let set: Vec<Timer> = Timer::ALL.into_iter().filter(armed).collect();
    let timer = set.get(usize::from(a) % set.len().max(1)).copied();
    let timer = timer.unwrap_or(Timer::ALL[usize::from(a) % 3]);
    let number = node.raft.armed(timer).unwrap_or(u64::from(a));
    let number = if b % 16 == 0 { near(number, a) } else { number };
    Event::TimerFired { timer, number }
}

fn message(node: &Node, kind: u8, b: u8, c: u8) -> Message {
    let state = node.raft.state();
    let term = Term(near(state.current_term().0, b));
    let round = Round(near(state.round().0, c));
    let (yes, last_log) = (c % 4 != 0, position(c));
    match kind {
        0..=3 => Message::AppendEntries(AppendEntries {
            term,
            prev_log: last_log,
            leader_commit: LogIndex(0),
            round: Round(near(state.round().0.wrapping_add(1), c)),
            lease: lease(node, b / 16),
        }),
        4..=6 => Message::AppendEntriesResponse(AppendEntriesResponse {
            term,
            success: b % 32 != 0,
            round,
            can_campaign: (b / 32) % 4 != 0,
        }),
        7..=8 => Message::RequestVote(RequestVote {
            term,
            last_log,
            leadership_transfer: (b / 16) % 3 == 0,
        }),
        9..=11 => Message::RequestVoteResponse(RequestVoteResponse {
            term,
            vote_granted: yes,
        }),
        12 => Message::RequestPreVote(RequestPreVote {
            prospective_term: term,
            last_log,
            nonce: u64::from(c),
        }),
        13..=14 => Message::RequestPreVoteResponse(RequestPreVoteResponse {
            term,
            // Relative to the node's own: two generators start at different numbers.
            nonce: state.pre_vote_nonce().wrapping_sub(u64::from(c % 8 == 0)),
            vote_granted: yes,
        }),
        _ => Message::TimeoutNow(TimeoutNow { term, stopped: yes }),
    }
}

/// Whether the node runs plain Raft.
pub(crate) fn is_plain(node: &Node) -> bool {
    node.raft.config().protocol() == Protocol::Plain
}
