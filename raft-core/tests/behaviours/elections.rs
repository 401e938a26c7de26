//! Who wins an election, and from which state.

use core::time::Duration;

use raft_core::{DropReason, Options, RefusalReason, RoleKind, Timer};

use crate::common::actions::{dropped, pre_vote_answer, refused, vote_answer};
use crate::common::cluster::Cluster;
use crate::common::messages::{
    append, ask, deny, grant, heartbeat, heartbeat_with_lease, pre_ask, pre_grant,
    request_pre_vote, request_vote, vote,
};
use crate::common::{Node, T, disk, log, plain};

// A candidate with the denials of a majority goes on: a reason to deny may pass before its timeout ends.
#[test]
fn an_election_in_one_round_of_messages() {
    use RoleKind::{Candidate, Leader};
    // Voters, granting, denying, and what becomes of the candidate.
    let cases: [(u64, &[u64], &[u64], RoleKind); 11] = [
        (1, &[], &[], Leader),
        (3, &[2, 3], &[], Leader),
        (3, &[2], &[], Leader),
        (5, &[2, 3, 4, 5], &[], Leader),
        (5, &[2, 3, 4], &[], Leader),
        (5, &[2, 3], &[], Leader),
        (3, &[], &[2, 3], Candidate),
        (5, &[], &[2, 3, 4, 5], Candidate),
        (5, &[2], &[3, 4, 5], Candidate),
        (5, &[2], &[], Candidate),
        (5, &[], &[], Candidate),
    ];
    for (n, granting, denying, role) in cases {
        let mut node = Node::new(1, n).candidate();
        for voter in denying {
            let _ = node.receive(*voter, deny(1));
        }
        for voter in granting {
            let _ = node.receive(*voter, grant(1));
        }
        assert_eq!((node.role(), node.term()), (role, 1), "{n}: {granting:?}");
    }
}

#[test]
fn a_follower_votes_once_first_come_first_served() {
    let cases = [
        (None, 2, true),
        (None, 3, true),
        (Some(2), 2, true),
        (Some(3), 3, true),
        (Some(2), 3, false),
        (Some(3), 2, false),
    ];
    for (voted_for, candidate, granted) in cases {
        let mut voter = Node::restored(1, 3, Options::default(), disk(1, voted_for)).part_two();
        let answer = vote_answer(&voter.receive(candidate, ask(1)));
        assert_eq!(answer, (1, granted), "{voted_for:?}, asked by {candidate}");
    }
}

// Dead peers and logs of different lengths; with pre-vote a loser stays in its term.
#[test]
fn elections_with_dead_peers_and_longer_logs() {
    let cases: [(u64, &[u64], &[u64], bool); 7] = [
        (3, &[], &[], true),
        (3, &[2], &[], true),
        (3, &[2, 3], &[], false),
        (4, &[2, 3], &[], false),
        (5, &[2, 3], &[], true),
        (3, &[], &[2], true),
        (3, &[], &[2, 3], false),
    ];
    for options in [Options::default(), plain()] {
        for (n, dead, longer, wins) in cases {
            let tail = |id: u64| log(1, 1 + u64::from(longer.contains(&id)));
            let nodes = (1..=n).map(|id| Node::with(id, n, options).log_tail(tail(id)));
            let mut cluster = Cluster::of(nodes.collect());
            dead.iter().for_each(|id| cluster.isolate(*id));
            cluster.campaign(1);
            assert_eq!(
                !cluster.leading().is_empty(),
                wins,
                "{n} {dead:?} {longer:?}"
            );
            let lost_with_pre_vote = !wins && options == Options::default();
            assert_eq!(cluster.node(1).term(), u64::from(!lost_with_pre_vote));
        }
    }
}

#[test]
fn each_node_can_win_in_turn_from_a_used_state() {
    for options in [Options::default(), plain()] {
        let mut cluster = Cluster::with(3, |_| options);
        for id in [1, 2, 3, 1, 2, 3] {
            let term = cluster.highest_term();
            let leader = cluster.leading().first().copied();
            if leader.is_some_and(|leader| leader != id) && options == Options::default() {
                let _ = cluster.fire(leader.unwrap(), Timer::Election);
            }
            cluster.campaign(id);
            assert_eq!(cluster.leading(), [id]);
            assert_eq!(cluster.highest_term(), term + 1);
        }
    }
}

