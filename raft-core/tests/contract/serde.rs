//! Serialisation (feature `serde`): what happened to a node and what it did can be written down and read again.

use core::fmt::Debug;
use core::time::Duration;

use raft_core::{Action, HardState, NodeId, Options, Protocol, State, Term};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::any::{self, Choice, check, event};

fn round_trip<V>(value: &V)
where
    V: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let text = serde_json::to_string(value).unwrap();
    let read: V = serde_json::from_str(&text).unwrap();
    assert_eq!(&read, value, "{text}");
}

#[test]
fn events_actions_and_states_survive_a_round_trip() {
    fn property(setup: u8, choices: Vec<Choice>) {
        let mut node = any::node(setup, 7);
        for choice in choices {
            let event = event(&node, choice);
            round_trip(&event);
            for action in node.step(event) {
                round_trip::<Action>(&action);
            }
            round_trip::<State>(node.raft.state());
            round_trip::<HardState>(&node.disk);
        }
    }
    check(200, 80, property as fn(u8, Vec<Choice>));
}

#[test]
fn options_survive_a_round_trip() {
    round_trip(&Options::default());
    round_trip(&Options {
        lease: Some(Duration::from_millis(3)),
        protocol: Protocol::Plain,
        witness: true,
        ..Options::default()
    });
}

#[test]
fn ids_and_terms_are_plain_numbers() {
    assert_eq!(serde_json::to_string(&NodeId(7)).unwrap(), "7");
    assert_eq!(
        serde_json::to_string(&Term::MAX).unwrap(),
        u64::MAX.to_string()
    );
}

// What an embedder's disk may hold. Whoever changes the text here must read the old one too: docs/compatibility.md.
#[test]
fn hard_state_is_written_as_ever() {
    let state = HardState {
        current_term: Term(4),
        voted_for: Some(NodeId(2)),
        election_timeout: Duration::from_millis(1_500),
    };
    let text =
        r#"{"current_term":4,"voted_for":2,"election_timeout":{"secs":1,"nanos":500000000}}"#;
    assert_eq!(serde_json::to_string(&state).unwrap(), text);
    assert_eq!(serde_json::from_str::<HardState>(text).unwrap(), state);
}
