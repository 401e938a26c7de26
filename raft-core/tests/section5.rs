//! Sections 5.1, 5.2 and 5.4.1 of the Raft paper, in its order: each sentence that speaks of elections has a
//! test.

mod common;

use std::collections::BTreeSet;

use common::actions::{append_answer, receivers, refused, sends, set, started, vote_answer};
use common::cluster::Cluster;
use common::messages::{
    ack, append, ask, deny, grant, heartbeat, one_of_each, pre_ask, request_vote, vote,
};
use common::{HEARTBEAT, Node, T, log, plain};
use raft_core::{Message, Options, RefusalReason, RoleKind, Timer};

// Section 5.1: "A Raft cluster contains several servers; five is a typical number, which allows the system
// to tolerate two failures."
#[test]
fn five_servers_tolerate_two_failures_and_not_three() {
    let mut cluster = Cluster::new(5);
    cluster.isolate(1);
    cluster.isolate(2);
    cluster.run(10 * T);
    assert_eq!(cluster.leading().len(), 1);
    cluster.isolate(cluster.leading()[0]);
    cluster.run(10 * T);
    assert!(cluster.leading().is_empty());
}

// "In normal operation there is exactly one leader and all of the other servers are followers."
#[test]
fn in_normal_operation_there_is_one_leader_and_the_others_follow_it() {
    for n in 1..=7 {
        let mut cluster = Cluster::new(n);
        cluster.run(10 * T);
        let leader = cluster.leading()[0];
        assert_eq!(cluster.leading().len(), 1);
        for id in (1..=n).filter(|id| *id != leader) {
            let node = cluster.node(id);
            assert_eq!(node.role(), RoleKind::Follower);
            assert_eq!(node.known_leader(), Some(leader));
        }
    }
}

// "Followers are passive: they issue no requests on their own but simply respond to requests"
#[test]
fn followers_send_nothing_but_responses() {
    let mut follower = Node::new(1, 3).following(2);
    assert_eq!(sends(&follower.fire(Timer::Election)), []);
    assert_eq!(receivers(&follower.receive(3, ask(1))), [3]);
    assert_eq!(receivers(&follower.receive(2, heartbeat(1, 2))), [2]);
    assert_eq!(sends(&follower.receive(2, deny(1))), []);
    assert_eq!(follower.raft.armed(Timer::Heartbeat), None);
    assert_eq!(follower.raft.armed(Timer::Repeat), None);
}

// "Terms are numbered with consecutive integers. Each term begins with an election"
#[test]
fn terms_are_numbered_with_consecutive_integers() {
    let mut cluster = Cluster::new(3);
    for term in 1..=10 {
        cluster.campaign(1 + term % 3);
        assert_eq!(cluster.highest_term(), term);
        assert_eq!(cluster.leaders[&term], 1 + term % 3);
        cluster.lose_all();
        let leader = cluster.leading()[0];
        let _ = cluster.fire(leader, Timer::Election);
    }
}

// "In some situations an election will result in a split vote. In this case the term will end with no
// leader; a new term (with a new election) will begin shortly."
#[test]
fn a_split_vote_ends_the_term_without_a_leader_and_a_new_one_begins() {
    let mut cluster = Cluster::with(4, |_| plain());
    let _ = cluster.fire(1, Timer::Election);
    let _ = cluster.fire(2, Timer::Election);
    cluster.cut(1, 4);
    cluster.cut(2, 3);
    cluster.deliver();
    assert!(cluster.leading().is_empty());
    cluster.heal();
    cluster.run(10 * T);
    assert_eq!(cluster.leading().len(), 1);
    assert!(!cluster.leaders.contains_key(&1));
}

// "Raft ensures that there is at most one leader in a given term."
#[test]
fn there_is_at_most_one_leader_in_a_term() {
    for options in [Options::default(), plain()] {
        let mut cluster = Cluster::with(5, |_| options);
        cluster.presume_lost();
        for id in 1..=5 {
            let _ = cluster.fire(id, Timer::Election);
        }
        cluster.duplicate_reversed();
        cluster.deliver();
        cluster.run(20 * T);
        // The cluster itself fails the test on a second leader in a term.
        assert!(!cluster.leaders.is_empty());
    }
}

// "Current terms are exchanged whenever servers communicate"
#[test]
fn every_message_carries_a_term() {
    for message in one_of_each(6) {
        assert_eq!(message.term().0, 6);
    }
    let mut node = Node::at_term(1, 3, 8);
    for request in [ask(6), pre_ask(6), heartbeat(6, 1)] {
        let answer = sends(&node.receive(2, request));
        assert_eq!(answer[0].1.term().0, 8, "{request:?}");
    }
}

