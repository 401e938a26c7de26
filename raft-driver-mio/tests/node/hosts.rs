//! The program `raft`, as an operator runs it: real processes, real signals.

use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

use raft_driver_mio::control::client;
use raft_driver_mio::raft_core::Term;
use raft_driver_mio::{Keyring, Status};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use tempfile::TempDir;

use crate::common::{PATIENCE, wait_until};

/// On addresses that are a test's own, so that it races for no port.
const PORT: u16 = 7400;

pub(crate) fn raft(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_raft"));
    command.args(arguments);
    command
}

pub(crate) fn output(arguments: &[&str]) -> Output {
    finish(&mut raft(arguments))
}

/// Runs a program that is expected to end by itself, and to say little.
pub(crate) fn finish(command: &mut Command) -> Output {
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = Killed(child.expect("the program runs"));
    let status = child.wait();
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    child
        .0
        .stdout
        .take()
        .expect("a pipe")
        .read_to_end(&mut stdout)
        .expect("its output");
    child
        .0
        .stderr
        .take()
        .expect("a pipe")
        .read_to_end(&mut stderr)
        .expect("its errors");
    Output {
        status,
        stdout,
        stderr,
    }
}

/// A process that does not outlive its test.
pub(crate) struct Killed(pub(crate) Child);

impl Killed {
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let mut status = None;
        wait_until("the process ends", || {
            status = self.0.try_wait().expect("a child");
            status.is_some()
        });
        status.expect("an end")
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What three nodes have in common.
pub(crate) struct Hosts {
    dir: TempDir,
    test: u8,
}

impl Hosts {
    pub(crate) fn new() -> Hosts {
        static TESTS: AtomicU8 = AtomicU8::new(0);
        let dir = tempfile::tempdir().expect("a directory");
        Keyring::write_new(&dir.path().join("key")).expect("a key");
        let test = TESTS.fetch_add(1, Ordering::Relaxed);
        assert!(test < 60, "there are too many tests for one byte");
        Hosts { dir, test }
    }

    /// An address of the loopback that no other test has: of this process (ids have 22 bits at the most,
    /// and what lives together differs in the lower 16), of this test, of this node.
    pub(crate) fn address(&self, id: u64) -> String {
        let [.., high, low] = std::process::id().to_be_bytes();
        format!("127.{high}.{low}.{}:{PORT}", u64::from(self.test) * 4 + id)
    }

    pub(crate) fn state_dir(&self, id: u64) -> PathBuf {
        self.dir.path().join(id.to_string())
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.dir
            .path()
            .join(name)
            .to_str()
            .expect("UTF-8")
            .to_owned()
    }

    /// The options of node `id`, without --init.
    pub(crate) fn options(&self, id: u64) -> Vec<String> {
        let mut options = vec!["node".to_owned(), format!("--id={id}")];
        options.push(format!("--listen={}", self.address(id)));
        for peer in (1..=3).filter(|peer| *peer != id) {
            options.push(format!("--peer={peer}={}", self.address(peer)));
        }
        options.push(format!("--state-dir={}", self.path(&id.to_string())));
        options.push(format!("--key-file={}", self.path("key")));
        options
    }

    pub(crate) fn start(&self, id: u64, more: &[&str]) -> Process {
        let mut command = raft(&[]);
        command.args(self.options(id)).args(more);
        if !more
            .iter()
            .any(|option| option.starts_with("--election-timeout"))
        {
            command.arg("--election-timeout=1s");
        }
        Process::spawn(command, id, self.state_dir(id))
    }

    pub(crate) fn start_all(&self) -> Vec<Process> {
        (1..=3).map(|id| self.start(id, &["--init"])).collect()
    }

    /// Runs a node that is expected to refuse, and returns its exit status and its words.
    pub(crate) fn refusal(&self, id: u64, more: &[&str]) -> (Option<i32>, String) {
        let output = finish(raft(&[]).args(self.options(id)).args(more));
        (output.status.code(), stderr(&output))
    }
}

/// A running node.
pub(crate) struct Process {
    pub(crate) id: u64,
    pub(crate) child: Killed,
    lines: Receiver<String>,
    pub(crate) state_dir: PathBuf,
}

impl Process {
    pub(crate) fn spawn(mut command: Command, id: u64, state_dir: PathBuf) -> Process {
        let mut child = command
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let log = BufReader::new(child.stderr.take().expect("a pipe"));
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in log.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Process {
            id,
            child: Killed(child),
            lines,
            state_dir,
        }
    }

    /// Waits for a line that holds all of `parts`.
    pub(crate) fn line(&self, parts: &[&str]) -> String {
        let mut log = String::new();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let patience = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(patience) {
                Ok(line) if parts.iter().all(|part| line.contains(part)) => return line,
                Ok(line) => log = log + &line + "\n",
                Err(_) => panic!("node {} never logged {parts:?}, but:\n{log}", self.id),
            }
        }
    }

    /// What else a node that has ended logged.
    pub(crate) fn rest(&self) -> Vec<String> {
        self.lines.iter().collect()
    }

    pub(crate) fn status(&self) -> Option<Status> {
        client::status(&self.state_dir).ok()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child.0);
        kill_process(pid, signal).expect("a running process");
        // It is sent, but a busy machine may let a thread go on for a while.
        if signal == Signal::STOP {
            waitpid(Some(pid), WaitOptions::UNTRACED).expect("a child");
        }
    }

    pub(crate) fn wait(&mut self) -> Option<i32> {
        self.child.wait().code()
    }
}

/// Waits until one of them leads with a lease, and takes it out.
pub(crate) fn take_leader(nodes: &mut Vec<Process>) -> (Process, Term) {
    let mut found = None;
    wait_until("a leader", || {
        let status = nodes.iter().map(|node| node.status());
        found = status.enumerate().find_map(|(index, status)| {
            let status = status.filter(|status| status.active)?;
            Some((index, status.term))
        });
        found.is_some()
    });
    let (index, term) = found.expect("a leader");
    (nodes.remove(index), term)
}
