//! A follower handles a heartbeat without asking for memory, and a node is small.

use std::convert::Infallible;
use std::mem::size_of_val;

use allocation_counter::measure;
use raft_core::{
    Action, AppendEntries, Config, Event, HardState, LogIndex, LogPosition, Message, NodeId,
    Options, Raft, Round, Term, Timer,
};
use rand_core::TryRng;

/// Eight bytes of state, all of whose numbers are the same.
struct Constant(u64);

impl TryRng for Constant {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(0)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.0)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.fill(0);
        Ok(())
    }
}

fn node(id: u64) -> Raft<Constant> {
    let voters = [1, 2, 3].map(NodeId);
    let config = Config::new(NodeId(id), &voters, Options::default()).unwrap();
    let (empty, no_log) = (HardState::first_boot(), LogPosition::default());
    Raft::restore(config, empty, no_log, Constant(7)).unwrap().0
}

fn heartbeat(round: u64) -> Event {
    Event::Receive {
        from: NodeId(1),
        message: Message::AppendEntries(AppendEntries {
            term: Term(1),
            prev_log: LogPosition::default(),
            leader_commit: LogIndex(0),
            round: Round(round),
            lease: Options::default().election_timeout * 4 / 5,
        }),
    }
}

#[test]
fn a_follower_answers_heartbeats_without_an_allocation() {
    let mut follower = node(2);
    let mut answers = 0;
    let counted = measure(|| {
        for round in 1..=100 {
            for action in follower.step(heartbeat(round)) {
                answers += u64::from(matches!(action, Action::Send { .. }));
            }
        }
    });
    assert_eq!(answers, 100);
    assert_eq!(counted.count_total, 0);
}

#[test]
fn a_leader_of_three_begins_rounds_without_an_allocation() {
    let mut leader = leader();
    let counted = measure(|| {
        for _ in 0..100 {
            let number = leader.armed(Timer::Heartbeat).unwrap_or_default();
            let timer = Timer::Heartbeat;
            let actions = leader.step(Event::TimerFired { timer, number });
            assert_eq!(actions.len(), 4);
        }
    });
    assert_eq!(counted.count_total, 0);
}

#[test]
fn a_node_of_three_takes_at_most_320_bytes() {
    let mut follower = node(2);
    let _ = follower.step(heartbeat(1));
    for node in [node(1), follower, leader()] {
        let inline = i64::try_from(size_of_val(&node)).unwrap();
        let heap = -measure(|| drop(node)).bytes_current;
        assert!(heap > 0, "a node holds its voters");
        assert!(inline + heap <= 320, "{inline} and {heap} bytes");
    }
}

/// Node 1, elected by node 2.
fn leader() -> Raft<Constant> {
    let mut candidate = node(1);
    // The ends of part one and of part two; then whatever is asked is granted.
    for _ in 0..2 {
        let number = candidate.armed(Timer::Election).unwrap();
        let timer = Timer::Election;
        let mut actions: Vec<Action> = candidate
            .step(Event::TimerFired { timer, number })
            .into_iter()
            .collect();
        while let Some(event) = actions.iter().find_map(granted) {
            actions = candidate.step(event).into_iter().collect();
        }
    }
    assert!(candidate.armed(Timer::Heartbeat).is_some());
    candidate
}

/// Node 2's answer to what it is asked.
fn granted(action: &Action) -> Option<Event> {
    let Action::Send {
        to: NodeId(2),
        message,
    } = action
    else {
        return None;
    };
    let vote_granted = true;
    let message = match *message {
        Message::RequestPreVote(request) => {
            Message::RequestPreVoteResponse(raft_core::RequestPreVoteResponse {
                term: Term(0),
                nonce: request.nonce,
                vote_granted,
            })
        }
        Message::RequestVote(request) => {
            Message::RequestVoteResponse(raft_core::RequestVoteResponse {
                term: request.term,
                vote_granted,
            })
        }
        _ => return None,
    };
    Some(Event::Receive {
        from: NodeId(2),
        message,
    })
}
