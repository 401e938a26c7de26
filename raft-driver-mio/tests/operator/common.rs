//! Nodes as processes, and the commands that ask them.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use raft_driver_mio::control::client;
use raft_driver_mio::{Keyring, Status};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use tempfile::TempDir;

/// How long anything is waited for before a test fails: forever, on any machine that works.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);
/// On addresses that are a test's own, so that it races for no port.
const PORT: u16 = 7400;

/// Waits until `condition` holds, and fails with `what` if it never does.
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The program, in an environment that says nothing of any node.
pub(crate) fn raft<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_raft"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("RAFT_") {
            command.env_remove(name);
        }
    }
    command.args(arguments);
    command
}

/// Runs a program that is expected to end by itself, and to say little.
pub(crate) fn finish(command: &mut Command) -> Output {
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = Killed(child.expect("the program runs"));
    let status = child.wait();
    let all = |pipe: &mut dyn Read| {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).expect("its words");
        bytes
    };
    Output {
        status,
        stdout: all(child.0.stdout.as_mut().expect("a pipe")),
        stderr: all(child.0.stderr.as_mut().expect("a pipe")),
    }
}

/// The exit status, standard output and standard error of a program that ends by itself.
pub(crate) fn said(command: &mut Command) -> (Option<i32>, String, String) {
    let output = finish(command);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
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

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.0);
        kill_process(pid, signal).expect("a running process");
        // It is sent, but a busy machine may let a thread go on for a while.
        if signal == Signal::STOP {
            waitpid(Some(pid), WaitOptions::UNTRACED).expect("a child");
        }
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The lines that a process writes, as they come.
pub(crate) struct Lines(Receiver<String>);

impl Lines {
    pub(crate) fn of(pipe: impl Read + Send + 'static) -> Lines {
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Lines(lines)
    }

    /// The next line; `None` when there will be none.
    pub(crate) fn next(&self) -> Option<String> {
        match self.0.recv_timeout(PATIENCE) {
            Ok(line) => Some(line),
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => None,
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => panic!("no line ever came"),
        }
    }

    /// Waits for a line that holds all of `parts`.
    pub(crate) fn find(&self, parts: &[&str]) -> String {
        let mut log = String::new();
        loop {
            match self.next() {
                Some(line) if parts.iter().all(|part| line.contains(part)) => return line,
                Some(line) => log = log + &line + "\n",
                None => panic!("there never was {parts:?}, but:\n{log}"),
            }
        }
    }
}

/// What the nodes of a test's cluster have in common.
pub(crate) struct Hosts {
    pub(crate) dir: TempDir,
    test: u8,
    count: u64,
}

impl Hosts {
    pub(crate) fn new(count: u64) -> Hosts {
        static TESTS: AtomicU8 = AtomicU8::new(0);
        let dir = tempfile::tempdir().expect("a directory");
        Keyring::write_new(&dir.path().join("key")).expect("a key");
        let test = TESTS.fetch_add(1, Ordering::Relaxed);
        assert!(test < 60, "there are too many tests for one byte");
        assert!(count <= 3, "there is room for three nodes");
        Hosts { dir, test, count }
    }

    /// An address of the loopback that no other test has: of this process (ids have 22 bits at the most,
    /// and what lives together differs in the lower 16), of this test, of this node.
    pub(crate) fn address(&self, id: u64) -> String {
        let [.., high, low] = std::process::id().to_be_bytes();
        format!("127.{high}.{low}.{}:{PORT}", u64::from(self.test) * 4 + id)
    }

    pub(crate) fn path(&self, name: impl ToString) -> String {
        let path = self.dir.path().join(name.to_string());
        path.to_str().expect("UTF-8").to_owned()
    }

    /// The options of node `id`, without --init.
    pub(crate) fn options(&self, id: u64) -> Vec<String> {
        let mut options = vec![
            "node".to_owned(),
            format!("--id={id}"),
            format!("--listen={}", self.address(id)),
            format!("--state-dir={}", self.path(id)),
            format!("--key-file={}", self.path("key")),
            "--election-timeout=2s".to_owned(),
        ];
        let peers = (1..=self.count).filter(|peer| *peer != id);
        options.extend(peers.map(|peer| format!("--peer={peer}={}", self.address(peer))));
        if self.count == 1 {
            options.push("--alone".to_owned());
        }
        options
    }

    pub(crate) fn start(&self, id: u64, more: &[&str]) -> Node {
        let mut command = raft(self.options(id));
        command.arg("--init").args(more);
        Node::spawn(command, id, self.path(id))
    }

    /// Runs a command about node `id`.
    pub(crate) fn ask(&self, id: u64, arguments: &[&str]) -> (Option<i32>, String, String) {
        said(&mut self.command(id, arguments))
    }

    pub(crate) fn command(&self, id: u64, arguments: &[&str]) -> Command {
        let mut command = raft(arguments);
        command.args(["--state-dir", &self.path(id)]);
        command
    }
}

/// A running node.
pub(crate) struct Node {
    pub(crate) id: u64,
    pub(crate) process: Killed,
    pub(crate) log: Lines,
    pub(crate) state_dir: PathBuf,
}

impl Node {
    pub(crate) fn spawn(mut command: Command, id: u64, state_dir: impl Into<PathBuf>) -> Node {
        let child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut child = child.expect("the program runs");
        let log = Lines::of(child.stderr.take().expect("a pipe"));
        Node {
            id,
            process: Killed(child),
            log,
            state_dir: state_dir.into(),
        }
    }

    pub(crate) fn status(&self) -> Option<Status> {
        client::status(&self.state_dir).ok()
    }
}

/// Waits until one of them leads with a lease, and the others follow it.
pub(crate) fn leader(nodes: &[Node]) -> u64 {
    let mut found = None;
    wait_until("one leads and the others follow", || {
        let all: Vec<_> = nodes.iter().filter_map(Node::status).collect();
        let leads = |status: &&Status| status.active;
        found = all.iter().find(leads).map(|status| status.node_id);
        found.is_some()
            && all.len() == nodes.len()
            && all.iter().all(|status| status.leader == found)
    });
    found.expect("a leader").0
}