// "if one server's current term is smaller than the other's, then it updates its current term to the larger
// value"
#[test]
fn the_smaller_term_is_updated_to_the_larger() {
    for message in [heartbeat(9, 1), vote(9, false), append(9, 1, false)] {
        let mut node = Node::at_term(1, 3, 5);
        let _ = node.receive(2, message);
        assert_eq!(node.term(), 9, "{message:?}");
    }
}

// "If a candidate or leader discovers that its term is out of date, it immediately reverts to follower state."
#[test]
fn a_candidate_or_leader_whose_term_is_out_of_date_reverts_to_follower_state() {
    let nodes = [
        Node::new(1, 3).pre_candidate(),
        Node::new(1, 3).candidate(),
        Node::new(1, 3).leader(),
    ];
    for node in nodes {
        for message in [heartbeat(9, 1), vote(9, false), append(9, 1, false)] {
            let mut node = node.clone();
            let _ = node.receive(2, message);
            assert_eq!((node.role(), node.term()), (RoleKind::Follower, 9));
        }
    }
}

// "If a server receives a request with a stale term number, it rejects the request."
#[test]
fn a_request_with_a_stale_term_is_rejected() {
    let mut node = Node::at_term(1, 3, 5).part_two();
    assert_eq!(append_answer(&node.receive(2, heartbeat(4, 9))), (5, false));
    assert_eq!(vote_answer(&node.receive(2, ask(4))), (5, false));
    assert_eq!((node.vote(), node.known_leader()), (None, None));
}

// "Servers retry RPCs if they do not receive a response in a timely manner, and they issue RPCs in parallel"
#[test]
fn requests_without_a_response_are_repeated_every_half_heartbeat() {
    for node in [Node::new(1, 5).pre_candidate(), Node::new(1, 5).candidate()] {
        let mut node = node;
        let first = sends(&node.fire(Timer::Repeat));
        let again = node.fire(Timer::Repeat);
        assert_eq!(sends(&again), first);
        assert_eq!(receivers(&again), [2, 3, 4, 5]);
        assert_eq!(set(&again, Timer::Repeat), Some(HEARTBEAT / 2));
    }
}

// Section 5.2: "When servers start up, they begin as followers."
#[test]
fn servers_begin_as_followers() {
    for options in [Options::default(), plain()] {
        let node = Node::with(1, 3, options);
        assert_eq!(
            (node.role(), node.known_leader()),
            (RoleKind::Follower, None)
        );
        assert!(set(&node.booted, Timer::Election).is_some());
        assert_eq!(sends(&node.booted), []);
    }
}

// "A server remains in follower state as long as it receives valid RPCs from a leader or candidate."
#[test]
fn a_server_that_hears_its_leader_remains_a_follower() {
    let mut cluster = Cluster::new(3);
    cluster.campaign(1);
    cluster.run(100 * T);
    assert_eq!((cluster.leading(), cluster.highest_term()), (vec![1], 1));
}

// "Leaders send periodic heartbeats (AppendEntries RPCs that carry no log entries) to all followers in order to
// maintain their authority."
#[test]
fn leaders_send_periodic_heartbeats_to_all_followers() {
    let mut cluster = Cluster::new(5);
    cluster.campaign(1);
    let before = cluster.node(1).raft.state().round().0;
    cluster.run(10 * HEARTBEAT);
    assert_eq!(cluster.node(1).raft.state().round().0, before + 10);
    for follower in 2..=5 {
        assert_eq!(cluster.node(follower).raft.state().round().0, before + 10);
    }
}

// "If a follower receives no communication over a period of time called the election timeout, then it
// assumes there is no viable leader and begins an election to choose a new leader."
#[test]
fn a_follower_that_hears_nothing_begins_an_election() {
    let mut cluster = Cluster::new(3);
    cluster.campaign(1);
    cluster.isolate(1);
    cluster.run(4 * T);
    assert_eq!(cluster.leaders.len(), 2);
    assert_ne!(cluster.leaders[&2], 1);
}

