//! The node, as it is asked for HTTP: seldom, and never waited for for long.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use raft_driver_mio::{Handle, Status};

/// How old a status may be. Whoever asks more often does not ask the node more often.
const MAX_AGE: Duration = Duration::from_millis(50);
/// How long the node is waited for, once: when it hangs, others who ask must not.
const PATIENCE: Duration = Duration::from_millis(250);

pub(super) struct Source {
    /// For what needs no waiting: the lease and the view.
    pub(super) node: Handle,
    pub(super) cluster: String,
    latest: Option<(Instant, Status)>,
    /// What was asked and not answered yet.
    pending: Option<Receiver<Status>>,
}

impl Source {
    pub(super) fn new(node: Handle, cluster: String) -> Source {
        Source {
            node,
            cluster,
            latest: None,
            pending: None,
        }
    }

    /// The node's status, at most a moment old. `None` if the node's loop does not answer, or has ended.
    pub(super) fn status(&mut self) -> Option<&Status> {
        let fresh = |(at, _): &(Instant, Status)| at.elapsed() < MAX_AGE;
        if !self.latest.as_ref().is_some_and(fresh) {
            self.latest = None;
            let (answer, patience) = match self.pending.take() {
                Some(answer) => (answer, Duration::ZERO),
                None => (self.node.request_status().ok()?, PATIENCE),
            };
            match answer.recv_timeout(patience) {
                Ok(status) => self.latest = Some((Instant::now(), status)),
                Err(RecvTimeoutError::Timeout) => self.pending = Some(answer),
                Err(RecvTimeoutError::Disconnected) => {}
            }
        }
        self.latest.as_ref().map(|(_, status)| status)
    }
}
