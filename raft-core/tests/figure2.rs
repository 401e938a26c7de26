//! Figure 2 of the Raft paper, in its order: each sentence that speaks of elections has a test. Where
//! pre-vote and leader stickiness refine a sentence, plain Raft shows it as the paper has it.

mod common;

use common::actions::{
    append_answer, cancelled, only_send, persisted, place, receivers, refused, sends, set, started,
    vote_answer,
};
use common::messages::{ack, ask, deny, grant, heartbeat, one_of_each, pre_ask, request_vote};
use common::{HEARTBEAT, Node, T, disk, log, plain};
use raft_core::{
    Action, AppendEntries, LogIndex, Message, NodeId, RefusalReason, RequestVote, RoleKind, Round,
    Term, Timer,
};

// State: persistent state on all servers.

// "(Updated on stable storage before responding to RPCs)"
#[test]
fn persistent_state_is_on_stable_storage_before_the_response() {
    let mut voter = Node::new(1, 3).part_two();

    let actions = voter.receive(2, ask(4));

    assert_eq!(persisted(&actions), Some(disk(4, Some(2))));
    let persist = place(&actions, |a| matches!(a, Action::Persist(_)));
    assert!(persist < place(&actions, |a| matches!(a, Action::Send { .. })));
}

// "currentTerm: latest term server has seen (initialized to 0 on first boot, increases monotonically)"
#[test]
fn current_term_is_initialized_to_0_on_first_boot() {
    assert_eq!(Node::new(1, 3).term(), 0);
}

#[test]
fn current_term_increases_monotonically() {
    let mut node = Node::new(1, 3).part_two();
    let _ = node.receive(2, heartbeat(7, 1));
    for message in one_of_each(6) {
        let _ = node.receive(3, message);
        assert_eq!(node.term(), 7, "{message:?}");
    }
}

#[test]
fn current_term_outlives_a_crash() {
    let mut node = Node::new(1, 3);
    let _ = node.receive(2, heartbeat(7, 1));
    assert_eq!(node.restarted().term(), 7);
}

// "votedFor: candidateId that received vote in current term (or null if none)"
#[test]
fn voted_for_is_null_on_first_boot() {
    assert_eq!(Node::new(1, 3).vote(), None);
}

#[test]
fn voted_for_is_the_candidate_that_received_the_vote() {
    let mut voter = Node::new(1, 3).part_two();
    let _ = voter.receive(2, ask(1));
    assert_eq!(voter.vote(), Some(2));
}

#[test]
fn voted_for_belongs_to_the_current_term() {
    let mut voter = Node::new(1, 3).part_two();
    let _ = voter.receive(2, ask(1));
    let actions = voter.receive(3, heartbeat(2, 1));
    assert_eq!((voter.term(), voter.vote()), (2, None));
    assert_eq!(persisted(&actions), Some(disk(2, None)));
}

#[test]
fn voted_for_outlives_a_crash() {
    let mut voter = Node::new(1, 3).part_two();
    let _ = voter.receive(2, ask(1));
    let mut voter = voter.restarted().part_two();
    assert_eq!(vote_answer(&voter.receive(3, ask(1))), (1, false));
}

// AppendEntries RPC: "Invoked by leader to replicate log entries; also used as heartbeat."

// Arguments: "term: leader's term … prevLogIndex … prevLogTerm … leaderCommit"
#[test]
fn append_entries_carries_the_leaders_term_log_position_and_commit_index() {
    let mut leader = Node::at_term(1, 3, 6).log_tail(log(5, 9)).leader();

    let actions = leader.fire(Timer::Heartbeat);

    let heartbeat = Message::AppendEntries(AppendEntries {
        term: Term(7),
        prev_log: log(5, 9),
        leader_commit: LogIndex(0),
        round: Round(2),
        lease: T * 4 / 5,
    });
    assert_eq!(sends(&actions), [(2, heartbeat), (3, heartbeat)]);
}

// Arguments: "leaderId: so follower can redirect clients"
#[test]
fn a_follower_knows_the_leader() {
    let follower = Node::new(1, 3).following(3);
    assert_eq!(follower.known_leader(), Some(3));
}

// Results: "term: currentTerm, for leader to update itself"
#[test]
fn the_leader_updates_itself_from_an_append_entries_response() {
    let mut leader = Node::new(1, 3).leader();
    let _ = leader.receive(2, common::messages::append(8, 1, false));
    assert_eq!((leader.role(), leader.term()), (RoleKind::Follower, 8));
}

