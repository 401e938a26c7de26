//! Host names are resolved on a thread of their own: the system's resolver blocks for as long as it likes.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use mio::Waker;
use raft_core::NodeId;

/// A name that was resolved, or was not.
pub(crate) struct Resolved {
    pub(crate) id: NodeId,
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) result: io::Result<Vec<SocketAddr>>,
}

/// The thread ends when this is dropped and the resolution under way has ended.
#[derive(Debug)]
pub(crate) struct Resolver {
    questions: Sender<(NodeId, String, u16)>,
    answers: Receiver<Resolved>,
}

impl Resolver {
    pub(crate) fn start(waker: Arc<Waker>) -> io::Result<Resolver> {
        let (questions, asked) = channel::<(NodeId, String, u16)>();
        let (answer, answers) = channel();
        thread::Builder::new()
            .name("raft-resolve".to_owned())
            .spawn(move || {
                for (id, host, port) in asked {
                    let result = (host.as_str(), port)
                        .to_socket_addrs()
                        .map(Iterator::collect);
                    let resolved = Resolved {
                        id,
                        host,
                        port,
                        result,
                    };
                    // Without a listener the node is gone.
                    if answer.send(resolved).is_err() || waker.wake().is_err() {
                        break;
                    }
                }
            })?;
        Ok(Resolver { questions, answers })
    }

    pub(crate) fn ask(&self, id: NodeId, host: String, port: u16) {
        // The thread ends only with this.
        let _ = self.questions.send((id, host, port));
    }

    pub(crate) fn answer(&self) -> Option<Resolved> {
        self.answers.try_recv().ok()
    }
}
