//! What the suite must know about a run that the servers cannot be asked for.

use core::time::Duration;
use std::collections::VecDeque;

use raft_core::{Action, NodeId, Term};

use super::{Failure, HEARTBEATS_A_SECOND};
use crate::observer::{Happening, Observer};
use crate::time::Time;

/// Looks on during a test.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    /// When each leader was elected, in order of time.
    pub(super) elected: Vec<(Time, Term)>,
    /// The first leader that was too eager.
    pub(super) too_eager: Option<Failure>,
    /// The last rounds of each server in its present leadership.
    rounds: Vec<VecDeque<Time>>,
}

impl Observer for Recorder {
    fn observe(&mut self, time: Time, node: NodeId, happening: Happening<'_>) {
        match happening {
            Happening::Action(Action::LeadershipGained { term, .. }) => {
                self.elected.push((time, *term));
                // A leadership is held to its own rounds: the first comes with the election, whenever that is.
                self.rounds_of(node).clear();
            }
            Happening::Action(Action::StartRound { .. }) => self.round(time, node),
            _ => {}
        }
    }
}

impl Recorder {
    fn round(&mut self, time: Time, leader: NodeId) {
        let rounds = self.rounds_of(leader);
        rounds.push_back(time);
        if rounds.len() > HEARTBEATS_A_SECOND
            && let Some(since) = rounds.pop_front()
            && time < since + Duration::from_secs(1)
        {
            let failure = Failure::TooManyHeartbeats { leader, since };
            self.too_eager.get_or_insert(failure);
        }
    }

    fn rounds_of(&mut self, leader: NodeId) -> &mut VecDeque<Time> {
        let index = leader.0 as usize;
        if self.rounds.len() <= index {
            self.rounds.resize(index + 1, VecDeque::new());
        }
        &mut self.rounds[index]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use raft_core::Round;

    fn rounds_every(milliseconds: u64, count: u64) -> Option<Failure> {
        let mut recorder = Recorder::default();
        for number in 0..count {
            let time = Time::from_nanos(number * milliseconds * 1_000_000);
            let action = Action::StartRound {
                term: Term(1),
                round: Round(number + 1),
            };
            recorder.observe(time, NodeId(0), Happening::Action(&action));
        }
        recorder.too_eager
    }

    #[test]
    fn ten_heartbeats_a_second_are_allowed_and_eleven_are_not() {
        assert_eq!(rounds_every(100, 50), None);
        assert!(rounds_every(99, 50).is_some());
    }
}
