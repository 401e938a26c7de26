//! Starts a node: everything that can fail fails here, before anything is sent.

use std::io;
use std::net::UdpSocket as StdUdpSocket;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;

use getrandom::SysRng;
use mio::net::UdpSocket;
use mio::{Interest, Poll, Waker};
use raft_core::{Config, Deadlines, HardState, NodeId, Raft};
use rand_core::UnwrapErr;
use rustix::net::sockopt::{set_socket_recv_buffer_size, socket_recv_buffer_size};

use crate::clock::Instant;
use crate::control::Control;
use crate::counters::Counters;
use crate::error::{NodeError, StartError};
use crate::frame::{Identity, TimingDigest, Transport};
use crate::handle::Handle;
use crate::handover::Held;
use crate::node::{CONTROL, Node, SOCKET, WAKER};
use crate::peers::Peers;
use crate::preference::Preference;
use crate::resolve::Resolver;
use crate::settings::{Listen, PeerAddress, Settings};
use crate::shared::Shared;
use crate::store::Store;
use crate::takeover::takeover_wait;
use crate::trace::Trace;

/// How much room for datagrams that were not read yet is asked for, in bytes. On Linux it takes some thousand small ones: what
/// arrives in the tens of milliseconds in which a node may wait for a processor. What is behind them waits until they are refused, so
/// much more would be too much.
const RECEIVE_BUFFER: usize = 1 << 19;

/// Starts a node on a thread of its own.
///
/// # Errors
///
/// [`StartError`] says what is wrong and what to do about it. Nothing was sent then, and nothing changed but that a first
/// start may have made the state.
pub fn start(settings: Settings) -> Result<Handle, StartError> {
    let config = settings.validate().map_err(StartError::Settings)?;
    // The only time it can fail is when the system has none; later it is relied upon.
    getrandom::fill(&mut [0; 8]).map_err(|error| StartError::System {
        what: "random numbers",
        error: error.into(),
    })?;
    let (store, hard_state, socket) = open(&settings)?;
    let listen = socket.local_addr().map_err(system("the socket"))?;
    let poll = Poll::new().map_err(system("epoll"))?;
    let waker = Arc::new(Waker::new(poll.registry(), WAKER).map_err(system("a waker"))?);
    let mut socket = UdpSocket::from_std(socket);
    poll.registry()
        .register(&mut socket, SOCKET, Interest::READABLE)
        .map_err(system("the socket"))?;
    let control = control(&settings, &poll)?;
    let resolver = resolver(&settings, &waker)?;
    // Seeded afresh at every restore: it is the system's own generator.
    let random = UnwrapErr(SysRng);
    let (raft, actions) = Raft::restore(config.clone(), hard_state, settings.last_log, random)
        .map_err(StartError::Restore)?;
    let shared = Arc::new(Shared::new(config.lease()));
    let (sender, commands) = channel();
    let handle = Handle::new(
        config.clone(),
        listen,
        Arc::clone(&shared),
        sender,
        Arc::clone(&waker),
    );
    let node = Node {
        trace: trace(&settings, &config)?,
        peers: Peers::new(&settings.peers, listen),
        preference: Preference::of(&settings),
        transport: transport(&settings, &config),
        id: settings.id,
        cluster: settings.cluster,
        listen,
        takeover_wait: takeover_wait(&config, settings.kill_delay),
        config,
        raft,
        deadlines: Deadlines::new(),
        shared: Arc::clone(&shared),
        published: None,
        socket,
        readable: true,
        resolver,
        waker,
        control,
        commands,
        commanded: false,
        poll,
        counters: Counters::default(),
        next_chores: Instant::now(),
        renewed: true,
        isolated: false,
        transfer: None,
        asked: None,
        stop_timeout: settings.stop_timeout,
        held: Held::default(),
        end: None,
        started: Instant::now(),
        store,
    };
    thread::Builder::new()
        .name("raft-node".to_owned())
        .spawn(move || {
            let ending = Ending(shared);
            let result = node.run(actions);
            ending.0.end(result);
        })
        .map_err(system("a thread"))?;
    Ok(handle)
}

