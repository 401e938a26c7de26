//! A step checked by itself, for a search that keeps its own history and has no clock.

use raft_core::{Role, Round, State};

use super::{Checker, Invariant, Seen, Step};
use crate::settings::Settings;
use crate::time::Time;

/// Checks a step from `before`, where all that is asked of clocks and of other nodes is taken to be as the state says.
pub(crate) fn check_alone(
    settings: &Settings,
    index: usize,
    before: &State,
    step: &Step<'_>,
) -> Result<(), (Invariant, String)> {
    let mut checker = Checker::new(settings, 0);
    let mut seen = Seen {
        term: before.current_term(),
        voted_for: before.voted_for(),
        kind: before.role().kind(),
        in_part_one: before.in_part_one(),
        paused: before.paused(),
        heard: before.round(),
        ..Seen::default()
    };
    if let Role::Leader(leader) = before.role() {
        seen.armed_at = leader.armed_at;
        if let Some(transfer) = leader.transfer {
            checker.transfer_under_way(before.current_term(), transfer.to, transfer.stopped);
        }
    }
    checker.seen[index] = seen;
    // Without a clock every round may have begun just now.
    let begun = 1..=before.round().0;
    checker.rounds[index] = begun.map(|round| (Round(round), step.local)).collect();
    checker.stepped(Time::default(), index, step);
    match checker.violation {
        Some(violation) => Err((violation.invariant, violation.explanation)),
        None => Ok(()),
    }
}
