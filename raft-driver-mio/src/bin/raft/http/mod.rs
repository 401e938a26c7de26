//! HTTP for monitors and load balancers, on a thread of its own: whoever asks slowly, much or nonsense holds up nobody but
//! others who ask.
//!
//! One request a connection; what there is to say is in [`answers`], what of the node it is said of in [`source`].

mod answers;
mod connection;
mod metrics;
mod source;

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Token};
use raft_driver_mio::Handle;
use tracing::info;

use connection::{Connection, Progress};
use source::Source;

/// How many connections there are at the most. One more takes the place of the oldest.
const MAX_CONNECTIONS: usize = 64;
/// How long a connection may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long to wait after an error of accept(2), such as too many open files.
const RETRY: Duration = Duration::from_millis(100);

const LISTENER: Token = Token(MAX_CONNECTIONS);

/// Where requests are listened for. It serves from [`serve`](Http::serve) on.
pub(crate) struct Http {
    listener: TcpListener,
    address: SocketAddr,
}

impl Http {
    pub(crate) fn bind(address: SocketAddr) -> io::Result<Http> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        Ok(Http { listener, address })
    }

    /// Serves for as long as the process lives.
    pub(crate) fn serve(mut self, node: Handle, cluster: String) -> io::Result<()> {
        let poll = Poll::new()?;
        poll.registry()
            .register(&mut self.listener, LISTENER, Interest::READABLE)?;
        info!(event = "http", node = node.id().0, listen = %self.address);
        let server = Server {
            listener: self.listener,
            poll,
            acceptable: true,
            connections: (0..MAX_CONNECTIONS).map(|_| None).collect(),
            source: Source::new(node, cluster),
        };
        std::thread::Builder::new()
            .name("raft-http".to_owned())
            .spawn(move || server.run())
            .map(|_| ())
    }
}

struct Server {
    listener: TcpListener,
    poll: Poll,
    /// Whether somebody may be waiting to be let in.
    acceptable: bool,
    connections: Vec<Option<Connection>>,
    source: Source,
}

impl Server {
    fn run(mut self) {
        let mut events = Events::with_capacity(MAX_CONNECTIONS);
        loop {
            match self.poll.poll(&mut events, self.patience()) {
                Err(error) if error.kind() != ErrorKind::Interrupted => return,
                Ok(()) | Err(_) => {}
            }
            let retry = events.is_empty();
            for event in &events {
                match event.token() {
                    LISTENER => self.acceptable = true,
                    Token(slot) => self.serve(slot),
                }
            }
            let now = Instant::now();
            for slot in &mut self.connections {
                if slot.as_ref().is_some_and(|place| place.ends <= now) {
                    *slot = None;
                }
            }
            if retry || self.acceptable {
                self.accept();
            }
        }
    }

    fn serve(&mut self, slot: usize) {
        let Some(place) = self.connections.get_mut(slot) else {
            return;
        };
        let answer = |method: &str, path: &str| answers::to(method, path, &mut self.source);
        if let Some(connection) = place
            && connection.serve(answer) == Progress::Close
        {
            *place = None;
        }
    }

    /// Lets in who waits, no more at a time than there are places.
    fn accept(&mut self) {
        self.acceptable = true;
        for _ in 0..MAX_CONNECTIONS {
            match self.listener.accept() {
                Ok((mut stream, _)) => {
                    let slot = self.free_slot();
                    let interest = Interest::READABLE | Interest::WRITABLE;
                    let registry = self.poll.registry();
                    if registry
                        .register(&mut stream, Token(slot), interest)
                        .is_ok()
                        && let Some(place) = self.connections.get_mut(slot)
                    {
                        *place = Some(Connection::new(stream, Instant::now() + TIMEOUT));
                        self.serve(slot);
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    // Otherwise an error has hidden who waits, and nothing will tell of them.
                    self.acceptable = error.kind() != ErrorKind::WouldBlock;
                    return;
                }
            }
        }
    }

    fn free_slot(&self) -> usize {
        let ends = |slot: &Option<Connection>| slot.as_ref().map(|connection| connection.ends);
        let slots = self.connections.iter().enumerate();
        // A free one comes before all others.
        slots
            .min_by_key(|(_, slot)| ends(slot))
            .map_or(0, |(index, _)| index)
    }

    fn patience(&self) -> Option<Duration> {
        let now = Instant::now();
        let connections = self.connections.iter().flatten();
        let ends = connections.map(|connection| connection.ends.saturating_duration_since(now));
        let retry = self.acceptable.then_some(RETRY);
        ends.chain(retry).min()
    }
}