/// Tells the end of a node also when its thread panics.
struct Ending(Arc<Shared>);

impl Drop for Ending {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.end(Err(NodeError::Panicked));
        }
    }
}

/// The state comes first, for its lock tells more than a port in use; only a first start binds before,
/// so that a start that fails leaves no state behind.
fn open(settings: &Settings) -> Result<(Store, HardState, StdUdpSocket), StartError> {
    let (dir, cluster, id) = (&settings.state_dir, &settings.cluster, settings.id);
    if settings.first_start {
        let socket = bind(&settings.listen)?;
        let (store, state) = Store::create(dir, cluster, id).map_err(StartError::Store)?;
        Ok((store, state, socket))
    } else {
        let (store, state) = Store::open(dir, cluster, id).map_err(StartError::Store)?;
        Ok((store, state, bind(&settings.listen)?))
    }
}

fn bind(listen: &Listen) -> Result<StdUdpSocket, StartError> {
    let bound = match listen {
        Listen::Address(address) => {
            let bind = |error| StartError::Bind {
                listen: *address,
                error,
            };
            StdUdpSocket::bind(address).map_err(bind)?
        }
        Listen::Socket(socket) => socket.try_clone().map_err(system("the socket"))?,
    };
    bound.set_nonblocking(true).map_err(system("the socket"))?;
    enlarge_buffer(&bound);
    Ok(bound)
}

/// A flood must fill the socket's buffer before it displaces what peers send, and it does so whenever the node waits for a
/// processor or for its disk. A system that does not allow as much gives what it allows.
fn enlarge_buffer(socket: &StdUdpSocket) {
    let is_less = |size| size < RECEIVE_BUFFER;
    if socket_recv_buffer_size(socket).is_ok_and(is_less) {
        // Without it the node works as well, on quiet days.
        let _ = set_socket_recv_buffer_size(socket, RECEIVE_BUFFER);
    }
}

fn control(settings: &Settings, poll: &Poll) -> Result<Option<Control>, StartError> {
    if !settings.control_socket {
        return Ok(None);
    }
    let dir = &settings.state_dir;
    let control = Control::bind(dir, poll.registry(), CONTROL.0);
    let error = |error| StartError::Control {
        path: dir.clone(),
        error,
    };
    control.map(Some).map_err(error)
}

fn resolver(settings: &Settings, waker: &Arc<Waker>) -> Result<Option<Resolver>, StartError> {
    let named = |(_, address): &(NodeId, PeerAddress)| matches!(address, PeerAddress::Name { .. });
    if !settings.peers.iter().any(named) {
        return Ok(None);
    }
    let resolver = Resolver::start(Arc::clone(waker));
    resolver.map(Some).map_err(system("a thread"))
}

fn trace(settings: &Settings, config: &Config) -> Result<Option<Trace>, StartError> {
    let Some(path) = &settings.trace else {
        return Ok(None);
    };
    let path = path.clone();
    match Trace::start(&path, config) {
        Ok(trace) => Ok(Some(trace)),
        Err(error) => Err(StartError::Trace { path, error }),
    }
}

fn transport(settings: &Settings, config: &Config) -> Transport {
    let identity = Identity {
        cluster: settings.cluster.clone(),
        id: settings.id,
        timing: TimingDigest::of(config).and(takeover_wait(config, settings.kill_delay)),
    };
    let peers: Vec<NodeId> = config.peers().collect();
    Transport::new(identity, &peers, settings.keys.clone(), |buffer| {
        use rand_core::Rng;
        UnwrapErr(SysRng).fill_bytes(buffer);
    })
}

fn system(what: &'static str) -> impl Fn(io::Error) -> StartError {
    move |error| StartError::System { what, error }
}
