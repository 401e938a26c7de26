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
    node.log.find(&["event=lease_gained"]);
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

#[test]
fn a_configuration_is_checked_for_all_hosts_and_nothing_is_started() {
    let hosts = Hosts::new(3);
    let file = for_all(&hosts);
    let good =
        format!("state-dir = {:?}\n", hosts.path(1)) + &fs::read_to_string(&file).expect("a file");
    let check = |text: &str| {
        fs::write(&file, text).expect("a file");
        said(&mut raft(["check-config", "--config", &file]))
    };
    let (code, text, words) = check(&good);
    assert_eq!(code, Some(0), "{words}");
    for part in [
        "shared, 3 voters, of which 1 may fail",
        "datagrams         sealed",
        "heartbeat         40.0 ms",
        "election timeout  1000 ms",
        "lease             800 ms",
        "kill budget       180 ms",
        "1313 ms on average, 2000 ms at the most",
        "leader            sends 50 datagrams/s, ",
        "follower          sends 25 datagrams/s, ",
    ] {
        assert!(text.contains(part), "{text} lacks {part}");
    }
    assert!(!fs::exists(hosts.path(1)).expect("a look"), "it made state");

    let two = hosts.address(2);
    for (text, parts) in [
        (good.replace("40ms", "400ms"), ["400ms", "--heartbeat"]),
        (
            good.replace(&two, "[::1]:7400"),
            ["[::1]:7400", "one family"],
        ),
        (
            good.replace(&two, "beta.example:7400"),
            ["node 2: ", "listen = "],
        ),
        (
            good.replace("key-file", "# key-file"),
            ["node 1: ", "no key"],
        ),
        (good.replace("/key\"", "/no-key\""), ["node 1: ", "no-key"]),
        (
            good.replace("id = 3", "id = 2"),
            ["cluster.toml", "two have the id 2"],
        ),
        (
            good.replace("state-dir", "state-dri"),
            ["cluster.toml", "state-dri"],
        ),
        (
            good.clone() + "[[node]]\nid = 4\n",
            ["cluster.toml", "address"],
        ),
    ] {
        // Loopback needs no key; an address elsewhere does.
        let text = if text.contains("# key-file") {
            let other = hosts.address(1).replace("127.", "10.");
            text.replace(&hosts.address(1), &other)
        } else {
            text
        };
        let (code, out, words) = check(&text);
        assert_eq!((code, out.as_str()), (Some(78), ""), "{words}");
        assert!(
            words.starts_with("raft check-config: ")
                && parts.iter().all(|part| words.contains(part)),
            "{words} lacks one of {parts:?}"
        );
    }
}

#[test]
fn a_grace_that_exec_refuses_is_refused_wherever_it_is_said() {
    let hosts = Hosts::new(3);
    let file = for_all(&hosts);
    let good =
        format!("state-dir = {:?}\n", hosts.path(1)) + &fs::read_to_string(&file).expect("a file");
    let check = |more: &str, options: &[&str]| {
        fs::write(&file, more.to_owned() + &good).expect("a file");
        said(raft(["check-config", "--config", &file]).args(options))
    };
    // The lease leaves 180 ms of an election timeout of a second.
    for (more, options) in [
        ("grace = \"1s\"\n", &[][..]),
        ("grace = \"1s\"\nkill-delay = \"1s\"\n", &[]),
        ("", &["--grace=1s", "--kill-delay=1s"]),
    ] {
        let (code, text, words) = check(more, options);
        assert_eq!((code, text.as_str()), (Some(78), ""), "{words}");
        assert!(
            words.contains("node 1: grace: 1s") && words.contains("--kill-delay of at least 1.18"),
            "{words}"
        );
    }
    let (code, text, words) = check("grace = \"1s\"\nkill-delay = \"2s\"\n", &[]);
    assert_eq!(code, Some(0), "{words}");
    assert!(text.contains("kill delay        2000 ms: "), "{text}");
}

