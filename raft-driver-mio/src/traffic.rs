//! Datagrams in and out, and the chores that keep them flowing.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use mio::net::UdpSocket;
use raft_core::{Event, Message, NodeId};
use tracing::{debug, info, warn};

use crate::clock::Instant;
use crate::control::Control;
use crate::counters::{About, Counters};
use crate::error::NodeError;
use crate::frame::{MAX_DATAGRAM, Opened};
use crate::node::Node;
use crate::settings::PeerAddress;

/// How many datagrams are read before timers are looked at again.
const DATAGRAMS_A_TURN: usize = 64;
/// A peer counts as silent after this many intervals between chores without a fresh datagram. One that has
/// nothing to say is heard every second interval, or the one after if it spoke just before.
const SILENT_INTERVALS: u32 = 12;

impl Node {
    /// Sends a message, or with `None` an empty frame that carries our challenge. What cannot be sent is
    /// dropped, as networks do.
    pub(crate) fn send(&mut self, to: NodeId, message: Option<&Message>) {
        let Some(peer) = self.peers.get_mut(to) else {
            return;
        };
        if self.isolated {
            return self.counters.drop_quietly("isolated");
        }
        let Some(address) = peer.address else {
            return self.counters.drop_quietly("unresolved");
        };
        peer.contacted = true;
        let datagram = self.transport.seal(to, message);
        transmit(&self.socket, datagram, address, &mut self.counters, self.id);
    }

    pub(crate) fn serve_datagrams(&mut self) -> Result<(), NodeError> {
        // One byte more than a datagram may have, so that a longer one shows.
        let mut buffer = [0; MAX_DATAGRAM + 1];
        let mut failed = false;
        for _ in 0..DATAGRAMS_A_TURN {
            if !self.readable {
                break;
            }
            match self.socket.recv_from(&mut buffer) {
                Ok((length, source)) => {
                    failed = false;
                    if let Some(datagram) = buffer.get(..length) {
                        self.receive(datagram, source)?;
                    }
                }
                // It tells of an earlier datagram, and what has arrived is behind it. Twice in a row it is another matter.
                Err(error) if is_nothing_special(&error) && !failed => failed = true,
                Err(error) => {
                    if error.kind() != ErrorKind::WouldBlock {
                        let about = About {
                            error: Some(&error),
                            ..About::default()
                        };
                        self.counters
                            .drop_with_warning("receive_failed", self.id, about);
                    }
                    self.readable = false;
                }
            }
        }
        Ok(())
    }

    fn receive(&mut self, datagram: &[u8], source: SocketAddr) -> Result<(), NodeError> {
        self.counters.datagrams_received += 1;
        self.counters.bytes_received += datagram.len() as u64;
        if self.isolated {
            self.counters.drop_quietly("isolated");
            return Ok(());
        }
        match self.transport.open(datagram) {
            Opened::Message { from, message } => {
                self.heard(from);
                if let Message::AppendEntriesResponse(response) = &message {
                    self.peers.answered(from, response, Instant::now());
                }
                self.step(Event::Receive { from, message })?;
            }
            Opened::Empty { from } => {
                // The first that we hear of it answers our greeting, so it has greeted us before we
                // knew its challenge: one more lets it know ours. Only once, so that it cannot go on.
                if self.heard(from) {
                    self.send(from, None);
                }
            }
            Opened::Question { from } => {
                self.heard(from);
                self.tell(from);
            }
            Opened::Report { from, report } => {
                self.heard(from);
                if let Some(peer) = self.peers.get_mut(from) {
                    peer.report = Some((Instant::now(), report));
                }
            }
            Opened::Stale { from, answer } => {
                let Some(peer) = self.peers.get_mut(from) else {
                    return Ok(());
                };
                if peer.is_elsewhere(source) {
                    // A copy of the peer on another host, a recording, or a wrong address in our configuration.
                    let about = About {
                        peer: Some(from),
                        address: Some(source),
                        ..About::default()
                    };
                    let reason = "stale_elsewhere";
                    self.counters.drop_with_warning(reason, self.id, about);
                } else {
                    self.counters.drop_quietly("stale");
                }
                // To the configured address: the one in the packet may be anybody's.
                if let Some(address) = peer.address
                    && peer.may_answer(Instant::now())
                {
                    peer.contacted = true;
                    transmit(&self.socket, answer, address, &mut self.counters, self.id);
                }
            }
            Opened::Dropped(reason) => {
                let about = About {
                    peer: self.transport.sender(),
                    address: Some(source),
                    ..About::default()
                };
                self.counters
                    .drop_with_warning(reason.name(), self.id, about);
            }
        }
        Ok(())
    }

