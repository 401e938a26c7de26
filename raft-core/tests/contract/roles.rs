//! Which role can follow which, and with what term.

use raft_core::{Event, Message, RoleKind, Timer};

use super::any::{self, Choice, check, event, is_plain};
use crate::common::Node;

/// Whether one event may lead from one role to another.
fn allowed(before: &Node, event: Event, after: &Node) -> bool {
    use RoleKind::{Candidate, Follower, Leader, PreCandidate};
    let alone = before.raft.config().voters().len() == 1;
    let timed_out = matches!(
        event,
        Event::TimerFired {
            timer: Timer::Election,
            ..
        }
    );
    let asked = matches!(
        event,
        Event::Receive {
            message: Message::TimeoutNow(_),
            ..
        }
    );
    let grew = after.term().wrapping_sub(before.term());
    match (before.role(), after.role()) {
        (Follower, Follower) | (_, Follower) => true,
        (Leader, Leader) | (PreCandidate, PreCandidate) => grew == 0,
        (Follower | Candidate, PreCandidate) => timed_out && grew == 0 && !is_plain(before),
        (PreCandidate, Candidate) => (grew == 1 && !is_plain(before)) || asked,
        (Candidate, Candidate) => {
            grew == 0 || asked || (timed_out && is_plain(before) && grew == 1)
        }
        (Follower, Candidate) => asked || (timed_out && is_plain(before) && grew == 1),
        (Leader, Candidate) => asked && grew > 1,
        (Candidate, Leader) => grew == 0,
        (Follower, Leader) => alone && timed_out && grew == 1,
        (PreCandidate, Leader) | (Leader, PreCandidate) => false,
    }
}

#[test]
fn roles_follow_each_other_as_figure_4_and_pre_vote_allow() {
    fn property(setup: u8, choices: Vec<Choice>) {
        let mut node = any::node(setup, 7);
        for choice in choices {
            let event = event(&node, choice);
            let before = node.clone();
            let _ = node.step(event);
            let (from, to) = (before.role(), node.role());
            assert!(
                allowed(&before, event, &node),
                "{from:?} to {to:?} by {event:?}"
            );
        }
    }
    check(1_000, 150, property as fn(u8, Vec<Choice>));
}