#[test]
fn a_configuration_of_one_node_is_checked_like_that_of_all() {
    let hosts = Hosts::new(3);
    let file = for_all(&hosts);
    let command = [
        "check-config",
        "--config",
        &file,
        "--state-dir=/nonexistent",
        "--id=7",
    ];
    let (code, _, words) = said(&mut raft(command));
    assert_eq!(code, Some(78));
    assert!(words.contains("id: 7"), "{words}");

    let options = hosts.options(1);
    let (code, text, words) = said(raft(["check-config"]).args(&options[1..]));
    assert_eq!(code, Some(0), "{words}");
    assert!(text.contains("3 voters"), "{text}");
}

#[test]
fn each_step_of_a_rotation_of_keys_is_a_key_file() {
    let hosts = Hosts::new(3);
    let options = hosts.options(1);
    let [old, new, file] = ["key.1", "key.2", "rotated"].map(|name| hosts.path(name));
    assert_eq!(said(&mut raft(["keygen", &old])).0, Some(0));
    assert_eq!(said(&mut raft(["keygen", "--id=2", &new])).0, Some(0));
    let read = |name: &String| fs::read_to_string(name).expect("a key");
    let check = |keys: &[&String]| {
        fs::copy(&old, &file).expect("a file that is the owner's alone");
        let text: String = keys.iter().map(|key| read(key)).collect();
        fs::write(&file, text).expect("a file");
        let others = options[1..]
            .iter()
            .filter(|option| !option.starts_with("--key-file"));
        said(raft(["check-config", "--key-file", &file]).args(others))
    };
    for step in [vec![&old, &new], vec![&new, &old], vec![&new]] {
        let (code, text, words) = check(&step);
        assert_eq!(code, Some(0), "{words}");
        assert!(text.contains("datagrams         sealed"), "{text}");
    }
    let (code, _, words) = check(&[&old, &old]);
    assert_eq!(code, Some(78));
    assert!(words.contains("raft keygen --id N"), "{words}");
    let other = hosts.path("key.256");
    assert_eq!(said(&mut raft(["keygen", "--id=256", &other])).0, Some(2));
    assert!(!fs::exists(&other).expect("a look"), "it made a key");
}

/// The first block of that language in a text.
fn block<'a>(text: &'a str, language: &str) -> &'a str {
    let (_, rest) = text
        .split_once(&format!("```{language}\n"))
        .expect("a block");
    rest.split_once("```").expect("its end").0
}

#[test]
fn the_file_of_the_documentation_is_right() {
    let hosts = Hosts::new(3);
    let file = hosts.path("cluster.toml");
    let text = block(include_str!("../../docs/operations.md"), "toml");
    fs::write(&file, text).expect("a file");
    let mut command = raft([
        "check-config",
        "--config",
        &file,
        "--key-file",
        &hosts.path("key"),
    ]);
    let (code, text, words) = said(&mut command);
    assert_eq!(code, Some(0), "{words}");
    assert!(text.contains("billing, 3 voters"), "{text}");
    let unit = block(include_str!("../../docs/operations.md"), "ini");
    for part in [
        "Type=notify",
        "DynamicUser=yes",
        "ProtectSystem=strict",
        "LoadCredential=key:",
    ] {
        assert!(unit.contains(part), "the unit lacks {part}");
    }
}

#[test]
fn manual_pages_and_completions_are_made() {
    let hosts = Hosts::new(1);
    let (code, page, _) = said(&mut raft(["man"]));
    assert_eq!(code, Some(0));
    assert!(
        page.contains(".TH") && page.contains("raft\\-node"),
        "{page}"
    );
    let dir = hosts.dir.path();
    assert_eq!(said(raft(["man", "--out"]).arg(dir)).0, Some(0));
    let page = fs::read_to_string(dir.join("raft-is-leader.1")).expect("a page");
    assert!(
        page.contains("\\-\\-quiet") && page.contains("RAFT_STATE_DIR"),
        "{page}"
    );
    let (code, _, words) = said(&mut raft(["man", "--out", "/nonexistent"]));
    assert_eq!(code, Some(1));
    assert!(words.contains("/nonexistent/raft.1"), "{words}");
    for shell in ["bash", "zsh", "fish"] {
        let (code, text, _) = said(&mut raft(["completions", shell]));
        assert_eq!(code, Some(0));
        assert!(text.contains("is-leader"), "{shell}");
    }
    assert_eq!(said(&mut raft(["completions", "csh"])).0, Some(2));
}
