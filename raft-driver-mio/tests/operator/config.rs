//! Where options come from: the command line, the environment, a file of one node, a file for all hosts.

use std::fs;

use raft_driver_mio::raft_core::NodeId;
use rustix::process::Signal;

use crate::common::{Hosts, Node, leader, raft, said};

/// A file for all three nodes, without the state directory: they run on one host here.
fn for_all(hosts: &Hosts) -> String {
    let mut text = format!(
        "cluster = \"shared\"\nkey-file = {:?}\nelection-timeout = \"1s\"\nheartbeat = \"40ms\"\n",
        hosts.path("key")
    );
    for id in 1..=3 {
        let (address, witness) = (hosts.address(id), id == 3);
        text += &format!("[[node]]\nid = {id}\naddress = {address:?}\nwitness = {witness}\n");
    }
    let file = hosts.path("cluster.toml");
    fs::write(&file, text).expect("a file");
    file
}

#[test]
fn one_file_serves_all_hosts() {
    let hosts = Hosts::new(3);
    let file = for_all(&hosts);
    let start = |id: u64| {
        let (id_option, state) = (format!("--id={id}"), hosts.path(id));
        let command = [
            "node",
            "--config",
            &file,
            &id_option,
            "--state-dir",
            &state,
            "--init",
        ];
        Node::spawn(raft(command), id, state)
    };
    let nodes: Vec<Node> = (1..=3).map(start).collect();
    assert_ne!(leader(&nodes), 3, "a witness leads");
    for node in &nodes {
        let status = node.status().expect("a status");
        assert_eq!(
            (status.cluster.as_str(), status.node_id),
            ("shared", NodeId(node.id))
        );
        assert_eq!(status.listen.to_string(), hosts.address(node.id));
        assert_eq!(status.witness, node.id == 3);
        assert_eq!(status.peers.len(), 2);
    }
}

#[test]
fn a_file_for_all_hosts_that_is_wrong_says_where_and_what_to_do() {
    let hosts = Hosts::new(3);
    let file = for_all(&hosts);
    let good = fs::read_to_string(&file).expect("a file");
    let state = hosts.path(1);
    let run = |text: &str, more: &[&str]| {
        fs::write(&file, text).expect("a file");
        let command = ["node", "--config", &file, "--state-dir", &state, "--init"];
        let (status, _, words) = said(raft(command).args(more));
        assert_eq!(status, Some(78), "{words}");
        assert!(!fs::exists(&state).expect("a look"), "it made state");
        words
    };
    let two = format!("\"{}\"", hosts.address(2));
    let of_two = format!("--peer=2={}", hosts.address(2));
    for (text, more, parts) in [
        (good.clone(), vec!["--id=4"], ["id: 4", "1, 2, 3"]),
        (good.clone(), vec![], ["give --id", "`host`"]),
        (
            good.clone(),
            vec!["--id=1", &of_two],
            ["[[node]]", "leave one of the two out"],
        ),
        (
            format!("id = 1\n{good}"),
            vec![],
            ["cluster.toml: id:", "[[node]]"],
        ),
        (
            format!("witness = true\n{good}"),
            vec!["--id=1"],
            ["witness:", "one node's own"],
        ),
        (
            good.replace("id = 2", "id = 1"),
            vec!["--id=1"],
            ["two have the id 1", "cluster.toml"],
        ),
        (
            good.replace(&two, "\"beta\""),
            vec!["--id=1"],
            ["node 2", "`beta`"],
        ),
        (
            good.replace(&two, &format!("\"{}\"", hosts.address(3))),
            vec!["--id=1"],
            ["2 and 3", &hosts.address(3)],
        ),
        (
            good.replace("witness", "wittness"),
            vec!["--id=1"],
            ["wittness", "cluster.toml"],
        ),
    ] {
        let words = run(&text, &more);
        assert!(
            parts.iter().all(|part| words.contains(part)),
            "{words} lacks one of {parts:?}"
        );
    }
}

#[test]
fn the_environment_gives_options_and_the_command_line_wins() {
    let hosts = Hosts::new(3);
    let file = hosts.path("node.toml");
    fs::write(&file, "cluster = \"file\"\nid = 7\nheartbeat = \"20ms\"\n").expect("a file");
    let peers = format!("2={},3={}", hosts.address(2), hosts.address(3));
    let mut command = raft(["node", "--id=1", "--init"]);
    command
        .env("RAFT_CONFIG", &file)
        .env("RAFT_CLUSTER", "environment")
        .env("RAFT_ID", "9")
        .env("RAFT_LISTEN", hosts.address(1))
        .env("RAFT_PEER", peers)
        .env("RAFT_STATE_DIR", hosts.path(1))
        .env("RAFT_KEY_FILE", hosts.path("key"))
        .env("RAFT_WITNESS", "true")
        .env("RAFT_LOG_FORMAT", "json");
    let node = Node::spawn(command, 1, hosts.path(1));
    let ready = node.log.find(&["\"event\":\"ready\""]);
    let ready: serde_json::Value = serde_json::from_str(&ready).expect("JSON");
    assert_eq!(ready["node"], 1);
    let mut status = raft(["status", "--json"]);
    status.env("RAFT_STATE_DIR", hosts.path(1));
    let (code, json, words) = said(&mut status);
    assert_eq!(code, Some(2), "{words}");
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(
        (&json["cluster"], &json["node_id"]),
        (&"environment".into(), &1.into())
    );
    assert_eq!(
        (&json["witness"], json["peers"].as_array().map(Vec::len)),
        (&true.into(), Some(2))
    );

    let mut wrong = raft(["node", "--init"]);
    wrong.env("RAFT_HEARTBEAT", "50");
    let (code, _, words) = said(&mut wrong);
    assert_eq!(code, Some(2));
    assert!(words.contains("`50` is no duration"), "{words}");
}

#[test]
fn a_command_finds_its_node_by_the_file_and_says_what_is_missing() {
    let hosts = Hosts::new(1);
    let file = hosts.path("node.toml");
    fs::write(&file, format!("state-dir = {:?}\n", hosts.path(1))).expect("a file");
    let mut node = hosts.start(1, &[]);
    node.log.find(&["event=active"]);
    let (code, text, words) = said(&mut raft(["status", "--config", &file]));
    assert_eq!(code, Some(0), "{words}");
    assert!(text.contains("node 1 at "), "{text}");
    let (code, _, words) = said(&mut raft(["status"]));
    assert_eq!(code, Some(78));
    assert!(words.contains("give --state-dir"), "{words}");
    node.process.signal(Signal::TERM);
    assert_eq!(node.process.wait().code(), Some(0));
    assert_eq!(hosts.ask(1, &["status"]).0, Some(3));
}