// Receiver: "1. Reply false if term < currentTerm"
#[test]
fn append_entries_1_reply_false_if_term_is_below_current_term() {
    let mut node = Node::at_term(1, 3, 5);
    let before = node.raft.state().clone();

    let actions = node.receive(2, heartbeat(4, 1));

    assert_eq!(append_answer(&actions), (5, false));
    assert_eq!(actions.len(), 1, "{actions:?}");
    assert_eq!(node.raft.state(), &before);
}

#[test]
fn append_entries_of_the_current_term_or_a_later_one_is_answered_with_success() {
    for term in [5, 6] {
        let mut node = Node::at_term(1, 3, 5);
        let actions = node.receive(2, heartbeat(term, 1));
        assert_eq!(append_answer(&actions), (term, true));
    }
}

// RequestVote RPC: "Invoked by candidates to gather votes."

// Arguments: "term: candidate's term … lastLogIndex … lastLogTerm"
#[test]
fn request_vote_carries_the_candidates_term_and_last_log_entry() {
    let mut candidate = Node::at_term(1, 3, 6).log_tail(log(5, 9)).candidate();

    let actions = candidate.fire(Timer::Repeat);

    let request = Message::RequestVote(RequestVote {
        term: Term(7),
        last_log: log(5, 9),
        leadership_transfer: false,
    });
    assert_eq!(sends(&actions), [(2, request), (3, request)]);
}

// Results: "term: currentTerm, for candidate to update itself"
#[test]
fn the_candidate_updates_itself_from_a_request_vote_response() {
    let mut candidate = Node::new(1, 3).candidate();
    let _ = candidate.receive(2, deny(9));
    assert_eq!(
        (candidate.role(), candidate.term()),
        (RoleKind::Follower, 9)
    );
}

// Results: "voteGranted: true means candidate received vote"
#[test]
fn only_a_vote_granted_counts() {
    let mut candidate = Node::new(1, 3).candidate();
    let _ = candidate.receive(2, deny(1));
    assert_eq!(candidate.role(), RoleKind::Candidate);
    let _ = candidate.receive(3, grant(1));
    assert_eq!(candidate.role(), RoleKind::Leader);
}

// Receiver: "1. Reply false if term < currentTerm"
#[test]
fn request_vote_1_reply_false_if_term_is_below_current_term() {
    let nodes = [
        Node::at_term(1, 3, 5),
        Node::at_term(1, 3, 5).part_two(),
        Node::at_term(1, 3, 5).pre_candidate(),
        Node::at_term(1, 3, 4).candidate(),
        Node::at_term(1, 3, 4).leader(),
    ];
    for mut node in nodes {
        let before = node.raft.state().clone();
        let actions = node.receive(2, request_vote(4, log(9, 9)));
        assert_eq!(vote_answer(&actions), (5, false));
        assert_eq!(refused(&actions), Some(RefusalReason::StaleTerm));
        assert_eq!(node.raft.state(), &before);
    }
}

// Receiver: "2. If votedFor is null or candidateId, and candidate's log is at least as up-to-date as
// receiver's log, grant vote"
#[test]
fn request_vote_2_grant_if_voted_for_is_null() {
    let mut voter = Node::at_term(1, 3, 5).part_two();
    let actions = voter.receive(2, ask(5));
    assert_eq!(vote_answer(&actions), (5, true));
    assert_eq!(persisted(&actions), Some(disk(5, Some(2))));
}

#[test]
fn request_vote_2_grant_again_if_voted_for_is_the_candidate() {
    let mut voter = Node::at_term(1, 3, 5).part_two();
    let _ = voter.receive(2, ask(5));
    assert_eq!(vote_answer(&voter.receive(2, ask(5))), (5, true));
}

#[test]
fn request_vote_2_refuse_if_voted_for_is_another() {
    let mut voter = Node::restored(1, 3, plain(), disk_of_plain(5, Some(2)));
    let actions = voter.receive(3, ask(5));
    assert_eq!(vote_answer(&actions), (5, false));
    assert_eq!(refused(&actions), Some(RefusalReason::AlreadyVoted));
    assert_eq!(voter.vote(), Some(2));
}

