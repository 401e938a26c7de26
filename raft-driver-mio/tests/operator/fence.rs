//! `raft fence`: no older term after a younger one.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::common::{Killed, Lines, raft, said, wait_until};

struct Fence {
    dir: TempDir,
}

impl Fence {
    fn new() -> Fence {
        let dir = tempfile::tempdir().expect("a directory");
        Fence { dir }
    }

    fn path(&self, name: &str) -> String {
        let path = self.dir.path().join(name);
        path.to_str().expect("UTF-8").to_owned()
    }

    /// `raft fence` with a term, and with what it runs.
    fn command(&self, term: &str, more: &[&str]) -> Command {
        let state = self.path("fence");
        let mut command = raft(["fence", "--state", &state]);
        command.args(more).env("RAFT_TERM", term);
        command
    }

    fn run(&self, term: &str, command: &[&str]) -> (Option<i32>, String, String) {
        said(self.command(term, &["--"]).args(command))
    }

    fn highest(&self) -> String {
        fs::read_to_string(self.path("fence")).expect("a file")
    }
}

#[test]
fn an_older_term_is_refused_and_an_equal_or_younger_one_runs() {
    let fence = Fence::new();
    let (code, out, words) = fence.run("7", &["sh", "-c", "echo $RAFT_TERM; exit 9"]);
    assert_eq!((code, out.as_str(), words.as_str()), (Some(9), "7\n", ""));
    assert_eq!(fence.run("7", &["true"]).0, Some(0));
    let seven = fence.highest();
    let mark = fence.path("mark");
    let (code, _, words) = fence.run("6", &["touch", &mark]);
    assert_eq!(code, Some(76));
    assert!(words.contains("term 6 is older than 7"), "{words}");
    assert!(!Path::new(&mark).exists(), "it ran");
    assert_eq!(fence.highest(), seven);
    assert_eq!(fence.run("10", &["touch", &mark]).0, Some(0));
    assert!(Path::new(&mark).exists());
    // As numbers, not as text.
    assert_eq!(fence.run("9", &["true"]).0, Some(76));
    // A term counts from when it was seen, whatever became of its program.
    assert_eq!(fence.run("11", &["/nonexistent/program"]).0, Some(127));
    assert_eq!(fence.run("10", &["true"]).0, Some(76));
    assert_eq!(
        fs::read_dir(fence.dir.path()).expect("a directory").count(),
        3
    );
}

#[test]
fn what_cannot_be_run_has_the_statuses_of_env() {
    let fence = Fence::new();
    assert_eq!(fence.run("1", &["no-such-program-anywhere"]).0, Some(127));
    assert_eq!(fence.run("1", &["/"]).0, Some(126));
    for (term, part) in [
        ("", "`` is no term"),
        ("0", "above 0"),
        ("-1", "`-1`"),
        ("7x", "`7x`"),
    ] {
        let (code, _, words) = fence.run(term, &["true"]);
        assert_eq!(code, Some(125), "{words}");
        assert!(
            words.contains(part) && words.contains("RAFT_TERM"),
            "{words}"
        );
    }
    let (code, _, words) = said(
        raft(["fence", "--state", &fence.path("fence"), "--", "true"]).env_remove("RAFT_TERM"),
    );
    assert_eq!(code, Some(125));
    assert!(words.contains("--term"), "{words}");
    assert_eq!(
        said(&mut raft(["fence", "--", "true"])).0,
        Some(125),
        "no --state"
    );
    let lost = fence.path("lost/fence");
    let (code, _, words) = said(&mut raft([
        "fence", "--term=1", "--state", &lost, "--", "true",
    ]));
    assert_eq!(code, Some(125));
    assert!(words.contains(&lost), "{words}");
}

#[test]
fn a_damaged_file_is_refused_and_left_as_it_is() {
    let fence = Fence::new();
    assert_eq!(fence.run("41", &["true"]).0, Some(0));
    let good = fence.highest();
    let higher = good.replace("41", "99");
    for bad in ["", "41\n", &good[..good.len() - 1], &higher, "\u{0}\u{0}"] {
        fs::write(fence.path("fence"), bad).expect("a file");
        let (code, _, words) = fence.run("50", &["true"]);
        assert_eq!(code, Some(125), "{bad:?}: {words}");
        assert!(
            words.contains("damaged") && words.contains(&fence.path("fence")),
            "{words}"
        );
        assert_eq!(fence.highest(), bad);
    }
}

#[test]
fn who_could_read_the_file_still_can() {
    let fence = Fence::new();
    assert_eq!(fence.run("1", &["true"]).0, Some(0));
    let mode = || {
        fs::metadata(fence.path("fence"))
            .expect("a file")
            .permissions()
            .mode()
            & 0o777
    };
    fs::set_permissions(fence.path("fence"), fs::Permissions::from_mode(0o640)).expect("a mode");
    assert_eq!(fence.run("2", &["true"]).0, Some(0));
    assert_eq!(mode(), 0o640);
}

/// A process that is none of our children, and does not outlive the test either.
struct Left(Pid);

impl Drop for Left {
    fn drop(&mut self) {
        let _ = kill_process(self.0, Signal::KILL);
    }
}

