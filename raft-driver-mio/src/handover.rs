//! How a node gives its leadership to another: when it is asked to, when its host has stopped its work, and at its end.

use raft_core::{Event, NodeId, RoleKind, Term, TransferRefusal};
use tracing::info;

use crate::clock::Instant;
use crate::error::{NodeError, TransferError};
use crate::handle::Hold;
use crate::node::Node;
use crate::shared::{HandOver, Leadership};

/// A transfer that was asked for, while the host stops its work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    to: Option<NodeId>,
    /// When the host is waited for no longer.
    latest: Instant,
}

/// Why the node does not campaign, if it does not.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Held {
    pub(crate) paused: bool,
    pub(crate) unfit: bool,
}

/// An end that was asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    Now,
    /// When the leadership of `term` has passed on, at the latest at `latest`.
    HandingOver {
        term: Term,
        latest: Instant,
    },
}

impl Node {
    /// Hands the leadership over at the request of somebody else: at once, or, if the host has something to stop, when it
    /// has done so.
    pub(crate) fn ask_for_transfer(
        &mut self,
        to: Option<NodeId>,
    ) -> Result<Result<NodeId, TransferError>, NodeError> {
        let target = match self.target(to) {
            Ok(target) => target,
            Err(error) => return Ok(Err(error)),
        };
        let Some(stop_timeout) = self.stop_timeout else {
            return self.begin_transfer(to, false);
        };
        let term = self.raft.state().current_term();
        let latest = Instant::now() + stop_timeout;
        self.asked = Some(Asked { to, latest });
        info!(
            event = "hand_over_asked",
            node = self.id.0,
            term = term.0,
            to = target.0
        );
        self.shared
            .update(|view| view.hand_over = Some(HandOver { term, to }));
        Ok(Ok(target))
    }

    /// Whom a transfer to `to` would ask to take over. One that is named must be likely to: if it does not, the work has
    /// stopped for nothing.
    fn target(&self, to: Option<NodeId>) -> Result<NodeId, TransferError> {
        let target = self.raft.transfer_target(to);
        let target = target.map_err(TransferError::Refused)?;
        if self.asked.is_some() {
            return Err(TransferError::Refused(TransferRefusal::AlreadyStarted));
        }
        let Some(peer) = to.and_then(|to| self.peers.get(to)) else {
            return Ok(target);
        };
        let (now, longest) = (Instant::now(), self.config.election_timeout());
        let heard = |at| now.saturating_duration_since(at) <= longest;
        if !peer.last_received.is_some_and(heard) {
            return Err(TransferError::Silent(target));
        }
        if !peer.can_campaign {
            return Err(TransferError::WouldNotCampaign(target));
        }
        Ok(target)
    }

    /// Hands the leadership over now that the host has stopped its work.
    pub(crate) fn hand_over(
        &mut self,
        to: Option<NodeId>,
    ) -> Result<Result<NodeId, TransferError>, NodeError> {
        let to = to.or(self.asked.and_then(|asked| asked.to));
        let begun = self.begin_transfer(to, true)?;
        if begun.is_err() {
            // Whoever could have taken over when it was asked for cannot any more, and the host goes on.
            self.forget_asked();
        }
        Ok(begun)
    }

    fn forget_asked(&mut self) {
        self.asked = None;
        self.shared.update(|view| view.hand_over = None);
    }

    /// When something about a hand-over is due at the latest.
    pub(crate) fn hand_over_due(&self) -> Option<Instant> {
        let asked = self.asked.map(|asked| asked.latest);
        match self.end {
            Some(End::HandingOver { latest, .. }) => {
                Some(asked.map_or(latest, |at| at.min(latest)))
            }
            Some(End::Now) | None => asked,
        }
    }

    /// Waits no longer for a host that has not stopped its work in time.
    pub(crate) fn hand_over_at_the_latest(&mut self) -> Result<(), NodeError> {
        if let Some(Asked { to, latest }) = self.asked
            && latest <= Instant::now()
        {
            self.forget_asked();
            // Refused, it is forgotten: it was asked of a leader that could.
            let _ = self.begin_transfer(to, false)?;
        }
        Ok(())
    }

    /// Has the node vote without campaigning, or no longer.
    pub(crate) fn hold(&mut self, hold: Hold, on: bool) -> Result<(), NodeError> {
        match hold {
            Hold::Paused => self.held.paused = on,
            Hold::Unfit => self.held.unfit = on,
        }
        let Held { paused, unfit } = self.held;
        info!(event = "held", node = self.id.0, paused, unfit);
        self.step(if paused || unfit {
            Event::Pause
        } else {
            Event::Resume
        })
    }

    fn begin_transfer(
        &mut self,
        to: Option<NodeId>,
        stopped: bool,
    ) -> Result<Result<NodeId, TransferError>, NodeError> {
        self.transfer = None;
        // While this leader itself waits for what ran before it, that has not surely stopped: its successor has to wait as well.
        let waits = |leadership: Leadership| leadership.may_start > Instant::now();
        let stopped = stopped && !self.shared.view().leadership.is_some_and(waits);
        self.step(Event::TransferLeadership { to, stopped })?;
        // The core reports what became of it in the same step.
        Ok(self.transfer.take().unwrap_or(Err(TransferError::Stopped)))
    }

    pub(crate) fn begin_shutdown(&mut self) -> Result<(), NodeError> {
        if self.end.is_some() {
            return Ok(());
        }
        info!(event = "stopping", node = self.id.0);
        let term = self.raft.state().current_term();
        let begun = self.begin_transfer(None, true)?;
        let state = self.raft.state();
        let leads = state.role().kind() == RoleKind::Leader;
        // A leader that could ask somebody waits for the successor; so does one that had asked before.
        let waits = leads
            && (begun.is_ok()
                || begun == Err(TransferError::Refused(TransferRefusal::AlreadyStarted)));
        self.end = Some(if waits {
            let latest = Instant::now() + self.config.election_timeout();
            End::HandingOver { term, latest }
        } else {
            End::Now
        });
        Ok(())
    }

    pub(crate) fn ended(&self) -> bool {
        match self.end {
            None => false,
            Some(End::Now) => true,
            Some(End::HandingOver { term, latest }) => {
                let state = self.raft.state();
                let succeeded = state.current_term() > term && state.leader().is_some();
                succeeded || Instant::now() >= latest
            }
        }
    }
}