#[test]
fn request_vote_2_refuse_if_the_candidates_log_is_behind() {
    let mut voter = Node::new(1, 3).log_tail(log(2, 5)).part_two();
    let actions = voter.receive(2, request_vote(3, log(2, 4)));
    assert_eq!(vote_answer(&actions), (3, false));
    assert_eq!(refused(&actions), Some(RefusalReason::LogBehind));
    assert_eq!((voter.term(), voter.vote()), (3, None));
}

#[test]
fn request_vote_2_grant_if_the_logs_are_equal() {
    let mut voter = Node::new(1, 3).log_tail(log(2, 5)).part_two();
    let actions = voter.receive(2, request_vote(3, log(2, 5)));
    assert_eq!(vote_answer(&actions), (3, true));
}

// Rules for servers, all servers: "If RPC request or response contains term T > currentTerm: set currentTerm
// = T, convert to follower"
#[test]
fn all_servers_adopt_a_higher_term_and_convert_to_follower() {
    let nodes = [
        Node::with(1, 5, plain()),
        Node::with(1, 5, plain()).candidate(),
        Node::with(1, 5, plain()).leader(),
    ];
    for node in nodes {
        for message in one_of_each(9) {
            if matches!(message, Message::RequestPreVote(_) | Message::TimeoutNow(_)) {
                continue;
            }
            let mut node = node.clone();
            let actions = node.receive(2, message);
            assert_eq!(node.term(), 9, "{message:?}");
            assert_eq!(node.role(), RoleKind::Follower, "{message:?}");
            assert_eq!(persisted(&actions).unwrap().current_term, Term(9));
        }
    }
}

// Followers: "Respond to RPCs from candidates and leaders"
#[test]
fn followers_respond_to_candidates_and_leaders() {
    for message in [ask(1), pre_ask(1), heartbeat(1, 1)] {
        for mut follower in [Node::new(1, 3), Node::new(1, 3).part_two()] {
            assert_eq!(only_send(&follower.receive(2, message)).0, 2);
        }
    }
}

// Followers: "If election timeout elapses without receiving AppendEntries RPC from current leader or
// granting vote to candidate: convert to candidate"
#[test]
fn a_followers_election_timeout_makes_it_a_candidate() {
    let mut follower = Node::with(1, 3, plain());
    let _ = follower.fire(Timer::Election);
    assert_eq!((follower.role(), follower.term()), (RoleKind::Candidate, 1));
}

#[test]
fn with_pre_vote_a_follower_asks_first_whether_it_would_win() {
    let mut follower = Node::new(1, 3).part_two();
    let _ = follower.fire(Timer::Election);
    assert_eq!(
        (follower.role(), follower.term()),
        (RoleKind::PreCandidate, 0)
    );
    let _ = follower.receive(2, common::messages::pre_grant(&follower));
    assert_eq!((follower.role(), follower.term()), (RoleKind::Candidate, 1));
}

#[test]
fn append_entries_from_the_current_leader_restarts_the_election_timeout() {
    let mut follower = Node::with(1, 3, plain()).following(2);
    assert!(set(&follower.receive(2, heartbeat(1, 2)), Timer::Election).is_some());
    let mut follower = Node::new(1, 3).following(2);
    assert_eq!(
        set(&follower.receive(2, heartbeat(1, 2)), Timer::Election),
        Some(T)
    );
}

#[test]
fn append_entries_of_an_old_leader_does_not_restart_the_election_timeout() {
    let mut follower = Node::at_term(1, 3, 5);
    assert_eq!(
        set(&follower.receive(2, heartbeat(4, 1)), Timer::Election),
        None
    );
}

#[test]
fn granting_a_vote_restarts_the_election_timeout() {
    let mut voter = Node::with(1, 3, plain());
    assert!(set(&voter.receive(2, ask(1)), Timer::Election).is_some());
    let mut voter = Node::new(1, 3).part_two();
    assert_eq!(set(&voter.receive(2, ask(1)), Timer::Election), Some(T));
}

#[test]
fn refusing_a_vote_does_not_restart_the_election_timeout() {
    for options in [plain(), raft_core::Options::default()] {
        let mut voter = Node::with(1, 3, options).log_tail(log(1, 1)).part_two();
        let actions = voter.receive(2, ask(3));
        assert_eq!(vote_answer(&actions), (3, false));
        assert_eq!(set(&actions, Timer::Election), None);
    }
}

