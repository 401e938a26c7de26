//! How the rest of a program talks to its node.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, sync_channel};
use std::time::Duration;

use mio::Waker;
use raft_core::{Config, LogPosition, NodeId, Term};

use crate::clock::Instant;
use crate::error::{NodeError, ReplaceError, Stopped, TransferError};
use crate::key::Keyring;
use crate::settings::PeerAddress;
use crate::shared::{Shared, View};
use crate::status::Status;

/// What a handle, or a client of the control socket, asks of the node's thread.
#[derive(Debug)]
pub(crate) enum Command {
    Status(SyncSender<Status>),
    Transfer {
        to: Option<NodeId>,
        reply: SyncSender<Result<NodeId, TransferError>>,
    },
    HandOver {
        to: Option<NodeId>,
        reply: SyncSender<Result<NodeId, TransferError>>,
    },
    Hold(Hold, bool),
    Isolate(bool),
    ReplaceKeys {
        keys: Keyring,
        reply: SyncSender<()>,
    },
    ReplaceAddresses {
        peers: Vec<(NodeId, PeerAddress)>,
        reply: SyncSender<Result<(), ReplaceError>>,
    },
    Shutdown,
    Abort,
}

/// Who has a node vote without campaigning: neither undoes the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    /// An operator: [`Handle::pause`].
    Paused,
    /// The host: [`Handle::set_fit`].
    Unfit,
}

/// A node's handle. Clones are handles of the same node; all methods can be called from any thread. When
/// the last handle is dropped the node stops as with [`abort`](Handle::abort).
#[derive(Clone, Debug)]
#[must_use = "the node stops when its last handle is dropped"]
pub struct Handle {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    config: Config,
    local_address: SocketAddr,
    shared: Arc<Shared>,
    commands: Sender<Command>,
    waker: Arc<Waker>,
}

impl Handle {
    pub(crate) fn new(
        config: Config,
        local_address: SocketAddr,
        shared: Arc<Shared>,
        commands: Sender<Command>,
        waker: Arc<Waker>,
    ) -> Handle {
        let inner = Inner {
            config,
            local_address,
            shared,
            commands,
            waker,
        };
        Handle {
            inner: Arc::new(inner),
        }
    }

    /// The node's id.
    pub fn id(&self) -> NodeId {
        self.inner.config.id()
    }

    /// The node's timing, rules and voters.
    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    /// The address on which the node listens.
    pub fn local_address(&self) -> SocketAddr {
        self.inner.local_address
    }

    /// Whether this node may do a leader's work at this moment: the term, which is the fencing token, and how long
    /// the lease lasts unless it is extended. `None` when it may not. The status, the metrics and the commands of program
    /// `raft` call this active.
    ///
    /// Ask at the moment of acting, every time. It reads the clock and waits for nothing: a node whose
    /// disk has stalled, that was suspended or that is cut off finds its lease over here. What is left
    /// is a pause between asking and acting; only a resource that refuses lower terms than
    /// the highest that it has seen is safe from that.
    ///
    /// It is the [`lease`](Handle::lease) from [`Leadership::may_start`](crate::Leadership::may_start) on, before which what an earlier leader
    /// ran may still go on. That is later than the lease begins only with a [`kill_delay`](crate::Settings::kill_delay) that does not fit
    /// into [`kill_budget`](crate::kill_budget).
    #[must_use]
    pub fn active(&self) -> Option<(Term, Duration)> {
        self.inner.shared.active()
    }

    /// The lease at this moment, whether or not this node may begin to act on it ([`active`](Handle::active)): its term, and how
    /// long it lasts unless it is extended. While there is one, nobody else leads.
    ///
    /// However it ends, nobody else leads before the difference between election timeout and lease length (a fifth of
    /// the timeout by default, less the drift of clocks) has passed since: that is the time to stop what was running. Only after
    /// [`shutdown`](Handle::shutdown), before which that has been stopped, another may lead at once.
    #[must_use]
    pub fn lease(&self) -> Option<(Term, Duration)> {
        self.inner.shared.lease()
    }

    /// The latest lease for whoever judges it by the same clock, such as another process of this machine that must end
    /// with it: its term, and when it ends unless it is extended. It may have ended already.
    ///
    /// Waits until that is another than `seen`, at most for `timeout`: the lease was extended, or void before its time. An end
    /// that comes by itself changes nothing here. With `None` for `seen`, a lease that there is is returned at once.
    pub fn wait_lease(
        &self,
        seen: Option<(Term, Instant)>,
        timeout: Duration,
    ) -> Option<(Term, Instant)> {
        self.inner.shared.wait_lease(seen, timeout)
    }

