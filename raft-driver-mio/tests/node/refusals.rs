//! Wrong options: one line that names the mistake and the remedy, and nothing is left behind.

use rustix::process::Signal;

use crate::hosts::{Hosts, Process, finish, output, raft, stderr};

/// What `raft node` says of a wrong configuration.
fn refused(options: &[&str]) -> String {
    let output = finish(raft(&["node"]).args(options));
    let words = stderr(&output);
    assert_eq!(output.status.code(), Some(78), "{options:?}: {words}");
    assert_eq!(words.lines().count(), 1, "{words}");
    assert!(
        !words.contains("Settings::") && !words.contains("heartbeat_interval"),
        "{words}"
    );
    words
}

#[test]
fn wrong_options_are_named_with_a_remedy() {
    let hosts = Hosts::new();
    let state = format!("--state-dir={}", hosts.path("1"));
    let rest = ["--id=1", "--listen=127.0.0.1:0", &state, "--init"];
    let with = |more: &[&'static str]| refused(&[&rest[..], more].concat());
    let cases: [(String, &[&str]); 11] = [
        (refused(&[]), &["id: ", "--id"]),
        (refused(&["--id=1"]), &["listen: ", "--listen"]),
        (refused(&rest[..2]), &["state-dir: ", "--state-dir"]),
        (with(&["--peer=2"]), &["`2`", "ID=HOST:PORT"]),
        (
            with(&["--peer=2=localhost"]),
            &["node 2", "localhost", "HOST:PORT"],
        ),
        (
            with(&["--peer=2=[::1]:7402"]),
            &["node 2", "[::1]:7402", "family"],
        ),
        (
            with(&["--peer=2=127.0.0.1:1", "--peer=3=127.0.0.1:1"]),
            &["2 and 3", "127.0.0.1:1"],
        ),
        (
            with(&["--heartbeat=200ms"]),
            &["--heartbeat", "200ms", "a third"],
        ),
        (with(&["--cluster=no name"]), &["cluster", "`no name`"]),
        (
            with(&["--key-file=/nonexistent/key"]),
            &["/nonexistent/key"],
        ),
        (with(&["--log-level=loud"]), &["`loud`", "debug"]),
    ];
    for (words, parts) in cases {
        assert!(
            parts.iter().all(|part| words.contains(part)),
            "{words} lacks one of {parts:?}"
        );
    }
    let words = refused(&["--id=1", "--listen=0.0.0.0:0", &state, "--init"]);
    assert!(
        words.contains("keygen") && words.contains("--insecure"),
        "{words}"
    );
    for (option, part) in [
        ("--heartbeat=50", "50ms"),
        ("--listen=localhost:7401", "a host name will not do"),
    ] {
        let output = output(&["node", option]);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(part), "{}", stderr(&output));
    }
    assert!(
        !hosts.state_dir(1).exists(),
        "a wrong option left something behind"
    );
}

#[test]
fn what_cannot_be_read_or_written_is_named_by_its_option() {
    let hosts = Hosts::new();
    let words = refused(&["--config=/nonexistent/file"]);
    assert!(words.contains("config: /nonexistent/file: "), "{words}");
    assert!(words.contains("give a file that is there"), "{words}");
    let said = finish(&mut raft(&["man", "--out=/nonexistent"]));
    let words = stderr(&said);
    assert_eq!(said.status.code(), Some(1), "{words}");
    assert!(words.contains("out: /nonexistent/raft.1: "), "{words}");
    assert!(words.contains("give --out a directory"), "{words}");
    for state in ["/nonexistent/file", &hosts.path("")] {
        let said = finish(raft(&["fence", "--term=1", "--state", state]).args(["--", "true"]));
        let words = stderr(&said);
        assert_eq!(said.status.code(), Some(125), "{words}");
        assert!(words.contains(&format!("state: {state}: ")), "{words}");
        assert!(words.contains("give a file"), "{words}");
    }
}

#[test]
fn a_variable_that_is_misspelt_is_told_of_when_a_node_starts() {
    let hosts = Hosts::new();
    let mut command = raft(&[]);
    command.args(hosts.options(1)).arg("--init");
    command
        .env("RAFT_KEY_FIEL", "/etc/key")
        .env("RAFT_TERM", "7");
    let mut node = Process::spawn(command, 1, hosts.state_dir(1));
    node.line(&[
        "level=warn",
        "event=unknown_variable",
        "variable=RAFT_KEY_FIEL",
        "nearest=RAFT_KEY_FILE",
    ]);
    node.signal(Signal::TERM);
    assert_eq!(node.wait(), Some(0));
    let more = node.rest();
    assert!(!more.iter().any(|line| line.contains("RAFT_")), "{more:?}");
}

#[test]
fn the_other_voters_are_named_and_nobody_else() {
    let hosts = Hosts::new();
    let state = format!("--state-dir={}", hosts.path("1"));
    let rest = ["--id=1", "--listen=127.0.0.1:7402", &state, "--init"];
    let cases: [(&[&str], &[&str]); 4] = [
        (&[], &["--peer", "--alone", "without anybody's vote"]),
        (
            &["--alone", "--peer=2=127.0.0.1:7403"],
            &["alone: ", "--peer"],
        ),
        (
            &["--peer=1=127.0.0.1:7403"],
            &["node 1", "names the other voters", "leave this node out"],
        ),
        (
            &["--peer=2=127.0.0.1:7402"],
            &["node 2", "same address", "127.0.0.1:7402"],
        ),
    ];
    for (more, parts) in cases {
        let words = refused(&[&rest[..], more].concat());
        assert!(
            parts.iter().all(|part| words.contains(part)),
            "{words} lacks one of {parts:?}"
        );
    }
    assert!(!hosts.state_dir(1).exists());
}

#[test]
fn a_hook_that_cannot_be_run_is_refused_at_the_start() {
    let hosts = Hosts::new();
    let state = format!("--state-dir={}", hosts.path("1"));
    let rest = [
        "--id=1",
        "--listen=127.0.0.1:0",
        "--alone",
        &state,
        "--init",
    ];
    for (hook, parts) in [
        (
            "--on-leader=/nonexistent/hook",
            ["on-leader: ", "not found"],
        ),
        ("--on-follower=/etc/passwd", ["on-follower: ", "executed"]),
        ("--on-change=no-such-hook", ["on-change: ", "not found"]),
    ] {
        let words = refused(&[&rest[..], &[hook]].concat());
        assert!(
            parts.iter().all(|part| words.contains(part)),
            "{words} lacks one of {parts:?}"
        );
    }
    assert!(!hosts.state_dir(1).exists());
}
