//! Leadership transfer: a lease is over before another can begin, and nothing of the hand-over lives on.

use raft_core::{
    Action, DropReason, Event, LostReason, Message, NoCampaignReason, Options, Report, RequestVote,
    RoleKind, Timer, TransferRefusal, TransitionReason,
};

use crate::common::actions::{
    confirmed, dropped, gained, lost, persisted, receivers, reports, sends, set, transitions,
    vote_answer,
};
use crate::common::cluster::Cluster;
use crate::common::messages::{
    ack, ack_of_witness, ask, flagged, grant, heartbeat, pre_grant, timeout_now,
    timeout_now_stopped,
};
use crate::common::{HEARTBEAT, Node, T, log, plain, witness};

// Without it: the target wins while the old leader's lease runs on.
#[test]
fn the_lease_is_given_up_before_the_target_is_asked() {
    let mut leader = Node::new(1, 3).leader();
    let actions = leader.transfer(2, true);
    let gives_up = Action::LeadershipLost {
        term: raft_core::Term(1),
        reason: LostReason::Transfer,
    };
    assert_eq!(actions[0], gives_up);
    assert_eq!(sends(&actions), [(2, timeout_now_stopped(1))]);
    assert_eq!(
        reports(&actions),
        [Report::TransferStarted {
            to: raft_core::NodeId(2)
        }]
    );
}

// Without it: what the leader was running has no time to stop, where the end of a lease leaves it T - L.
#[test]
fn a_target_is_asked_at_once_only_if_everything_has_stopped() {
    let mut leader = Node::new(1, 3).leader();
    let actions = leader.transfer(2, false);
    assert_eq!(lost(&actions), Some((1, LostReason::Transfer)));
    assert_eq!(sends(&actions), []);
    assert_eq!(set(&actions, Timer::Repeat), Some(T / 5));
    assert_eq!(set(&actions, Timer::Election), Some(T));
    let actions = leader.fire(Timer::Repeat);
    assert_eq!(sends(&actions), [(2, timeout_now(1))]);
    assert_eq!(set(&actions, Timer::Repeat), Some(HEARTBEAT / 2));
}

// Without it: an answer to a round of before the transfer gives the lease back, while the target takes over.
#[test]
fn from_then_on_the_leader_confirms_no_round() {
    let mut leader = Node::new(1, 3).leader();
    let _ = leader.fire(Timer::Heartbeat);
    let _ = leader.transfer(2, false);
    for voter in [2, 3] {
        let actions = leader.receive(voter, ack(1, 2));
        assert_eq!(confirmed(&actions), None);
        assert_eq!(set(&actions, Timer::Election), None);
    }
    assert_eq!(leader.confirmed(), Some(0));
}

// Without it: the target is dead, the leader's heartbeats keep everybody quiet, and nobody ever leads.
#[test]
fn heartbeats_end_with_the_transfer() {
    let mut leader = Node::new(1, 3).leader();
    let number = leader.raft.armed(Timer::Heartbeat).unwrap();
    let _ = leader.transfer(2, false);
    assert_eq!(leader.raft.armed(Timer::Heartbeat), None);
    let timer = Timer::Heartbeat;
    assert!(leader.step(Event::TimerFired { timer, number }).is_empty());
}

// Without it: one lost datagram, and nobody leads until the followers time out.
#[test]
fn timeout_now_is_repeated_every_half_heartbeat() {
    let mut leader = Node::new(1, 3).leader();
    let actions = leader.transfer(2, true);
    assert_eq!(set(&actions, Timer::Repeat), Some(HEARTBEAT / 2));
    for _ in 0..5 {
        let actions = leader.fire(Timer::Repeat);
        assert_eq!(sends(&actions), [(2, timeout_now_stopped(1))]);
        assert_eq!(set(&actions, Timer::Repeat), Some(HEARTBEAT / 2));
    }
}

