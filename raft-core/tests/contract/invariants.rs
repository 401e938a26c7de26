//! The invariants find what they are there to find. A broken state cannot be made through the interface, so it is written as
//! text (feature `serde`).

use raft_core::{State, Violation};
use serde_json::{Value, json};

use crate::common::{Node, plain};

/// What the check says of a node whose state has this at these places.
fn broken(node: &Node, changes: &[(&str, Value)]) -> Result<(), Violation> {
    let mut text = serde_json::to_value(node.raft.state()).unwrap();
    for (place, value) in changes {
        let place = text.pointer_mut(place);
        *place.unwrap_or_else(|| panic!("no place for {value}")) = value.clone();
    }
    let state: State = serde_json::from_value(text).unwrap();
    state.check(node.raft.config())
}

/// What is changed, to what, and what is found.
type Case = (&'static str, Value, Violation);

fn each_is_found(node: &Node, cases: &[Case]) {
    assert_eq!(broken(node, &[]), Ok(()));
    for (place, value, violation) in cases {
        let found = broken(node, &[(place, value.clone())]);
        assert_eq!(found, Err(*violation), "{place}: {value}");
        assert_eq!(violation.to_string(), format!("{violation:?}"));
    }
}

#[test]
fn a_broken_follower_is_found() {
    let short = json!({ "secs": 0, "nanos": 1 });
    let promise = "/hard/election_timeout";
    let fresh = Node::at_term(1, 3, 4);
    let cases = [
        ("/round", json!(1), Violation::RoundWithoutLeader),
        (promise, short.clone(), Violation::PromiseTooShort),
    ];
    each_is_found(&fresh, &cases);
    let voted = [
        ("/hard/current_term", json!(0)),
        ("/hard/voted_for", json!(2)),
    ];
    assert_eq!(broken(&fresh, &voted), Err(Violation::ActiveInTermZero));
    let led = [("/leader", json!(1)), ("/round", json!(1))];
    assert_eq!(broken(&fresh, &led), Err(Violation::Leader));
    let cases = [
        ("/hard/current_term", json!(0), Violation::ActiveInTermZero),
        ("/round", json!(0), Violation::RoundWithoutLeader),
    ];
    each_is_found(&Node::new(1, 3).following(2), &cases);
    let cases = [(promise, short, Violation::PromiseInPlainRaft)];
    each_is_found(&Node::with(1, 3, plain()), &cases);
}

#[test]
fn a_broken_pre_candidate_or_candidate_is_found() {
    let granted = "/role/PreCandidate/granted";
    let cases = [
        (granted, json!(0b0010), Violation::Votes),
        (granted, json!(0b1001), Violation::Votes),
        (granted, json!(0b0011), Violation::Votes),
        ("/paused", json!(true), Violation::CampaignsPaused),
    ];
    each_is_found(&Node::at_term(1, 3, 4).pre_candidate(), &cases);
    let granted = "/role/Candidate/granted";
    let candidate = Node::new(1, 5).candidate();
    let cases = [
        ("/hard/voted_for", json!(2), Violation::NoVoteForItself),
        (granted, json!(0b00111), Violation::Votes),
        (granted, json!(0b00110), Violation::Votes),
    ];
    each_is_found(&candidate, &cases);
    let led = [("/leader", json!(2)), ("/round", json!(1))];
    assert_eq!(broken(&candidate, &led), Err(Violation::Leader));
}

#[test]
fn a_broken_leader_is_found() {
    let answered = "/role/Leader/answered";
    let cases = [
        ("/hard/voted_for", json!(null), Violation::NoVoteForItself),
        ("/leader", json!(2), Violation::Leader),
        (answered, json!([1, 2, 0]), Violation::Rounds),
        (answered, json!([0, 0, 0]), Violation::Rounds),
        (answered, json!([1, 0]), Violation::Rounds),
        ("/role/Leader/confirmed", json!(1), Violation::Rounds),
        ("/role/Leader/armed_at", json!(2), Violation::Rounds),
    ];
    each_is_found(&Node::new(1, 3).leader(), &cases);
}

#[test]
fn a_plain_node_in_part_one_or_with_a_confirmed_round_is_found() {
    let follower = Node::with(1, 3, plain());
    let part = [("/role/Follower/part", json!("LeaderAlive"))];
    assert_eq!(broken(&follower, &part), Err(Violation::PromiseInPlainRaft));
    let mut leader = Node::with(1, 3, plain()).leader();
    let _ = leader.receive(2, crate::common::messages::ack(1, 1));
    let confirmed = [("/role/Leader/confirmed", json!(1))];
    assert_eq!(
        broken(&leader, &confirmed),
        Err(Violation::PromiseInPlainRaft)
    );
}