// A single entry of a later term, on a minority, does not keep the majority from electing.
#[test]
fn a_majority_without_the_newest_entry_elects_in_the_second_attempt() {
    for options in [Options::default(), plain()] {
        let of = |id, log, disk| Node::restored(id, 5, options, disk).log_tail(log);
        let in_term = |term, voted_for| raft_core::HardState {
            election_timeout: Node::with(1, 5, options).disk.election_timeout,
            ..disk(term, voted_for)
        };
        // Node 3 led term 2 with the votes of 4 and 5, wrote an entry and told nobody.
        let mut cluster = Cluster::of(vec![
            of(1, log(1, 1), in_term(1, Some(1))),
            of(2, log(1, 1), in_term(1, Some(1))),
            of(3, log(2, 1), in_term(2, Some(3))),
            of(4, log(0, 0), in_term(2, Some(3))),
            of(5, log(0, 0), in_term(2, Some(3))),
        ]);
        cluster.campaign(1);
        if cluster.leading().is_empty() {
            assert_eq!(cluster.node(1).term(), 2, "it learns the term");
            cluster.campaign(1);
        }
        assert_eq!(cluster.leading(), [1]);
        assert_eq!(cluster.leaders[&3], 1);
    }
}

// In plain Raft; stickiness excepts part one and leaders.
#[test]
fn any_role_grants_a_vote_in_a_higher_term() {
    let nodes = [
        Node::with(1, 3, plain()),
        Node::with(1, 3, plain()).candidate(),
        Node::with(1, 3, plain()).leader(),
        Node::new(1, 3).part_two(),
        Node::new(1, 3).pre_candidate(),
        Node::new(1, 3).candidate(),
    ];
    for mut node in nodes {
        assert_eq!(vote_answer(&node.receive(2, ask(9))), (9, true));
        assert_eq!(node.role(), RoleKind::Follower);
        assert_eq!(
            (node.term(), node.vote(), node.known_leader()),
            (9, Some(2), None)
        );
    }
}

#[test]
fn a_vote_depends_on_vote_term_and_log() {
    // The voter's vote, the term and log position asked with, the voter being at term 3 with log (2, 2).
    let cases = [
        (None, 3, log(0, 0), false),
        (None, 3, log(1, 9), false),
        (None, 3, log(2, 1), false),
        (None, 3, log(2, 2), true),
        (None, 3, log(2, 3), true),
        (None, 3, log(3, 1), true),
        (Some(2), 3, log(2, 2), true),
        (Some(2), 3, log(2, 1), false),
        (Some(3), 3, log(3, 3), false),
        (None, 2, log(3, 3), false),
        (Some(3), 4, log(2, 2), true),
        (Some(3), 4, log(2, 1), false),
    ];
    for (voted_for, term, last_log, granted) in cases {
        let voter = || Node::restored(1, 3, Options::default(), disk(3, voted_for));
        let mut voter = voter().log_tail(log(2, 2)).part_two();
        let case = format!("{voted_for:?} {term} {last_log:?}");
        let pre_voted = pre_vote_answer(&voter.receive(2, request_pre_vote(term, last_log)));
        // A pre-vote asks for a later term, in which no vote is given.
        assert_eq!(pre_voted, (3, term > 3 && last_log >= log(2, 2)), "{case}");
        let voted = vote_answer(&voter.receive(2, request_vote(term, last_log)));
        assert_eq!(voted, (term.max(3), granted), "{case}");
    }
}

// Only a heartbeat says who leads.
#[test]
fn a_higher_term_alone_tells_no_leader() {
    let nodes = [
        Node::new(1, 3).following(3),
        Node::new(1, 3).pre_candidate(),
        Node::new(1, 3).candidate(),
        Node::new(1, 3).leader(),
    ];
    for node in nodes {
        for message in [vote(9, false), append(9, 1, false)] {
            let mut node = node.clone();
            let _ = node.receive(2, message);
            assert_eq!((node.term(), node.known_leader()), (9, None));
        }
        let mut node = node.clone();
        let _ = node.receive(2, heartbeat(9, 1));
        assert_eq!((node.term(), node.known_leader()), (9, Some(2)));
    }
}

#[test]
fn a_lone_voter_elects_itself() {
    for options in [Options::default(), plain()] {
        let mut cluster = Cluster::with(1, |_| options);
        cluster.run(3 * T);
        assert_eq!((cluster.leading(), cluster.highest_term()), (vec![1], 1));
        assert_eq!(cluster.sent, 0);
        cluster.run(100 * T);
        assert_eq!(cluster.highest_term(), 1);
        cluster.restart(1);
        cluster.run(3 * T);
        assert_eq!((cluster.leading(), cluster.highest_term()), (vec![1], 2));
    }
}