// Without it: a leader whose target never answers refuses everybody's vote for ever.
#[test]
fn a_transfer_ends_after_t_and_the_leader_steps_down() {
    let mut leader = Node::new(1, 3).leader();
    let actions = leader.transfer(2, false);
    assert_eq!(set(&actions, Timer::Election), Some(T));
    let actions = leader.fire(Timer::Election);
    assert_eq!(transitions(&actions), [TransitionReason::TransferTimedOut]);
    assert_eq!(lost(&actions), None, "it was lost when the transfer began");
    assert_eq!((leader.role(), leader.term()), (RoleKind::Follower, 1));
    assert!(!leader.in_part_one());
    assert_eq!(leader.raft.armed(Timer::Repeat), None);
    assert_eq!(leader.vote(), Some(1));
}

// Without it: two nodes hold a TimeoutNow of the same term, both pass stickiness, and split the vote; or the second one
// keeps the transfer from ever ending.
#[test]
fn a_second_transfer_in_the_term_is_refused() {
    let mut leader = Node::new(1, 3).leader();
    let _ = leader.transfer(2, false);
    let number = leader.raft.armed(Timer::Election);
    for to in [2, 3] {
        let actions = leader.transfer(to, true);
        assert_eq!(sends(&actions), []);
        let reason = TransferRefusal::AlreadyStarted;
        assert_eq!(reports(&actions), [Report::TransferRefused { reason }]);
    }
    assert_eq!(leader.raft.armed(Timer::Election), number);
    assert_eq!(sends(&leader.fire(Timer::Repeat)), [(2, timeout_now(1))]);
}

#[test]
fn a_transfer_that_cannot_be_is_refused_and_changes_nothing() {
    let leader = Node::new(1, 3).leader();
    let cases = [
        (leader.clone(), Some(1), TransferRefusal::UnknownTarget),
        (leader.clone(), Some(9), TransferRefusal::UnknownTarget),
        (leader, None, TransferRefusal::NobodyAnswered),
        (Node::new(1, 3), Some(2), TransferRefusal::NotLeader),
        (
            Node::new(1, 3).candidate(),
            Some(2),
            TransferRefusal::NotLeader,
        ),
        (
            Node::at_term(1, 3, u64::MAX - 1).leader(),
            Some(2),
            TransferRefusal::LastTerm,
        ),
        (
            Node::new(1, 1).pre_candidate(),
            None,
            TransferRefusal::NobodyAnswered,
        ),
    ];
    for (mut node, to, reason) in cases {
        let before = node.raft.state().clone();
        let actions = node.transfer(to, false);
        assert_eq!(reports(&actions), [Report::TransferRefused { reason }]);
        assert_eq!(actions.len(), 1, "{actions:?}");
        assert_eq!(node.raft.state(), &before);
    }
}

// The voter that answered last is the one that surely lives.
#[test]
fn by_default_the_target_is_the_voter_that_answered_last() {
    let mut leader = Node::new(1, 4).leader();
    for voter in [2, 3, 4, 3] {
        let _ = leader.fire(Timer::Heartbeat);
        let round = leader.raft.state().round().0;
        let _ = leader.receive(voter, ack(1, round));
    }
    let _ = leader.receive(2, ack(1, 2));
    assert_eq!(receivers(&leader.transfer(None, true)), [3]);
}

// A witness or a paused voter would refuse, and the transfer would end in vain.
#[test]
fn by_default_the_target_is_a_voter_that_would_campaign() {
    let mut leader = Node::new(1, 3).leader();
    let _ = leader.receive(2, ack(1, 1));
    let _ = leader.receive(3, ack_of_witness(1, 1));
    let mut other = leader.clone();
    assert_eq!(receivers(&leader.transfer(None, true)), [2]);
    // Paused since.
    let _ = other.fire(Timer::Heartbeat);
    let _ = other.receive(2, ack_of_witness(1, 2));
    let reason = TransferRefusal::NobodyAnswered;
    let actions = other.transfer(None, false);
    assert_eq!(reports(&actions), [Report::TransferRefused { reason }]);
}

