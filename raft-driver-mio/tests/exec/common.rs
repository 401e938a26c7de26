//! Members as processes, which do not outlive their test.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use raft_driver_mio::Keyring;
use raft_driver_mio::control::{Request, client};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::ledger::{self, Active, LEDGER};

/// How long anything is waited for before a test fails: forever, on any machine that works.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Waits until `condition` holds, and fails with `what` if it never does.
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// What the members of one cluster have in common.
pub(crate) struct Hosts {
    dir: TempDir,
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
        Hosts { dir, test, count }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// An address of the loopback that no other test has: of this process, of this test, of this member.
    fn address(&self, id: u64) -> String {
        let [.., high, low] = std::process::id().to_be_bytes();
        format!("127.{high}.{low}.{}:7400", u64::from(self.test) * 4 + id)
    }

    /// The program with the options of member `id`, to which its own and the command are added.
    pub(crate) fn command(&self, id: u64) -> Command {
        self.subcommand("exec", id)
    }

    fn subcommand(&self, name: &str, id: u64) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_raft"));
        command.arg(name).arg(format!("--id={id}"));
        command.arg(format!("--listen={}", self.address(id)));
        for peer in (1..=self.count).filter(|peer| *peer != id) {
            command.arg(format!("--peer={peer}={}", self.address(peer)));
        }
        if self.count == 1 {
            command.arg("--alone");
        }
        let state_dir = self.path(&id.to_string());
        if !state_dir.exists() {
            command.arg("--init");
        }
        command.arg("--state-dir").arg(state_dir);
        command.arg("--key-file").arg(self.path("key"));
        // Long enough for a leader not to be lost because the machine is busy.
        command.args(["--election-timeout=1s", "--heartbeat=50ms"]);
        command.env(LEDGER, self.path("ledger"));
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    /// A member that runs `program` while it leads.
    pub(crate) fn start(&self, id: u64, options: &[&str], program: &[&str]) -> Member {
        let mut command = self.command(id);
        command.args(options).arg("--").args(program);
        Member::start(command, id, self.path(&id.to_string()))
    }

    /// A member that has a child already, whose number is in the file `child`.
    pub(crate) fn start_with_child(&self, id: u64, program: &[&str], child: &str) -> Member {
        let mut member = self.command(id);
        member.arg("--").args(program);
        let script = "sleep 10000 <&- >&- 2>&- & echo $! > \"$0\"; exec \"$@\"";
        let mut command = Command::new("sh");
        command.args(["-c", script]).arg(self.path(child));
        command.arg(member.get_program()).args(member.get_args());
        command.env(LEDGER, self.path("ledger"));
        command.stdin(Stdio::null()).stdout(Stdio::null());
        Member::start(command, id, self.path(&id.to_string()))
    }

    /// A member that runs no program.
    pub(crate) fn start_node(&self, id: u64, options: &[&str]) -> Member {
        let mut command = self.subcommand("node", id);
        command.args(options);
        Member::start(command, id, self.path(&id.to_string()))
    }

    /// A member that runs an instance, which writes to the ledger.
    pub(crate) fn start_instance(&self, id: u64, options: &[&str]) -> Member {
        let ourselves = std::env::current_exe().expect("a path");
        let ourselves = ourselves.to_str().expect("UTF-8");
        let instance = [ourselves, "--exact", "instance", "--nocapture"];
        self.start(id, options, &instance)
    }

    pub(crate) fn ledger(&self) -> Vec<Active> {
        ledger::read(&self.path("ledger"))
    }

    /// Waits for an instance of a term above `term`.
    pub(crate) fn active_after(&self, term: u64) -> Active {
        let mut found = None;
        wait_until("an active instance", || {
            found = self.ledger().into_iter().find(|active| active.term > term);
            found.is_some()
        });
        found.expect("an instance")
    }

    /// Runs a member that is expected to end by itself.
    pub(crate) fn output(&self, options: &[&str], program: &[&str]) -> Output {
        let mut member = self.start(1, options, program);
        let status = member.wait();
        Output {
            status,
            stdout: Vec::new(),
            stderr: member.log().into_bytes(),
        }
    }
}

/// A member that runs. Dropped, it is killed.
pub(crate) struct Member {
    pub(crate) id: u64,
    child: Child,
    state_dir: PathBuf,
    log: Arc<Mutex<String>>,
    reader: JoinHandle<()>,
}

impl Member {
    fn start(mut command: Command, id: u64, state_dir: PathBuf) -> Member {
        let mut child = command
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let log = Arc::new(Mutex::new(String::new()));
        let (stderr, written) = (child.stderr.take().expect("a pipe"), Arc::clone(&log));
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let mut log = written.lock().expect("a log");
                log.push_str(&line);
                log.push('\n');
            }
        });
        Member {
            id,
            child,
            state_dir,
            log,
            reader,
        }
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("it runs");
    }

    pub(crate) fn log(&self) -> String {
        self.log.lock().expect("a log").clone()
    }

    pub(crate) fn wait_for_log(&self, text: &str) {
        wait_until(text, || self.log().contains(text));
    }

    /// The process of the keeper.
    pub(crate) fn keeper(&self) -> Pid {
        children(self.pid())
            .into_iter()
            .find(|child| command_line(*child).contains("exec-keeper"))
            .expect("a keeper")
    }

    pub(crate) fn ask(&self, request: &Request) -> serde_json::Value {
        client::ask(&self.state_dir, request).expect("an answer")
    }

    /// Waits for the end, and for all that was said until then.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let mut status = None;
        wait_until("the member ends", || {
            status = status.or(self.child.try_wait().expect("a child"));
            status.is_some() && self.reader.is_finished()
        });
        status.expect("an end")
    }

    pub(crate) fn kill(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("member {}:\n{}", self.id, self.log());
        }
        self.kill();
    }
}

fn children(parent: Pid) -> Vec<Pid> {
    let tasks = fs::read_dir(format!("/proc/{parent}/task")).expect("/proc");
    let lists = tasks.flatten().filter_map(|task| {
        let list = fs::read_to_string(task.path().join("children")).ok()?;
        Some(list.split_whitespace().filter_map(pid).collect::<Vec<_>>())
    });
    lists.flatten().collect()
}

fn command_line(process: Pid) -> String {
    fs::read_to_string(format!("/proc/{process}/cmdline")).unwrap_or_default()
}

pub(crate) fn pid(text: &str) -> Option<Pid> {
    Pid::from_raw(text.trim().parse().ok()?)
}

/// Whether a process runs: one that ended and was not waited for does not.
pub(crate) fn runs(process: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(')').map(|(_, rest)| rest.trim_start());
    state.is_some_and(|state| !state.starts_with('Z'))
}

/// The numbers in a file, one a line, when there are `count` of them.
pub(crate) fn pids(path: &Path, count: usize) -> Vec<Pid> {
    let mut found = Vec::new();
    wait_until("the processes", || {
        let text = fs::read_to_string(path).unwrap_or_default();
        found = text.lines().filter_map(pid).collect();
        found.len() == count && text.ends_with('\n')
    });
    found
}
