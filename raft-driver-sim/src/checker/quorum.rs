//! What is asked of a leader's rounds, and of its right to go on without answers to them.

use std::collections::VecDeque;
use std::time::Duration;

use raft_core::{Action, Protocol, RoleKind, Round, Term};

use super::{Checker, Invariant, Step};
use crate::time::{LocalTime, Time};

/// The rounds of a leader that began within the window of check-quorum, and when, on its own clock.
pub(super) type Rounds = VecDeque<(Round, LocalTime)>;

impl Checker {
    /// How long a leader stays in office without a majority's answers.
    pub(super) fn quorum_window(&self) -> Duration {
        self.election_timeout * 2 + self.heartbeat_interval / 2
    }

    /// A leader reads its clock for a round.
    pub(crate) fn round_started(
        &mut self,
        time: Time,
        index: usize,
        term: Term,
        round: Round,
        local: LocalTime,
    ) {
        let seen = &mut self.seen[index];
        let leading = seen.leading;
        let before = (seen.round_term, seen.round);
        (seen.round_term, seen.round) = (term, round);
        if before >= (term, round) {
            self.violate(time, index, Invariant::OneLease, || {
                format!("round {round} of term {term} begins after {before:?}")
            });
        }
        if leading != Some(term) {
            self.violate(time, index, Invariant::LeadershipOrder, || {
                format!("round {round} of term {term} begins while it leads in {leading:?}")
            });
        }
        let window = self.quorum_window();
        let rounds = &mut self.rounds[index];
        if before.0 != term {
            rounds.clear();
        }
        while rounds
            .front()
            .is_some_and(|(_, begun)| local.since(*begun) > window)
        {
            rounds.pop_front();
        }
        rounds.push_back((round, local));
    }

    /// An answer to an old round says nothing about the present: only a round that began since check-quorum was
    /// last armed may keep a leader in office.
    pub(super) fn quorum_renewed(&mut self, time: Time, index: usize, step: &Step<'_>) {
        if step.state.role().kind() != RoleKind::Leader || !step.sets_election_timer() {
            return;
        }
        let seen = &mut self.seen[index];
        for action in step.actions {
            match *action {
                Action::LeadershipGained { .. } => seen.armed_at = Round(0),
                Action::LeadershipConfirmed { round, .. } => {
                    let armed_at = core::mem::replace(&mut seen.armed_at, step.state.round());
                    if round <= armed_at {
                        self.violate(time, index, Invariant::CheckQuorum, || {
                            format!("round {round} keeps it in office, as a later one than {armed_at} might")
                        });
                        return;
                    }
                }
                _ => {}
            }
        }
    }

    /// A node's election timer is set; a leader's is check-quorum.
    pub(crate) fn election_timer_set(&mut self, index: usize, local: LocalTime) {
        self.seen[index].quorum_since = local;
    }

    /// A node has done all that it could do at this moment.
    pub(crate) fn turn_ended(&mut self, time: Time, index: usize, local: LocalTime) {
        let seen = self.seen[index];
        if self.protocol == Protocol::Standard && seen.kind == RoleKind::Leader {
            let silence = local.since(seen.quorum_since);
            if silence > self.quorum_window() {
                self.violate(time, index, Invariant::CheckQuorum, || {
                    format!("it leads after a silence of {silence:?}")
                });
            }
        }
    }
}
