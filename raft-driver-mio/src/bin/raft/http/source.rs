//! The node, as it is asked for HTTP: seldom, and never waited for for long.

use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
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
            if let Some(late) = self.pending.take()
                && let Err(TryRecvError::Empty) = late.try_recv()
            {
                self.pending = Some(late);
                return None;
            }
            // What came late was true when the node answered, and nobody knows when that was: it is asked anew.
            let answer = self.node.request_status().ok()?;
            match answer.recv_timeout(PATIENCE) {
                Ok(status) => self.latest = Some((Instant::now(), status)),
                Err(RecvTimeoutError::Timeout) => self.pending = Some(answer),
                Err(RecvTimeoutError::Disconnected) => {}
            }
        }
        self.latest.as_ref().map(|(_, status)| status)
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::mpsc::sync_channel;

    use raft_core::NodeId;
    use raft_driver_mio::{Settings, start};

    use super::*;

    #[test]
    fn an_answer_that_came_late_is_not_shown_as_new() {
        let dir = tempfile::tempdir().expect("a directory");
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut settings = Settings::new("source", NodeId(1), listen, dir.path().join("1"));
        settings.first_start = true;
        settings.alone = true;
        let node = start(settings).expect("a node");
        let mut late = node.status().expect("it runs");
        late.uptime_seconds = 1e9;
        let mut source = Source::new(node, "source".to_owned());
        let (sender, answer) = sync_channel(1);
        source.pending = Some(answer);
        assert!(source.status().is_none(), "it hangs");
        sender.send(late).expect("room");
        let mut shown = None;
        // A machine that is busy may not answer in time.
        while shown.is_none() {
            shown = source.status().map(|status| status.uptime_seconds);
        }
        assert!(shown < Some(1e9));
    }
}
