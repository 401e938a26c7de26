//! The commands that ask a running node, or tell it something.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::time::Duration;

use raft_driver_mio::control::client::{self, AskError};
use raft_driver_mio::control::{Change, Request, SOCKET_NAME};
use rustix::process::Signal;

use crate::common::{Hosts, Killed, Lines, Node, leader, raft, said, wait_until};

fn three(hosts: &Hosts) -> Vec<Node> {
    (1..=3).map(|id| hosts.start(id, &[])).collect()
}

/// Any of 1, 2 and 3 but `id`.
fn other(id: u64) -> u64 {
    id % 3 + 1
}

/// Starts a command that goes on, and returns it with the lines that it prints.
fn follow(hosts: &Hosts, id: u64, arguments: &[&str]) -> (Killed, Lines) {
    let mut command = hosts.command(id, arguments);
    let child = command.stdout(Stdio::piped()).spawn();
    let mut child = child.expect("the program runs");
    let lines = Lines::of(child.stdout.take().expect("a pipe"));
    (Killed(child), lines)
}

#[test]
fn each_tells_who_leads_by_its_exit_status() {
    let hosts = Hosts::new(3);
    for command in [
        &["leader"][..],
        &["is-leader"],
        &["watch"],
        &["pause"],
        &["step-down"],
    ] {
        let (code, out, words) = hosts.ask(1, command);
        assert_eq!((code, out.as_str()), (Some(3), ""), "{command:?}: {words}");
        assert!(words.contains("control.sock"), "{words}");
    }
    let mut nodes = vec![hosts.start(1, &[])];
    nodes[0].log.find(&["event=ready"]);
    assert_eq!(hosts.ask(1, &["leader"]).0, Some(2));
    let (code, out, _) = hosts.ask(1, &["is-leader"]);
    assert_eq!((code, out.as_str()), (Some(2), "no: no leader is known\n"));

    nodes.extend([hosts.start(2, &[]), hosts.start(3, &[])]);
    let first = leader(&nodes);
    for id in 1..=3 {
        let (code, out, _) = hosts.ask(id, &["leader"]);
        assert_eq!(code, Some(0));
        assert_eq!(out, format!("{first} {}\n", hosts.address(first)));
    }
    let (_, out, _) = hosts.ask(first, &["leader", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(
        (&json["id"], &json["address"]),
        (&first.into(), &hosts.address(first).into())
    );
    let term = json["term"].as_u64().expect("a term");
    let (code, out, _) = hosts.ask(first, &["is-leader"]);
    assert_eq!((code, out), (Some(0), format!("yes: term {term}\n")));
    let (code, out, words) = hosts.ask(other(first), &["is-leader", "-q"]);
    assert_eq!((code, out.as_str(), words.as_str()), (Some(1), "", ""));
    let (code, out, _) = hosts.ask(other(first), &["is-leader"]);
    assert_eq!(code, Some(1));
    assert_eq!(
        out,
        format!("no: the leader is {first} at {}\n", hosts.address(first))
    );
}

#[test]
fn a_transfer_ends_when_the_other_leads() {
    let hosts = Hosts::new(3);
    let nodes = three(&hosts);
    let first = leader(&nodes);
    let to = other(first);
    let (code, _, words) = hosts.ask(to, &["transfer"]);
    assert_eq!(code, Some(1));
    assert_eq!(words, "raft transfer: this node does not lead\n");
    let (code, _, words) = hosts.ask(first, &["transfer", "--to", "9"]);
    assert_eq!(code, Some(1));
    assert!(words.contains("no other voter"), "{words}");

    let (code, out, words) = hosts.ask(first, &["transfer", "--to", &to.to_string()]);
    assert_eq!(code, Some(0), "{words}");
    assert!(
        out.starts_with(&format!("node {to} leads in term ")),
        "{out}"
    );
    assert_eq!(leader(&nodes), to);
    let (code, _, words) = hosts.ask(to, &["step-down"]);
    assert_eq!(code, Some(0), "{words}");
    assert_eq!(hosts.ask(to, &["step-down"]).0, Some(1));
}

/// Stops `dead` and has `first` hand over to it before its silence is noticed.
fn transfer_to_the_dead(
    hosts: &Hosts,
    nodes: &[Node],
    (first, dead): (u64, u64),
    timeout: &str,
) -> (Option<i32>, String) {
    let arguments = ["transfer", "--timeout", timeout, "--to", &dead.to_string()];
    let process = &nodes[dead as usize - 1].process;
    loop {
        process.signal(Signal::STOP);
        let (code, _, words) = hosts.ask(first, &arguments);
        if !words.contains("is not heard") {
            return (code, words);
        }
        process.signal(Signal::CONT);
        assert_eq!(leader(nodes), first);
    }
}

#[test]
fn a_transfer_to_the_dead_says_so_when_the_time_is_over() {
    let hosts = Hosts::new(3);
    let nodes = three(&hosts);
    let first = leader(&nodes);
    let dead = other(first);
    // So that nobody leads.
    for id in [first, other(dead)] {
        assert_eq!(hosts.ask(id, &["pause"]).0, Some(0));
    }
    let (code, words) = transfer_to_the_dead(&hosts, &nodes, (first, dead), "100ms");
    assert_eq!(code, Some(124), "{words}");
    assert!(words.contains("the time is over"), "{words}");
}

#[test]
fn a_transfer_that_ends_with_another_leader_says_who_leads() {
    for itself in [true, false] {
        let hosts = Hosts::new(3);
        let nodes = three(&hosts);
        let first = leader(&nodes);
        let dead = other(first);
        let third = other(dead);
        let paused = if itself { third } else { first };
        assert_eq!(hosts.ask(paused, &["pause"]).0, Some(0));
        let (code, words) = transfer_to_the_dead(&hosts, &nodes, (first, dead), "2m");
        assert_eq!(code, Some(1), "{words}");
        let says = if itself {
            format!("node {first} itself leads again, in term ")
        } else {
            format!("node {third} leads in term ")
        };
        assert!(words.contains(&says), "{words}");
    }
}

#[test]
fn a_node_that_hangs_is_not_waited_for_longer_than_one_wishes() {
    let hosts = Hosts::new(1);
    let node = hosts.start(1, &[]);
    wait_until("it answers", || node.status().is_some());
    node.process.signal(Signal::STOP);
    for command in ["status", "leader", "is-leader"] {
        let (code, _, words) = hosts.ask(1, &[command, "--timeout", "70ms"]);
        assert_eq!(code, Some(3), "{words}");
        assert!(words.contains("no answer within 0.07 s"), "{words}");
    }
    let (code, _, words) = hosts.ask(1, &["wait", "--any", "--timeout", "70ms"]);
    assert_eq!(code, Some(124), "{words}");
    // The one when it was let in within the time.
    let says = ["the node has not answered", "no answer within 0"];
    assert!(words.contains("the time is over: "), "{words}");
    assert!(says.iter().any(|says| words.contains(says)), "{words}");
    node.process.signal(Signal::CONT);
    assert_eq!(hosts.ask(1, &["leader", "--timeout", "100s"]).2, "");
}

#[test]
fn a_queue_before_a_node_that_hangs_is_not_waited_in_for_ever() {
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, bind, listen, socket};

    let dir = tempfile::tempdir().expect("a directory");
    let address = SocketAddrUnix::new(dir.path().join(SOCKET_NAME)).expect("a path");
    let node = socket(AddressFamily::UNIX, SocketType::STREAM, None).expect("a socket");
    bind(&node, &address).expect("a place");
    listen(&node, 0).expect("a queue");
    let timeout = Duration::from_millis(10);
    for _ in 0..3 {
        let silent = client::ask_within(dir.path(), &Request::Status, timeout);
        assert!(matches!(silent, Err(AskError::Silent { .. })), "{silent:?}");
    }
    // The queue is full by now.
    match client::watch_within(dir.path(), timeout) {
        Err(AskError::Silent {
            timeout: within, ..
        }) => assert_eq!(within, timeout),
        watched => panic!("{watched:?}"),
    }
    let state_dir = dir.path().to_str().expect("a path in UTF-8");
    let (code, _, words) = said(&mut raft([
        "wait",
        "--any",
        "--timeout",
        "70ms",
        "--state-dir",
        state_dir,
    ]));
    assert_eq!(code, Some(124), "{words}");
    let says = "the time is over: ";
    assert!(
        words.contains(says) && words.contains("no answer within 0"),
        "{words}"
    );
}

#[test]
fn a_transfer_to_one_who_would_not_take_over_is_refused_and_changes_nothing() {
    let hosts = Hosts::new(3);
    let nodes = three(&hosts);
    let first = leader(&nodes);
    let (to, third) = (other(first), other(other(first)));
    for id in [to, third] {
        assert_eq!(hosts.ask(id, &["pause"]).0, Some(0));
    }
    let status = || nodes[first as usize - 1].status().expect("a status");
    let transfer = ["transfer", "--to", &to.to_string()];
    // Asked before it has heard of the pause, it leads again: nobody else would.
    wait_until("it is refused", || {
        let (code, _, words) = hosts.ask(first, &transfer);
        assert_eq!(code, Some(1), "{words}");
        words.contains(&format!("node {to} would not campaign")) && words.contains("raft resume")
    });
    wait_until("nobody can take over", || {
        let (code, _, words) = hosts.ask(first, &["step-down"]);
        code == Some(1) && words.contains("no voter that could take over")
    });
    wait_until("it leads", || status().active);

    assert_eq!(hosts.ask(third, &["resume"]).0, Some(0));
    let mut before = status();
    nodes[to as usize - 1].process.signal(Signal::STOP);
    let silent = |seconds: f64| seconds > 2.0;
    wait_until("it is silent", || {
        before = status();
        let peer = before.peers.iter().find(|peer| peer.id.0 == to);
        peer.expect("a peer")
            .last_received_seconds
            .is_some_and(silent)
    });
    let (code, _, words) = hosts.ask(first, &transfer);
    assert_eq!(code, Some(1), "{words}");
    assert!(
        words.contains(&format!("node {to} is not heard")),
        "{words}"
    );
    let after = status();
    assert!(after.active);
    assert_eq!(after.term, before.term);
}

#[test]
fn a_paused_node_says_so_until_it_is_resumed() {
    let hosts = Hosts::new(1);
    let node = hosts.start(1, &[]);
    node.log.find(&["event=lease_gained"]);
    assert_eq!(hosts.ask(1, &["pause"]).0, Some(0));
    assert!(node.status().expect("a status").paused);
    let (_watch, lines) = follow(&hosts, 1, &["watch"]);
    assert!(lines.find(&["node 1", "active"]).ends_with("paused"));
    assert_eq!(hosts.ask(1, &["resume"]).0, Some(0));
    assert!(!lines.next().expect("a change").contains("paused"));
    assert!(!node.status().expect("a status").paused);
}

#[test]
fn signals_are_an_operators_too() {
    let hosts = Hosts::new(3);
    let mut nodes = three(&hosts);
    let first = leader(&nodes);
    let node = &mut nodes[first as usize - 1];
    node.process.signal(Signal::USR1);
    let line = node.log.find(&["event=status"]);
    assert!(
        line.contains("role=leader") && line.contains("active=true"),
        "{line}"
    );
    node.process.signal(Signal::USR2);
    node.log.find(&["event=leadership_lost", "reason=transfer"]);
    wait_until("another leads", || leader(&nodes) != first);
    let node = &mut nodes[first as usize - 1];
    node.process.signal(Signal::USR2);
    node.log.find(&["event=step_down_refused", "does not lead"]);
    node.process.signal(Signal::QUIT);
    let line = node.log.find(&["event=status"]);
    assert!(
        line.contains("role=follower") && line.contains("active=false"),
        "{line}"
    );
    assert_eq!(node.process.wait().code(), Some(0));
}

#[test]
fn a_watcher_is_told_every_change_and_the_end() {
    let hosts = Hosts::new(3);
    let mut nodes = three(&hosts);
    let first = leader(&nodes);
    let (mut watch, lines) = follow(&hosts, first, &["watch", "--json"]);
    let next = || -> Option<Change> {
        let line = lines.next()?;
        Some(serde_json::from_str(&line).expect("JSON"))
    };
    let before = next().expect("the state");
    assert!(before.active);
    assert_eq!((before.schema, before.node_id.0), (1, first));
    assert_eq!(
        before.leader_address.map(|at| at.to_string()),
        Some(hosts.address(first))
    );
    assert_eq!(hosts.ask(first, &["transfer"]).0, Some(0));
    let mut last = before.clone();
    while last.leader.is_none() || last.leader == before.leader {
        let change = next().expect("a change");
        assert_ne!(change, last, "a line that tells of nothing");
        assert!(change.seq >= last.seq && change.term >= last.term);
        assert!(!change.active);
        last = change;
    }
    let lost = last.lost.expect("the end of its leadership");
    assert_eq!((lost.term, lost.reason.as_str()), (before.term, "transfer"));

    let node = nodes.iter_mut().find(|node| node.id == first);
    node.expect("a node").process.signal(Signal::KILL);
    while next().is_some() {}
    assert_eq!(watch.wait().code(), Some(3));
}

#[test]
fn one_who_does_not_read_is_told_the_latest_and_holds_nobody_up() {
    let hosts = Hosts::new(1);
    let node = hosts.start(1, &[]);
    node.log.find(&["event=lease_gained"]);
    let mut idle = UnixStream::connect(node.state_dir.join("control.sock")).expect("a socket");
    idle.write_all(b"{\"command\":\"watch\"}\n")
        .expect("a node");
    // More changes than any socket holds.
    let mut busy = UnixStream::connect(node.state_dir.join("control.sock")).expect("a socket");
    let answers = Lines::of(busy.try_clone().expect("a socket"));
    const CHANGES: usize = 20_000;
    for _ in 0..CHANGES / 100 {
        let turns = "{\"command\":\"pause\"}\n{\"command\":\"resume\"}\n".repeat(50);
        busy.write_all(turns.as_bytes()).expect("a node");
    }
    busy.write_all(b"{\"command\":\"pause\"}\n")
        .expect("a node");
    for _ in 0..=CHANGES {
        assert_eq!(answers.next().as_deref(), Some("{\"ok\":true}"));
    }
    let lines = Lines::of(idle);
    let mut told = 0;
    loop {
        told += 1;
        let line = lines.next().expect("the node is there");
        let change: Change = serde_json::from_str(&line).expect("JSON");
        // The latest, unless more follows; the test hangs if the latest never comes.
        if change.paused && client::status(&node.state_dir).expect("a status").paused && told > 1 {
            break;
        }
        assert!(told <= CHANGES + 2, "more lines than changes");
    }
}

#[test]
fn a_wait_ends_when_it_is_so_or_the_time_is_over() {
    let hosts = Hosts::new(3);
    let (code, _, words) = hosts.ask(1, &["wait", "--any", "--timeout", "100ms"]);
    assert_eq!(code, Some(124));
    assert!(
        words.contains("time is over") && words.contains("control.sock"),
        "{words}"
    );
    assert_eq!(hosts.ask(1, &["wait"]).0, Some(2), "for what?");

    // Begun before the nodes are there.
    let waiting = |id: u64, what: &str| {
        let child = hosts.command(id, &["wait", what]).spawn();
        Killed(child.expect("the program runs"))
    };
    let mut any: Vec<Killed> = (1..=3).map(|id| waiting(id, "--any")).collect();
    let mut to_lead: Vec<Killed> = (1..=3).map(|id| waiting(id, "--leader")).collect();
    let nodes = three(&hosts);
    for wait in &mut any {
        assert_eq!(wait.wait().code(), Some(0));
    }
    let first = leader(&nodes) as usize;
    assert_eq!(to_lead[first - 1].wait().code(), Some(0));
    let follower = other(first as u64);
    assert!(
        to_lead[follower as usize - 1]
            .0
            .try_wait()
            .expect("a child")
            .is_none()
    );
    let (code, _, words) = hosts.ask(follower, &["wait", "--leader", "--timeout", "100ms"]);
    assert_eq!(code, Some(124));
    assert!(
        words.contains("follower") && words.contains("leader "),
        "{words}"
    );
    let mut at_once = hosts.command(first as u64, &["wait", "--leader", "--timeout", "1h"]);
    assert_eq!(said(&mut at_once).0, Some(0));
    // Whoever takes over was waited for.
    hosts.ask(first as u64, &["transfer", "--to", &follower.to_string()]);
    assert_eq!(to_lead[follower as usize - 1].wait().code(), Some(0));
    wait_until("all follow", || leader(&nodes) == follower);
}
