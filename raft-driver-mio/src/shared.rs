//! What the node's thread shows to all others: its lease, its latest state, and how it ended. No lock
//! here is ever held across a system call that can block, so that a disk's sync cannot keep a lease alive.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant as StdInstant};

use raft_core::{Action, Lease, LogPosition, LostReason, NodeId, RoleKind, Term};

use crate::clock::Instant;
use crate::error::{NodeError, Stopped};

/// The latest state of a node, as far as it is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct View {
    /// Grows by at least one with every change.
    pub seq: u64,
    /// The node's role. Act on [`Handle::active`](crate::Handle::active), never on this.
    pub role: RoleKind,
    /// The node's term.
    pub term: Term,
    /// The leader of that term, if it is known and not presumed lost. It may be lost all the same.
    pub leader: Option<NodeId>,
    /// This node's leadership. Every leadership that begins ends: one whose term is not that of the
    /// view before has ended that one, too.
    pub leadership: Option<Leadership>,
    /// That somebody asked this node to hand its leadership over, while it waits for the host to stop its work
    /// ([`Settings::stop_timeout`](crate::Settings::stop_timeout)).
    pub hand_over: Option<HandOver>,
    /// The term and the reason of the end of this node's latest leadership.
    pub lost: Option<(Term, LostReason)>,
    /// Whether the node has stopped. Nothing changes any more.
    pub stopped: bool,
}

/// An election that this node won.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Leadership {
    /// The term: a fencing token, greater than that of any leader before.
    pub term: Term,
    /// Whether the leader before handed over and had surely stopped what it was running.
    pub predecessor_stopped: bool,
    /// Whether a majority has followed this leader since it was elected, which began its lease. The lease
    /// may be over by now: [`Handle::lease`](crate::Handle::lease) tells.
    pub confirmed: bool,
    /// Before this, what an earlier leader ran may still go on ([`Settings::kill_delay`](crate::Settings::kill_delay)): start
    /// nothing of the kind earlier. Usually it is the moment of the election.
    pub may_start: Instant,
}

/// A hand-over that was asked for: stop what runs under the leadership, then call
/// [`Handle::hand_over`](crate::Handle::hand_over).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HandOver {
    /// The term of the leadership that is to be handed over.
    pub term: Term,
    /// To whom; `None` is the voter that answered last.
    pub to: Option<NodeId>,
}

#[derive(Debug)]
struct Watched {
    view: View,
    /// What the node was told of its log and has not seen yet.
    log_tail: Option<LogPosition>,
    ended: Option<Result<(), Arc<NodeError>>>,
}

/// The node's thread writes, everybody reads.
#[derive(Debug)]
pub(crate) struct Shared {
    lease: Mutex<Lease<Instant>>,
    /// The lease was extended, or is void.
    lease_changed: Condvar,
    watched: Mutex<Watched>,
    changed: Condvar,
}

