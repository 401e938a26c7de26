//! Messages that no correct node sends, from voters and from strangers: they change nothing, and are reported.

use raft_core::{DropReason, Event, MessageKind, NoCampaignReason, Report, RoleKind, Timer};

use crate::common::Node;
use crate::common::actions::{dropped, persisted, reports, sends, transitions};
use crate::common::messages::{
    ack, append, ask, deny, flagged, grant, heartbeat, one_of_each, pre_ask, pre_grant, pre_vote,
    timeout_now,
};

fn in_each_role() -> [Node; 5] {
    [
        Node::at_term(1, 3, 4),
        Node::at_term(1, 3, 4).part_two(),
        Node::at_term(1, 3, 4).pre_candidate(),
        Node::at_term(1, 3, 3).candidate(),
        Node::at_term(1, 3, 3).leader(),
    ]
}

// Without it: a node of another cluster, or a removed one, raises terms, is counted, and gets answers.
#[test]
fn a_message_of_an_unknown_node_changes_nothing() {
    for mut node in in_each_role() {
        let before = node.raft.state().clone();
        for message in one_of_each(9) {
            for stranger in [0, 4, u64::MAX] {
                let actions = node.receive(stranger, message);
                assert_eq!(dropped(&actions), Some(DropReason::UnknownSender));
            }
        }
        assert_eq!(node.raft.state(), &before);
    }
}

// Without it: a node whose own vote comes back to it over the network wins with it.
#[test]
fn a_message_that_claims_to_be_from_the_node_itself_changes_nothing() {
    for mut node in in_each_role() {
        let before = node.raft.state().clone();
        for message in one_of_each(4).into_iter().chain(one_of_each(9)) {
            assert_eq!(
                dropped(&node.receive(1, message)),
                Some(DropReason::UnknownSender)
            );
        }
        assert_eq!(node.raft.state(), &before);
    }
}

// Without it: half of the cluster follows one leader of the term and half another.
#[test]
fn a_second_leader_in_a_term_changes_nothing() {
    let mut follower = Node::new(1, 3).following(2);
    let mut leader = Node::new(1, 3).leader();
    for node in [&mut follower, &mut leader] {
        let before = node.raft.state().clone();
        let actions = node.receive(3, heartbeat(1, 9));
        assert_eq!(dropped(&actions), Some(DropReason::Impossible));
        assert_eq!(node.raft.state(), &before);
    }
    // Not even when the first one is presumed lost, or has stepped down.
    let mut follower = follower.part_two();
    assert_eq!(
        dropped(&follower.receive(3, heartbeat(1, 9))),
        Some(DropReason::Impossible)
    );
    let _ = leader.fire(Timer::Election);
    assert_eq!(
        dropped(&leader.receive(3, heartbeat(1, 9))),
        Some(DropReason::Impossible)
    );
}

// Nobody votes or leads in term 0. Without it: a fresh node stores a vote in term 0, which no restore accepts: one datagram
// ends it for good.
#[test]
fn what_claims_an_election_in_term_0_is_impossible() {
    for mut node in [
        Node::new(1, 3),
        Node::new(1, 3).part_two(),
        Node::new(1, 3).pre_candidate(),
    ] {
        let before = node.raft.state().clone();
        for message in [ask(0), flagged(0), heartbeat(0, 1), timeout_now(0)] {
            assert_eq!(
                dropped(&node.receive(2, message)),
                Some(DropReason::Impossible)
            );
        }
        assert_eq!(node.raft.state(), &before);
    }
}

#[test]
fn a_heartbeat_without_a_round_is_impossible() {
    let mut node = Node::at_term(1, 3, 4);
    let before = node.raft.state().clone();
    assert_eq!(
        dropped(&node.receive(2, heartbeat(9, 0))),
        Some(DropReason::Impossible)
    );
    assert_eq!(node.raft.state(), &before);
}

#[test]
fn an_answer_to_what_was_never_asked_changes_nothing() {
    let mut node = Node::at_term(1, 3, 4).part_two();
    let before = node.raft.state().clone();
    let granted = node.receive(2, grant(4));
    assert_eq!(dropped(&granted), Some(DropReason::Impossible));
    assert!(dropped(&node.receive(2, deny(4))).is_some());
    for answer in [ack(4, 1), append(4, 1, false), pre_vote(4, 0, true)] {
        assert_eq!(dropped(&node.receive(2, answer)), Some(DropReason::Stale));
    }
    assert_eq!(node.raft.state(), &before);
}

// A vote that arrives after the election was won is late, not impossible.
#[test]
fn a_late_vote_is_counted_as_stale() {
    let mut leader = Node::new(1, 5).leader();
    for vote in [grant(1), deny(1), grant(0)] {
        assert_eq!(dropped(&leader.receive(5, vote)), Some(DropReason::Stale));
    }
}

