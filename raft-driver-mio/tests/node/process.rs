//! `raft node` and the commands around it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use raft_driver_mio::control::{Request, client};
use raft_driver_mio::raft_core::NodeId;
use raft_driver_mio::{Settings, StartError, Status};
use rustix::process::{Pid, Signal, kill_process};

use crate::common::{PATIENCE, wait_until};
use crate::hosts::{Hosts, Killed, Process, finish, output, raft, stderr, take_leader};

#[test]
fn a_killed_leader_is_replaced_and_signals_hand_over() {
    let hosts = Hosts::new();
    let mut nodes = hosts.start_all();
    let (mut first, term) = take_leader(&mut nodes);
    first.line(&["event=lease_gained", &format!("term={term}"), "lease=0.8"]);
    first.signal(Signal::KILL);
    assert_eq!(first.wait(), None);

    let (mut second, next) = take_leader(&mut nodes);
    assert!(next > term, "{next} is not above {term}");
    // Its state is there, and its stale control socket is no hindrance.
    let again = hosts.start(first.id, &[]);
    let ready = again.line(&["event=ready"]);
    assert!(!ready.contains("term=0 "), "{ready}");
    again.line(&[
        "event=transition",
        "role=follower",
        &format!("leader={}", second.id),
    ]);

    second.signal(Signal::TERM);
    assert_eq!(second.wait(), Some(0));
    let lost = second.line(&["event=leadership_lost"]);
    assert!(lost.contains("reason=transfer"), "{lost}");
    assert!(!second.state_dir.join("control.sock").exists());
    nodes.push(again);
    let (mut third, last) = take_leader(&mut nodes);
    assert!(last > next);
    third.line(&["event=leadership_gained", "predecessor_stopped=true"]);
    // One that leads alone hands over to nobody, and still ends in order.
    for (node, signal) in nodes.iter_mut().zip([Signal::INT, Signal::TERM]) {
        node.signal(signal);
        assert_eq!(node.wait(), Some(0));
    }
    third.signal(Signal::TERM);
    assert_eq!(third.wait(), Some(0));
}

#[test]
fn a_second_signal_ends_a_node_that_waits_for_a_successor() {
    let hosts = Hosts::new();
    let start = |id| hosts.start(id, &["--init", "--election-timeout=5s"]);
    let mut nodes: Vec<_> = (1..=3).map(start).collect();
    let (mut first, _) = take_leader(&mut nodes);
    // It asks somebody who never answers, and would wait for the election timeout.
    nodes.iter().for_each(|node| node.signal(Signal::STOP));
    first.signal(Signal::TERM);
    first.line(&["event=leadership_lost"]);
    first.signal(Signal::TERM);
    assert_eq!(first.wait(), Some(128 + 15));
}

#[test]
fn only_an_explicit_first_start_makes_state() {
    let hosts = Hosts::new();
    let (code, words) = hosts.refusal(1, &[]);
    assert_eq!(code, Some(78), "{words}");
    assert!(
        words.contains("--init") && words.contains("raft node: "),
        "{words}"
    );
    assert!(
        !hosts.state_dir(1).exists(),
        "a refused start left something behind"
    );

    let mut node = hosts.start(1, &["--init"]);
    node.line(&["event=ready"]);
    let (code, words) = hosts.refusal(1, &[]);
    assert_eq!(code, Some(1), "{words}");
    assert!(words.contains("another process"), "{words}");
    node.signal(Signal::TERM);
    assert_eq!(node.wait(), Some(0));

    let (code, words) = hosts.refusal(1, &["--init"]);
    assert_eq!(code, Some(78), "{words}");
    assert!(words.contains("leave --init out"), "{words}");
    let (code, words) = hosts.refusal(1, &["--cluster=other"]);
    assert_eq!(code, Some(78), "{words}");

    // What a restart cannot mend does not have the status of what it may.
    let file = hosts.state_dir(1).join("state");
    let whole = fs::read(&file).expect("state");
    let mut damaged = whole.clone();
    damaged[whole.len() / 2] ^= 1;
    for state in [&damaged[..], &whole[..whole.len() - 1], &[]] {
        fs::write(&file, state).expect("a file");
        let (code, words) = hosts.refusal(1, &[]);
        assert_eq!(code, Some(78), "{words}");
        assert!(words.contains(file.to_str().expect("UTF-8")), "{words}");
        assert_eq!(fs::read(&file).expect("state"), state);
    }
}

