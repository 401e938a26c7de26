//! The nodes of a demo: their ports, key and directories, and the process that each runs in.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::Sender;
use std::time::Duration;

use raft_driver_mio::{Keyring, Status};
use tempfile::TempDir;

use super::Event;
use super::control::Question;
use super::ledger::Process;
use super::process::Running;
use super::rates::Rates;
use super::script::{Sight, View};

/// How a cluster is started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) nodes: usize,
    pub(crate) heartbeat: Duration,
    pub(crate) election_timeout: Duration,
}

/// One node: what is known of it, and its process if it runs.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) id: u64,
    /// The process that runs or ran last.
    pub(crate) process: Process,
    /// `None`: dead.
    pub(crate) running: Option<Running>,
    /// Whether it said that it takes part.
    pub(crate) ready: bool,
    pub(crate) paused: bool,
    pub(crate) cut_off: bool,
    /// When it was asked for its status, and what it answered.
    pub(crate) status: Option<(Duration, Box<Status>)>,
    pub(crate) rates: Rates,
    /// Whether an answer is awaited.
    asked: bool,
    /// The last lines that it wrote, to explain an end that nobody wanted.
    last_words: VecDeque<String>,
}

impl Node {
    /// A node without a process.
    pub(crate) fn new(id: u64) -> Node {
        Node {
            id,
            process: Process { node: id, start: 0 },
            running: None,
            ready: false,
            paused: false,
            cut_off: false,
            status: None,
            rates: Rates::default(),
            asked: false,
            last_words: VecDeque::new(),
        }
    }

    /// Asks for its status, unless it could not answer or has yet to.
    pub(crate) fn poll(&mut self) {
        if let Some(running) = &mut self.running
            && self.ready
            && !self.paused
            && !self.asked
        {
            running.ask(Question::Status);
            self.asked = true;
        }
    }

    /// Takes its status, for which it was asked at `asked`.
    pub(crate) fn answered(&mut self, asked: Duration, status: Box<Status>) {
        self.asked = false;
        self.rates.sample(asked, &status);
        self.status = Some((asked, status));
    }

    /// It was asked for its status, and gave none.
    pub(crate) fn unanswered(&mut self) {
        self.asked = false;
    }

    /// Remembers a line that it wrote.
    pub(crate) fn wrote(&mut self, line: String) {
        const KEPT: usize = 5;
        if self.last_words.len() == KEPT {
            self.last_words.pop_front();
        }
        self.last_words.push_back(line);
    }

    /// The last line that it wrote.
    pub(crate) fn last_word(&self) -> &str {
        self.last_words
            .back()
            .map_or("it said nothing", String::as_str)
    }

    /// Whether it could not bind its port.
    pub(crate) fn port_was_taken(&self) -> bool {
        self.last_words
            .iter()
            .any(|line| line.contains("Address already in use"))
    }

    /// Forgets its process.
    pub(crate) fn gone(&mut self) {
        self.running = None;
        self.ready = false;
        self.paused = false;
        self.cut_off = false;
        self.asked = false;
        self.status = None;
        self.rates = Rates::default();
    }

    /// What a script needs to know.
    pub(crate) fn sight(&self) -> Sight {
        Sight {
            process: self.process,
            alive: self.running.is_some(),
            view: self.status.as_ref().map(|(asked, status)| View {
                asked: *asked,
                role: status.role,
                term: status.term.0,
                leader: status.leader.map(|leader| leader.0),
                active: status.active,
            }),
        }
    }
}

/// A cluster on this machine. Dropped, none of its processes is left, and no file.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Node>,
    plan: Plan,
    program: PathBuf,
    ports: Vec<u16>,
    events: Sender<Event>,
    // Dropped last: the processes write into it.
    directory: TempDir,
}

/// Why a cluster or a node did not start: what was tried, and what the system said.
#[derive(Debug)]
pub(crate) struct StartError(String, String);

impl std::error::Error for StartError {}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let StartError(what, why) = self;
        write!(f, "{what}: {why}")
    }
}

impl Cluster {
    /// Makes the directory, the key and the choice of ports; no process yet.
    pub(crate) fn prepare(
        plan: Plan,
        program: PathBuf,
        events: Sender<Event>,
    ) -> Result<Cluster, StartError> {
        let directory = directory().map_err(|error| {
            StartError(
                "a directory for temporary files cannot be made".into(),
                format!("{error}: set TMPDIR"),
            )
        })?;
        let key = directory.path().join("key");
        Keyring::write_new(&key)
            .map_err(|error| StartError("the key".into(), error.to_string()))?;
        let ports = free_ports(plan.nodes).map_err(|error| {
            StartError(
                "free ports on 127.0.0.1 cannot be found".into(),
                error.to_string(),
            )
        })?;
        Ok(Cluster {
            nodes: (1..).take(plan.nodes).map(Node::new).collect(),
            plan,
            program,
            ports,
            events,
            directory,
        })
    }

