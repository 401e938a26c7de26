//! A node's control socket, asked by a thread of its own: a node that is stopped does not answer.

use std::path::PathBuf;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use raft_driver_mio::Status;
use raft_driver_mio::control::Request;
use raft_driver_mio::control::client::{AskError, ask, status};

use super::now;

/// What came of a request.
#[derive(Debug)]
pub(crate) struct Answer {
    /// When the question was put, by the boot clock.
    pub(crate) asked: Duration,
    pub(crate) reply: Reply,
}

/// What a node answered.
#[derive(Debug)]
pub(crate) enum Reply {
    Status(Result<Box<Status>, AskError>),
    Isolated(bool, Result<(), AskError>),
}

/// A question to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    Status,
    /// Whether to drop every datagram, in and out.
    Isolate(bool),
}

/// Puts the questions that are sent on the channel it returns, one after the other, to the node with that state
/// directory, until the channel is closed.
pub(crate) fn serve(
    state_dir: PathBuf,
    answered: impl Fn(Answer) + Send + 'static,
) -> (Sender<Question>, JoinHandle<()>) {
    let (sender, questions) = channel();
    let thread = std::thread::spawn(move || {
        for question in questions {
            let asked = now();
            let reply = match question {
                Question::Status => Reply::Status(status(&state_dir).map(Box::new)),
                Question::Isolate(on) => {
                    Reply::Isolated(on, ask(&state_dir, &Request::Isolate { on }).map(|_| ()))
                }
            };
            answered(Answer { asked, reply });
        }
    });
    (sender, thread)
}
