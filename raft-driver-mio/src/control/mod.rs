//! The control socket: one JSON request a line, one JSON answer a line, over a Unix socket in the state
//! directory that only its owner can open. It is served from the node's own loop, so nothing here
//! blocks, and a client can neither fill the memory nor hold up the node.

mod change;
pub mod client;

use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use mio::event::Event;
use mio::net::{UnixListener, UnixStream};
use mio::{Interest, Registry, Token};
use raft_core::NodeId;
use serde::{Deserialize, Serialize};

use crate::clock::Instant;

pub use change::{CHANGE_SCHEMA, Change, Lost};

/// The control socket's name in the state directory.
pub const SOCKET_NAME: &str = "control.sock";

/// The longest request, in bytes.
const MAX_LINE: usize = 1024;
/// How many clients there are at the most. One more takes the place of the one that was silent longest.
const MAX_CLIENTS: usize = 16;
/// How many steps a client may take in one turn of the loop.
const STEPS_A_TURN: usize = 16;

/// What a client of the control socket may ask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Request {
    /// Everything there is to know of the node: a [`Status`](crate::Status), and `ok`.
    Status,
    /// Drop every datagram in and out, or no longer.
    Isolate {
        /// Whether to drop them.
        on: bool,
    },
    /// Hand the leadership over. The answer's `to` is the voter that will be asked to take over; `term` is that of the
    /// leadership that ends; `stopping` is true if what runs
    /// under the leadership is stopped first, and the leadership goes on until then.
    Transfer {
        /// To whom; `null` takes the voter that answered last.
        to: Option<NodeId>,
    },
    /// Vote, but do not campaign.
    Pause,
    /// Campaign again.
    Resume,
    /// Ask the peers what they say of themselves. Each answer is in its peer's [`reported`](crate::PeerStatus::reported) when it has
    /// come; a datagram may be lost, so ask again. More often than 20 times a second the request is taken and nothing
    /// is sent.
    AskPeers,
    /// The state now and whenever it changes: a [`Change`] a line, and `ok`. States may be skipped when the client is slow; the
    /// latest never is. The client asks nothing else any more.
    Watch,
}

/// What a node does about a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It says this.
    Line(String),
    /// It tells every change from now on.
    Watch,
}

/// The answer that is an error.
pub(crate) fn refusal(error: &str) -> String {
    serde_json::json!({ "ok": false, "error": error }).to_string()
}

/// Serves the control socket, and removes it when dropped.
#[derive(Debug)]
pub(crate) struct Control {
    path: PathBuf,
    listener: UnixListener,
    acceptable: bool,
    first_token: usize,
    clients: Vec<Option<Client>>,
}

#[derive(Debug)]
struct Client {
    stream: UnixStream,
    input: Vec<u8>,
    output: Vec<u8>,
    /// Whether it ends when the output is written.
    closing: bool,
    /// Whether it is told of changes, and of which last.
    watching: Option<Option<Change>>,
    ready: bool,
    last_active: Instant,
}

#[derive(PartialEq, Eq)]
enum Progress {
    More,
    Wait,
    Close,
}

impl Control {
    /// Makes the socket in `dir`, in place of what a node that was killed left there. The caller holds the
    /// lock of the state. Tokens from `first_token` on are used.
    pub(crate) fn bind(dir: &Path, registry: &Registry, first_token: usize) -> io::Result<Control> {
        let path = dir.join(SOCKET_NAME);
        // Made in a place that is ours alone and moved, so that it is never open to others, not even for a moment. A path
        // as long as the final one: what can be bound can be connected to.
        let (private, unready) = (dir.join("control"), dir.join("control/sock"));
        absent(fs::remove_file(&unready))?;
        absent(fs::remove_dir(&private))?;
        fs::DirBuilder::new().mode(0o700).create(&private)?;
        let mut listener = UnixListener::bind(&unready)?;
        fs::set_permissions(&unready, fs::Permissions::from_mode(0o600))?;
        fs::rename(&unready, &path)?;
        fs::remove_dir(&private)?;
        registry.register(&mut listener, Token(first_token), Interest::READABLE)?;
        let clients = (0..MAX_CLIENTS).map(|_| None).collect();
        Ok(Control {
            path,
            listener,
            acceptable: true,
            first_token,
            clients,
        })
    }

    /// Notes that something is ready.
    pub(crate) fn ready(&mut self, event: &Event) {
        let Some(index) = event.token().0.checked_sub(self.first_token) else {
            return;
        };
        match index.checked_sub(1) {
            None => self.acceptable = true,
            Some(slot) => {
                if let Some(Some(client)) = self.clients.get_mut(slot) {
                    client.ready = true;
                }
            }
        }
    }

    /// Serves whoever is ready, for a bounded time.
    pub(crate) fn serve(&mut self, mut answer: impl FnMut(&[u8]) -> Answer) {
        for slot in &mut self.clients {
            let Some(client) = slot else {
                continue;
            };
            if client.ready && client.serve(&mut answer) == Progress::Close {
                *slot = None;
            }
        }
    }