#[test]
fn a_node_without_peers_leads_only_if_it_is_said_to_be_alone() {
    let hosts = Hosts::new();
    let mut nodes = hosts.start_all();
    let (mut first, term) = take_leader(&mut nodes);
    first.signal(Signal::KILL);
    first.wait();
    // Its command line has lost the peers, which lead meanwhile.
    let mut options = hosts.options(first.id);
    options.retain(|option| !option.starts_with("--peer="));
    let refused = finish(raft(&[]).args(&options));
    assert_eq!(refused.status.code(), Some(78));
    let words = stderr(&refused);
    let parts = ["--peer", "--alone", "leads without anybody's vote"];
    assert!(parts.iter().all(|part| words.contains(part)), "{words}");

    let mut command = raft(&[]);
    command.args(&options).arg("--alone");
    let alone = Process::spawn(command, first.id, hosts.state_dir(first.id));
    alone.line(&["event=lease_gained", &format!("term={}", term.0 + 1)]);
}

#[test]
fn a_first_start_that_cannot_bind_leaves_no_state() {
    let hosts = Hosts::new();
    let _taken = std::net::UdpSocket::bind(hosts.address(1)).expect("the loopback");
    let (code, words) = hosts.refusal(1, &["--init"]);
    assert_eq!(code, Some(1), "{words}");
    assert!(words.contains(&hosts.address(1)), "{words}");
    assert!(!hosts.state_dir(1).exists());
}

#[test]
fn a_file_gives_the_same_options_and_the_command_line_wins() {
    let hosts = Hosts::new();
    let file = hosts.path("node.toml");
    let listen = hosts.address(1);
    let (state, key) = (hosts.path("1"), hosts.path("key"));
    let text = format!(
        "cluster = \"file\"\nid = 9\nlisten = {listen:?}\npeer = [\"2={}\"]\nstate-dir = {state:?}\n\
         key-file = {key:?}\nheartbeat = \"10ms\"\nelection-timeout = \"1h\"\nwitness = true\n",
        hosts.address(2)
    );
    fs::write(&file, &text).expect("a file");
    let config = format!("--config={file}");
    let command = ["node", &config, "--id=1", "--init"];
    let node = Process::spawn(raft(&command), 1, hosts.state_dir(1));
    node.line(&["event=ready", "node=1", &listen]);
    let status = node.status().expect("a status");
    assert_eq!(
        (status.cluster.as_str(), status.node_id),
        ("file", NodeId(1))
    );
    assert_eq!(status.peers.len(), 1);
    assert!(status.witness);

    for (text, parts) in [
        ("heartbaet = \"10ms\"", ["heartbaet", "node.toml"]),
        ("heartbeat = \"10\"", ["`10`", "node.toml"]),
        ("heartbeat = 10", ["`10`", "a number and a unit"]),
        ("election-timeout = 1.5", ["`1.5`", "as in 50ms"]),
        (
            "listen = \"localhost:7401\"",
            ["`localhost:7401`", "a host name will not do"],
        ),
        ("id = -1", ["id", "node.toml"]),
        ("alone = 1", ["alone", "node.toml"]),
    ] {
        fs::write(&file, text).expect("a file");
        let output = output(&command);
        assert_eq!(output.status.code(), Some(78));
        let words = stderr(&output);
        assert!(
            parts.iter().all(|part| words.contains(part)),
            "{words} lacks one of {parts:?}"
        );
    }
    let alone = format!("listen = {listen:?}\nstate-dir = {state:?}\nalone = true\n");
    fs::write(&file, alone + "peer = [\"2=127.0.0.1:7402\"]").expect("a file");
    let both = output(&command);
    assert_eq!(both.status.code(), Some(78));
    assert!(stderr(&both).contains("--alone"), "{}", stderr(&both));
    let output = output(&["node", "--config=/nonexistent/file"]);
    assert_eq!(output.status.code(), Some(78));
    assert!(stderr(&output).contains("/nonexistent/file"));
}

#[test]
fn a_key_file_is_private_and_never_overwritten() {
    let hosts = Hosts::new();
    let file = hosts.path("new-key");
    assert_eq!(output(&["keygen", &file]).status.code(), Some(0));
    let key = fs::read(&file).expect("a key");
    assert_eq!(
        fs::metadata(&file).expect("a key").permissions().mode() & 0o777,
        0o600
    );
    let refused = output(&["keygen", &file]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains(&file), "{}", stderr(&refused));
    assert_eq!(fs::read(&file).expect("a key"), key);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("a mode");
    let (code, words) = hosts.refusal(1, &["--init", &format!("--key-file={file}")]);
    assert_ne!(code, Some(0), "{words}");
}