    /// The node's latest state.
    pub fn view(&self) -> View {
        self.inner.shared.view()
    }

    /// A subscription to the node's state. Its first view is the one at this moment.
    pub fn subscribe(&self) -> Subscription {
        Subscription {
            shared: Arc::clone(&self.inner.shared),
            seen: None,
        }
    }

    /// Everything there is to know of the node. Waits for the node's thread, which may be
    /// waiting for the disk.
    ///
    /// # Errors
    ///
    /// The node has stopped.
    pub fn status(&self) -> Result<Status, Stopped> {
        self.request_status()?.recv().map_err(|_| Stopped)
    }

    /// Asks for everything there is to know of the node without waiting: the answer comes from the node's thread, so it
    /// also tells that its loop turns. It is late while the node waits for the disk.
    ///
    /// # Errors
    ///
    /// The node has stopped.
    pub fn request_status(&self) -> Result<Receiver<Status>, Stopped> {
        let (reply, answer) = sync_channel(1);
        self.send(Command::Status(reply))?;
        Ok(answer)
    }

    /// Hands the leadership to `to`, or with `None` to the voter that answered last. Returns the voter that will be asked to
    /// take over.
    ///
    /// The lease is over when this returns, whatever becomes of the transfer, and this node leads no more in this term.
    /// The voter is asked when what was running under the lease had its time to stop (see
    /// [`lease`](Handle::lease)), so the cluster is without a leader for a little longer than that.
    ///
    /// On a node with a [`stop_timeout`](crate::Settings::stop_timeout) this only asks: the host is told, by
    /// [`View::hand_over`], and the leadership ends when it calls [`hand_over`](Handle::hand_over) or that time is over.
    ///
    /// # Errors
    ///
    /// The transfer did not begin, and nothing changed. So it is if `to` has not been heard for an election timeout, or
    /// last answered that it would not campaign.
    pub fn transfer(&self, to: Option<NodeId>) -> Result<NodeId, TransferError> {
        let (reply, answer) = sync_channel(1);
        let command = Command::Transfer { to, reply };
        self.send(command)
            .map_err(|Stopped| TransferError::Stopped)?;
        answer.recv().unwrap_or(Err(TransferError::Stopped))
    }

    /// Hands the leadership to the voter that answered last: [`transfer`](Handle::transfer) with `None`.
    ///
    /// # Errors
    ///
    /// The transfer did not begin, and nothing changed.
    pub fn step_down(&self) -> Result<NodeId, TransferError> {
        self.transfer(None)
    }

    /// Hands the leadership to `to` as one whose work has surely stopped: stop that first. With `None` it goes to whom the
    /// transfer that was asked for names ([`View::hand_over`]), or to the voter that answered last. The lease is over when
    /// this returns; the successor, which it returns, is asked at once and need not wait.
    ///
    /// # Errors
    ///
    /// The transfer did not begin. One that was asked for is withdrawn: if this node still leads, its work may go on.
    pub fn hand_over(&self, to: Option<NodeId>) -> Result<NodeId, TransferError> {
        let (reply, answer) = sync_channel(1);
        let command = Command::HandOver { to, reply };
        self.send(command)
            .map_err(|Stopped| TransferError::Stopped)?;
        answer.recv().unwrap_or(Err(TransferError::Stopped))
    }

    /// Votes, but does not campaign, until [`resume`](Handle::resume): for maintenance. A leader goes on
    /// leading; [`step_down`](Handle::step_down) first. Not remembered across a restart.
    ///
    /// # Errors
    ///
    /// The node has stopped.
    pub fn pause(&self) -> Result<(), Stopped> {
        self.send(Command::Hold(Hold::Paused, true))
    }

    /// Campaigns again.
    ///
    /// # Errors
    ///
    /// The node has stopped.
    pub fn resume(&self) -> Result<(), Stopped> {
        self.send(Command::Hold(Hold::Paused, false))
    }

    /// Tells whether this host could do the work of a leader now; at the start it can. One that is unfit votes, but does not campaign
    /// and is not asked to take over. A leader goes on leading; [`transfer`](Handle::transfer) first. It is apart from
    /// [`pause`](Handle::pause), which is the operator's: a node campaigns if it is neither paused nor unfit.
    ///
    /// # Errors
    ///
    /// The node has stopped.
    pub fn set_fit(&self, fit: bool) -> Result<(), Stopped> {
        self.send(Command::Hold(Hold::Unfit, !fit))
    }