// Without it: everybody is in part one, and refuses the target until the transfer is over.
#[test]
fn the_target_skips_pre_vote_and_flags_its_requests() {
    let mut target = Node::new(2, 3).following(1);
    let actions = target.receive(1, timeout_now(1));
    assert_eq!((target.role(), target.term()), (RoleKind::Candidate, 2));
    assert_eq!(sends(&actions), [(1, flagged(2)), (3, flagged(2))]);
    assert_eq!(
        sends(&target.fire(Timer::Repeat)),
        [(1, flagged(2)), (3, flagged(2))]
    );
    let mut voter = Node::new(3, 3).following(1);
    assert!(voter.in_part_one());
    assert_eq!(vote_answer(&voter.receive(2, flagged(2))), (2, true));
}

// Without it: any later candidacy of that node would depose leaders whose leases run.
#[test]
fn the_flag_dies_with_its_candidacy() {
    let mut target = Node::new(2, 3).following(1);
    let _ = target.receive(1, timeout_now_stopped(1));
    let actions = target.fire(Timer::Election);
    assert_eq!(target.role(), RoleKind::PreCandidate);
    assert!(gained(&actions).is_none());
    let actions = target.receive(3, pre_grant(&target));
    assert_eq!((target.role(), target.term()), (RoleKind::Candidate, 3));
    let not_flagged = |m: &Message| {
        let Message::RequestVote(RequestVote {
            leadership_transfer,
            ..
        }) = m
        else {
            return false;
        };
        !leadership_transfer
    };
    assert!(sends(&actions).iter().all(|(_, m)| not_flagged(m)));
    // And what the old leader had stopped says nothing about this victory.
    assert_eq!(gained(&target.receive(3, grant(3))), Some((3, false)));
}

#[test]
fn a_taker_starts_at_once_only_if_it_won_in_the_flagged_candidacy() {
    for stopped in [false, true] {
        let mut target = Node::new(2, 3).following(1);
        let message = if stopped {
            timeout_now_stopped(1)
        } else {
            timeout_now(1)
        };
        let _ = target.receive(1, message);
        assert_eq!(gained(&target.receive(3, grant(2))), Some((2, stopped)));
    }
    let mut by_itself = Node::new(2, 3).candidate();
    assert_eq!(gained(&by_itself.receive(3, grant(1))), Some((1, false)));
}

// Without it: a TimeoutNow that arrives twice, or late, starts an election in a term that nobody gave up.
#[test]
fn timeout_now_of_a_term_starts_exactly_the_next_one_once() {
    let mut target = Node::new(2, 3).following(1);
    let _ = target.receive(1, timeout_now(1));
    assert_eq!(target.term(), 2);
    assert_eq!(
        dropped(&target.receive(1, timeout_now(1))),
        Some(DropReason::Stale)
    );
    assert_eq!((target.role(), target.term()), (RoleKind::Candidate, 2));
    let _ = target.receive(3, heartbeat(2, 1));
    assert_eq!(
        dropped(&target.receive(1, timeout_now(1))),
        Some(DropReason::Stale)
    );
    assert_eq!((target.role(), target.term()), (RoleKind::Follower, 2));

    let mut behind = Node::at_term(2, 3, 3);
    let actions = behind.receive(1, timeout_now(7));
    assert_eq!((behind.role(), behind.term()), (RoleKind::Candidate, 8));
    assert_eq!(persisted(&actions).unwrap().current_term.0, 8);
}

// A leader of a later term is deposed by the term, and says so first.
#[test]
fn a_leader_that_is_asked_by_a_later_one_to_take_over_loses_its_leadership_first() {
    let mut leader = Node::new(1, 3).leader();
    let actions = leader.receive(2, timeout_now(5));
    assert_eq!(lost(&actions), Some((1, LostReason::HigherTerm)));
    assert!(matches!(actions[0], Action::LeadershipLost { .. }));
    assert_eq!((leader.role(), leader.term()), (RoleKind::Candidate, 6));
    assert_eq!(leader.raft.armed(Timer::Heartbeat), None);
}

#[test]
fn timeout_now_of_a_node_that_does_not_lead_the_term_is_impossible() {
    for mut node in [Node::new(2, 3).following(1), Node::new(2, 3).leader()] {
        let before = node.raft.state().clone();
        let actions = node.receive(3, timeout_now(1));
        assert_eq!(dropped(&actions), Some(DropReason::Impossible));
        assert_eq!(node.raft.state(), &before);
    }
}