#[test]
fn the_status_tells_who_leads() {
    let hosts = Hosts::new();
    let state = hosts.path("1");
    let arguments = ["status", "--state-dir", &state];
    let unreachable = output(&arguments);
    assert_eq!(unreachable.status.code(), Some(3));
    assert!(
        stderr(&unreachable).contains("control.sock"),
        "{}",
        stderr(&unreachable)
    );

    let mut nodes = vec![hosts.start(1, &["--init"])];
    nodes[0].line(&["event=ready"]);
    assert_eq!(output(&arguments).status.code(), Some(2));
    nodes.extend([hosts.start(2, &["--init"]), hosts.start(3, &["--init"])]);
    wait_until("node 1 knows a leader", || {
        output(&arguments).status.code() == Some(0)
    });
    let text = output(&arguments);
    let text = String::from_utf8_lossy(&text.stdout);
    assert!(
        text.contains("raft: node 1 at ") && text.contains("\n  node 3 at "),
        "{text}"
    );
    let json = output(&["status", "--json", "--state-dir", &state]);
    let status: Status = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!((status.schema, status.node_id), (1, NodeId(1)));

    nodes[0].signal(Signal::STOP);
    let stopped = output(&arguments);
    assert_eq!(stopped.status.code(), Some(3));
    let words = stderr(&stopped);
    assert!(
        words.contains("no answer within 5 s: the process hangs or is stopped"),
        "{words}"
    );
}

/// Sends `text` to a control socket and returns all that comes back until the node closes it or has
/// answered `lines` lines.
fn converse(socket: &Path, text: &[u8], lines: usize) -> Vec<serde_json::Value> {
    let mut stream = UnixStream::connect(socket).expect("a control socket");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    // The node may have closed it before all was written.
    let _ = stream.write_all(text);
    let answers = BufReader::new(stream)
        .lines()
        .map_while(Result::ok)
        .take(lines);
    answers
        .map(|line| serde_json::from_str(&line).expect("JSON"))
        .collect()
}

#[test]
fn the_control_socket_takes_requests_of_its_owner_and_withstands_the_rest() {
    let hosts = Hosts::new();
    let node = hosts.start(1, &["--init"]);
    node.line(&["event=ready"]);
    let socket = hosts.state_dir(1).join("control.sock");
    assert_eq!(
        fs::metadata(&socket)
            .expect("a socket")
            .permissions()
            .mode()
            & 0o777,
        0o600
    );

    for wrong in [
        "\n",
        "no JSON\n",
        "{\"command\":\"sing\"}\n",
        "{\"command\":\"isolate\"}\n",
        "\u{0}\n",
    ] {
        let answers = converse(&socket, wrong.as_bytes(), 1);
        assert_eq!(answers[0]["ok"], false, "{wrong:?}");
    }
    let endless = converse(&socket, &[b'x'; 100_000], 9);
    assert_eq!(endless.len(), 1, "the node goes on listening to it");
    assert!(
        endless[0]["error"]
            .as_str()
            .is_some_and(|error| error.contains("longer"))
    );
    // Requests in one piece are answered one after the other.
    let many = "{\"command\":\"status\"}\n".repeat(200);
    assert_eq!(converse(&socket, many.as_bytes(), 200).len(), 200);
    // Several are served side by side.
    let pair = [(); 2].map(|()| UnixStream::connect(&socket).expect("a place"));
    for client in &pair {
        client.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    }
    for turn in [0, 1, 0, 1] {
        let mut client = &pair[turn];
        client
            .write_all(b"{\"command\":\"status\"}\n")
            .expect("a listener");
        let mut answer = String::new();
        BufReader::new(client)
            .read_line(&mut answer)
            .expect("an answer");
        assert!(answer.contains("\"ok\":true"), "{answer}");
    }
    // Those who say nothing make place for one who does.
    let silent: Vec<_> = (0..100)
        .map(|_| UnixStream::connect(&socket).expect("a place"))
        .collect();
    let ask = |request| client::ask(&node.state_dir, &request);
    ask(Request::Isolate { on: true }).expect("isolated");
    assert!(node.status().expect("a status").isolated);
    ask(Request::Pause).expect("paused");
    assert!(node.status().expect("a status").paused);
    ask(Request::Resume).expect("resumed");
    let error = ask(Request::Transfer { to: None }).expect_err("it does not lead");
    assert_eq!(error.to_string(), "this node does not lead");
    // The first of the silent ones was shown out.
    let mut first = &silent[0];
    first.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    assert_eq!(first.read(&mut [0]).expect("an end"), 0);
}

