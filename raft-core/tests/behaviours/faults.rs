//! Crashes at every point, and answers repeated and reordered across terms.

use raft_core::{Action, Event, Message, NodeId, RoleKind, Timer};

use crate::common::cluster::Cluster;
use crate::common::messages::{deny, grant, pre_grant, pre_vote};
use crate::common::{Node, T};

/// An election of three, its first node crashing at its n-th action and coming back. Says whether there was an n-th.
fn crash_at(victim: u64, nth: usize) -> bool {
    let mut nodes: Vec<Node> = (1..=3).map(|id| Node::new(id, 3).part_two()).collect();
    let mut votes = std::collections::BTreeMap::new();
    let (mut done, mut crashed) = (0, false);
    let number = nodes[0].raft.armed(Timer::Election).unwrap();
    let fired = Event::TimerFired {
        timer: Timer::Election,
        number,
    };
    let mut queue = std::collections::VecDeque::from([(1, fired)]);
    while let Some((id, event)) = queue.pop_front() {
        let node = &mut nodes[id as usize - 1];
        let mut disk = node.disk;
        for action in node.step(event) {
            if id == victim {
                done += 1;
                if done == nth {
                    // Nothing from here on is carried out.
                    node.disk = disk;
                    *node = node.restarted();
                    crashed = true;
                    break;
                }
            }
            match action {
                Action::Persist(state) => disk = state,
                Action::Send { to, message } => {
                    let given = match message {
                        Message::RequestVote(m) => Some((id, m.term, id)),
                        Message::RequestVoteResponse(m) if m.vote_granted => {
                            Some((id, m.term, to.0))
                        }
                        _ => None,
                    };
                    if let Some((voter, term, candidate)) = given {
                        let earlier = *votes.entry((voter, term)).or_insert(candidate);
                        assert_eq!(earlier, candidate, "two votes in a term");
                    }
                    let from = NodeId(id);
                    queue.push_back((to.0, Event::Receive { from, message }));
                }
                _ => {}
            }
        }
    }
    // Everybody's vote of term 1 is asked for once more, by another.
    for (voter, candidate) in [(1, 2), (2, 3), (3, 2)] {
        let mut node = nodes[voter as usize - 1].clone().part_two();
        if node.term() == 1 && node.role() == RoleKind::Follower {
            let actions = node.receive(candidate, crate::common::messages::ask(1));
            let (_, granted) = crate::common::actions::vote_answer(&actions);
            let earlier = votes.get(&(voter, raft_core::Term(1)));
            assert!(!granted || earlier.is_none_or(|earlier| *earlier == candidate));
        }
    }
    crashed
}

#[test]
fn a_crash_between_any_two_actions_forgets_no_vote() {
    for victim in 1..=3 {
        let mut nth = 1;
        while crash_at(victim, nth) {
            nth += 1;
        }
        assert!(nth > 5, "node {victim} carried out {nth} actions");
    }
}

// After a crash at any point the cluster elects.
#[test]
fn a_cluster_whose_candidate_crashes_after_pre_vote_elects() {
    let mut cluster = Cluster::new(3);
    cluster.presume_lost();
    let _ = cluster.fire(1, Timer::Election);
    while cluster.node(1).role() == RoleKind::PreCandidate {
        assert!(cluster.deliver_one());
    }
    cluster.restart(1);
    cluster.isolate(1);
    cluster.run(4 * T);
    assert!(matches!(cluster.leading()[..], [2] | [3]));
}

#[test]
fn a_cluster_that_restarts_as_a_whole_elects_in_the_next_term() {
    let mut cluster = Cluster::new(5);
    cluster.campaign(1);
    for id in 1..=5 {
        cluster.restart(id);
    }
    cluster.run(4 * T);
    assert_eq!(cluster.leading().len(), 1);
    assert!(cluster.highest_term() >= 2);
}

// Every answer that was ever sent arrives again, in the reverse order, in every later round and term.
#[test]
fn votes_repeated_and_reordered_across_terms_elect_nobody() {
    let mut node = Node::new(1, 5);
    let mut answers: Vec<(u64, Message)> = Vec::new();
    for _ in 0..5 {
        let term = node.term();
        node = node.pre_candidate();
        for (from, message) in answers.iter().rev() {
            let _ = node.receive(*from, *message);
        }
        assert_eq!((node.role(), node.term()), (RoleKind::PreCandidate, term));
        let nonce = node.raft.state().pre_vote_nonce();
        answers.extend([2, 3, 4, 5].map(|id| (id, pre_vote(term, nonce, true))));
        let _ = node.receive(2, pre_grant(&node));
        let _ = node.receive(3, pre_grant(&node));
        assert_eq!((node.role(), node.term()), (RoleKind::Candidate, term + 1));
        for (from, message) in answers.iter().rev() {
            let _ = node.receive(*from, *message);
        }
        assert_eq!((node.role(), node.term()), (RoleKind::Candidate, term + 1));
        answers.extend([2, 3].map(|id| (id, grant(term + 1))));
        answers.extend([4, 5].map(|id| (id, deny(term + 1))));
    }
}

// The network repeats everything, in the reverse order: nothing comes of it.
#[test]
fn a_cluster_whose_messages_are_repeated_and_reordered_elects_one_leader() {
    for seed in 0..20 {
        let mut cluster = Cluster::seeded(5, seed);
        cluster.presume_lost();
        for id in 1..=3 {
            let _ = cluster.fire(id, Timer::Election);
        }
        for _ in 0..6 {
            cluster.duplicate_reversed();
            for _ in 0..cluster.queue.len() / 2 {
                let _ = cluster.deliver_one();
            }
        }
        cluster.run(4 * T);
        assert_eq!(cluster.leading().len(), 1, "seed {seed}");
    }
}
