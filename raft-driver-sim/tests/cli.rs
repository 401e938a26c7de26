//! The program's exit status and its JSON.
#![cfg(feature = "cli")]

use std::process::{Command, Output};

fn raft_sim(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_raft-sim"))
        .args(arguments)
        .output()
        .expect("the program starts")
}

fn json(arguments: &[&str]) -> serde_json::Value {
    let output = raft_sim(arguments);
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

#[test]
fn the_suite_ends_with_pass_and_status_0() {
    let output = raft_sim(&["lab3a", "--seed", "7"]);
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(printed.matches("... Passed --").count(), 3, "{printed}");
    assert!(printed.ends_with("PASS\n"), "{printed}");
}

#[test]
fn a_wrong_command_line_is_named_and_ends_with_status_2() {
    for (arguments, named) in [
        (vec!["lab3a", "--runs", "0"], "--runs"),
        (vec!["lab3a", "--test", "3b"], "--test"),
        (vec!["lab3a", "--trace", "--runs", "2"], "--trace"),
        (vec!["run", "--seed", "1"], "--scenario"),
        (vec!["run", "--scenario", "nowhere"], "leader-crash"),
        (vec!["run", "--scenario", "no/such.toml"], "no/such.toml"),
        (vec!["run", "--swarm"], "--seed"),
        (vec!["run", "--row", "S99"], "S22"),
        (vec!["run", "--failure", "no/such.json"], "no/such.json"),
        (vec!["view", "no/such.jsonl"], "no/such.jsonl"),
        (vec!["lab4"], "lab4"),
        (vec![], "Usage"),
    ] {
        let output = raft_sim(&arguments);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(error.contains(named), "{arguments:?}: {error}");
    }
}

#[test]
fn json_is_one_object_with_what_the_lines_say() {
    let one = json(&["lab3a", "--seed", "3", "--test", "initial", "--json"]);
    assert_eq!(one["passed"], true);
    assert_eq!(one["tests"][0]["peers"], 3);
    assert_eq!(one["tests"][0]["terms"], 1);
    let many = json(&["lab3a", "--runs", "5", "--json"]);
    assert_eq!(many["tests"].as_array().map(Vec::len), Some(3));
    assert_eq!(many["tests"][2]["runs"], 5);
    let compared = json(&["lab3a", "--compare", "--runs", "2", "--json"]);
    assert_eq!(compared["rows"].as_array().map(Vec::len), Some(15));
}

#[test]
fn the_same_seed_writes_the_same_trace() {
    let trace = || raft_sim(&["lab3a", "--seed", "9", "--test", "many", "--trace"]).stderr;
    let first = trace();
    assert!(!first.is_empty());
    assert_eq!(first, trace());
}

#[test]
fn a_run_is_recorded_drawn_and_drawn_again_from_its_trace() {
    let directory = std::env::temp_dir().join(format!("raft-sim-cli-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a directory");
    let file = |name: &str| directory.join(name).to_string_lossy().into_owned();
    let files = [file("a.jsonl"), file("a.html"), file("b.html")];
    let [trace, page, again] = &files;
    let ran = raft_sim(&[
        "run", "--swarm", "--seed", "3", "--trace", trace, "--html", page,
    ]);
    assert_eq!(ran.status.code(), Some(0));
    for option in ["--trace", "--html", "--svg"] {
        let error = raft_sim(&["run", "--swarm", "--seed", "3", option, "/nonexistent/file"]);
        let words = String::from_utf8_lossy(&error.stderr).into_owned();
        assert_ne!(error.status.code(), Some(0));
        let named = format!("{option}: /nonexistent/file: ");
        assert!(
            words.contains(&named) && words.contains("give a file"),
            "{words}"
        );
    }
    let viewed = raft_sim(&["view", trace, "--html", again]);
    assert_eq!(viewed.stdout, ran.stdout);
    let read = |name: &String| std::fs::read_to_string(name).expect("it was written");
    assert!(
        read(page) == read(again),
        "a trace tells all that a page shows"
    );
    std::fs::write(trace, "{\"raft_trace\":9}").expect("the directory is there");
    let error = raft_sim(&["view", trace]);
    assert_eq!(error.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&error.stderr).contains("line 1"));
    std::fs::remove_dir_all(&directory).expect("it is ours");
}

#[test]
fn the_swarm_says_what_it_ran_and_repeats_a_file_that_holds_a_run() {
    let swarm = json(&[
        "swarm", "--seed", "5", "--runs", "3", "--nodes", "5", "--json",
    ]);
    assert_eq!(swarm["runs"], 3);
    assert_eq!(swarm["failed"].as_array().map(Vec::len), Some(0));
    assert!(
        swarm["cluster_hours"]
            .as_f64()
            .is_some_and(|hours| hours > 0.0)
    );

    let directory = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let file = directory.join("swarm-replay.json");
    let run = raft_driver_sim::swarm::Swarm::new(3);
    let text = serde_json::to_string(&run).expect("plain data");
    std::fs::write(&file, text).expect("the directory is there");
    let file = file.to_str().expect("a path of letters");
    let output = raft_sim(&["swarm", "--replay", file]);
    assert_eq!(output.status.code(), Some(0));

    let missing = raft_sim(&["swarm", "--replay", "no-such-file.json"]);
    let error = String::from_utf8_lossy(&missing.stderr).into_owned();
    assert_eq!(missing.status.code(), Some(2));
    assert!(error.contains("no-such-file.json"), "{error}");
}

#[test]
fn the_scorecard_is_one_json_object_with_intervals() {
    let printed = json(&["scorecard", "--quick", "--json"]);
    let rows = printed["card"]["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), 17);
    let cell = &rows[0]["cells"][0];
    assert!(cell["low"].as_f64() <= cell["value"].as_f64());
}

#[test]
fn a_row_of_the_table_of_bad_networks_is_drawn_with_and_without_the_rules() {
    let leaderships = |more: &[&str]| {
        let arguments = [&["run", "--row", "S3"], more].concat();
        let output = raft_sim(&arguments);
        assert_eq!(output.status.code(), Some(0));
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let count = said
            .split(", ")
            .nth(3)
            .and_then(|part| part.split(' ').next());
        count
            .and_then(|count| count.parse::<u32>().ok())
            .unwrap_or_else(|| panic!("{said}"))
    };
    assert!(leaderships(&["--plain"]) > leaderships(&[]));
}
