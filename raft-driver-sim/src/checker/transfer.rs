//! What is asked of leadership transfers (thesis section 3.10): who may be asked to take over, and who may say so.

use core::time::Duration;

use raft_core::{Action, Event, NodeId, Report, Term, TimeoutNow};

use super::{Checker, Invariant, Step};
use crate::time::Time;

/// The one transfer of a term.
#[derive(Clone, Copy, Debug)]
pub(super) struct Transfer {
    to: NodeId,
    stopped: bool,
    /// How long what was running may need to stop; zero if it has stopped.
    pub(super) time_to_stop: Duration,
    /// Whether the target was ever asked.
    asked: bool,
}

impl Transfer {
    pub(super) fn has_stopped(&self) -> bool {
        self.stopped
    }
}

impl Checker {
    pub(super) fn transfer_begun(&mut self, time: Time, index: usize, step: &Step<'_>) {
        let Event::TransferLeadership { stopped, .. } = *step.event else {
            return;
        };
        let to = step.actions.iter().find_map(|action| match action {
            Action::Report(Report::TransferStarted { to }) => Some(*to),
            _ => None,
        });
        let Some(to) = to else {
            return;
        };
        let term = step.state.current_term();
        let time_to_stop = match step.config.lease() {
            Some(lease) if !stopped => self.election_timeout.saturating_sub(lease),
            Some(_) | None => Duration::ZERO,
        };
        let transfer = Transfer {
            to,
            stopped,
            time_to_stop,
            asked: false,
        };
        if self.transfers.insert(term, transfer).is_some() {
            self.violate(time, index, Invariant::LeadershipOrder, || {
                format!("a second transfer begins in term {term}")
            });
        }
    }

    /// Takes note of a transfer whose beginning was not seen.
    pub(super) fn transfer_under_way(&mut self, term: Term, to: NodeId, stopped: bool) {
        let transfer = Transfer {
            to,
            stopped,
            time_to_stop: Duration::ZERO,
            asked: false,
        };
        self.transfers.insert(term, transfer);
    }

    /// Whether the leader of `term` may be deposed by a successor in `next` that it asked for.
    pub(super) fn hands_over(&self, term: Term, next: Term) -> bool {
        term.next() == Some(next) && self.transfers.contains_key(&term)
    }

    /// The transfer by which `index` may take over in `term`, if there is one.
    pub(super) fn transfer_to(&self, index: usize, term: Term) -> Option<&Transfer> {
        let before = Term(term.0.checked_sub(1)?);
        let transfer = self.transfers.get(&before)?;
        (transfer.asked && transfer.to == NodeId(index as u64)).then_some(transfer)
    }

    pub(super) fn asked_to_take_over(
        &mut self,
        time: Time,
        index: usize,
        to: NodeId,
        request: &TimeoutNow,
    ) {
        let term = request.term;
        let leads = self.leaders.get(&term) == Some(&index);
        match self.transfers.get_mut(&term) {
            Some(transfer) if leads && transfer.to == to && transfer.stopped == request.stopped => {
                transfer.asked = true;
            }
            transfer => {
                let transfer = transfer.copied();
                self.violate(time, index, Invariant::Stickiness, || {
                    format!("it sends {request:?} to node {to} in a transfer that is {transfer:?}")
                });
            }
        }
    }

    /// A request for a vote that passes leader stickiness is sent: only in the candidacy that the leader of the term before asked for.
    pub(super) fn passes_stickiness(&mut self, time: Time, index: usize, term: Term) {
        if self.transfer_to(index, term).is_none() {
            self.violate(time, index, Invariant::Stickiness, || {
                format!(
                    "it asks for votes of term {term} in the name of a leader that did not ask it to"
                )
            });
        }
    }
}