    /// Notes a fresh datagram of a peer. True if it is the first.
    fn heard(&mut self, from: NodeId) -> bool {
        self.peers.get_mut(from).is_some_and(|peer| peer.received())
    }

    /// What is done every T. By turns, our challenge is renewed, and whoever was sent nothing since then is
    /// sent an empty frame with it (at the start, everybody), so that an election need not begin with an exchange of
    /// challenges. So a recording is fresh for 4T at the most, our challenge being the current one for 2T and the one
    /// before for as long. The names of silent peers are resolved.
    pub(crate) fn do_chores(&mut self) {
        let now = Instant::now();
        let interval = self.config.election_timeout();
        // After a long sleep neither of our challenges is one that holds.
        let late = now.saturating_duration_since(self.next_chores) >= interval;
        self.next_chores = now + interval;
        // An error of a socket may have hidden what is there.
        self.readable = true;
        self.control.iter_mut().for_each(Control::retry);
        self.renewed = late || !self.renewed;
        if self.renewed {
            self.transport.renew_challenge();
            if late {
                self.transport.renew_challenge();
            }
            self.peers
                .iter_mut()
                .for_each(|peer| peer.contacted = false);
        } else {
            let forgotten = self.peers.iter().filter(|peer| !peer.contacted);
            let forgotten: Vec<NodeId> = forgotten.map(|peer| peer.id).collect();
            forgotten.into_iter().for_each(|peer| self.send(peer, None));
        }
        self.resolve_names();
    }

    /// Asks for the addresses of the peers that are silent, and of those that have another name now.
    pub(crate) fn resolve_names(&mut self) {
        let (now, silence) = (
            Instant::now(),
            self.config.election_timeout() * SILENT_INTERVALS,
        );
        if let Some(resolver) = &self.resolver {
            for peer in self.peers.iter_mut() {
                if let Some((host, port)) = peer.resolve_due(now, silence) {
                    resolver.ask(peer.id, host, port);
                }
            }
        }
    }

    pub(crate) fn serve_resolver(&mut self) {
        while let Some(resolved) = self
            .resolver
            .as_ref()
            .and_then(|resolver| resolver.answer())
        {
            let (node, id) = (self.id.0, resolved.id);
            let Some(peer) = self.peers.get_mut(id) else {
                continue;
            };
            peer.answered();
            let asked = PeerAddress::Name {
                host: resolved.host,
                port: resolved.port,
            };
            if peer.name != asked {
                // It was given another name meanwhile. That one is asked for now.
                self.resolve_names();
                continue;
            }
            let name = &peer.name.to_string();
            match resolved.result {
                Ok(addresses) if peer.resolved(&addresses, self.listen) => {
                    let address = peer.address.map(|address| address.to_string());
                    info!(event = "resolved", node, peer = id.0, name, address);
                    self.send(id, None);
                }
                Ok(_) if peer.address.is_none() => {
                    let listen = self.listen;
                    warn!(event = "unresolved", node, peer = id.0, name, %listen, error = "no usable address");
                }
                Ok(_) => debug!(event = "resolved", node, peer = id.0, name),
                Err(error) => warn!(event = "unresolved", node, peer = id.0, name, %error),
            }
        }
    }
}

pub(crate) fn transmit(
    socket: &UdpSocket,
    datagram: &[u8],
    to: SocketAddr,
    counters: &mut Counters,
    node: NodeId,
) {
    match socket.send_to(datagram, to) {
        Ok(_) => {
            counters.datagrams_sent += 1;
            counters.bytes_sent += datagram.len() as u64;
        }
        Err(error) if error.kind() == ErrorKind::WouldBlock => {
            counters.drop_quietly("send_would_block");
        }
        Err(error) if is_nothing_special(&error) => counters.drop_quietly("send_unreachable"),
        Err(error) => {
            let about = About {
                address: Some(to),
                error: Some(&error),
                ..About::default()
            };
            counters.drop_with_warning("send_failed", node, about);
        }
    }
}

/// A peer that is down, or a network that is: they come and go.
fn is_nothing_special(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionRefused
            | ErrorKind::ConnectionReset
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::NetworkDown
            | ErrorKind::Interrupted
    )
}
