//! `raft demo` as its users run it: processes, sockets and signals are real.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// The program, told to keep its files in `directory`.
fn demo(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_raft"));
    command.arg("demo").args(arguments).env("TMPDIR", directory);
    command
}

/// A run to its end, which leaves nothing behind.
fn run(arguments: &[&str]) -> Output {
    let directory = TempDir::new().unwrap();
    let output = demo(directory.path(), arguments).output().unwrap();
    assert_nothing_is_left(directory.path());
    output
}

fn assert_nothing_is_left(directory: &Path) {
    assert_eq!(processes(directory), Vec::<String>::new());
    let left: Vec<_> = std::fs::read_dir(directory).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

/// The processes whose command line names `directory`.
#[cfg(target_os = "linux")]
fn processes(directory: &Path) -> Vec<String> {
    let name = directory.to_str().unwrap();
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let lines =
        entries.filter_map(|entry| std::fs::read_to_string(entry.path().join("cmdline")).ok());
    lines.filter(|line| line.contains(name)).collect()
}

#[cfg(not(target_os = "linux"))]
fn processes(directory: &Path) -> Vec<String> {
    let name = directory.to_str().unwrap();
    let output = Command::new("ps")
        .args(["-axww", "-o", "args="])
        .output()
        .unwrap();
    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    lines
        .lines()
        .filter(|line| line.contains(name))
        .map(str::to_owned)
        .collect()
}

/// A run with that many nodes and kills, fast, and what it found out.
fn failovers(nodes: &str, kills: &str) -> serde_json::Value {
    let timing = ["--heartbeat", "30ms", "--election-timeout", "300ms"];
    let arguments = [&["--nodes", nodes, "--kills", kills, "--json"], &timing[..]].concat();
    let output = run(&arguments);
    let log = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{log}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn every_failover_ends_with_a_leader_in_a_higher_term() {
    let report = failovers("3", "2");
    assert_eq!(report["schema"], 1);
    assert_eq!(report["ok"], true);
    assert_eq!(report["problems"], serde_json::json!([]));
    let failovers = report["failovers"].as_array().unwrap();
    assert_eq!(failovers.len(), 2);
    for failover in failovers {
        assert!(
            failover["new_term"].as_u64() > failover["old_term"].as_u64(),
            "{failover}"
        );
        assert_ne!(failover["new_leader"], failover["old_leader"]);
        assert!(failover["to_active_seconds"].as_f64() >= failover["to_gained_seconds"].as_f64());
    }
    assert!(
        report["to_active"]["median_seconds"].as_f64()
            <= report["to_active"]["worst_seconds"].as_f64()
    );
    assert!(report["ratio"].as_f64() > Some(0.0));
}

#[test]
fn one_node_leads_again_when_it_is_back() {
    let report = failovers("1", "1");
    let failover = &report["failovers"][0];
    assert_eq!(
        (&failover["old_leader"], &failover["new_leader"]),
        (&1.into(), &1.into())
    );
    assert!(failover["without_majority_seconds"].as_f64() > Some(0.0));
}

#[test]
fn two_nodes_have_no_leader_until_both_run() {
    let report = failovers("2", "1");
    let failover = &report["failovers"][0];
    assert!(failover["without_majority_seconds"].as_f64() > Some(0.0));
    assert!(failover["to_gained_seconds"].as_f64() > failover["without_majority_seconds"].as_f64());
}

/// A demo that would go on for long, once it has a leader.
fn long_run(directory: &Path) -> (Child, impl Iterator<Item = String>) {
    let mut child = demo(
        directory,
        &[
            "--kills",
            "1000",
            "--election-timeout",
            "300ms",
            "--heartbeat",
            "30ms",
        ],
    )
    .stdout(Stdio::piped())
    .stderr(Stdio::null())
    .spawn()
    .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);
    assert!(lines.any(|line| line.contains("wins term")));
    (child, lines)
}

fn signal(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

#[test]
fn an_interrupted_demo_leaves_nothing_behind() {
    for (number, name) in [
        (Signal::INT, "SIGINT"),
        (Signal::TERM, "SIGTERM"),
        (Signal::HUP, "SIGHUP"),
    ] {
        let directory = TempDir::new().unwrap();
        let (mut child, lines) = long_run(directory.path());
        assert!(!processes(directory.path()).is_empty());
        signal(&child, number);
        let last = lines.last().unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(1));
        assert_nothing_is_left(directory.path());
        assert!(last.starts_with("incomplete: "), "{last}");
        // A failover may have been under way, which is told after it.
        assert!(
            last.contains(name) || last.contains("no successor"),
            "{last}"
        );
    }
}

#[test]
fn a_demo_that_is_killed_leaves_no_process_behind() {
    let directory = TempDir::new().unwrap();
    let (mut child, lines) = long_run(directory.path());
    signal(&child, Signal::KILL);
    child.wait().unwrap();
    drop(lines);
    // They see it at once; how soon they have ended is the system's affair, but it is no matter of minutes.
    let start = Instant::now();
    while !processes(directory.path()).is_empty() {
        assert!(
            start.elapsed() < Duration::from_secs(120),
            "{:?}",
            processes(directory.path())
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_reader_that_goes_away_ends_it() {
    let directory = TempDir::new().unwrap();
    let (mut child, lines) = long_run(directory.path());
    drop(lines);
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert_nothing_is_left(directory.path());
}

#[test]
fn wrong_options_are_named_and_start_nothing() {
    for (arguments, name) in [
        (&["--nodes", "0"][..], "--nodes"),
        (&["--nodes", "10"], "--nodes"),
        (&["--kills", "1001"], "--kills"),
        (&["--heartbeat", "50"], "--heartbeat"),
        (&["--heartbeat", "400ms"], "heartbeat"),
        (&["--election-timeout", "100h"], "election"),
    ] {
        let output = run(arguments);
        let log = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {log}");
        assert!(log.contains(name), "{arguments:?}: {log}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let directory = TempDir::new().unwrap();
    let output = demo(&directory.path().join("absent"), &[])
        .output()
        .unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{log}");
    assert!(log.contains("absent") && log.contains("TMPDIR"), "{log}");
}
