//! Elections in networks that are neither whole nor cut: bridges, one-way links, chains, lost datagrams. Simulated
//! time, fixed seeds, no luck: the bounds hold for every seed named.

use raft_core::{Action, DropReason, Message, Report, RoleKind, Timer};

use crate::common::actions::{dropped, pre_vote_answer};
use crate::common::cluster::Cluster;
use crate::common::messages::{pre_ask, pre_grant};
use crate::common::{HEARTBEAT, Node, T};

const SEEDS: core::ops::Range<u64> = 0..10;

/// The nodes that a leader leads now: its followers in part one, and itself.
fn followers_of(cluster: &Cluster, leader: u64, n: u64) -> usize {
    let follows = |id: &u64| {
        let node = cluster.node(*id);
        node.known_leader() == Some(leader) && (node.in_part_one() || *id == leader)
    };
    (1..=n).filter(follows).count()
}

// Stickiness without step-down deadlocks: a leader that reaches only one node, the bridge, keeps that node's promise alive
// for ever, and a connected majority of three of five, the bridge among them, never elects.
#[test]
fn a_leader_that_reaches_only_a_bridge_is_replaced() {
    for seed in SEEDS {
        let mut cluster = Cluster::seeded(5, seed);
        cluster.campaign(1);
        // 1 and 2 hear only the bridge 3; 3, 4 and 5 hear each other; 2 is as good as dead.
        for (a, b) in [(1, 2), (1, 4), (1, 5), (2, 3), (2, 4), (2, 5)] {
            cluster.cut(a, b);
        }
        cluster.run(8 * T);
        let leaders = cluster.leading();
        let held = leaders.iter().any(|id| followers_of(&cluster, *id, 5) >= 3);
        assert!(held, "seed {seed}: {leaders:?}");
        let terms = cluster.highest_term();
        cluster.run(50 * T);
        assert!(
            cluster.highest_term() <= terms + 2,
            "seed {seed}: terms run away"
        );
    }
}

// A leader whose heartbeats leave, but that hears no answer, keeps everybody quiet: it has to go.
#[test]
fn a_leader_that_can_send_but_not_receive_is_replaced() {
    for seed in SEEDS {
        let mut cluster = Cluster::seeded(3, seed);
        cluster.campaign(1);
        cluster.cut_one_way(2, 1);
        cluster.cut_one_way(3, 1);
        cluster.run(6 * T);
        let other = cluster.leading().into_iter().find(|id| *id != 1);
        assert!(other.is_some(), "seed {seed}");
        assert_eq!(cluster.lease_holders(), [other.unwrap()]);
    }
}

// A node that hears nothing but can send must not depose the leader that everybody else hears.
#[test]
fn a_node_that_can_send_but_not_receive_disturbs_nobody() {
    for seed in SEEDS {
        let mut cluster = Cluster::seeded(3, seed);
        cluster.campaign(1);
        cluster.cut_one_way(1, 3);
        cluster.cut_one_way(2, 3);
        cluster.run(50 * T);
        assert_eq!((cluster.leading(), cluster.leaders.len()), (vec![1], 1));
    }
}

// Nor a node that hears everybody but the leader.
#[test]
fn a_node_that_cannot_hear_the_leader_disturbs_nobody() {
    for seed in SEEDS {
        let mut cluster = Cluster::seeded(3, seed);
        cluster.campaign(1);
        cluster.cut_one_way(1, 3);
        cluster.run(50 * T);
        assert_eq!((cluster.leading(), cluster.leaders.len()), (vec![1], 1));
        cluster.heal();
        cluster.cut(1, 3);
        cluster.run(50 * T);
        assert_eq!((cluster.leading(), cluster.leaders.len()), (vec![1], 1));
    }
}

// 1 - 2 - 3 - 4 - 5: only the middle three have a majority, 3 alone reaches one that reaches it. Whoever leads of those who can
// stays; nobody's term runs away.
#[test]
fn a_chain_of_three_elects_and_stays_with_its_leader() {
    for seed in SEEDS {
        let mut cluster = Cluster::seeded(3, seed);
        cluster.cut(1, 3);
        cluster.run(20 * T);
        assert_eq!(cluster.leading().len(), 1, "seed {seed}");
        let (leader, terms) = (cluster.leading(), cluster.leaders.len());
        cluster.run(50 * T);
        assert_eq!((cluster.leading(), cluster.leaders.len()), (leader, terms));
    }
}

#[test]
fn in_a_chain_of_five_the_middle_leads() {
    for seed in SEEDS {
        let mut cluster = Cluster::seeded(5, seed);
        for (a, b) in [(1, 3), (1, 4), (1, 5), (2, 4), (2, 5), (3, 5)] {
            cluster.cut(a, b);
        }
        cluster.run(50 * T);
        let led: Vec<u64> = cluster.leaders.values().copied().collect();
        assert!(
            led.iter().all(|id| matches!(id, 2..=4)),
            "seed {seed}: {led:?}"
        );
        assert!(!cluster.lease_holders().is_empty(), "seed {seed}");
    }
}

// UDP loses packets: one lost request, or one lost answer, must not cost an election.
#[test]
fn the_first_request_and_the_first_answer_may_be_lost() {
    for lost in 0..6 {
        let mut cluster = Cluster::new(3);
        cluster.presume_lost();
        let _ = cluster.fire(1, Timer::Election);
        for _ in 0..lost {
            let _ = cluster.deliver_one();
        }
        cluster.lose_all();
        cluster.run(4 * HEARTBEAT);
        assert_eq!(
            cluster.leading(),
            [1],
            "everything after {lost} deliveries lost once"
        );
        assert_eq!(cluster.highest_term(), 1);
    }
}

