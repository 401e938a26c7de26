//! One connection: a request, its answer, and the end.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::time::Instant;

use mio::net::TcpStream;

use super::answers::{self, Answer};

/// The longest head of a request, in bytes.
const MAX_HEAD: usize = 8192;
/// How many headers a request may have.
const MAX_HEADERS: usize = 64;
/// How many steps a connection may take in one turn.
const STEPS_A_TURN: usize = 32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    More,
    Close,
}

pub(super) struct Connection {
    stream: TcpStream,
    /// When it is closed whatever its state.
    pub(super) ends: Instant,
    state: State,
}

enum State {
    Reading(Vec<u8>),
    Writing(Vec<u8>),
    /// All is said. The other side closes first, so that nothing that it still sends resets the connection before it has
    /// read the answer.
    Draining,
}

impl Connection {
    pub(super) fn new(stream: TcpStream, ends: Instant) -> Connection {
        Connection {
            stream,
            ends,
            state: State::Reading(Vec::new()),
        }
    }

    /// Does what can be done without waiting.
    pub(super) fn serve(&mut self, mut answer: impl FnMut(&str, &str) -> Answer) -> Progress {
        for _ in 0..STEPS_A_TURN {
            match self.advance(&mut answer) {
                Ok(Progress::More) => {}
                Ok(Progress::Close) => return Progress::Close,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Progress::More,
                Err(_) => return Progress::Close,
            }
        }
        // Whoever sends so much without an end says nothing that we want to know.
        Progress::Close
    }

    fn advance(&mut self, answer: &mut impl FnMut(&str, &str) -> Answer) -> io::Result<Progress> {
        let mut buffer = [0; 1024];
        match &mut self.state {
            State::Reading(head) => {
                let read = self.stream.read(&mut buffer)?;
                if read == 0 {
                    return Ok(Progress::Close);
                }
                head.extend(buffer.iter().take(read));
                if let Some(answer) = answer_to(head, answer) {
                    self.state = State::Writing(answer.bytes());
                }
            }
            State::Writing(rest) => {
                let written = self.stream.write(rest)?;
                rest.drain(..written);
                if written == 0 {
                    return Ok(Progress::Close);
                }
                if rest.is_empty() {
                    self.stream.shutdown(Shutdown::Write)?;
                    self.state = State::Draining;
                }
            }
            State::Draining => {
                if self.stream.read(&mut buffer)? == 0 {
                    return Ok(Progress::Close);
                }
            }
        }
        Ok(Progress::More)
    }
}

/// The answer to a request whose head is complete or wrong.
fn answer_to(head: &[u8], answer: &mut impl FnMut(&str, &str) -> Answer) -> Option<Answer> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(head) {
        Ok(httparse::Status::Complete(_)) => {
            let method = request.method.unwrap_or_default();
            Some(answer(method, request.path.unwrap_or_default()))
        }
        Ok(httparse::Status::Partial) if head.len() < MAX_HEAD => None,
        Ok(httparse::Status::Partial) | Err(httparse::Error::TooManyHeaders) => {
            Some(answers::too_large())
        }
        Err(_) => Some(answers::bad()),
    }
}