#[test]
fn a_control_socket_that_can_be_made_can_be_reached() {
    let hosts = Hosts::new();
    let start = |dir: &Path| {
        let listen: SocketAddr = "127.0.0.1:0".parse().expect("an address");
        let mut settings = Settings::new("test", NodeId(1), listen, dir);
        (
            settings.alone,
            settings.first_start,
            settings.control_socket,
        ) = (true, true, true);
        raft_driver_mio::start(settings)
    };
    // Somewhere here is the longest path of a socket, 107 bytes on Linux.
    let mut refused = 0;
    for length in 104..=110 {
        let rest = length - hosts.path("").len() - "/control.sock".len();
        let dir = PathBuf::from(hosts.path(&"x".repeat(rest)));
        match start(&dir) {
            Ok(_node) => {
                client::status(&dir).expect("a status");
                assert!(!dir.join("control").exists());
            }
            Err(StartError::Control { .. }) => refused += 1,
            Err(error) => panic!("{}: {error}", dir.display()),
        }
    }
    assert_eq!(refused, 3);
}

#[test]
fn what_a_killed_node_left_of_its_control_socket_is_no_hindrance() {
    let hosts = Hosts::new();
    // What a node leaves that is killed while it makes the socket.
    let private = hosts.state_dir(1).join("control");
    fs::create_dir_all(&private).expect("a directory");
    let leftover = std::os::unix::net::UnixListener::bind(private.join("sock"));
    drop(leftover.expect("a socket"));
    let node = hosts.start(1, &["--init"]);
    node.line(&["event=ready"]);
    assert!(node.status().is_some());
    assert!(!private.exists());
}

#[test]
fn a_log_that_nobody_reads_stops_no_node() {
    // Far more than a pipe holds and than the node keeps, in batches whose answers a socket holds.
    const BATCHES: usize = 100;
    const BATCH: usize = 100;
    let hosts = Hosts::new();
    let mut command = raft(&[]);
    command.args(hosts.options(1)).arg("--init");
    // It logs nothing of itself meanwhile.
    command.arg("--election-timeout=1h");
    let child = command.stderr(Stdio::piped()).spawn();
    let mut child = Killed(child.expect("the program runs"));
    let log = child.0.stderr.take().expect("a pipe");
    let state_dir = hosts.state_dir(1);
    wait_until("it answers", || client::status(&state_dir).is_ok());
    // Each is a line in the log.
    let requests = "{\"command\":\"isolate\",\"on\":true}\n".repeat(BATCH);
    let socket = state_dir.join("control.sock");
    for _ in 0..BATCHES {
        assert_eq!(converse(&socket, requests.as_bytes(), BATCH).len(), BATCH);
    }

    // Now somebody reads again, and is told how many lines are missing.
    let mut log = BufReader::new(log).lines().map_while(Result::ok);
    let (mut written, mut dropped) = (0, 0);
    while written + dropped < BATCHES * BATCH {
        let line = log.next().expect("the log ended");
        if line.contains("event=isolated") {
            written += 1;
        } else if let Some((_, count)) = line.split_once(" event=lines_dropped count=") {
            dropped += count.parse::<usize>().expect("a number");
        }
    }
    assert_eq!(written + dropped, BATCHES * BATCH);
    assert!(dropped > 0, "the node kept all of it");
    let pid = Pid::from_child(&child.0);
    kill_process(pid, Signal::TERM).expect("a running process");
    assert!(log.any(|line| line.contains("event=stopped")));
    assert_eq!(child.wait().code(), Some(0));
}

#[test]
fn a_warning_of_a_drop_says_where_it_came_from() {
    let hosts = Hosts::new();
    let node = hosts.start(1, &["--init"]);
    node.line(&["event=ready"]);
    let stranger = std::net::UdpSocket::bind("127.0.0.1:0").expect("the loopback");
    stranger
        .send_to(b"no datagram of ours", hosts.address(1))
        .expect("sent");
    let address = stranger.local_addr().expect("an address");
    node.line(&["event=dropped", "count=1", &format!("address={address}")]);
}

#[test]
fn help_and_version_are_there() {
    for command in ["node", "keygen", "status", "demo"] {
        let help = output(&[command, "--help"]);
        assert_eq!(help.status.code(), Some(0));
        assert!(!help.stdout.is_empty());
    }
    let version = output(&["--version"]);
    let version = String::from_utf8_lossy(&version.stdout);
    assert_eq!(version.trim(), concat!("raft ", env!("CARGO_PKG_VERSION")));
}
