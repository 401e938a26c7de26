//! What is asked of leases, on the clocks of those who hold them.

use raft_core::Term;

use super::{Checker, Invariant};
use crate::time::{LocalTime, Time};

impl Checker {
    /// A majority confirmed a leader; its lease now ends at `ends` on its own clock.
    ///
    /// A lease becomes valid here and nowhere else, and clocks never go back, so it suffices to look at
    /// the other leases at this moment.
    pub(crate) fn confirmed(
        &mut self,
        time: Time,
        index: usize,
        term: Term,
        ends: Option<LocalTime>,
        clocks: impl Fn(usize) -> LocalTime,
    ) {
        let local = clocks(index);
        self.seen[index].lease = ends.map(|ends| (term, ends));
        if ends.is_some_and(|ends| local < ends) {
            for other in (0..self.seen.len()).filter(|other| *other != index) {
                self.no_valid_lease(time, index, term, other, None, &clocks);
            }
        }
    }

    /// A node gained leadership: no lease of an earlier term may be valid any more.
    pub(super) fn no_lease_below(
        &mut self,
        time: Time,
        index: usize,
        term: Term,
        clocks: impl Fn(usize) -> LocalTime,
    ) {
        for other in (0..self.seen.len()).filter(|other| *other != index) {
            self.no_valid_lease(time, index, term, other, Some(term), &clocks);
        }
    }

    fn no_valid_lease(
        &mut self,
        time: Time,
        index: usize,
        term: Term,
        other: usize,
        below: Option<Term>,
        clocks: &impl Fn(usize) -> LocalTime,
    ) {
        let Some((other_term, ends)) = self.seen[other].lease else {
            return;
        };
        let counts = self.leases_count && below.is_none_or(|below| other_term < below);
        let local = clocks(other);
        if counts && local < ends {
            self.violate(time, index, Invariant::OneLease, || {
                format!(
                    "it leads in term {term} while node {other} holds a lease of term {other_term} \
                     for another {:?} of its clock",
                    ends - local
                )
            });
        }
    }
}
