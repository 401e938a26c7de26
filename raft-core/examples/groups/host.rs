//! A host: one socket, one timer wheel, one file, and a node of each group.

use std::fs::{self, File};
use std::io::ErrorKind::{Interrupted, WouldBlock};
use std::io::{self, BufWriter, Write};
use std::net::{self, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use getrandom::SysRng;
use mio::net::UdpSocket;
use mio::{Events, Interest, Poll, Token};
use raft_core::{
    Action, Config, Event, HardState, LogPosition, Message, Next, Node, NodeId, Options,
};
use rand_core::UnwrapErr;

use super::datagram;
use super::wheel::Wheel;

/// How soon a host notices that it is to stop.
const NOTICE: Duration = Duration::from_millis(50);
/// How many datagrams are read before their answers are sent.
const DATAGRAMS: usize = 64;

/// What outlives a host that is killed: its address, and its file.
pub(crate) struct Place {
    pub(crate) id: NodeId,
    pub(crate) socket: net::UdpSocket,
    /// A line for each state that was persisted. The last one of a group holds.
    pub(crate) file: PathBuf,
}

/// What the hosts and who watches them share.
pub(crate) struct Shared {
    pub(crate) addresses: Vec<(NodeId, SocketAddr)>,
    pub(crate) options: Options,
    /// When the clock began: an instant is the time since.
    pub(crate) began: Instant,
    /// For each group the latest leader that a majority answered: its term, and in the last eight bits itself.
    pub(crate) leaders: Vec<AtomicU64>,
    pub(crate) counts: Counts,
}

/// Of all hosts, so far.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) messages: AtomicU64,
    pub(crate) datagrams: AtomicU64,
    /// How often a disk was waited for.
    pub(crate) syncs: AtomicU64,
}

pub(crate) struct Host<'a> {
    place: &'a Place,
    shared: &'a Shared,
    nodes: Vec<Node<UnwrapErr<SysRng>, Duration>>,
    wheel: Wheel,
    socket: UdpSocket,
    poll: Poll,
    events: Events,
    /// Whether datagrams were left unread.
    more_waits: bool,
    file: BufWriter<File>,
    /// The groups whose states are written and not yet synced.
    unsynced: Vec<u32>,
    /// For each host the datagram that is being filled.
    outboxes: Vec<Vec<u8>>,
}

impl<'a> Host<'a> {
    pub(crate) fn restore(place: &'a Place, shared: &'a Shared) -> io::Result<Self> {
        let voters: Vec<NodeId> = shared.addresses.iter().map(|(id, _)| *id).collect();
        let config = Config::new(place.id, &voters, shared.options).map_err(io::Error::other)?;
        // Only an explicit first start begins like this.
        let mut states = vec![HardState::first_boot(); shared.leaders.len()];
        for line in fs::read_to_string(&place.file).unwrap_or_default().lines() {
            // The last line may be half a line: nobody was told of its state.
            if let Ok((group, state)) = serde_json::from_str::<(u32, HardState)>(line) {
                states[group as usize] = state;
            }
        }
        let nodes = states.into_iter().map(|state| {
            let rng = UnwrapErr(SysRng);
            Node::restore(config.clone(), state, LogPosition::default(), rng)
        });
        let poll = Poll::new()?;
        let mut socket = UdpSocket::from_std(place.socket.try_clone()?);
        poll.registry()
            .register(&mut socket, Token(0), Interest::READABLE)?;
        let file = File::options()
            .append(true)
            .create(true)
            .open(&place.file)?;
        Ok(Host {
            place,
            shared,
            nodes: nodes.collect::<Result<_, _>>().map_err(io::Error::other)?,
            wheel: Wheel::new(shared.leaders.len(), shared.options.heartbeat_interval / 50),
            socket,
            poll,
            events: Events::with_capacity(1),
            more_waits: true,
            file: BufWriter::new(file),
            unsynced: Vec::new(),
            outboxes: vec![Vec::with_capacity(datagram::ROOM); voters.len()],
        })
    }

