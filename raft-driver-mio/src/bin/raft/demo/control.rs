//! A node's control socket, from the asking side.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use serde::Deserialize;

use super::now;

/// A node's role, as its status names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    Follower,
    PreCandidate,
    Candidate,
    Leader,
}

impl Role {
    /// For people.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Role::Follower => "follower",
            Role::PreCandidate => "pre-candidate",
            Role::Candidate => "candidate",
            Role::Leader => "leader",
        }
    }
}

/// What the demo reads of a node's status. Schema 1; what else is there is passed over.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Status {
    pub(crate) role: Role,
    pub(crate) term: u64,
    pub(crate) leader: Option<u64>,
    pub(crate) active: bool,
    #[serde(default)]
    pub(crate) lease_remaining_seconds: Option<f64>,
    #[serde(default)]
    pub(crate) round: Option<u64>,
    pub(crate) datagrams_sent: u64,
    pub(crate) datagrams_received: u64,
    pub(crate) bytes_sent: u64,
    pub(crate) bytes_received: u64,
    pub(crate) sync_seconds: SyncSeconds,
}

/// How long it took to make state durable.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub(crate) struct SyncSeconds {
    pub(crate) count: u64,
    #[serde(default)]
    pub(crate) last: Option<f64>,
}

/// A request to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Status,
    /// Whether to drop every datagram, in and out.
    Isolate(bool),
}

/// A node's answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) request: Request,
    /// When the question was put, by the boot clock.
    pub(crate) asked: Duration,
    /// The status, if that was asked; or why there is none.
    pub(crate) result: Result<Option<Box<Status>>, String>,
}

/// Starts to serve the requests that are sent on the channel it returns, one after the other. It blocks as long as
/// the node is stopped and ends with the node, or with the channel.
pub(crate) fn serve(socket: PathBuf, answered: impl Fn(Answer) + Send + 'static) -> (Sender<Request>, JoinHandle<()>) {
    let (sender, requests) = channel::<Request>();
    let thread = std::thread::spawn(move || {
        let mut connection = None;
        for request in requests {
            let asked = now();
            let result = ask(&mut connection, &socket, request);
            if result.is_err() {
                connection = None;
            }
            let result = result.map_err(|error| format!("{}: {error}", socket.display()));
            answered(Answer { request, asked, result });
        }
    });
    (sender, thread)
}

fn ask(connection: &mut Option<BufReader<UnixStream>>, socket: &PathBuf, request: Request) -> io::Result<Option<Box<Status>>> {
    let stream = match connection {
        Some(stream) => stream,
        None => connection.insert(BufReader::new(UnixStream::connect(socket)?)),
    };
    let mut line = match request {
        Request::Status => serde_json::json!({"command": "status"}),
        Request::Isolate(on) => serde_json::json!({"command": "isolate", "on": on}),
    }
    .to_string();
    line.push('\n');
    stream.get_mut().write_all(line.as_bytes())?;
    line.clear();
    if stream.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    read_answer(&line, request)
}

fn read_answer(line: &str, request: Request) -> io::Result<Option<Box<Status>>> {
    #[derive(Deserialize)]
    struct Verdict {
        ok: bool,
        error: Option<String>,
    }
    let verdict: Verdict = serde_json::from_str(line)?;
    if !verdict.ok {
        return Err(io::Error::other(verdict.error.unwrap_or_else(|| "refused".to_owned())));
    }
    Ok(match request {
        Request::Status => Some(Box::new(serde_json::from_str(line)?)),
        Request::Isolate(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = r#"{"ok":true,"schema":1,"cluster":"demo","node_id":1,"pid":4711,"version":"0.1.0",
        "role":"pre_candidate","term":7,"leader":null,"active":false,"lease_remaining_seconds":0.31,"round":123,
        "voted_for":1,"datagrams_sent":1,"datagrams_received":2,"bytes_sent":3,"bytes_received":4,
        "dropped":{"unauthentic":0},"peers":[],"sync_seconds":{"count":3,"last":0.001,"max":0.002}}"#;

    #[test]
    fn a_status_is_read() {
        let status = read_answer(STATUS, Request::Status).unwrap().unwrap();
        assert_eq!((status.role, status.term, status.leader), (Role::PreCandidate, 7, None));
        assert_eq!(status.sync_seconds.last, Some(0.001));
    }

    #[test]
    fn a_refusal_is_an_error_that_says_why() {
        let line = r#"{"ok":false,"error":"unknown command"}"#;
        let error = read_answer(line, Request::Isolate(true)).unwrap_err();
        assert_eq!(error.to_string(), "unknown command");
        assert!(read_answer("{}", Request::Status).is_err());
        assert!(read_answer(r#"{"ok":true}"#, Request::Isolate(true)).unwrap().is_none());
    }
}
