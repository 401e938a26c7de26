//! The order of a step's actions: what gives power up comes before the disk, what takes it comes after; and each
//! transition says why.

use raft_core::{Action, Event, LostReason, Report, RoleKind, Timer, TransitionReason};

use crate::common::actions::{gained, lost, place, reports, transitions};
use crate::common::messages::{
    ack, append, ask, flagged, grant, heartbeat, heartbeat_with_lease, pre_ask, pre_deny,
    pre_grant, timeout_now, vote,
};
use crate::common::{Node, plain};

// Without it: the node waits for a slow disk, its lease unrevoked, while another leads already.
#[test]
fn leadership_lost_comes_before_any_persist_or_send() {
    let leader = Node::new(1, 3).leader();
    for message in [
        heartbeat(9, 1),
        vote(9, false),
        append(9, 1, false),
        pre_deny(&leader, 9),
        timeout_now(9),
    ] {
        let mut leader = leader.clone();
        let actions = leader.receive(2, message);
        assert_eq!(lost(&actions), Some((1, LostReason::HigherTerm)));
        let given_up = place(&actions, |a| matches!(a, Action::LeadershipLost { .. }));
        assert_eq!(given_up, 0, "{actions:?}");
    }
    let mut plain_leader = Node::with(1, 3, plain()).leader();
    assert_eq!(
        lost(&plain_leader.receive(2, ask(2))),
        Some((1, LostReason::HigherTerm))
    );
}

#[test]
fn a_leader_that_check_quorum_ends_says_so_first() {
    let mut leader = Node::new(1, 3).leader();
    let actions = leader.fire(Timer::Election);
    let reason = LostReason::QuorumLost;
    let given_up = Action::LeadershipLost {
        term: raft_core::Term(1),
        reason,
    };
    assert_eq!(actions[0], given_up);
}

// Without it: the single voter leads before its vote is durable, crashes, and leads again in the same term.
#[test]
fn leadership_gained_comes_after_the_persist() {
    let mut single = Node::new(1, 1).part_two();
    let actions = single.fire(Timer::Election);
    let persist = place(&actions, |a| matches!(a, Action::Persist(_)));
    assert!(persist < place(&actions, |a| matches!(a, Action::LeadershipGained { .. })));

    let mut candidate = Node::new(1, 3).candidate();
    let actions = candidate.receive(2, grant(1));
    let begins = place(&actions, |a| matches!(a, Action::LeadershipGained { .. }));
    let round = place(&actions, |a| matches!(a, Action::StartRound { .. }));
    let send = place(&actions, |a| matches!(a, Action::Send { .. }));
    assert!(begins < round && round < send, "{actions:?}");
}

// The time of a round is read before its first message leaves.
#[test]
fn a_round_begins_before_its_first_send() {
    let mut leader = Node::new(1, 3).leader();
    let actions = leader.fire(Timer::Heartbeat);
    let round = place(&actions, |a| matches!(a, Action::StartRound { .. }));
    assert!(round < place(&actions, |a| matches!(a, Action::Send { .. })));
}

#[test]
fn each_leadership_gained_is_lost_once() {
    let mut node = Node::new(1, 3).leader();
    let _ = node.transfer(2, false);
    assert_eq!(lost(&node.receive(3, heartbeat(5, 1))), None);
    let mut node = node.leader();
    assert_eq!(
        lost(&node.fire(Timer::Election)),
        Some((6, LostReason::QuorumLost))
    );
    assert_eq!(lost(&node.receive(3, heartbeat(9, 1))), None);
    assert!(gained(&node.fire(Timer::Election)).is_none());
}

// A step that learns a term and campaigns in the next writes both at once: what it sends rests on the second.
#[test]
fn a_step_persists_once() {
    let mut node = Node::new(2, 3).following(1);
    let actions = node.receive(3, timeout_now(7));
    let persists = actions.iter().filter(|a| matches!(a, Action::Persist(_)));
    assert_eq!(persists.count(), 1);
    assert_eq!((node.disk.current_term.0, node.vote()), (8, Some(2)));
}

/// The one transition of a step: the role that it led to, and why.
fn why(
    node: &Node,
    event: impl FnOnce(&mut Node) -> raft_core::Actions,
) -> (RoleKind, TransitionReason) {
    let mut node = node.clone();
    let actions = event(&mut node);
    let transition = |report| match report {
        Report::Transition {
            role,
            term,
            leader,
            reason,
        } => Some((role, term, leader, reason)),
        _ => None,
    };
    let all: Vec<_> = reports(&actions)
        .into_iter()
        .filter_map(transition)
        .collect();
    let (role, term, leader, reason) = all[0];
    assert_eq!(all.len(), 1, "{actions:?}");
    assert_eq!((role, term.0), (node.role(), node.term()));
    assert_eq!(leader.map(|id| id.0), node.known_leader());
    (role, reason)
}