// Candidates: "On conversion to candidate, start election: increment currentTerm"
#[test]
fn a_candidate_increments_current_term() {
    let mut node = Node::restored(1, 3, plain(), disk_of_plain(4, None));
    let actions = node.fire(Timer::Election);
    assert_eq!(persisted(&actions).unwrap().current_term, Term(5));
}

// "vote for self"
#[test]
fn a_candidate_votes_for_itself() {
    let mut node = Node::with(1, 3, plain());
    let actions = node.fire(Timer::Election);
    assert_eq!(persisted(&actions).unwrap().voted_for, Some(NodeId(1)));
}

// "reset election timer"
#[test]
fn a_candidate_resets_its_election_timer() {
    let mut node = Node::with(1, 3, plain());
    let after = set(&node.fire(Timer::Election), Timer::Election).unwrap();
    assert!((T..2 * T).contains(&after));
}

// "send RequestVote RPCs to all other servers"
#[test]
fn a_candidate_sends_request_vote_to_all_other_servers() {
    let mut node = Node::with(3, 5, plain());
    let actions = node.fire(Timer::Election);
    assert_eq!(receivers(&actions), [1, 2, 4, 5]);
    assert!(
        sends(&actions)
            .iter()
            .all(|(_, message)| *message == ask(1))
    );
    let persist = place(&actions, |a| matches!(a, Action::Persist(_)));
    assert!(persist < place(&actions, |a| matches!(a, Action::Send { .. })));
}

// Candidates: "If votes received from majority of servers: become leader"
#[test]
fn a_candidate_with_the_votes_of_a_majority_becomes_leader() {
    for n in 1..=7 {
        let mut node = Node::with(1, n, plain());
        let _ = node.fire(Timer::Election);
        for have in 1..=n {
            let wins = have > n / 2;
            assert_eq!(node.role() == RoleKind::Leader, wins, "{have} of {n} votes");
            if have < n {
                let _ = node.receive(have + 1, grant(1));
            }
        }
    }
}

// Candidates: "If AppendEntries RPC received from new leader: convert to follower"
#[test]
fn a_candidate_that_hears_the_new_leader_converts_to_follower() {
    let mut candidate = Node::new(1, 3).candidate();
    let actions = candidate.receive(2, heartbeat(1, 1));
    assert_eq!(
        (candidate.role(), candidate.term()),
        (RoleKind::Follower, 1)
    );
    assert_eq!(append_answer(&actions), (1, true));
    assert!(cancelled(&actions, Timer::Repeat));
}

// Candidates: "If election timeout elapses: start new election"
#[test]
fn a_candidate_whose_election_timeout_elapses_starts_a_new_election() {
    let mut candidate = Node::with(1, 3, plain()).candidate();
    let actions = candidate.fire(Timer::Election);
    assert_eq!(
        (candidate.role(), candidate.term()),
        (RoleKind::Candidate, 2)
    );
    assert_eq!(sends(&actions), [(2, ask(2)), (3, ask(2))]);
}

// Leaders: "Upon election: send initial empty AppendEntries RPCs (heartbeat) to each server"
#[test]
fn a_new_leader_sends_heartbeats_to_each_server() {
    let mut candidate = Node::new(2, 3).candidate();
    let actions = candidate.receive(3, grant(1));
    assert_eq!(
        sends(&actions),
        [(1, heartbeat(1, 1)), (3, heartbeat(1, 1))]
    );
}

// "repeat during idle periods to prevent election timeouts"
#[test]
fn a_leader_repeats_its_heartbeats() {
    let mut leader = Node::new(2, 3).leader();
    for round in 2..5 {
        let actions = leader.fire(Timer::Heartbeat);
        assert_eq!(started(&actions), Some(round));
        assert_eq!(
            sends(&actions),
            [(1, heartbeat(1, round)), (3, heartbeat(1, round))]
        );
        assert_eq!(set(&actions, Timer::Heartbeat), Some(HEARTBEAT));
        let _ = leader.receive(1, ack(1, round));
    }
}

fn disk_of_plain(term: u64, voted_for: Option<u64>) -> raft_core::HardState {
    raft_core::HardState {
        election_timeout: core::time::Duration::ZERO,
        ..disk(term, voted_for)
    }
}