// A voter that was a few milliseconds from giving its leader up is asked again.
#[test]
fn a_voter_whose_part_one_ends_a_little_later_is_asked_again() {
    let mut cluster = Cluster::new(3);
    cluster.isolate(3);
    let _ = cluster.fire(1, Timer::Election);
    let _ = cluster.fire(1, Timer::Election);
    cluster.deliver();
    assert_eq!(cluster.node(1).role(), RoleKind::PreCandidate);
    let _ = cluster.fire(2, Timer::Election);
    cluster.run(HEARTBEAT);
    assert_eq!(cluster.leading(), [1]);
}

// A candidate that a majority has refused is not done: reasons to refuse pass.
#[test]
fn a_candidate_that_a_majority_refused_keeps_asking_until_its_timeout_ends() {
    let mut cluster = Cluster::new(3);
    cluster.presume_lost();
    cluster.lose(|_, _, message| matches!(message, Message::RequestVoteResponse(_)));
    let _ = cluster.fire(1, Timer::Election);
    cluster.run(T / 2);
    assert_eq!(cluster.node(1).role(), RoleKind::Candidate);
    cluster.heal();
    cluster.run(HEARTBEAT);
    assert_eq!((cluster.leading(), cluster.highest_term()), (vec![1], 1));
}

// Without it: both grant the other's pre-vote, both campaign in term 1, and a candidacy passes in vain.
#[test]
fn two_that_ask_at_once_stand_back_and_split_no_vote() {
    for n in [3, 4, 5] {
        let mut cluster = Cluster::new(n);
        cluster.isolate(1);
        cluster.presume_lost();
        let _ = cluster.fire(2, Timer::Election);
        let _ = cluster.fire(3, Timer::Election);
        cluster.deliver();
        for id in [2, 3] {
            assert_eq!(cluster.node(id).role(), RoleKind::PreCandidate);
        }
        let _ = cluster.fire(3, Timer::Repeat);
        cluster.deliver();
        assert_eq!((cluster.leading(), cluster.highest_term()), (vec![3], 1));
    }
}

// Without the limit of once: a rival that asks every few milliseconds and cannot win, because it hears nobody, keeps
// everybody from it.
#[test]
fn a_pre_candidate_stands_back_once() {
    let mut node = Node::new(1, 3).pre_candidate();
    let early = pre_grant(&node);
    let actions = node.receive(2, pre_ask(1));
    assert_eq!(pre_vote_answer(&actions), (0, true));
    let rival = raft_core::NodeId(2);
    assert!(actions.contains(&Action::Report(Report::StoodBack { rival })));
    // What it was granted before counts no more.
    assert_eq!(dropped(&node.receive(3, early)), Some(DropReason::Stale));
    let _ = node.fire(Timer::Repeat);
    let asked = pre_grant(&node);
    for rival in [2, 3, 2] {
        let actions = node.receive(rival, pre_ask(1));
        assert_eq!(pre_vote_answer(&actions), (0, true));
        assert_eq!(actions.len(), 1, "{actions:?}");
    }
    let _ = node.receive(3, asked);
    assert_eq!(node.role(), RoleKind::Candidate);
    // The next pre-candidacy may stand back again.
    let _ = node.fire(Timer::Election);
    let actions = node.receive(2, pre_ask(2));
    assert!(actions.contains(&Action::Report(Report::StoodBack { rival })));
}

// It is as good as at the beginning: a node that stood back asks everybody, those too who granted before.
#[test]
fn who_stood_back_asks_everybody_anew() {
    let mut node = Node::new(1, 5).pre_candidate();
    let _ = node.receive(2, pre_grant(&node));
    let _ = node.receive(3, pre_ask(1));
    let actions = node.fire(Timer::Repeat);
    let sends = |action: &&Action| {
        matches!(
            action,
            Action::Send {
                message: Message::RequestPreVote(_),
                ..
            }
        )
    };
    assert_eq!(actions.iter().filter(sends).count(), 4);
    let _ = node.receive(4, pre_grant(&node));
    assert_eq!(node.role(), RoleKind::PreCandidate);
}

// Half of all heartbeats lost: with a window of 2T and ten rounds in T, no election is needed.
#[test]
fn a_leader_survives_the_loss_of_every_other_round() {
    let mut cluster = Cluster::new(3);
    cluster.campaign(1);
    cluster
        .lose(|_, _, message| matches!(message, Message::AppendEntries(m) if m.round.0 % 2 == 0));
    cluster.run(100 * T);
    assert_eq!((cluster.leading(), cluster.leaders.len()), (vec![1], 1));
    assert_eq!(cluster.lease_holders(), [1]);
}

// The terms of an isolated node do not run away, and it disturbs nobody when it comes back.
#[test]
fn a_node_that_was_cut_off_comes_back_without_an_election() {
    for seed in SEEDS {
        let mut cluster = Cluster::seeded(5, seed);
        cluster.campaign(1);
        cluster.isolate(5);
        cluster.run(100 * T);
        assert_eq!(cluster.node(5).term(), 1, "seed {seed}");
        cluster.heal();
        cluster.run(10 * T);
        assert_eq!((cluster.leading(), cluster.leaders.len()), (vec![1], 1));
        assert_eq!(cluster.node(5).known_leader(), Some(1));
    }
}

// With three of seven dead, a leader is found: no majority of timers has to end first.
#[test]
fn a_bare_majority_elects_within_4t() {
    for seed in SEEDS {
        let mut cluster = Cluster::seeded(7, seed);
        for dead in [1, 4, 6] {
            cluster.isolate(dead);
        }
        cluster.run(4 * T);
        assert_eq!(cluster.leading().len(), 1, "seed {seed}");
    }
}
