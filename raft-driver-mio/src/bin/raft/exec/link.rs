//! The supervisor's end of the connection to its keeper.

use std::ffi::OsString;
use std::io::{self, Read};
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::net::{SendFlags, send};
use serde::Serialize;

use super::orders::{Notice, Order};

/// This program, also when its file was replaced or removed.
pub(crate) const OURSELVES: &str = "/proc/self/exe";

/// How long a keeper may take to end after its link was closed.
const PATIENCE: Duration = Duration::from_secs(1);

/// A keeper that runs. Dropped, it sees that it is alone, kills what it keeps, and ends.
#[derive(Debug)]
pub(crate) struct Keeper {
    process: Child,
    link: Link,
}

/// The way to a keeper. It closes when it is too far behind, which is the end of what it keeps.
#[derive(Clone, Debug)]
pub(crate) struct Link(Arc<UnixStream>);

impl Keeper {
    /// Starts a keeper of `command`. What it says is passed to `heard`, and `None` when it is gone, on a thread of its own.
    pub(crate) fn start(
        command: &[OsString],
        grace: Duration,
        mut heard: impl FnMut(Option<Notice>) + Send + 'static,
    ) -> io::Result<Keeper> {
        let (ours, theirs) = UnixStream::pair()?;
        let grace = u64::try_from(grace.as_nanos()).unwrap_or(u64::MAX);
        let process = Command::new(OURSELVES)
            .arg0("raft")
            .args(["exec-keeper", &grace.to_string(), "--"])
            .args(command)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            // What the terminal sends on Ctrl-C and Ctrl-Z is meant for the supervisor.
            .process_group(0)
            .spawn()?;
        let link = Link(Arc::new(ours));
        let keeper = Keeper { process, link };
        let from = Arc::clone(&keeper.link.0);
        std::thread::Builder::new()
            .name("raft-keeper".to_owned())
            .spawn(move || {
                hear(&from, |notice| heard(Some(notice)));
                heard(None);
            })?;
        Ok(keeper)
    }

    pub(crate) fn link(&self) -> Link {
        self.link.clone()
    }

    /// Kills the keeper, whatever state it is in, and with it, by the system, the program. What descends from the program is
    /// an orphan then.
    pub(crate) fn kill(&mut self) {
        // It fails only if the keeper has been waited for.
        let _ = self.process.kill();
    }

    /// Waits for the end of a keeper that is gone or going.
    pub(crate) fn wait(&mut self) {
        let _ = self.process.wait();
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.link.close();
        // It kills what it keeps and ends; one that is stopped does not.
        let patience = Instant::now() + PATIENCE;
        while matches!(self.process.try_wait(), Ok(None)) && Instant::now() < patience {
            std::thread::sleep(PATIENCE / 100);
        }
        self.kill();
        self.wait();
    }
}

impl Link {
    /// Gives an order, without ever waiting.
    pub(crate) fn give(&self, order: &Order) {
        let line = line(order);
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        // A keeper that has left hundreds of orders unread does not keep anything.
        if send(&*self.0, &line, flags) != Ok(line.len()) {
            self.close();
        }
    }

    fn close(&self) {
        // It fails if the other end is closed.
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

/// Reads notices until the end.
fn hear(mut from: &UnixStream, mut heard: impl FnMut(Notice)) {
    let (mut buffer, mut bytes) = ([0; 1024], Vec::new());
    loop {
        match from.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => return,
            Ok(read) => bytes.extend(buffer.iter().take(read)),
        }
        while let Some(line) = next_line(&mut bytes) {
            match serde_json::from_slice(&line) {
                Ok(notice) => heard(notice),
                Err(_) => return,
            }
        }
    }
}

/// One message as a line.
pub(crate) fn line(message: &impl Serialize) -> Vec<u8> {
    // What has no maps, and no keys but names, can be written.
    let mut line = serde_json::to_vec(message).unwrap_or_default();
    line.push(b'\n');
    line
}

/// Takes the first whole line out of `bytes`.
pub(crate) fn next_line(bytes: &mut Vec<u8>) -> Option<Vec<u8>> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    Some(bytes.drain(..=end).collect())
}
