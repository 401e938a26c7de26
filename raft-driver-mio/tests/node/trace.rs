//! The trace of a node: complete, in order, and in the format that the simulator's program draws.

use std::collections::BTreeSet;
use std::path::Path;

use raft_driver_mio::raft_core::NodeId;
use raft_driver_mio::start;
use serde_json::Value;

use crate::common::{Cluster, leader};

/// Everything that may stand in a record of a real node, by raft-driver-sim/docs/trace.md.
const KEYS: [&str; 6] = ["started", "event", "action", "synced", "dropped", "stopped"];

/// Sender, receiver and content.
type Envelope = (String, String, String);

/// What a cluster's traces tell.
#[derive(Default)]
struct Told {
    sent: BTreeSet<Envelope>,
    received: Vec<Envelope>,
    gained: Vec<(u64, Value)>,
}

impl Told {
    fn read(&mut self, path: &Path, node: u64) {
        let text = std::fs::read_to_string(path).expect("a trace");
        let parse = |line| serde_json::from_str::<Value>(line).expect("JSON");
        let mut lines = text.lines().map(parse);
        let header = lines.next().expect("a header");
        assert_eq!(
            (&header["raft_trace"], &header["node"]),
            (&1.into(), &node.into())
        );
        assert!(header["unix_time"].as_u64() > Some(1_500_000_000_000_000_000));
        let mut last = 0;
        for line in lines {
            let t = line["t"].as_u64().expect("a time");
            assert!(t >= last, "it runs backwards at {line}");
            last = t;
            self.take(&line, node);
        }
        assert!(text.trim_end().ends_with("\"stopped\":{}}"));
    }

    fn take(&mut self, line: &Value, node: u64) {
        let key = KEYS.iter().find(|key| line.get(*key).is_some());
        let key = key.expect("something that happened");
        let knows = matches!(*key, "event" | "started");
        assert_eq!(line["state"]["role"].is_object(), knows, "{line}");
        if let Some(send) = line["action"].get("Send") {
            let (to, message) = (send["to"].to_string(), send["message"].to_string());
            self.sent.insert((node.to_string(), to, message));
        }
        if let Some(receive) = line["event"].get("Receive") {
            let (from, message) = (receive["from"].to_string(), receive["message"].to_string());
            self.received.push((from, node.to_string(), message));
        }
        if let Some(leads) = line["action"].get("LeadershipGained") {
            self.gained.push((node, leads["term"].clone()));
        }
    }
}

#[test]
fn nodes_write_what_they_are_told_and_do_and_what_one_receives_another_sent() {
    let cluster = Cluster::bind(3, "127.0.0.1").expect("the loopback");
    let mut paths = Vec::new();
    let mut nodes = Vec::new();
    for member in &cluster.members {
        let mut settings = member.settings(true);
        let path = settings.state_dir.with_extension("trace");
        settings.trace = Some(path.clone());
        nodes.push(start(settings).expect("a node"));
        paths.push((path, member.id.0));
    }
    let (led, term) = leader(&nodes);
    for node in &nodes {
        node.shutdown();
        node.clone().join().expect("an orderly end");
    }
    let mut told = Told::default();
    for (path, node) in &paths {
        told.read(path, *node);
    }
    assert!(told.gained.contains(&(led.id().0, term.0.into())));
    assert!(told.received.len() > 4);
    assert!(
        told.received
            .iter()
            .all(|message| told.sent.contains(message))
    );
}

#[test]
fn a_trace_that_cannot_be_written_keeps_the_node_from_starting() {
    let cluster = Cluster::bind(1, "127.0.0.1").expect("the loopback");
    let mut settings = cluster.member(NodeId(1)).settings(true);
    settings.trace = Some(settings.state_dir.join("no/such/file"));
    let error = start(settings).expect_err("no node").to_string();
    assert!(
        error.contains("no/such/file") && error.contains("trace"),
        "{error}"
    );
}