    /// The program that the nodes run.
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// Where the nodes keep their state.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Starts node `id` for the first time, or again after its death.
    pub(crate) fn start(&mut self, id: u64, first: bool) -> Result<(), StartError> {
        let command = self.command(id, first);
        let state_dir = self.state_dir(id);
        let Some(node) = self
            .nodes
            .iter_mut()
            .find(|node| node.id == id && node.running.is_none())
        else {
            return Ok(());
        };
        node.gone();
        node.last_words.clear();
        if !first {
            node.process.start += 1;
        }
        let running = Running::start(command, node.process, state_dir, self.events.clone())
            .map_err(|error| {
                StartError(
                    format!("node {id}: {} cannot be run", self.program.display()),
                    error.to_string(),
                )
            })?;
        node.running = Some(running);
        Ok(())
    }

    fn state_dir(&self, id: u64) -> PathBuf {
        self.directory.path().join(id.to_string())
    }

    fn command(&self, id: u64, first: bool) -> Command {
        let mut command = Command::new(&self.program);
        // What the environment says of some other node is not meant for ours.
        std::env::vars_os()
            .map(|(name, _)| name)
            .filter(|name| name.as_encoded_bytes().starts_with(b"RAFT_"))
            .for_each(|name| {
                command.env_remove(name);
            });
        command.args(["node", "--cluster", "demo", "--exit-on-stdin-eof", "--id"]);
        command.arg(id.to_string());
        for (other, port) in (1..).zip(&self.ports) {
            let address = format!("127.0.0.1:{port}");
            if other == id {
                command.arg("--listen").arg(address);
            } else {
                command.arg("--peer").arg(format!("{other}={address}"));
            }
        }
        command
            .arg("--key-file")
            .arg(self.directory.path().join("key"));
        command.arg("--state-dir").arg(self.state_dir(id));
        command
            .arg("--heartbeat")
            .arg(format!("{}us", self.plan.heartbeat.as_micros()));
        command
            .arg("--election-timeout")
            .arg(format!("{}us", self.plan.election_timeout.as_micros()));
        if self.ports.len() == 1 {
            command.arg("--alone");
        }
        if first {
            command.arg("--init");
        }
        command
    }

    /// The node of that id.
    pub(crate) fn node(&mut self, id: u64) -> Option<&mut Node> {
        self.nodes.iter_mut().find(|node| node.id == id)
    }

    /// The node whose present process is `process`: words of former ones come to nobody.
    pub(crate) fn current(&mut self, process: Process) -> Option<&mut Node> {
        self.nodes.iter_mut().find(|node| node.process == process)
    }
}

/// A fresh directory, whose path is short enough for the Unix sockets in it.
fn directory() -> io::Result<TempDir> {
    // A Unix socket's path holds 104 bytes on some systems; "/1/control.sock" is to follow.
    const LONGEST: usize = 80;
    let make = |parent: &Path| {
        tempfile::Builder::new()
            .prefix("raft-demo-")
            .tempdir_in(parent)
    };
    let made = make(&std::env::temp_dir())?;
    if made.path().as_os_str().len() <= LONGEST {
        return Ok(made);
    }
    make(Path::new("/tmp"))
}

/// Ports that nobody has bound now. Somebody may by the time that they are used: then a node says so and the
/// whole is begun again.
fn free_ports(count: usize) -> io::Result<Vec<u16>> {
    let sockets: Vec<UdpSocket> = (0..count)
        .map(|_| UdpSocket::bind("127.0.0.1:0"))
        .collect::<io::Result<_>>()?;
    sockets
        .iter()
        .map(|socket| Ok(socket.local_addr()?.port()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_differ() {
        let mut ports = free_ports(9).unwrap();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 9);
    }

    #[test]
    fn a_directory_that_is_dropped_is_gone_and_short() {
        let directory = directory().unwrap();
        let path = directory.path().to_owned();
        assert!(path.is_dir() && path.as_os_str().len() <= 80);
        drop(directory);
        assert!(!path.exists());
    }

    #[test]
    fn the_last_words_of_a_node_explain_its_end() {
        let mut node = Node::new(1);
        assert_eq!(node.last_word(), "it said nothing");
        node.wrote("raft node: listen: 127.0.0.1:9: Address already in use (os error 98)".into());
        assert!(node.port_was_taken());
        for word in 0..9 {
            node.wrote(format!("word {word}"));
        }
        assert_eq!(node.last_word(), "word 8");
        assert!(!node.port_was_taken());
    }
}
