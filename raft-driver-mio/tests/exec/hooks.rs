//! Hooks of `raft node`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use raft_driver_mio::control::Request;
use rustix::process::Signal;

use crate::common::{Hosts, Member, wait_until};

/// A hook that writes down what it was told, and then does what `then` says.
fn hook(hosts: &Hosts, id: u64, name: &str, then: &str) -> String {
    let path = hosts.path(&format!("{name}-{id}"));
    let ledger = hosts.path("ledger").display().to_string();
    let script = format!(
        "#!/bin/sh\nread -r json\ntest on-{name} = $RAFT_HOOK || exit 1\n\
         echo \"{name} $RAFT_NODE_ID $RAFT_EVENT $RAFT_TERM\" >> {ledger}\n\
         echo \"$json\" >> {ledger}.json\n{then}\n"
    );
    // By another process: a program that some process of ours has open for writing cannot be run.
    let written = Command::new("sh")
        .args(["-c", "printf '%s' \"$1\" > \"$0\" && chmod 700 \"$0\""])
        .args([path.as_os_str(), script.as_ref()])
        .status();
    assert!(written.expect("a shell").success());
    path.to_str().expect("UTF-8").to_owned()
}

fn lines(hosts: &Hosts) -> Vec<String> {
    let ledger = fs::read_to_string(hosts.path("ledger")).unwrap_or_default();
    ledger.lines().map(str::to_owned).collect()
}

fn wait_for_lines(hosts: &Hosts, expected: &[&str]) {
    wait_until(&format!("{expected:?}"), || {
        let lines = lines(hosts);
        assert!(lines.len() <= expected.len(), "{lines:?}");
        lines == expected
    });
}

/// A node with all hooks, each of which does what it is told.
fn node(hosts: &Hosts, id: u64, on_leader: &str, on_follower: &str, options: &[&str]) -> Member {
    let arguments = [
        format!("--on-leader={}", hook(hosts, id, "leader", on_leader)),
        format!("--on-follower={}", hook(hosts, id, "follower", on_follower)),
    ];
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    hosts.start_node(id, &[&arguments[..], options].concat())
}

#[test]
fn hooks_run_in_order_and_the_stop_hook_first_of_all() {
    let hosts = Hosts::new(1);
    let mut node = node(&hosts, 1, "", "", &[]);
    wait_for_lines(&hosts, &["follower 1 no_leader 0", "leader 1 leader 1"]);
    node.signal(Signal::TERM);
    assert_eq!(node.wait().code(), Some(0));
    wait_for_lines(
        &hosts,
        &[
            "follower 1 no_leader 0",
            "leader 1 leader 1",
            "follower 1 stopping 1",
        ],
    );
    let json = fs::read_to_string(hosts.path("ledger.json")).expect("the input");
    let second = json.lines().nth(1).expect("a line");
    let told: serde_json::Value = serde_json::from_str(second).expect("JSON");
    let address = told["leader_address"].as_str().expect("an address");
    assert!(address.starts_with("127."), "{told}");
    let expected = serde_json::json!({
        "schema": 1, "hook": "on-leader", "event": "leader", "seq": told["seq"], "cluster": "raft", "node_id": 1, "term": 1,
        "leader_id": 1, "leader_address": address, "lease_seconds": 0.8,
        "state_dir": hosts.path("1").display().to_string(),
    });
    assert_eq!(told, expected);
    assert!(told["seq"].as_u64() > Some(0));
    // The log says of each what it was told.
    let log = node.log();
    for (line, name) in json
        .lines()
        .zip(["on-follower", "on-leader", "on-follower"])
    {
        let told: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(told["hook"], name);
        let logged = format!(
            "occasion={} term={} seq={}",
            told["event"].as_str().expect("a word"),
            told["term"],
            told["seq"]
        );
        assert!(log.contains(&logged), "{logged}: {log}");
    }
}

#[test]
fn a_hand_over_waits_for_the_stop_hook_and_the_next_node_starts_at_once() {
    let hosts = Hosts::new(3);
    let mut nodes = [1, 2, 3].map(|id| node(&hosts, id, "", "", &[]));
    let leads = |hosts: &Hosts| {
        let lines = lines(hosts);
        let last = lines
            .iter()
            .rfind(|line| line.starts_with("leader"))
            .cloned()?;
        let words: Vec<u64> = last
            .split(' ')
            .filter_map(|word| word.parse().ok())
            .collect();
        Some((words[0], words[1]))
    };
    wait_until("a leader", || leads(&hosts).is_some());
    let (first, term) = leads(&hosts).expect("a leader");
    let index = usize::try_from(first - 1).expect("an index");
    nodes[index].signal(Signal::TERM);
    assert_eq!(nodes[index].wait().code(), Some(0));
    wait_until("another leader", || {
        leads(&hosts) > Some((0, 0)) && leads(&hosts).is_some_and(|(id, _)| id != first)
    });
    let (second, next) = leads(&hosts).expect("a leader");
    assert_eq!(next, term + 1);
    let index = usize::try_from(second - 1).expect("an index");
    nodes[index].wait_for_log("predecessor_stopped=true");
    let lines = lines(&hosts);
    let stopped = format!("follower {first} stopping {term}");
    let started = format!("leader {second} leader {next}");
    let place = |line: &String| lines.iter().position(|other| other == line);
    assert!(
        place(&stopped).is_some() && place(&stopped) < place(&started),
        "{lines:?}"
    );
}