#[test]
fn a_younger_term_starts_only_when_all_of_an_older_one_has_ended() {
    let fence = Fence::new();
    // What it leaves behind is of its term as well.
    let script = "sleep 1000 & echo $$ $!; exec sleep 1000";
    let child = fence
        .command("1", &["--", "sh", "-c", script])
        .stdout(Stdio::piped())
        .spawn();
    let mut older = Killed(child.expect("the program runs"));
    let pids = Lines::of(older.0.stdout.take().expect("a pipe")).next();
    let pids = pids.expect("a line");
    let (main, left) = pids.split_once(' ').expect("two ids");
    let left = left.parse().ok().and_then(Pid::from_raw);
    let left = Left(left.expect("an id"));
    assert_eq!(main, older.0.id().to_string(), "raft is still between");

    let (code, _, words) = said(
        fence
            .command("2", &["--wait=50ms", "--", "true"])
            .env("RAFT_TERM", "2"),
    );
    assert_eq!(code, Some(75), "{words}");
    let mark = fence.path("mark");
    let child = fence.command("2", &["--", "touch", &mark]).spawn();
    let mut younger = Killed(child.expect("the program runs"));
    older.signal(Signal::KILL);
    older.wait();
    assert!(
        younger.0.try_wait().expect("a child").is_none(),
        "it did not wait for what is left"
    );
    assert!(!Path::new(&mark).exists());
    drop(left);
    assert_eq!(younger.wait().code(), Some(0));
    assert!(Path::new(&mark).exists());
}

/// Whether a process has the lock's file open, if it is there still.
fn has_open(process: &Killed, lock: &Path) -> bool {
    let open = fs::read_dir(format!("/proc/{}/fd", process.0.id()));
    let mut open = open.into_iter().flatten().flatten();
    open.any(|entry| fs::read_link(entry.path()).is_ok_and(|at| at == lock))
}

#[test]
fn who_waited_for_a_lock_that_was_removed_waits_for_the_one_in_its_place() {
    let fence = Fence::new();
    let lock = fs::canonicalize(fence.dir.path()).expect("a directory");
    let lock = lock.join("fence.lock");
    for options in [&["--"][..], &["--wait=1h", "--"]] {
        let holder = || {
            let script = ["sh", "-c", "echo; exec sleep 1000"];
            let mut command = fence.command("1", &["--"]);
            let child = command.args(script).stdout(Stdio::piped()).spawn();
            let mut child = child.expect("the program runs");
            let lines = Lines::of(child.stdout.take().expect("a pipe"));
            assert!(lines.next().is_some(), "it runs");
            Killed(child)
        };
        let first = holder();
        let mut waiting = fence.command("1", options);
        let waiting = waiting.arg("true").spawn();
        let mut waiting = Killed(waiting.expect("the program runs"));
        wait_until("it waits for the lock", || has_open(&waiting, &lock));
        fs::remove_file(&lock).expect("a lock");
        let second = holder();
        drop(first);
        wait_until("it waits for the other lock", || {
            let ended = waiting.0.try_wait().expect("a child");
            assert_eq!(ended, None, "it ran beside another");
            has_open(&waiting, &lock)
        });
        drop(second);
        assert_eq!(waiting.wait().code(), Some(0));
    }
}

#[test]
fn a_link_is_another_name_of_the_file_that_it_leads_to() {
    let fence = Fence::new();
    let (link, real) = (fence.path("link"), fence.path("fence"));
    // Before the first use, too: it leads to nothing yet.
    symlink("fence", &link).expect("a link");
    let through = |term: &str, more: &[&str]| {
        let mut command = raft(["fence", "--state", &link, "--term", term]);
        command.args(more);
        command
    };
    assert_eq!(said(&mut through("7", &["--", "true"])).0, Some(0));
    assert!(fs::symlink_metadata(&link).is_ok_and(|it| it.is_symlink()));
    assert!(fs::symlink_metadata(&real).is_ok_and(|it| it.is_file()));
    assert_eq!(fence.run("6", &["true"]).0, Some(76));
    assert_eq!(fence.run("8", &["true"]).0, Some(0));
    assert_eq!(said(&mut through("7", &["--", "true"])).0, Some(76));
    assert_eq!(said(&mut through("9", &["--", "true"])).0, Some(0));
    assert!(fs::symlink_metadata(&link).is_ok_and(|it| it.is_symlink()));

    let mut holder = fence.command("9", &["--", "sh", "-c", "echo; exec sleep 1000"]);
    let holder = holder.stdout(Stdio::piped()).spawn();
    let mut holder = Killed(holder.expect("the program runs"));
    let lines = Lines::of(holder.0.stdout.take().expect("a pipe"));
    assert!(lines.next().is_some(), "it runs");
    let (code, _, words) = said(&mut through("9", &["--wait=50ms", "--", "true"]));
    assert_eq!(code, Some(75), "{words}");
    drop(holder);

    let round = fence.path("round");
    symlink("round", &round).expect("a link");
    let (code, _, words) = said(&mut raft([
        "fence", "--term=1", "--state", &round, "--", "true",
    ]));
    assert_eq!(code, Some(125), "{words}");
    assert!(words.contains(&round), "{words}");
}

#[test]
fn of_many_at_once_no_older_one_follows_a_younger_one() {
    let fence = Fence::new();
    let log = fence.path("log");
    let script = format!("echo $RAFT_TERM >> {log}");
    let children: Vec<Killed> = (1..=24_u64)
        .map(|index| index * 7 % 25)
        .map(|term| {
            let mut command = fence.command(&term.to_string(), &["--", "sh", "-c", &script]);
            Killed(
                command
                    .stderr(Stdio::null())
                    .spawn()
                    .expect("the program runs"),
            )
        })
        .collect();
    for mut child in children {
        assert!(matches!(child.wait().code(), Some(0 | 76)));
    }
    let terms = fs::read_to_string(&log).expect("a log");
    let terms: Vec<u64> = terms
        .lines()
        .map(|line| line.parse().expect("a term"))
        .collect();
    assert!(terms.is_sorted(), "{terms:?}");
    assert_eq!(terms.last(), Some(&24), "the youngest always runs");
    wait_until("the lock is free", || {
        fence.run("24", &["true"]).0 == Some(0)
    });
}
