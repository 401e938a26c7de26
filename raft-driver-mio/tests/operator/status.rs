//! `raft status`: what a node says of itself, field by field, and what the others say.

use raft_driver_mio::TIMING_BOUNDS;
use raft_driver_mio::control::{Request, client};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::common::{Hosts, Node, leader, wait_until};

fn three(hosts: &Hosts) -> Vec<Node> {
    (1..=3).map(|id| hosts.start(id, &[])).collect()
}

fn json_of(hosts: &Hosts, id: u64, more: &[&str]) -> (Option<i32>, Value) {
    let (code, out, words) = hosts.ask(id, &[&["status", "--json"], more].concat());
    (
        code,
        serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{words}")),
    )
}

/// The fields of an object, and the kind of each.
fn kinds(value: &Value) -> Vec<(&str, &'static str)> {
    let kind = |value: &Value| match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let fields = value.as_object().expect("an object");
    fields
        .iter()
        .map(|(name, value)| (name.as_str(), kind(value)))
        .collect()
}

/// Checks that `value` has exactly these fields, each of the kind before them.
fn assert_fields(value: &Value, expected: &[(&str, &str)]) {
    let mut all: Vec<(&str, &str)> = expected
        .iter()
        .flat_map(|(kind, names)| names.split(' ').map(|name| (name, *kind)))
        .collect();
    all.sort_unstable();
    let text = include_str!("../../docs/status.md");
    for (name, _) in all.iter().filter(|(name, _)| *name != "ok") {
        let named = text.contains(&format!("`{name}`"));
        assert!(named, "docs/status.md lacks {name}");
    }
    assert_eq!(kinds(value), all);
}

fn assert_timings(value: &Value) {
    assert_fields(
        value,
        &[("number", "count sum last max"), ("array", "buckets")],
    );
    let buckets = value["buckets"].as_array().map(Vec::len);
    assert_eq!(buckets, Some(TIMING_BOUNDS.len()));
}

/// Schema 1, as docs/status.md has it: what is here stays; what is added is added there.
#[test]
fn the_json_is_what_is_documented() {
    let hosts = Hosts::new(3);
    let nodes = three(&hosts);
    let first = leader(&nodes);
    wait_until("all have answered", || {
        json_of(&hosts, first, &["--all"]).0 == Some(0)
    });
    let (_, status) = json_of(&hosts, first, &["--all"]);
    assert_fields(
        &status,
        &[
            ("bool", "ok active paused fit handing_over witness isolated"),
            ("string", "cluster version listen role leader_address"),
            (
                "number",
                "schema node_id pid term leader round voted_for voters voters_reachable leader_changes",
            ),
            ("number", "lease_remaining_seconds uptime_seconds"),
            (
                "number",
                "datagrams_sent datagrams_received bytes_sent bytes_received",
            ),
            ("object", "dropped elections sync_seconds loop_seconds"),
            ("array", "peers"),
        ],
    );
    assert_fields(&status["elections"], &[("number", "won lost timeout")]);
    assert_timings(&status["sync_seconds"]);
    assert_timings(&status["loop_seconds"]);
    let peer = &status["peers"][0];
    assert_fields(
        peer,
        &[
            ("number", "id last_received_seconds last_ack_seconds"),
            ("string", "name address"),
            ("object", "rtt_seconds reported"),
        ],
    );
    assert_timings(&peer["rtt_seconds"]);
    assert_fields(
        &peer["reported"],
        &[
            (
                "number",
                "age_seconds term leader lease_remaining_seconds uptime_seconds voters_reachable",
            ),
            ("bool", "active paused fit witness"),
            ("string", "role version"),
        ],
    );
    let listen = hosts.address(first);
    let expected = json!({
        "schema": 1, "cluster": "raft", "node_id": first, "role": "leader", "leader": first,
        "leader_address": listen, "listen": listen, "active": true, "voted_for": first, "voters": 3,
        "paused": false, "fit": true, "witness": false, "version": env!("CARGO_PKG_VERSION"),
    });
    for (field, value) in expected.as_object().expect("fields") {
        assert_eq!(&status[field], value, "{field}");
    }
}

#[test]
fn all_nodes_say_who_they_are_and_the_silent_are_shown_as_such() {
    let hosts = Hosts::new(3);
    let nodes = three(&hosts);
    let first = leader(&nodes);
    let (asked, silent) = (first % 3 + 1, (first + 1) % 3 + 1);
    wait_until("all have answered", || {
        hosts.ask(asked, &["status", "--all"]).0 == Some(0)
    });
    assert_eq!(hosts.ask(silent, &["pause"]).0, Some(0));
    let (code, all) = json_of(&hosts, asked, &["--all", "--timeout=60s"]);
    assert_eq!(code, Some(0), "{all}");
    let peer = |all: &Value, id: u64| {
        let peers = all["peers"].as_array().expect("peers");
        let found = peers.iter().find(|peer| peer["id"] == id);
        found.expect("a peer")["reported"].clone()
    };
    let leading = json!({
        "role": "leader", "active": true, "leader": first, "term": all["term"], "paused": false,
        "version": env!("CARGO_PKG_VERSION"),
    });
    let following = json!({
        "role": "follower", "active": false, "leader": first, "term": all["term"], "paused": true,
        "lease_remaining_seconds": 0.0,
    });
    for (id, expected) in [(first, leading), (silent, following)] {
        let said = peer(&all, id);
        for (field, value) in expected.as_object().expect("fields") {
            assert_eq!(&said[field], value, "{id}: {field}");
        }
    }

    nodes[silent as usize - 1].process.signal(Signal::STOP);
    let (code, text, _) = hosts.ask(asked, &["status", "--all", "--timeout=300ms"]);
    assert_eq!(code, Some(1), "{text}");
    let line = |id: u64| {
        let start = format!("  node {id} at ");
        text.lines()
            .find(|line| line.starts_with(&start))
            .expect("a line")
    };
    assert!(line(silent).contains(": no answer, heard "), "{text}");
    assert!(
        line(first).contains(": leader, term ") && line(first).contains(", lease "),
        "{text}"
    );
    // It answered once, but not now.
    let (code, all) = json_of(&hosts, asked, &["--all", "--timeout=300ms"]);
    assert_eq!((code, peer(&all, silent)), (Some(1), Value::Null));

    // Without a leader that counts more than who is silent.
    for node in nodes.iter().filter(|node| node.id != asked) {
        node.process.signal(Signal::KILL);
    }
    wait_until("no leader is known", || {
        hosts.ask(asked, &["status", "--all", "--timeout=1ms"]).0 == Some(2)
    });
}

#[test]
fn however_many_ask_the_peers_are_asked_seldom() {
    let hosts = Hosts::new(3);
    let nodes = three(&hosts);
    leader(&nodes);
    wait_until("all have answered", || {
        hosts.ask(1, &["status", "--all"]).0 == Some(0)
    });
    let began = std::time::Instant::now();
    let before = nodes[0].status().expect("a status");
    for _ in 0..2_000 {
        client::ask(&nodes[0].state_dir, &Request::AskPeers).expect("an answer");
    }
    let after = nodes[0].status().expect("a status");
    // Twenty questions a second to each of two peers; the rest is what it says anyway, a
    // heartbeat to each every 50 ms at the most, and answers to those that were asked before.
    let seconds = began.elapsed().as_secs() + 2;
    let most = seconds * (2 * 20 + 2 * 20 + 40);
    let sent = after.datagrams_sent - before.datagrams_sent;
    assert!(sent <= most, "{sent} in less than {seconds} s");
    assert!(sent < 4_000, "every request was a question");
}