    /// Drops every datagram in and out, or no longer: for tests and demonstrations.
    ///
    /// # Errors
    ///
    /// The node has stopped.
    pub fn isolate(&self, on: bool) -> Result<(), Stopped> {
        self.send(Command::Isolate(on))
    }

    /// Tells the node the last entry of the embedder's log, which must be durable: the freshest voter
    /// wins elections (section 5.4.1 of the Raft paper). Of several that the node has not seen yet, the latest counts:
    /// call it as often as you like.
    ///
    /// # Errors
    ///
    /// The node has stopped.
    pub fn log_tail_moved(&self, last_log: LogPosition) -> Result<(), Stopped> {
        if self.inner.shared.set_log_tail(last_log)? {
            self.inner.waker.wake().map_err(|_| Stopped)?;
        }
        Ok(())
    }

    /// Takes other keys from the moment when this returns. To change the key of a running cluster, add the new one on every
    /// node, then put it first on every node, then remove the old one.
    ///
    /// # Errors
    ///
    /// The node has stopped.
    pub fn replace_keys(&self, keys: Keyring) -> Result<(), Stopped> {
        let (reply, answer) = sync_channel(1);
        self.send(Command::ReplaceKeys { keys, reply })?;
        answer.recv().map_err(|_| Stopped)
    }

    /// Takes other addresses of the peers from now on: of exactly those that the node was started with. A host
    /// name is resolved before the address before is given up.
    ///
    /// # Errors
    ///
    /// One of the addresses will not do, or the peers are others. Nothing changed.
    pub fn replace_addresses(&self, peers: Vec<(NodeId, PeerAddress)>) -> Result<(), ReplaceError> {
        let (reply, answer) = sync_channel(1);
        self.send(Command::ReplaceAddresses { peers, reply })
            .map_err(|Stopped| ReplaceError::Stopped)?;
        answer.recv().unwrap_or(Err(ReplaceError::Stopped))
    }

    /// Stops the node in order. A leader's lease ends at once, and it hands its leadership over as one whose
    /// work has surely stopped: stop that first. The successor is asked at once, and the node waits until it sees it lead, at
    /// most for the election timeout. A leader that can ask nobody (it is the only voter, or no voter that would campaign has
    /// answered it) just ends, as any other node does. [`join`](Handle::join) waits for the end.
    pub fn shutdown(&self) {
        // One that has stopped needs no telling.
        let _ = self.send(Command::Shutdown);
    }

    /// Stops the node as a crash would, without a word to the others.
    pub fn abort(&self) {
        let _ = self.send(Command::Abort);
    }

    /// Waits until the node has stopped and released its state and its socket.
    ///
    /// # Errors
    ///
    /// Why the node stopped without being told to.
    pub fn join(&self) -> Result<(), Arc<NodeError>> {
        self.inner.shared.join()
    }

    fn send(&self, command: Command) -> Result<(), Stopped> {
        self.inner.commands.send(command).map_err(|_| Stopped)?;
        self.inner.waker.wake().map_err(|_| Stopped)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // The thread finds its channel closed or this command, whichever it sees first.
        let _ = self.commands.send(Command::Abort);
        let _ = self.waker.wake();
    }
}

/// The states of a node, one after the other. States may be skipped, the latest never is.
#[derive(Clone, Debug)]
pub struct Subscription {
    shared: Arc<Shared>,
    seen: Option<u64>,
}

impl Subscription {
    /// Waits for a state newer than the last that this returned, at most for `timeout`; the first
    /// time it returns at once. `None` when the time is over, or when the node has stopped and that
    /// was already seen.
    pub fn wait_changed(&mut self, timeout: Duration) -> Option<View> {
        let view = match self.seen {
            None => self.shared.view(),
            Some(seen) => {
                let latest = self.shared.view();
                if latest.stopped && latest.seq <= seen {
                    return None;
                }
                self.shared.wait_changed(seen, timeout)?
            }
        };
        self.seen = Some(view.seq);
        Some(view)
    }

    /// Waits until a state fulfils `condition`, at most for `timeout`. `None` when the time is over or the
    /// node has stopped without it. A state that was skipped is not asked about.
    pub fn wait_for(
        &mut self,
        timeout: Duration,
        mut condition: impl FnMut(&View) -> bool,
    ) -> Option<View> {
        let start = std::time::Instant::now();
        let latest = self.shared.view();
        self.seen = Some(latest.seq);
        if condition(&latest) {
            return Some(latest);
        }
        loop {
            let view = self.wait_changed(timeout.checked_sub(start.elapsed())?)?;
            if condition(&view) {
                return Some(view);
            }
        }
    }
}