#[test]
fn a_dropped_message_is_reported_with_its_sender_and_kind() {
    let mut node = Node::new(1, 3);
    let reason = DropReason::UnknownSender;
    let from = raft_core::NodeId(9);
    let kinds = one_of_each(3).map(|message| {
        let actions = node.receive(9, message);
        let [Report::Dropped { kind, .. }] = reports(&actions)[..] else {
            panic!("{actions:?}");
        };
        assert_eq!(reports(&actions), [Report::Dropped { from, kind, reason }]);
        assert_eq!(kind, message.kind());
        kind
    });
    assert_eq!(kinds[0], MessageKind::RequestVote);
}

// Without it: the term overflows to 0, and every vote can be given again.
#[test]
fn a_node_in_the_last_term_does_not_campaign() {
    let mut node = Node::at_term(1, 3, u64::MAX).part_two();
    let actions = node.fire(Timer::Election);
    let reason = NoCampaignReason::LastTerm;
    assert_eq!(reports(&actions), [Report::NoCampaign { reason }]);
    assert_eq!((node.role(), node.term()), (RoleKind::Follower, u64::MAX));
    assert_eq!(persisted(&actions), None);
    // It is a voter all the same.
    let _ = node.receive(2, ask(u64::MAX));
    assert_eq!(node.vote(), Some(2));
    let _ = node.receive(2, heartbeat(u64::MAX, 1));
    assert_eq!(node.known_leader(), Some(2));
}

#[test]
fn a_candidate_of_the_last_term_leads_or_gives_up() {
    let candidate = Node::at_term(1, 3, u64::MAX - 1).candidate();
    assert_eq!(
        (candidate.role(), candidate.term()),
        (RoleKind::Candidate, u64::MAX)
    );
    let mut winner = candidate.clone();
    let _ = winner.receive(2, grant(u64::MAX));
    assert_eq!(winner.role(), RoleKind::Leader);
    let mut loser = candidate;
    let actions = loser.fire(Timer::Election);
    assert_eq!((loser.role(), loser.term()), (RoleKind::Follower, u64::MAX));
    assert!(!transitions(&actions).is_empty());
    assert_eq!(loser.raft.armed(Timer::Repeat), None);
    assert!(loser.raft.armed(Timer::Election).is_some());
}

#[test]
fn a_pre_candidate_that_learns_the_last_term_follows() {
    let mut node = Node::new(1, 3).pre_candidate();
    let _ = node.receive(2, deny(u64::MAX));
    assert_eq!((node.role(), node.term()), (RoleKind::Follower, u64::MAX));
}

#[test]
fn numbers_at_their_maximum_are_only_numbers() {
    for mut node in in_each_role() {
        for message in one_of_each(u64::MAX) {
            let _ = node.receive(2, message);
        }
        let _ = node.receive(3, heartbeat(u64::MAX, u64::MAX));
        let _ = node.receive(3, pre_ask(u64::MAX));
        let _ = node.receive(3, pre_grant(&node));
        let _ = node.receive(3, timeout_now(u64::MAX));
        assert_eq!(node.term(), u64::MAX);
        let _ = node.step(Event::LogTailMoved(crate::common::log(u64::MAX, u64::MAX)));
    }
}

// Any number but the latest: a timer that fires late or twice, was replaced or was cancelled.
#[test]
fn a_timer_with_any_number_but_the_latest_changes_nothing() {
    for mut node in in_each_role() {
        let before = node.raft.state().clone();
        for timer in Timer::ALL {
            let latest = node.raft.armed(timer);
            for number in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, u64::MAX] {
                if Some(number) != latest {
                    assert!(node.step(Event::TimerFired { timer, number }).is_empty());
                }
            }
            assert_eq!(node.raft.armed(timer), latest);
        }
        assert_eq!(node.raft.state(), &before);
    }
}

#[test]
fn a_timer_fires_once() {
    let mut node = Node::new(1, 3);
    let (timer, number) = (Timer::Election, node.raft.armed(Timer::Election).unwrap());
    assert!(!node.step(Event::TimerFired { timer, number }).is_empty());
    assert!(node.step(Event::TimerFired { timer, number }).is_empty());
    assert_eq!(sends(&node.fire(timer)).len(), 2);
}

// Without it: each heartbeat sets the timer anew, one of the timers that were replaced fires late, and the follower gives
// up a leader that it has just heard.
#[test]
fn a_timer_that_was_replaced_changes_nothing() {
    let mut follower = Node::new(1, 3).following(2);
    let (timer, replaced) = (
        Timer::Election,
        follower.raft.armed(Timer::Election).unwrap(),
    );
    let _ = follower.receive(2, heartbeat(1, 2));
    let latest = follower.raft.armed(timer).unwrap();
    assert_ne!(replaced, latest);
    assert!(
        follower
            .step(Event::TimerFired {
                timer,
                number: replaced
            })
            .is_empty()
    );
    assert!(follower.in_part_one());
    assert!(
        !follower
            .step(Event::TimerFired {
                timer,
                number: latest
            })
            .is_empty()
    );
}
