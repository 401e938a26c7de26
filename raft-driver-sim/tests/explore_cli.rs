//! `raft-sim explore`: its exit status, its JSON and its files.
#![cfg(feature = "cli")]

use std::path::PathBuf;
use std::process::{Command, Output};

fn explore(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_raft-sim"))
        .arg("explore")
        .args(arguments)
        .output()
        .expect("the program starts")
}

fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name)
}

#[test]
fn a_clean_box_ends_with_status_0_and_its_counts_as_json() {
    let output = explore(&["--plain", "--nodes", "2", "--json"]);
    assert_eq!(output.status.code(), Some(0));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a JSON object");
    assert_eq!(report["exhausted"], true);
    assert_eq!(report["expanded_states"], 36);
    assert!(report["violation"].is_null());
}

#[test]
fn a_search_that_ends_at_a_limit_ends_with_status_3() {
    let output = explore(&["--terms", "2", "--max-states", "100"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stdout).contains("not exhausted"));
}

#[test]
fn what_is_wrong_is_named_and_ends_with_status_2() {
    let missing = file("no-such-trace.json");
    let missing = missing.to_str().expect("a name in Unicode");
    for (arguments, named) in [
        (vec!["--nodes", "7"], "nodes"),
        (vec!["--rounds", "0"], "rounds"),
        (vec!["--network", "square"], "chain"),
        (vec!["--nodes", "2", "--network", "star"], "network"),
        (vec!["--replay", missing], "no-such-trace.json"),
        (vec!["--dump", "/"], "/: "),
    ] {
        let output = explore(&arguments);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(error.contains(named), "{arguments:?}: {error}");
    }
}

#[test]
fn the_graph_has_a_line_for_each_state_and_each_transition() {
    let graph = file("graph.json");
    let path = graph.to_str().expect("a name in Unicode");
    let output = explore(&["--plain", "--nodes", "2", "--no-symmetry", "--dump", path]);
    assert_eq!(output.status.code(), Some(0));
    let text = std::fs::read_to_string(graph).expect("the graph was written");
    let lines = |field: &str| text.lines().filter(|line| line.contains(field)).count();
    assert_eq!(lines("\"state\":"), 36);
    assert!(lines("\"from\":") > 36);
    let dangling = |line: &&str| line.contains("\"to\":null");
    assert_eq!(text.lines().filter(dangling).count(), 0);
}

#[test]
fn a_walk_ends_with_its_counts_as_json() {
    let walk = [
        "--nodes", "4", "--terms", "9", "--rounds", "5", "--walk", "30000",
    ];
    let output = explore(&[&walk[..], &["--seed", "7", "--json"]].concat());
    assert_eq!(output.status.code(), Some(0));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a JSON object");
    assert_eq!(
        (&report["steps"], &report["seed"]),
        (&30_000.into(), &7.into())
    );
    assert!(report["elections"].as_u64() > Some(0));
    assert!(report["violation"].is_null());
    for other in ["--no-forget", "--no-symmetry", "--sip-hash"] {
        let output = explore(&[&walk[..], &[other]].concat());
        assert_eq!(output.status.code(), Some(2), "{other}");
    }
}

// Plain Raft has a leader deposed for ever by whoever does not hear it.
#[test]
fn a_violation_is_written_to_a_file_that_replays_it() {
    let trace = file("violation.json");
    let path = trace.to_str().expect("a name in Unicode");
    let output = explore(&["--plain", "--network", "chain", "--trace", path]);
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{printed}");
    let replayed = explore(&["--replay", path]);
    let again = String::from_utf8_lossy(&replayed.stdout).into_owned();
    assert_eq!(replayed.status.code(), Some(1), "{again}");
    let last = |text: &str| text.lines().last().map(str::to_owned);
    assert!(last(&again).is_some_and(|line| line.starts_with("violated: DeadEnd: ")));
    assert_eq!(last(&printed), last(&again));
    let text = std::fs::read_to_string(&trace).expect("the trace was written");
    let mut broken: serde_json::Value = serde_json::from_str(&text).expect("a JSON object");
    broken["links"] = serde_json::json!([[0, 9]]);
    std::fs::write(&trace, broken.to_string()).expect("the trace is written");
    let output = explore(&["--replay", path]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("links"));
}

// A trace of steps that break nothing.
#[test]
fn a_trace_is_replayed_step_by_step() {
    let trace = file("trace.json");
    let bounds = serde_json::json!({
        "nodes": 2, "terms": 1, "rounds": 1, "protocol": "Plain",
        "crashes": true, "transfers": false, "pauses": false,
    });
    let fires = serde_json::json!({ "TimerFired": { "timer": "Election" } });
    let mut steps = vec![serde_json::json!({ "node": 0, "what": fires, "crashed_after": 1 })];
    let write = |steps: &Vec<serde_json::Value>| {
        let text = serde_json::json!({ "bounds": bounds, "steps": steps, "violation": "none" });
        std::fs::write(&trace, text.to_string()).expect("the trace is written");
        explore(&["--replay", trace.to_str().expect("a name in Unicode")])
    };
    let output = write(&steps);
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{printed}");
    assert!(printed.contains("node 0 Election timer fires"), "{printed}");
    assert!(printed.contains("term 1, voted for 0"), "{printed}");
    // In the last term of the box nobody campaigns.
    steps.push(serde_json::json!({ "node": 0, "what": fires }));
    let output = write(&steps);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("step 2"));
}