#[test]
fn two_voters_need_each_other() {
    let mut cluster = Cluster::new(2);
    cluster.run(6 * T);
    assert_eq!(cluster.leading().len(), 1);
    cluster.cut(1, 2);
    cluster.run(6 * T);
    assert!(cluster.leading().is_empty());
    let terms = cluster.highest_term();
    cluster.heal();
    cluster.run(6 * T);
    assert_eq!(cluster.leading().len(), 1);
    assert!(cluster.highest_term() <= terms + 2);
}

// A voter that has promised a leader is asked, refuses, and grants once the promise has ended.
#[test]
fn a_leader_is_superseded_only_after_its_voters_gave_it_up() {
    let mut voter = Node::new(1, 3).following(2);
    let actions = voter.receive(3, pre_ask(2));
    assert_eq!(refused(&actions), Some(RefusalReason::LeaderAlive));
    assert_eq!(
        refused(&voter.receive(3, ask(2))),
        Some(RefusalReason::LeaderAlive)
    );
    let mut voter = voter.part_two();
    assert_eq!(pre_vote_answer(&voter.receive(3, pre_ask(2))), (1, true));
    assert_eq!(vote_answer(&voter.receive(3, ask(2))), (2, true));
}

// A node that presumes its leader lost still knows who it was, and helps another all the same.
#[test]
fn a_pre_candidate_grants_although_it_knows_the_leader_of_its_term() {
    let mut node = Node::new(1, 3).following(2).pre_candidate();
    assert_eq!(node.known_leader(), Some(2));
    assert_eq!(pre_vote_answer(&node.receive(3, pre_ask(2))), (1, true));
    assert_eq!(vote_answer(&node.receive(3, ask(2))), (2, true));
}

#[test]
fn a_split_of_pre_votes_and_votes_is_resolved_by_the_next_round() {
    let mut cluster = Cluster::new(3);
    cluster.isolate(1);
    cluster.presume_lost();
    let _ = cluster.fire(2, Timer::Election);
    let _ = cluster.fire(3, Timer::Election);
    cluster.deliver();
    // Both stood back, and ask anew at the same time.
    let _ = cluster.fire(2, Timer::Repeat);
    let _ = cluster.fire(3, Timer::Repeat);
    cluster.deliver();
    // Both won their pre-votes and voted for themselves.
    for id in [2, 3] {
        assert_eq!(cluster.node(id).role(), RoleKind::Candidate);
        assert_eq!(cluster.node(id).term(), 1);
    }
    let _ = cluster.fire(2, Timer::Election);
    cluster.deliver();
    assert_eq!(cluster.leading(), [2]);
    assert_eq!(cluster.highest_term(), 2);
}

// The election is decided while another node's questions are still under way.
#[test]
fn a_won_election_ends_overlapping_pre_votes() {
    let mut asking = Node::new(3, 3).pre_candidate();
    let late = pre_grant(&asking);
    assert_eq!(vote_answer(&asking.receive(1, ask(1))), (1, true));
    assert_eq!(asking.role(), RoleKind::Follower);
    assert_eq!(dropped(&asking.receive(2, late)), Some(DropReason::Stale));
    assert_eq!(asking.role(), RoleKind::Follower);

    let mut asking = Node::new(3, 3).pre_candidate();
    let late = pre_grant(&asking);
    let _ = asking.receive(1, heartbeat(1, 1));
    assert_eq!(dropped(&asking.receive(2, late)), Some(DropReason::Stale));
    assert_eq!(asking.role(), RoleKind::Follower);
}

// A rejoining candidate follows the leader of its own term, or a later one.
#[test]
fn a_candidate_concedes_to_the_leader() {
    for options in [Options::default(), plain()] {
        let mut cluster = Cluster::with(3, |_| options);
        cluster.isolate(1);
        let _ = cluster.fire(1, Timer::Election);
        cluster.campaign(3);
        assert_eq!(cluster.leading(), [3]);
        cluster.heal();
        cluster.lose_all();
        let _ = cluster.fire(3, Timer::Heartbeat);
        cluster.deliver();
        let node = cluster.node(1);
        assert_eq!(
            (node.role(), node.known_leader()),
            (RoleKind::Follower, Some(3))
        );
        assert_eq!(node.term(), cluster.node(3).term());
    }
}

// The message of a leader of an older term is answered, and otherwise ignored.
#[test]
fn old_messages_change_nothing() {
    let mut cluster = Cluster::with(3, |_| plain());
    for id in [1, 2, 1] {
        cluster.campaign(id);
    }
    let before = cluster.node(1).raft.state().clone();
    let mut node = cluster.node(1).clone();
    let _ = node.receive(2, heartbeat_with_lease(2, 9, Duration::ZERO));
    let _ = node.receive(3, grant(2));
    let _ = node.receive(3, append(2, 1, true));
    assert_eq!(node.raft.state(), &before);
}
