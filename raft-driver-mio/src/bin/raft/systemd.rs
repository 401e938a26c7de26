//! What the service manager is told, if it listens: that the member takes part, what it is, and that its loop turns.
//!
//! Without NOTIFY_SOCKET in the environment all of it does nothing. What cannot be told is let go: a service manager that is
//! gone must not stop a node.

use std::io;
use std::sync::mpsc::RecvTimeoutError;
use std::thread;
use std::time::Duration;

use raft_core::RoleKind;
use raft_driver_mio::{Handle, View};
use sd_notify::{NotifyState, notify};

use crate::target;

/// How many times in the time that the watchdog allows the loop is asked.
const ASKED: u32 = 4;

/// Tells that the state is loaded and the socket bound, and from now on what changes. It does not wait for a leader: units
/// that wait for each other on three hosts would wait for ever.
pub(crate) fn follow(node: &Handle) -> io::Result<()> {
    if std::env::var_os("NOTIFY_SOCKET").is_none() {
        return Ok(());
    }
    let _ = notify(&[NotifyState::Ready]);
    let mut states = node.subscribe();
    thread::Builder::new()
        .name("raft-status".to_owned())
        .spawn(move || {
            while let Some(view) = states.wait_changed(Duration::MAX) {
                let _ = notify(&[NotifyState::Status(&describe(&view))]);
            }
        })?;
    if let Some(allowed) = sd_notify::watchdog_enabled() {
        let (node, patience) = (node.clone(), allowed / ASKED);
        thread::Builder::new()
            .name("raft-watchdog".to_owned())
            .spawn(move || feed(&node, patience))?;
    }
    Ok(())
}

/// Feeds the watchdog whenever the node's own loop has answered, until it has ended. A loop that hangs answers nothing.
fn feed(node: &Handle, patience: Duration) {
    while let Ok(answer) = node.request_status() {
        loop {
            match answer.recv_timeout(patience) {
                Ok(_) => break,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
        let _ = notify(&[NotifyState::Watchdog]);
        thread::sleep(patience);
    }
}

/// Tells that the configuration is read again while `reload` runs.
pub(crate) fn reloading(reload: impl FnOnce()) {
    if let Ok(now) = NotifyState::monotonic_usec_now() {
        let _ = notify(&[NotifyState::Reloading, now]);
    }
    reload();
    let _ = notify(&[NotifyState::Ready]);
}

/// Tells that the member ends.
pub(crate) fn stopping() {
    let _ = notify(&[NotifyState::Stopping]);
}

/// A state for people, in one line of systemctl status.
fn describe(view: &View) -> String {
    let confirmed = |view: &View| view.leadership.is_some_and(|it| it.confirmed);
    let mut text = format!("{} term {}", target::role(view.role), view.term);
    match view.leader {
        Some(_) if view.role == RoleKind::Leader => {
            text += if confirmed(view) {
                ""
            } else {
                ", no lease yet"
            };
        }
        Some(leader) => text += &format!(", leader {leader}"),
        None => text += ", no leader known",
    }
    if view.hand_over.is_some() {
        text += ", handing over";
    }
    text
}
