//! The threads of a supervisor: two that tell it what happens, one that extends the lease.

use std::io;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use raft_driver_mio::Handle;
use signal_hook::iterator::Signals;

use super::link::Link;
use super::orders::{Notice, Order};
use crate::aside::Aside;

/// How long there is nothing to do, if nothing is due.
pub(super) const LONG: Duration = Duration::from_secs(3600);

/// What happens to a supervisor.
pub(super) enum Event {
    /// The node's state changed.
    Changed,
    Signal(i32),
    /// The node has answered that it was to hand over.
    HandedOver,
    /// What the keeper of that number said; `None` when it is gone.
    Keeper(u64, Option<Notice>),
}

/// The link to the current keeper, for the thread that extends the lease.
pub(super) type SharedLink = Arc<Mutex<Option<Link>>>;

/// Tells of each change of the node's state.
pub(super) fn watch(handle: &Handle, events: &Sender<Event>) {
    let (mut states, events) = (handle.subscribe(), events.clone());
    thread::spawn(move || {
        while states.wait_changed(Duration::MAX).is_some() && events.send(Event::Changed).is_ok() {}
    });
}

/// Tells of each signal.
pub(super) fn listen(mut signals: Signals, events: &Sender<Event>) {
    let events = events.clone();
    thread::spawn(move || {
        for signal in &mut signals {
            let _ = events.send(Event::Signal(signal));
        }
    });
}

/// What has the node hand over as one whose program has ended, to whom it was asked for or who answered last, and tells of its answer.
/// Refused, there is nothing to hand over, or nobody to hand it to.
pub(super) fn hand_over(handle: &Handle, events: &Sender<Event>) -> io::Result<Aside> {
    let (handle, events) = (handle.clone(), events.clone());
    Aside::start("raft-hand-over", move || {
        let _ = handle.hand_over(None);
        let _ = events.send(Event::HandedOver);
    })
}

/// Passes each extension of the lease on to the keeper, on a thread that waits for nothing else.
pub(super) fn extend(handle: &Handle, link: &SharedLink) {
    let (handle, link) = (handle.clone(), Arc::clone(link));
    thread::spawn(move || {
        let mut seen = None;
        while !handle.view().stopped {
            let lease = handle.wait_lease(seen, LONG);
            if let (Some((term, until)), Some(link)) = (lease, &*lock(&link)) {
                link.give(&Order::Until {
                    term: term.0,
                    until: nanoseconds(until.since_start()),
                });
            }
            seen = lease;
        }
    });
}

pub(super) fn lock(link: &Mutex<Option<Link>>) -> MutexGuard<'_, Option<Link>> {
    link.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
