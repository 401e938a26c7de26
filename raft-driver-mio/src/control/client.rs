//! Asks a running node over its control socket.

use std::fmt;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

#[cfg(target_os = "linux")]
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, socket_with};
use serde_json::Value;

use super::{Change, Request, SOCKET_NAME};
use crate::status::Status;

/// How long a node is waited for, if nothing else is said.
pub const TIMEOUT: Duration = Duration::from_secs(5);
/// A hundred years.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);
/// The longest answer that is read, in bytes.
const MAX_ANSWER: u64 = 1 << 20;

/// Asks the node whose state directory is `state_dir`, and returns its answer, in which `ok` is true.
/// Blocks for some seconds at the most: [`ask_within`] with [`TIMEOUT`].
///
/// # Errors
///
/// No node answers there, or the node refused.
pub fn ask(state_dir: &Path, request: &Request) -> Result<Value, AskError> {
    ask_within(state_dir, request, TIMEOUT)
}

/// [`ask`], which waits for the node for `timeout` at the most, at least for a microsecond. Where many wait already, for the place in the
/// queue as well.
///
/// # Errors
///
/// No node answers there, or not in time, or the node refused.
pub fn ask_within(
    state_dir: &Path,
    request: &Request,
    timeout: Duration,
) -> Result<Value, AskError> {
    let timeout = timeout.max(Duration::from_micros(1));
    let path = state_dir.join(SOCKET_NAME);
    let answer = exchange(&path, request, timeout).map_err(|error| {
        if is_timeout(&error) {
            AskError::Silent { path, timeout }
        } else {
            AskError::Unreachable { path, error }
        }
    })?;
    match (answer.get("ok"), answer.get("error")) {
        (Some(Value::Bool(true)), _) => Ok(answer),
        (_, Some(Value::String(error))) => Err(AskError::Refused(error.clone())),
        _ => Err(AskError::Incomprehensible),
    }
}

/// Asks the node whose state directory is `state_dir` for its status.
///
/// # Errors
///
/// No node answers there.
pub fn status(state_dir: &Path) -> Result<Status, AskError> {
    status_within(state_dir, TIMEOUT)
}

/// [`status`], which waits for the node for `timeout` at the most.
///
/// # Errors
///
/// No node answers there, or not in time.
pub fn status_within(state_dir: &Path, timeout: Duration) -> Result<Status, AskError> {
    let answer = ask_within(state_dir, &Request::Status, timeout)?;
    serde_json::from_value(answer).map_err(|_| AskError::Incomprehensible)
}

/// Watches the node whose state directory is `state_dir`: its state now, and every change from now on. [`watch_within`] with
/// [`TIMEOUT`].
///
/// # Errors
///
/// No node can be reached there.
pub fn watch(state_dir: &Path) -> Result<Watch, AskError> {
    watch_within(state_dir, TIMEOUT)
}

/// [`watch`], which waits for `timeout` at the most, at least for a microsecond, to be let in, and for as long again to be told the first
/// state.
///
/// # Errors
///
/// No node can be reached there, or not in time.
pub fn watch_within(state_dir: &Path, timeout: Duration) -> Result<Watch, AskError> {
    let timeout = timeout.max(Duration::from_micros(1));
    let path = state_dir.join(SOCKET_NAME);
    let connected = send(&path, &Request::Watch, end_of(timeout));
    let stream = connected.map_err(|error| {
        let path = path.clone();
        if is_timeout(&error) {
            AskError::Silent { path, timeout }
        } else {
            AskError::Unreachable { path, error }
        }
    })?;
    Ok(Watch {
        path,
        stream: BufReader::new(stream),
        line: Vec::new(),
        timeout,
        heard: false,
    })
}

/// The states of a node, one after the other. States may be skipped, the latest never is.
#[derive(Debug)]
pub struct Watch {
    path: PathBuf,
    stream: BufReader<UnixStream>,
    line: Vec<u8>,
    /// How long the first state is waited for.
    timeout: Duration,
    heard: bool,
}