// "To begin an election, a follower increments its current term and transitions to candidate state. It then
// votes for itself and issues RequestVote RPCs in parallel to each of the other servers in the cluster."
#[test]
fn to_begin_an_election_a_follower_votes_for_itself_and_asks_the_others() {
    let mut node = Node::with(2, 4, plain());
    let actions = node.fire(Timer::Election);
    assert_eq!((node.role(), node.term()), (RoleKind::Candidate, 1));
    assert_eq!(node.vote(), Some(2));
    assert_eq!(sends(&actions), [(1, ask(1)), (3, ask(1)), (4, ask(1))]);
}

// "A candidate wins an election if it receives votes from a majority of the servers in the full cluster for
// the same term."
#[test]
fn votes_of_another_term_or_of_the_same_server_twice_win_nothing() {
    let mut candidate = Node::at_term(1, 5, 6).candidate();
    let _ = candidate.receive(2, grant(6));
    let _ = candidate.receive(3, grant(6));
    let _ = candidate.receive(4, grant(7));
    let _ = candidate.receive(4, grant(7));
    assert_eq!(candidate.role(), RoleKind::Candidate);
    let _ = candidate.receive(5, grant(7));
    assert_eq!(candidate.role(), RoleKind::Leader);
}

// "Each server will vote for at most one candidate in a given term, on a first-come-first-served basis"
#[test]
fn a_server_votes_for_one_candidate_in_a_term_first_come_first_served() {
    let mut voter = Node::with(1, 4, plain());
    assert_eq!(vote_answer(&voter.receive(3, ask(1))), (1, true));
    assert_eq!(vote_answer(&voter.receive(2, ask(1))), (1, false));
    assert_eq!(vote_answer(&voter.receive(3, ask(1))), (1, true));
    assert_eq!(
        vote_answer(&voter.receive(4, request_vote(1, log(1, 9)))),
        (1, false)
    );
}

// "The majority rule ensures that at most one candidate can win the election for a particular term"
#[test]
fn half_of_the_servers_are_no_majority() {
    for n in [2, 4, 6] {
        let mut candidate = Node::new(1, n).candidate();
        for voter in 2..=n / 2 {
            let _ = candidate.receive(voter, grant(1));
        }
        assert_eq!(candidate.role(), RoleKind::Candidate, "{n} voters");
        let _ = candidate.receive(n, grant(1));
        assert_eq!(candidate.role(), RoleKind::Leader, "{n} voters");
    }
}

// "Once a candidate wins an election, it becomes leader. It then sends heartbeat messages to all of the
// other servers to establish its authority and prevent new elections."
#[test]
fn a_winner_sends_heartbeats_and_prevents_new_elections() {
    let mut candidate = Node::new(1, 3).candidate();
    let actions = candidate.receive(2, grant(1));
    assert_eq!(started(&actions), Some(1));
    let mut follower = Node::new(3, 3).pre_candidate();
    for (to, message) in sends(&actions) {
        if to == 3 {
            let _ = follower.receive(1, message);
        }
    }
    assert_eq!(follower.role(), RoleKind::Follower);
    assert_eq!(
        refused(&follower.receive(2, pre_ask(2))),
        Some(RefusalReason::LeaderAlive)
    );
}

// "While waiting for votes, a candidate may receive an AppendEntries RPC from another server claiming to be
// leader. If the leader's term is at least as large as the candidate's current term, then the candidate
// recognizes the leader as legitimate and returns to follower state."
#[test]
fn a_candidate_recognizes_a_leader_of_its_term_or_a_later_one() {
    for term in [7, 8] {
        let mut candidate = Node::at_term(1, 3, 6).candidate();
        let _ = candidate.receive(3, heartbeat(term, 1));
        assert_eq!(candidate.role(), RoleKind::Follower);
        assert_eq!(
            (candidate.term(), candidate.known_leader()),
            (term, Some(3))
        );
    }
}

// "If the term in the RPC is smaller than the candidate's current term, then the candidate rejects the RPC and
// continues in candidate state."
#[test]
fn a_candidate_rejects_a_leader_of_an_earlier_term() {
    let mut candidate = Node::at_term(1, 3, 6).candidate();
    let actions = candidate.receive(3, heartbeat(6, 50));
    assert_eq!(append_answer(&actions), (7, false));
    assert_eq!(candidate.role(), RoleKind::Candidate);
}

// "When this happens, each candidate will time out and start a new election by incrementing its term and
// initiating another round of RequestVote RPCs."
#[test]
fn after_a_split_vote_a_candidate_increments_its_term_and_asks_again() {
    let mut candidate = Node::with(1, 5, plain()).candidate();
    let _ = candidate.receive(2, grant(1));
    let _ = candidate.receive(3, deny(1));
    let actions = candidate.fire(Timer::Election);
    assert_eq!(
        (candidate.role(), candidate.term()),
        (RoleKind::Candidate, 2)
    );
    let to: Vec<u64> = receivers(&actions);
    assert_eq!(to, [2, 3, 4, 5]);
}