#[test]
fn a_node_that_may_not_campaign_refuses_timeout_now() {
    let mut paused = Node::new(2, 3).following(1);
    let _ = paused.step(Event::Pause);
    let mut in_last_term = Node::at_term(2, 3, u64::MAX);
    let _ = in_last_term.receive(1, heartbeat(u64::MAX, 1));
    let cases = [
        (
            Node::with(2, 3, witness()).following(1),
            NoCampaignReason::Witness,
        ),
        (paused, NoCampaignReason::Paused),
        (in_last_term, NoCampaignReason::LastTerm),
    ];
    for (mut node, reason) in cases {
        let (from, before) = (raft_core::NodeId(1), node.raft.state().clone());
        let actions = node.receive(1, timeout_now(node.term()));
        assert_eq!(
            reports(&actions),
            [Report::TimeoutNowRefused { from, reason }]
        );
        assert_eq!(node.raft.state(), &before);
    }
}

// Without it: a leader that never began a transfer, its lease running, is deposed by whoever sets a flag; and one
// that did is deposed for a term that it has not given up for.
#[test]
fn only_a_flagged_request_of_exactly_the_next_term_ends_a_transferring_leader() {
    for term in [6, 7, u64::MAX] {
        let mut leader = Node::at_term(1, 3, 4).leader();
        let before = leader.raft.state().clone();
        let actions = leader.receive(2, flagged(term));
        assert_eq!(dropped(&actions), Some(DropReason::Impossible));
        assert_eq!(leader.raft.state(), &before);
    }
    let mut leader = Node::at_term(1, 3, 4).leader();
    let _ = leader.transfer(2, false);
    for term in [5, 7] {
        let actions = leader.receive(2, flagged(term));
        assert_eq!(dropped(&actions), Some(DropReason::Impossible));
    }
    assert_eq!(vote_answer(&leader.receive(3, ask(6))), (5, false));
    assert_eq!(leader.role(), RoleKind::Leader);

    let actions = leader.receive(2, flagged(6));
    assert_eq!(vote_answer(&actions), (6, true));
    assert_eq!((leader.role(), leader.term()), (RoleKind::Follower, 6));
    assert_eq!(leader.vote(), Some(2));
    assert_eq!(lost(&actions), None, "it was lost when the transfer began");
}

// A target whose log is behind cannot win, but the term that it raised is learnt, and the lease is long void.
#[test]
fn a_transferring_leader_refuses_a_target_whose_log_is_behind() {
    let mut leader = Node::new(1, 3).log_tail(log(1, 1)).leader();
    let _ = leader.transfer(2, false);
    let actions = leader.receive(2, flagged(2));
    assert_eq!(vote_answer(&actions), (2, false));
    assert_eq!((leader.role(), leader.term()), (RoleKind::Follower, 2));
}

#[test]
fn a_transfer_hands_over_at_once_in_the_next_term() {
    for options in [Options::default(), plain()] {
        let mut cluster = Cluster::with(3, |_| options);
        cluster.campaign(1);
        cluster.run(HEARTBEAT);
        let (to, stopped) = (Some(raft_core::NodeId(3)), true);
        let before = cluster.highest_term();
        let _ = cluster.step(1, Event::TransferLeadership { to, stopped });
        assert!(cluster.lease_holders().is_empty());
        cluster.deliver();
        assert_eq!(cluster.leading(), [3]);
        assert_eq!(cluster.leaders[&(before + 1)], 3);
        assert_eq!(cluster.highest_term(), before + 1);
    }
}

// The target is dead: the others elect among themselves.
#[test]
fn after_a_transfer_in_vain_the_others_elect() {
    let mut cluster = Cluster::new(3);
    cluster.campaign(1);
    cluster.run(HEARTBEAT);
    cluster.isolate(2);
    let (to, stopped) = (Some(raft_core::NodeId(2)), false);
    let _ = cluster.step(1, Event::TransferLeadership { to, stopped });
    cluster.run(4 * T);
    assert_eq!(cluster.leading().len(), 1);
    assert!(cluster.highest_term() >= 2);
}
