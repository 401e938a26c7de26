//! How a member ends when its program does.

use std::fs;

use raft_driver_mio::control::Request;

use crate::common::{Hosts, wait_until};

fn status(program: &[&str]) -> Option<i32> {
    Hosts::new(1).output(&[], program).status.code()
}

#[test]
fn a_member_ends_with_the_status_of_its_program() {
    assert_eq!(status(&["true"]), Some(0));
    assert_eq!(status(&["sh", "-c", "exit 7"]), Some(7));
    assert_eq!(status(&["sh", "-c", "kill -9 $$"]), Some(137));
    assert_eq!(status(&["sh", "-c", "kill -15 $$"]), Some(143));
}

#[test]
fn a_program_that_cannot_be_run_has_the_member_not_even_take_part() {
    let hosts = Hosts::new(1);
    let missing = hosts.path("no-such-program");
    let missing = missing.to_str().expect("UTF-8");
    let output = hosts.output(&[], &[missing]);
    assert_eq!(output.status.code(), Some(127));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains(missing) && said.contains("not found"),
        "{said}"
    );
    fs::write(missing, "#!/bin/sh\n").expect("a file");
    assert_eq!(hosts.output(&[], &[missing]).status.code(), Some(126));
    assert!(!hosts.path("1").exists(), "it made its state");
}

#[test]
fn a_program_that_is_gone_when_it_is_needed_ends_the_member() {
    let hosts = Hosts::new(3);
    let program = hosts.path("program");
    fs::copy("/bin/true", &program).expect("a copy");
    let program = program.to_str().expect("UTF-8").to_owned();
    // Alone it is not elected.
    let mut first = hosts.start(1, &[], &[&program]);
    first.wait_for_log("event=ready");
    fs::remove_file(&program).expect("a file");
    let _second = hosts.start(2, &["--witness"], &["true"]);
    assert_eq!(first.wait().code(), Some(127));
    assert!(first.log().contains("not found"));
}

#[test]
fn wrong_options_and_failures_have_statuses_of_their_own() {
    let hosts = Hosts::new(1);
    let mut wrong = hosts.command(1);
    let output = wrong.args(["--stop-signal=KILL", "--", "true"]).output();
    let output = output.expect("the program runs");
    assert_eq!(output.status.code(), Some(125));
    assert!(String::from_utf8_lossy(&output.stderr).contains("KILL"));
    let output = hosts.command(1).output().expect("the program runs");
    assert_eq!(output.status.code(), Some(125), "no program is given");
    let output = hosts.output(&["--cluster=no name"], &["true"]);
    assert_eq!(output.status.code(), Some(78));
    let output = hosts.output(&["--grace=1s", "--kill-delay=1s"], &["true"]);
    assert_eq!(output.status.code(), Some(78));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("--kill-delay"), "{said}");
    let _running = hosts.start(1, &[], &["sleep", "10000"]);
    _running.wait_for_log("event=ready");
    let output = hosts.output(&[], &["true"]);
    assert_eq!(output.status.code(), Some(125), "the state is locked");
}

#[test]
fn with_restart_the_program_starts_again_and_other_hosts_come_first() {
    let hosts = Hosts::new(1);
    let program = ["sh", "-c", "echo $RAFT_TERM >> $TEST_LEDGER; exit 3"];
    let member = hosts.start(1, &["--restart"], &program);
    let ledger = || fs::read_to_string(hosts.path("ledger")).unwrap_or_default();
    wait_until("it starts again", || ledger().lines().count() >= 2);
    // There is nobody else, so the term goes on.
    assert!(ledger().starts_with("1\n1\n"), "{}", ledger());
    drop(member);

    let hosts = Hosts::new(3);
    let program = ["sh", "-c", "echo $RAFT_NODE_ID >> $TEST_LEDGER; exit 3"];
    let _members = [1, 2, 3].map(|id| hosts.start(id, &["--restart"], &program));
    let ledger = || fs::read_to_string(hosts.path("ledger")).unwrap_or_default();
    wait_until("all hosts have tried", || {
        let ledger = ledger();
        ["1", "2", "3"]
            .iter()
            .all(|id| ledger.lines().any(|line| line == *id))
    });
    let ledger = ledger();
    let first: Vec<&str> = ledger.lines().take(2).collect();
    assert_ne!(first[0], first[1], "it was not handed over");
}

#[test]
fn with_once_a_lost_leadership_ends_the_member() {
    let hosts = Hosts::new(3);
    let mut members = [1, 2, 3].map(|id| hosts.start_instance(id, &["--once"]));
    let first = hosts.active_after(0);
    let leader = members.iter_mut().find(|member| member.id == first.node);
    let leader = leader.expect("a member");
    leader.ask(&Request::Isolate { on: true });
    assert_eq!(leader.wait().code(), Some(75));
    hosts.active_after(first.term);
}

#[test]
fn a_program_is_told_of_its_leadership() {
    let hosts = Hosts::new(1);
    let program =
        "env > $TEST_LEDGER.new; cat >> $TEST_LEDGER.new; mv $TEST_LEDGER.new $TEST_LEDGER";
    let output = hosts.output(&[], &["sh", "-c", program]);
    assert_eq!(output.status.code(), Some(0));
    let environment = fs::read_to_string(hosts.path("ledger")).expect("the environment");
    let state_dir = hosts.path("1").display().to_string();
    let expected = [
        ("RAFT_TERM", "1"),
        ("RAFT_NODE_ID", "1"),
        ("RAFT_LEADER_ID", "1"),
        ("RAFT_CLUSTER", "raft"),
        ("RAFT_EVENT", "leader"),
        ("RAFT_LEASE_SECONDS", "0.8"),
        ("RAFT_STATE_DIR", &state_dir),
    ];
    for (name, value) in expected {
        let line = format!("{name}={value}");
        assert!(
            environment.lines().any(|given| given == line),
            "{line}: {environment}"
        );
    }
    for name in ["RAFT_SEQ=", "RAFT_LEADER_ADDR=127.", "PATH="] {
        assert!(environment.contains(name), "{name}: {environment}");
    }
}