// "election timeouts are chosen randomly from a fixed interval"
#[test]
fn election_timeouts_are_chosen_randomly_from_a_fixed_interval() {
    let mut node = Node::with(1, 3, plain());
    let mut seen = BTreeSet::new();
    for round in 1..200 {
        let after = set(&node.receive(2, heartbeat(1, round)), Timer::Election).unwrap();
        assert!((T..2 * T).contains(&after), "{after:?}");
        seen.insert(after);
    }
    assert!(seen.len() > 190);
}

// "Each candidate restarts its randomized election timeout at the start of an election"
#[test]
fn each_candidate_restarts_its_randomized_election_timeout() {
    let mut node = Node::with(1, 3, plain());
    let mut seen = BTreeSet::new();
    for _ in 0..200 {
        seen.insert(set(&node.fire(Timer::Election), Timer::Election).unwrap());
    }
    assert!(seen.len() > 190);
}

// Section 5.4.1: "The RequestVote RPC implements this restriction: the RPC includes information about the
// candidate's log, and the voter denies its vote if its own log is more up-to-date than that of the candidate."
//
// "If the logs have last entries with different terms, then the log with the later term is more up-to-date. If the
// logs end with the same term, then whichever log is longer is more up-to-date."
#[test]
fn a_voter_denies_its_vote_if_its_own_log_is_more_up_to_date() {
    // The voter's last entry, the candidate's, and whether the candidate gets the vote.
    let cases = [
        (log(1, 1), log(1, 1), true),
        (log(1, 1), log(1, 2), true),
        (log(1, 2), log(1, 1), false),
        (log(1, 1), log(2, 1), true),
        (log(1, 1), log(2, 2), true),
        (log(1, 2), log(2, 1), true),
        (log(2, 1), log(1, 1), false),
        (log(2, 1), log(1, 2), false),
        (log(2, 2), log(1, 1), false),
        (log(0, 0), log(1, 1), true),
        (log(1, 1), log(0, 0), false),
        (log(u64::MAX, 1), log(1, u64::MAX), false),
    ];
    for (own, candidates, granted) in cases {
        let mut voter = Node::new(1, 3).log_tail(own).part_two();
        let mut pre_voter = voter.clone();
        let case = format!("voter {own:?}, candidate {candidates:?}");

        let answer = voter.receive(2, request_vote(3, candidates));
        assert_eq!(vote_answer(&answer), (3, granted), "{case}");

        let request = common::messages::request_pre_vote(3, candidates);
        let answer = pre_voter.receive(2, request);
        let (_, pre_granted) = common::actions::pre_vote_answer(&answer);
        assert_eq!(pre_granted, granted, "{case}");
    }
}

// "Raft uses the voting process to prevent a candidate from winning an election unless its log contains all
// committed entries. A candidate must contact a majority of the cluster in order to be elected, which means
// that every committed entry must be present in at least one of those servers."
#[test]
fn a_node_without_the_entries_of_a_majority_is_not_elected() {
    let nodes = (1..=5).map(|id| Node::new(id, 5)).map(|node| {
        let behind = matches!(node.raft.config().id().0, 1 | 2);
        node.log_tail(if behind { log(1, 4) } else { log(1, 5) })
    });
    let mut cluster = Cluster::of(nodes.collect());
    cluster.campaign(1);
    assert!(cluster.leading().is_empty());
    cluster.campaign(3);
    assert_eq!(cluster.leading(), [3]);
}

// The log's tail at the moment of the request counts, not that at the start of the candidacy.
#[test]
fn a_candidate_asks_with_the_log_that_it_has_now() {
    let candidate = Node::new(1, 3).candidate();
    let mut candidate = candidate.log_tail(log(1, 1));
    let actions = candidate.fire(Timer::Repeat);
    let request = request_vote(1, log(1, 1));
    assert_eq!(sends(&actions), [(2, request), (3, request)]);
    let mut leader = candidate;
    let actions = leader.receive(2, grant(1));
    let with_log = |m: &Message| matches!(m, Message::AppendEntries(m) if m.prev_log == log(1, 1));
    assert!(sends(&actions).iter().all(|(_, m)| with_log(m)));
    let _ = leader.receive(2, ack(1, 1));
}