#[test]
fn each_transition_says_why() {
    let fire = |timer| move |node: &mut Node| node.fire(timer);
    let take = |message| move |node: &mut Node| node.receive(2, message);
    let (election, fresh) = (Timer::Election, Node::new(1, 3));
    let (asking, candidate) = (fresh.clone().pre_candidate(), fresh.clone().candidate());
    let leader = fresh.clone().leader();
    let mut transferring = leader.clone();
    let _ = transferring.transfer(3, false);
    use RoleKind::{Candidate, Follower, Leader, PreCandidate};
    use TransitionReason as Why;

    assert_eq!(
        why(&fresh, take(heartbeat(1, 1))),
        (Follower, Why::Heartbeat)
    );
    assert_eq!(why(&fresh, fire(election)), (Follower, Why::LeaderSilent));
    assert_eq!(
        why(&fresh, take(vote(9, false))),
        (Follower, Why::HigherTerm)
    );
    let follower = fresh.clone().following(2);
    assert_eq!(
        why(&follower, take(timeout_now(1))),
        (Candidate, Why::TimeoutNow)
    );
    let lost = fresh.clone().part_two();
    assert_eq!(
        why(&lost, fire(election)),
        (PreCandidate, Why::ElectionTimeout)
    );
    assert_eq!(why(&lost, take(ask(1))), (Follower, Why::VoteGranted));
    assert_eq!(
        why(&asking, take(pre_grant(&asking))),
        (Candidate, Why::PreVoteWon)
    );
    assert_eq!(
        why(&asking, fire(election)),
        (PreCandidate, Why::NoMajority)
    );
    assert_eq!(
        why(&asking, |n| n.step(Event::Pause)),
        (Follower, Why::Paused)
    );
    assert_eq!(why(&candidate, take(grant(1))), (Leader, Why::ElectionWon));
    assert_eq!(
        why(&candidate, fire(election)),
        (PreCandidate, Why::NoMajority)
    );
    assert_eq!(why(&leader, fire(election)), (Follower, Why::QuorumLost));
    assert_eq!(
        why(&leader, take(append(9, 1, false))),
        (Follower, Why::HigherTerm)
    );
    assert_eq!(
        why(&transferring, fire(election)),
        (Follower, Why::TransferTimedOut)
    );
    assert_eq!(
        why(&transferring, take(flagged(2))),
        (Follower, Why::VoteGranted)
    );
}

// A trace is not flooded: heartbeats that change nothing are not transitions.
#[test]
fn a_heartbeat_of_the_leader_that_is_followed_already_is_no_news() {
    let mut follower = Node::new(1, 3).following(2);
    assert_eq!(transitions(&follower.receive(2, heartbeat(1, 2))), []);
    assert_eq!(follower.receive(2, heartbeat(1, 3)).len(), 2);
    let mut follower = follower.part_two();
    let actions = follower.receive(2, heartbeat(1, 4));
    assert_eq!(transitions(&actions), [TransitionReason::Heartbeat]);
    let mut leader = Node::new(1, 3).leader();
    assert_eq!(transitions(&leader.receive(2, ack(1, 1))), []);
}

#[test]
fn in_plain_raft_too_the_first_heartbeat_of_a_leader_is_news_and_the_next_is_not() {
    let mut follower = Node::with(1, 3, plain());
    let heard = |round, follower: &mut Node| {
        transitions(&follower.receive(
            2,
            heartbeat_with_lease(1, round, core::time::Duration::ZERO),
        ))
    };
    assert_eq!(heard(1, &mut follower), [TransitionReason::Heartbeat]);
    assert_eq!(heard(2, &mut follower), []);
}

#[test]
fn a_granted_vote_is_reported() {
    let mut voter = Node::new(1, 3).part_two();
    let (candidate, term) = (raft_core::NodeId(2), raft_core::Term(1));
    let actions = voter.receive(2, ask(1));
    assert!(reports(&actions).contains(&Report::VoteGranted { candidate, term }));
}

#[test]
fn a_refused_vote_or_pre_vote_is_reported_with_what_was_asked() {
    for (message, pre_vote) in [(ask(7), false), (pre_ask(7), true)] {
        let actions = Node::new(1, 3).receive(2, message);
        let report = Report::VoteRefused {
            candidate: raft_core::NodeId(2),
            term: raft_core::Term(7),
            pre_vote,
            reason: raft_core::RefusalReason::LeaderAlive,
        };
        assert_eq!(reports(&actions), [report]);
    }
}

// A step's actions are a list: a slice to look at, and an iterator that knows its length.
#[test]
fn actions_are_a_list() {
    let mut leader = Node::new(1, 5).leader();
    let actions = leader.fire(Timer::Heartbeat);
    assert_eq!(actions.len(), 6);
    assert_eq!((&actions).into_iter().count(), 6);
    assert_eq!(format!("{actions:?}"), format!("{:?}", actions.to_vec()));
    let by_value = actions.clone().into_iter();
    assert_eq!(by_value.len(), 6);
    assert_eq!(by_value.collect::<Vec<_>>(), actions.to_vec());
}

#[test]
fn a_list_that_is_kept_holds_the_actions_of_the_last_step_alone() {
    let mut leader = Node::new(1, 3).leader();
    let mut actions = leader.fire(Timer::Heartbeat);
    let mut twin = leader.clone();
    let number = leader.raft.armed(Timer::Heartbeat).expect("it is set");
    let event = Event::TimerFired {
        timer: Timer::Heartbeat,
        number,
    };
    leader.raft.step_into(event, &mut actions);
    assert_eq!(actions, twin.step(event));
}