impl Watch {
    /// Waits for the next state, at most until `deadline`; the first is there at once. `None` when the time
    /// is over.
    ///
    /// # Errors
    ///
    /// The node is gone, or its process hangs and has not said anything at all for as long as [`watch_within`] was told.
    pub fn next(&mut self, deadline: Option<Instant>) -> Result<Option<Change>, AskError> {
        let unreachable = |error| AskError::Unreachable {
            path: self.path.clone(),
            error,
        };
        loop {
            let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
            let patience = match (left, self.heard) {
                (Some(Duration::ZERO), _) => return Ok(None),
                (Some(left), true) => Some(left),
                (left, false) => Some(left.map_or(self.timeout, |left| left.min(self.timeout))),
                (None, true) => None,
            };
            let socket = self.stream.get_ref();
            socket.set_read_timeout(patience).map_err(unreachable)?;
            match self.stream.read_until(b'\n', &mut self.line) {
                Ok(_) if self.line.ends_with(b"\n") => break,
                Ok(_) => return Err(unreachable(ErrorKind::UnexpectedEof.into())),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if !is_timeout(&error) => return Err(unreachable(error)),
                // What has come so far is kept.
                Err(_) if deadline.is_some_and(|at| at <= Instant::now()) => return Ok(None),
                Err(_) if self.heard => {}
                Err(_) => {
                    let (path, timeout) = (self.path.clone(), self.timeout);
                    return Err(AskError::Silent { path, timeout });
                }
            }
        }
        self.heard = true;
        let change = serde_json::from_slice(&self.line);
        self.line.clear();
        change.map(Some).map_err(|_| AskError::Incomprehensible)
    }
}

fn is_timeout(error: &io::Error) -> bool {
    // A socket's time-out is the one or the other, by the system.
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// Connects as the standard library does, but not for ever: a node that hangs lets nobody in, and the queue before it fills.
#[cfg(target_os = "linux")]
fn connect(path: &Path, timeout: Duration) -> io::Result<UnixStream> {
    let socket = socket_with(
        AddressFamily::UNIX,
        SocketType::STREAM,
        SocketFlags::CLOEXEC,
        None,
    )?;
    let stream = UnixStream::from(socket);
    stream.set_write_timeout(Some(timeout))?;
    rustix::net::connect(&stream, &SocketAddrUnix::new(path)?)?;
    Ok(stream)
}

/// Elsewhere a full queue refuses at once.
#[cfg(not(target_os = "linux"))]
fn connect(path: &Path, _timeout: Duration) -> io::Result<UnixStream> {
    UnixStream::connect(path)
}

/// The end of a time that begins now. One that ends beyond all clocks is as good as for ever.
fn end_of(time: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(time).unwrap_or(now + FOR_EVER)
}

/// What is left until then, as a time-out: never zero, which would be none.
fn left(until: Instant) -> io::Result<Option<Duration>> {
    match until.saturating_duration_since(Instant::now()) {
        Duration::ZERO => Err(ErrorKind::TimedOut.into()),
        left => Ok(Some(left)),
    }
}

fn send(path: &Path, request: &Request, until: Instant) -> io::Result<UnixStream> {
    let mut stream = connect(path, left(until)?.unwrap_or_default())?;
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    stream.set_write_timeout(left(until)?)?;
    stream.write_all(&line)?;
    Ok(stream)
}

fn exchange(path: &Path, request: &Request, timeout: Duration) -> io::Result<Value> {
    let until = end_of(timeout);
    let stream = send(path, request, until)?;
    stream.set_read_timeout(left(until)?)?;
    let mut answer = String::new();
    BufReader::new(stream.take(MAX_ANSWER)).read_line(&mut answer)?;
    if answer.is_empty() {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok(serde_json::from_str(&answer)?)
}

/// Why a node did not do what it was asked.
#[derive(Debug)]
#[non_exhaustive]
pub enum AskError {
    /// No node answers.
    Unreachable {
        /// The control socket.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A process has the control socket, and says nothing.
    Silent {
        /// The control socket.
        path: PathBuf,
        /// For how long it was waited for.
        timeout: Duration,
    },
    /// The node refused, and says why.
    Refused(String),
    /// The answer is none of this version of the program.
    Incomprehensible,
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AskError::Unreachable { path, error } => write!(
                f,
                "{}: no node answers: {error}: is one running with this state directory, and is it yours?",
                path.display()
            ),
            AskError::Silent { path, timeout } => write!(
                f,
                "{}: no answer within {} s: the process hangs or is stopped",
                path.display(),
                // What is left of a time is not said to the nanosecond.
                (timeout.as_secs_f64() * 1e3).round() / 1e3
            ),
            AskError::Refused(error) => f.write_str(error),
            AskError::Incomprehensible => {
                f.write_str("the node's answer is not understood: is it of another version?")
            }
        }
    }
}

impl std::error::Error for AskError {}
