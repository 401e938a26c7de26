//! What is asked of leases, on the clocks of those who hold them.

use core::time::Duration;

use raft_core::{Round, Term};

use super::{Checker, Invariant};
use crate::time::{LocalTime, Time};

/// What is left of a follower's T on the clock of its leader when each drifts by up to 1 %, the leader's late and the
/// follower's early.
fn promised(election_timeout: Duration) -> Duration {
    election_timeout * 99 / 101
}

impl Checker {
    /// A majority confirmed a leader at a round; by its driver, its lease now ends at `ends` on its own clock.
    ///
    /// The majority keeps others from leading for T after the round began. A lease is the part of that time in
    /// which this leader may act, the rest is for what it was running to stop; here all of it counts.
    ///
    /// It begins to count here and nowhere else, and clocks never go back, so it suffices to look at
    /// the others at this moment.
    pub(crate) fn confirmed(
        &mut self,
        time: Time,
        index: usize,
        (term, round): (Term, Round),
        ends: Option<LocalTime>,
        clocks: impl Fn(usize) -> LocalTime,
    ) {
        let seen = &mut self.seen[index];
        let leading = seen.leading;
        // What is not among the rounds began before the window of check-quorum.
        let begun = self.rounds[index]
            .iter()
            .rev()
            .find(|(begun, _)| *begun == round);
        let undisturbed = begun.map(|(_, at)| *at + promised(self.election_timeout));
        if let Some(until) = undisturbed {
            seen.undisturbed = Some((term, until));
        }
        if leading != Some(term) {
            self.violate(time, index, Invariant::LeadershipOrder, || {
                format!("round {round} of term {term} is confirmed while it leads in {leading:?}")
            });
        }
        let local = clocks(index);
        if ends.is_some_and(|ends| local < ends && undisturbed.is_none_or(|until| until < ends)) {
            self.violate(time, index, Invariant::OneLease, || {
                format!("its lease outlives what was promised to round {round}")
            });
        }
        if undisturbed.is_some_and(|until| local < until) {
            for other in (0..self.seen.len()).filter(|other| *other != index) {
                self.not_disturbed(time, index, term, other, None, &clocks);
            }
        }
    }

    /// A node gained leadership: whoever led before must have had the time to stop.
    pub(super) fn none_disturbed(
        &mut self,
        time: Time,
        index: usize,
        term: Term,
        clocks: impl Fn(usize) -> LocalTime,
    ) {
        for other in (0..self.seen.len()).filter(|other| *other != index) {
            self.not_disturbed(time, index, term, other, Some(term), &clocks);
        }
    }

    fn not_disturbed(
        &mut self,
        time: Time,
        index: usize,
        term: Term,
        other: usize,
        below: Option<Term>,
        clocks: &impl Fn(usize) -> LocalTime,
    ) {
        let Some((other_term, until)) = self.seen[other].undisturbed else {
            return;
        };
        let counts = self.leases_count && below.is_none_or(|below| other_term < below);
        let local = clocks(other);
        if counts && local < until {
            self.violate(time, index, Invariant::OneLease, || {
                format!(
                    "it leads in term {term} while node {other} is undisturbed in term {other_term} \
                     for another {:?} of its clock",
                    until - local
                )
            });
        }
    }
}