/// A lock whose holder panicked guards plain data all the same.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn new(lease: Option<Duration>) -> Shared {
        let view = View {
            seq: 0,
            role: RoleKind::Follower,
            term: Term::default(),
            leader: None,
            leadership: None,
            hand_over: None,
            lost: None,
            stopped: false,
        };
        Shared {
            lease: Mutex::new(Lease::new(lease)),
            lease_changed: Condvar::new(),
            watched: Mutex::new(Watched {
                view,
                log_tail: None,
                ended: None,
            }),
            changed: Condvar::new(),
        }
    }

    /// Lets the lease follow an action, at the moment at which it is carried out.
    pub(crate) fn carry_out(&self, action: &Action) {
        lock(&self.lease).carry_out(action, Instant::now);
        if matches!(
            action,
            Action::LeadershipConfirmed { .. } | Action::LeadershipLost { .. }
        ) {
            self.lease_changed.notify_all();
        }
    }

    /// The term in which the node leads with a lease now, and how long the lease lasts unless it is
    /// extended.
    pub(crate) fn lease(&self) -> Option<(Term, Duration)> {
        let lease = lock(&self.lease);
        // Read after the lock was taken: the wait for it must not be lent to the lease.
        let now = Instant::now();
        let term = lease.valid_at(now)?;
        Some((term, lease.ends()?.saturating_duration_since(now)))
    }

    /// As [`lease`](Shared::lease), but nothing before what an earlier leader ran is surely over.
    pub(crate) fn active(&self) -> Option<(Term, Duration)> {
        // First, so that the wait for this lock is not lent to the lease.
        let leadership = lock(&self.watched).view.leadership?;
        let lease = self.lease()?;
        // A lease of another leadership is not the one that this tells of.
        let may_start = lease.0 == leadership.term && leadership.may_start <= Instant::now();
        may_start.then_some(lease)
    }

    /// Waits until the lease, by its term and end, is another than `seen`, at most for `timeout`. Whether it is over by
    /// now is not looked at.
    pub(crate) fn wait_lease(
        &self,
        seen: Option<(Term, Instant)>,
        timeout: Duration,
    ) -> Option<(Term, Instant)> {
        let same = |lease: &mut Lease<Instant>| lease.term_and_end() == seen;
        let lease = lock(&self.lease);
        let woken = self.lease_changed.wait_timeout_while(lease, timeout, same);
        woken
            .unwrap_or_else(PoisonError::into_inner)
            .0
            .term_and_end()
    }

    /// Changes the view and wakes those who wait for it, if `change` changes anything.
    pub(crate) fn update(&self, change: impl FnOnce(&mut View)) {
        let mut watched = lock(&self.watched);
        let before = watched.view.clone();
        change(&mut watched.view);
        if watched.view != before {
            watched.view.seq = before.seq + 1;
            self.changed.notify_all();
        }
    }

    /// Leaves the latest log tail for the node, in place of one that it has not seen. True if there was
    /// none: then somebody must wake the node.
    pub(crate) fn set_log_tail(&self, last_log: LogPosition) -> Result<bool, Stopped> {
        let mut watched = lock(&self.watched);
        if watched.view.stopped {
            return Err(Stopped);
        }
        Ok(watched.log_tail.replace(last_log).is_none())
    }

    pub(crate) fn take_log_tail(&self) -> Option<LogPosition> {
        lock(&self.watched).log_tail.take()
    }

    /// The end: the lease is void, nobody waits any more.
    pub(crate) fn end(&self, result: Result<(), NodeError>) {
        *lock(&self.lease) = Lease::new(None);
        self.lease_changed.notify_all();
        let mut watched = lock(&self.watched);
        watched.view.seq += 1;
        watched.view.leadership = None;
        watched.view.hand_over = None;
        watched.view.stopped = true;
        watched.ended.get_or_insert(result.map_err(Arc::new));
        self.changed.notify_all();
    }

    pub(crate) fn view(&self) -> View {
        lock(&self.watched).view.clone()
    }

    /// Waits for a view newer than `seen`, or for the end of the node, at most for `timeout`.
    pub(crate) fn wait_changed(&self, seen: u64, timeout: Duration) -> Option<View> {
        // A timeout that no clock can hold is none.
        let deadline = StdInstant::now().checked_add(timeout);
        let mut watched = lock(&self.watched);
        while watched.view.seq <= seen {
            watched = match deadline {
                None => self
                    .changed
                    .wait(watched)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.checked_duration_since(StdInstant::now())?;
                    let woken = self.changed.wait_timeout(watched, left);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        Some(watched.view.clone())
    }

    /// Waits for the end of the node.
    pub(crate) fn join(&self) -> Result<(), Arc<NodeError>> {
        let mut watched = lock(&self.watched);
        loop {
            if let Some(result) = &watched.ended {
                return result.clone();
            }
            watched = self
                .changed
                .wait(watched)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}