#[test]
fn a_lost_lease_runs_the_stop_hook_and_ends_a_start_hook_that_still_runs() {
    let hosts = Hosts::new(2);
    let slow = "sleep 10000";
    let options = ["--prefer=1"];
    let first = node(&hosts, 1, slow, "", &options);
    let _second = hosts.start_node(2, &["--witness", "--prefer=1"]);
    wait_until("it leads", || {
        lines(&hosts).iter().any(|line| line.starts_with("leader"))
    });
    first.ask(&Request::Isolate { on: true });
    first.wait_for_log("event=hook_interrupted");
    wait_until("the stop hook", || {
        lines(&hosts)
            .last()
            .is_some_and(|line| line.starts_with("follower"))
    });
    assert_eq!(lines(&hosts).len(), 3, "{:?}", lines(&hosts));
}

#[test]
fn a_start_hook_waits_until_a_long_kill_delay_is_over() {
    let hosts = Hosts::new(1);
    let mut waits = node(&hosts, 1, "", "", &["--kill-delay=1h"]);
    // It has a lease.
    waits.wait_for_log("event=lease_gained");
    waits.signal(Signal::TERM);
    assert_eq!(waits.wait().code(), Some(0));
    assert_eq!(lines(&hosts), ["follower 1 no_leader 0"]);

    // Nothing but the time tells that one is over.
    let hosts = Hosts::new(1);
    let _node = node(&hosts, 1, "", "", &["--kill-delay=1s"]);
    wait_for_lines(&hosts, &["follower 1 no_leader 0", "leader 1 leader 1"]);
}

#[test]
fn a_failing_start_hook_gives_the_leadership_up() {
    let hosts = Hosts::new(2);
    // Whoever is elected first, the first node has its turn.
    let options = ["--prefer=1", "--take-back"];
    let first = node(&hosts, 1, "exit 1", "", &options);
    let second = node(&hosts, 2, "", "", &options);
    first.wait_for_log("event=leadership_given_up");
    let order = ["leader 1", "follower 1", "leader 2"];
    wait_until("the other one leads after it", || {
        let lines = lines(&hosts);
        let mut lines = lines.iter();
        let follows = |start: &&str| lines.any(|line| line.starts_with(*start));
        order.iter().all(follows)
    });
    second.wait_for_log("predecessor_stopped=true");
}

#[test]
fn a_node_whose_stop_hook_fails_does_not_campaign_and_does_not_end_well() {
    let hosts = Hosts::new(1);
    let gate = hosts.path("gate").display().to_string();
    let mut node = node(&hosts, 1, "", &format!("test -e {gate}"), &[]);
    node.wait_for_log("event=hook_failed");
    let status = node.ask(&Request::Status);
    assert_eq!(
        (&status["fit"], &status["term"]),
        (&false.into(), &0.into())
    );
    fs::write(&gate, "").expect("a file");
    wait_until("it leads", || {
        lines(&hosts).iter().any(|line| line == "leader 1 leader 1")
    });
    fs::remove_file(&gate).expect("a file");
    node.signal(Signal::TERM);
    assert_eq!(node.wait().code(), Some(1));
    assert!(node.log().contains("--on-follower"), "{}", node.log());
}

#[test]
fn every_change_of_leader_is_told_to_the_change_hook() {
    let hosts = Hosts::new(3);
    let change = format!("--on-change={}", hook(&hosts, 1, "change", ""));
    let mut nodes: Vec<Member> = vec![hosts.start_node(1, &[&change, "--witness"])];
    nodes.extend([2, 3].map(|id| hosts.start_node(id, &[])));
    let told = |after: usize| -> Option<(usize, u64)> {
        let lines = lines(&hosts);
        let follower = |line: &String| line.starts_with("change 1 follower");
        let place = after + lines.get(after..)?.iter().position(follower)?;
        Some((place, lines[place].rsplit(' ').next()?.parse().ok()?))
    };
    wait_until("a leader", || told(0).is_some());
    let (place, term) = told(0).expect("a leader");
    let leader = nodes
        .iter_mut()
        .find(|node| node.log().contains("event=lease_gained"));
    leader.expect("a leader").kill();
    wait_until("another leader", || {
        told(place + 1).is_some_and(|(_, next)| next > term)
    });
    nodes[0].signal(Signal::TERM);
    assert_eq!(nodes[0].wait().code(), Some(0));
    assert!(
        lines(&hosts)
            .last()
            .expect("a line")
            .starts_with("change 1 stopping")
    );
}

#[test]
fn the_file_names_hooks_too() {
    let hosts = Hosts::new(1);
    let leader = hook(&hosts, 1, "leader", "");
    let file: PathBuf = hosts.path("node.toml");
    fs::write(
        &file,
        format!("on-leader = {leader:?}\nhook-timeout = \"5s\"\n"),
    )
    .expect("a file");
    let mode = fs::Permissions::from_mode(0o600);
    fs::set_permissions(&file, mode).expect("a mode");
    let config = format!("--config={}", file.display());
    let _node = hosts.start_node(1, &[&config]);
    wait_for_lines(&hosts, &["leader 1 leader 1"]);
}
