//! One run of a hook.

use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

/// What a hook sees of our environment. The rest is not its business, and may be secret.
const PASSED_ON: [&str; 10] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "LC_ALL",
    "TZ",
    "TMPDIR",
    "XDG_RUNTIME_DIR",
];
/// How often a hook that runs is looked at.
const INTERVAL: Duration = Duration::from_millis(5);

/// How a run ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    Done,
    Failed(String),
    /// It was killed, for what it was run for is not so any more.
    Interrupted,
}

/// Runs a hook to its end, or kills it and its group when it takes too long or `outdated` says so.
pub(crate) fn run(
    program: &Path,
    environment: Vec<(String, String)>,
    input: &str,
    timeout: Duration,
    mut outdated: impl FnMut() -> bool,
) -> Outcome {
    let began = Instant::now();
    let mut child = match spawn(program, environment, input) {
        Ok(child) => child,
        Err(error) => return Outcome::Failed(error.to_string()),
    };
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Outcome::Done,
            Ok(Some(status)) => return Outcome::Failed(describe(status)),
            Ok(None) => {}
            Err(error) => return Outcome::Failed(error.to_string()),
        }
        if outdated() {
            kill(&mut child);
            return Outcome::Interrupted;
        }
        if began.elapsed() >= timeout {
            kill(&mut child);
            return Outcome::Failed(format!("it took longer than {timeout:?}"));
        }
        std::thread::sleep(INTERVAL);
    }
}

fn spawn(program: &Path, environment: Vec<(String, String)>, input: &str) -> io::Result<Child> {
    let passed_on = PASSED_ON
        .iter()
        .filter_map(|name| Some((*name, std::env::var_os(name)?)));
    let mut child = Command::new(program)
        .env_clear()
        .envs(passed_on)
        .envs(environment)
        .stdin(Stdio::piped())
        .process_group(0)
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // It is less than a pipe holds. A hook that does not read it has what it wants.
        let _ = stdin.write_all(input.as_bytes());
    }
    Ok(child)
}

fn kill(child: &mut Child) {
    // It has not been waited for, so the number is still its own.
    let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
    let _ = child.wait();
}

fn describe(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("it ended with status {code}"),
        None => format!("it was ended by a signal: {status}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, timeout: Duration, outdated: bool) -> Outcome {
        let dir = tempfile::tempdir().expect("a directory");
        let program = dir.path().join("hook");
        // By another process: a program that some process of ours has open for writing cannot be run.
        let written = Command::new("sh")
            .args([
                "-c",
                "printf '#!/bin/sh\\n%s\\n' \"$1\" > \"$0\" && chmod 700 \"$0\"",
            ])
            .args([program.as_os_str(), script.as_ref()])
            .status();
        assert!(written.expect("a shell").success());
        let environment = vec![("RAFT_TERM".to_owned(), "7".to_owned())];
        run(&program, environment, "{}\n", timeout, || outdated)
    }

    const LONG: Duration = Duration::from_secs(600);

    #[test]
    fn a_hook_has_a_clean_environment_and_a_line_of_input() {
        let script = "read line && test \"$line\" = '{}' && test $RAFT_TERM = 7 && test -n \"$PATH\" \
                      && test -z \"$CARGO_MANIFEST_DIR\"";
        let outcome = shell(script, LONG, false);
        assert!(matches!(outcome, Outcome::Done), "{outcome:?}");
    }

    #[test]
    fn a_hook_that_fails_hangs_or_is_outdated_is_told_apart() {
        let failed = |outcome| match outcome {
            Outcome::Failed(reason) => reason,
            outcome => panic!("{outcome:?}"),
        };
        assert!(failed(shell("exit 3", LONG, false)).contains("status 3"));
        assert!(failed(shell("kill -9 $$", LONG, false)).contains("signal"));
        let reason = failed(shell(
            "sleep 10000 & wait",
            Duration::from_millis(20),
            false,
        ));
        assert!(reason.contains("longer"), "{reason}");
        let outcome = shell("sleep 10000", LONG, true);
        assert!(matches!(outcome, Outcome::Interrupted), "{outcome:?}");
        let missing = run(Path::new("/no/such/hook"), Vec::new(), "", LONG, || false);
        assert!(failed(missing).contains("No such file"));
    }
}