    /// Tells those who watch of a change, if there are any.
    pub(crate) fn announce(&mut self, latest: impl FnOnce() -> Change) {
        let mut clients = self.clients.iter().flatten();
        if clients.any(|client| client.watching.is_some()) {
            let latest = latest();
            let clients = self.clients.iter_mut().flatten();
            clients.for_each(|client| client.tell(&latest));
        }
    }

    /// Whether somebody can be served further without waiting.
    pub(crate) fn has_more(&self) -> bool {
        self.acceptable || self.clients.iter().flatten().any(|client| client.ready)
    }

    /// Looks again for those who wait: an error may have hidden them.
    pub(crate) fn retry(&mut self) {
        self.acceptable = true;
    }

    /// Lets in who waits, no more at a time than there are places.
    pub(crate) fn accept(&mut self, registry: &Registry) {
        for _ in 0..MAX_CLIENTS {
            if !self.acceptable {
                break;
            }
            match self.listener.accept() {
                Ok((mut stream, _)) => {
                    let slot = self.free_slot();
                    let token = Token(self.first_token + 1 + slot);
                    let interest = Interest::READABLE | Interest::WRITABLE;
                    if registry.register(&mut stream, token, interest).is_ok()
                        && let Some(place) = self.clients.get_mut(slot)
                    {
                        *place = Some(Client::new(stream));
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // Nobody waits, or no descriptor is free.
                Err(_) => self.acceptable = false,
            }
        }
    }

    fn free_slot(&self) -> usize {
        let since = |slot: &Option<Client>| slot.as_ref().map(|client| client.last_active);
        let slots = self.clients.iter().enumerate();
        // A free one comes before all others.
        slots
            .min_by_key(|(_, slot)| since(slot))
            .map_or(0, |(index, _)| index)
    }
}

/// Whether something is gone, whoever removed it.
fn absent(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        // It may be gone with its directory. One that is left is replaced at the next start.
        let _ = fs::remove_file(&self.path);
    }
}

impl Client {
    fn new(stream: UnixStream) -> Client {
        Client {
            stream,
            input: Vec::new(),
            output: Vec::new(),
            closing: false,
            watching: None,
            ready: true,
            last_active: Instant::now(),
        }
    }

    fn serve(&mut self, answer: &mut impl FnMut(&[u8]) -> Answer) -> Progress {
        self.last_active = Instant::now();
        for _ in 0..STEPS_A_TURN {
            match self.advance(answer) {
                Ok(Progress::More) => {}
                Ok(Progress::Wait) => {
                    self.ready = false;
                    return Progress::Wait;
                }
                Ok(Progress::Close) => return Progress::Close,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.ready = false;
                    return Progress::Wait;
                }
                Err(_) => return Progress::Close,
            }
        }
        Progress::More
    }

    /// One step: writes what is to be written, or else answers a request, or else reads.
    fn advance(&mut self, answer: &mut impl FnMut(&[u8]) -> Answer) -> io::Result<Progress> {
        if !self.output.is_empty() {
            let written = self.stream.write(&self.output)?;
            self.output.drain(..written);
            return Ok(if written == 0 {
                Progress::Close
            } else {
                Progress::More
            });
        }
        if self.closing {
            return Ok(Progress::Close);
        }
        if self.watching.is_some() {
            return self.hear_out();
        }
        if let Some(end) = self.input.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.input.drain(..=end).collect();
            match answer(&line) {
                Answer::Line(text) => self.reply(text),
                Answer::Watch => self.watching = Some(None),
            }
            return Ok(Progress::More);
        }
        if self.input.len() >= MAX_LINE {
            self.reply(refusal(&format!(
                "the request is longer than {MAX_LINE} bytes"
            )));
            self.closing = true;
            return Ok(Progress::More);
        }
        let mut buffer = [0; MAX_LINE];
        let read = self.stream.read(&mut buffer)?;
        self.input.extend(buffer.iter().take(read));
        Ok(if read == 0 {
            Progress::Close
        } else {
            Progress::More
        })
    }

    /// One step for a client that watches: it says nothing that matters, but that it is gone.
    fn hear_out(&mut self) -> io::Result<Progress> {
        self.input.clear();
        let read = self.stream.read(&mut [0; MAX_LINE])?;
        Ok(if read == 0 {
            Progress::Close
        } else {
            Progress::More
        })
    }

    /// Tells a client that watches, and has room for it, what it was not told yet.
    fn tell(&mut self, latest: &Change) {
        let Some(told) = &mut self.watching else {
            return;
        };
        if self.output.is_empty() && told.as_ref().is_none_or(|told| !told.is_like(latest)) {
            *told = Some(latest.clone());
            self.reply(latest.line());
            self.ready = true;
        }
    }

    fn reply(&mut self, answer: String) {
        self.output = answer.into_bytes();
        self.output.push(b'\n');
    }
}