    /// Runs until it is told to stop, which is a crash: what it had still to do is left.
    pub(crate) fn run(mut self, stop: &AtomicBool) -> io::Result<()> {
        let mut ready: Vec<u32> = (0..self.nodes.len() as u32).collect();
        while !stop.load(Ordering::Relaxed) {
            self.wheel.advance(self.shared.began.elapsed(), &mut ready);
            // Once each: one that waits for the disk must not be asked again.
            ready.sort_unstable();
            ready.dedup();
            for group in ready.drain(..) {
                self.carry_out(group)?;
            }
            while !self.unsynced.is_empty() {
                self.sync()?;
            }
            for host in 0..self.outboxes.len() {
                self.send(host);
            }
            self.receive(&mut ready)?;
        }
        Ok(())
    }

    /// Does what a group asks for, until it waits for an event, or for the disk.
    fn carry_out(&mut self, group: u32) -> io::Result<()> {
        let began = self.shared.began;
        loop {
            match self.nodes[group as usize].next(|| began.elapsed()) {
                Next::CarryOut(action) => match action {
                    Action::Persist(state) => {
                        serde_json::to_writer(&mut self.file, &(group, state))?;
                        self.file.write_all(b"\n")?;
                        self.unsynced.push(group);
                        return Ok(());
                    }
                    Action::Send { to, message } => self.put(to, group, &message),
                    Action::LeadershipConfirmed { term, .. } => {
                        let leader = term.0 << 8 | self.place.id.0;
                        self.shared.leaders[group as usize].fetch_max(leader, Ordering::Relaxed);
                    }
                    Action::LeadershipGained { .. } | Action::LeadershipLost { .. } => {}
                    Action::Report(_) | Action::StartRound { .. } => {}
                    Action::SetTimer { .. } | Action::CancelTimer(_) => {}
                },
                Next::Wait(until) => {
                    if let Some(until) = until {
                        self.wheel.set(group, until);
                    }
                    return Ok(());
                }
            }
        }
    }

    /// Waits for the disk once for all groups that do, and goes on with them.
    fn sync(&mut self) -> io::Result<()> {
        self.file.flush()?;
        self.file.get_ref().sync_data()?;
        self.shared.counts.syncs.fetch_add(1, Ordering::Relaxed);
        for group in std::mem::take(&mut self.unsynced) {
            self.carry_out(group)?;
        }
        Ok(())
    }

    fn put(&mut self, to: NodeId, group: u32, message: &Message) {
        let place = |(id, _): &(NodeId, SocketAddr)| *id == to;
        let host = self.shared.addresses.iter().position(place);
        let host = host.expect("a node sends to voters");
        if !datagram::push(&mut self.outboxes[host], group, message) {
            self.send(host);
            let _ = datagram::push(&mut self.outboxes[host], group, message);
        }
        self.shared.counts.messages.fetch_add(1, Ordering::Relaxed);
    }

    fn send(&mut self, host: usize) {
        let datagram = &mut self.outboxes[host];
        if !datagram.is_empty() {
            // What cannot be sent is lost, as on any network.
            let (_, address) = self.shared.addresses[host];
            let _ = self.socket.send_to(datagram, address);
            datagram.clear();
            self.shared.counts.datagrams.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits for datagrams or the next timer, and steps what came.
    fn receive(&mut self, ready: &mut Vec<u32>) -> io::Result<()> {
        let next = self.wheel.next();
        let patience = match self.more_waits {
            true => Duration::ZERO,
            false => next.saturating_sub(self.shared.began.elapsed()),
        };
        match self.poll.poll(&mut self.events, Some(patience.min(NOTICE))) {
            Err(error) if error.kind() != Interrupted => return Err(error),
            Ok(()) | Err(_) => {}
        }
        self.more_waits = true;
        for _ in 0..DATAGRAMS {
            let mut buffer = [0; datagram::ROOM];
            match self.socket.recv_from(&mut buffer) {
                Ok((length, source)) => self.step(source, &buffer[..length], ready),
                Err(error) if error.kind() == WouldBlock => {
                    self.more_waits = false;
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// On loopback an address is taken for its owner; on a network, authenticate datagrams.
    fn step(&mut self, source: SocketAddr, datagram: &[u8], ready: &mut Vec<u32>) {
        let host = |(_, address): &&(NodeId, SocketAddr)| *address == source;
        let Some((from, _)) = self.shared.addresses.iter().find(host).copied() else {
            return;
        };
        for (group, message) in datagram::messages(datagram) {
            if let Some(node) = self.nodes.get_mut(group as usize) {
                node.step(Event::Receive { from, message });
                ready.push(group);
            }
        }
    }
}
