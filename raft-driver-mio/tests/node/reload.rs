//! SIGHUP: keys and addresses change while the nodes run, and nothing else does.

use std::fs;
use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use raft_driver_mio::raft_core::{NodeId, Options};
use raft_driver_mio::{Keyring, PeerAddress, Status, start};
use rustix::process::Signal;

use crate::common::{Cluster, Done, leader, wait_until};
use crate::hosts::{Hosts, Process, finish, raft, stderr, take_leader};
use crate::impostor::Impostor;

/// Long enough for a leader not to be lost on a busy machine.
const TIMING: &str = "heartbeat = \"20ms\"\nelection-timeout = \"4s\"\n";
const KEYS: [&str; 2] = ["1:11", "2:22"];

/// Three nodes, each with a file of --config and a key file of its own.
struct Files(Hosts);

impl Files {
    fn new() -> Files {
        let files = Files(Hosts::new());
        for id in 1..=3 {
            files.write_keys(id, &KEYS[..1]);
            files.write_config(id, TIMING, &files.addresses());
        }
        files
    }

    fn key_file(&self, id: u64) -> String {
        self.0.path(&format!("key-{id}"))
    }

    fn config_file(&self, id: u64) -> String {
        self.0.path(&format!("{id}.toml"))
    }

    fn addresses(&self) -> [String; 3] {
        [1, 2, 3].map(|id| self.0.address(id))
    }

    /// Each key is its id and the two digits that it repeats.
    fn write_keys(&self, id: u64, keys: &[&str]) {
        let line = |key: &&str| {
            let (id, digits) = key.split_once(':').expect("an id");
            format!("{id}:{}\n", digits.repeat(32))
        };
        let file = self.key_file(id);
        fs::write(&file, keys.iter().map(line).collect::<String>()).expect("a file");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("a mode");
    }

    fn write_config(&self, id: u64, timing: &str, addresses: &[String]) {
        let peers = (1..).zip(addresses).filter(|(peer, _)| *peer != id);
        let peers: Vec<_> = peers
            .map(|(peer, address)| format!("{peer}={address}"))
            .collect();
        let own = usize::try_from(id - 1).expect("small");
        let (listen, state) = (&addresses[own], self.0.path(&id.to_string()));
        let text = format!(
            "id = {id}\nlisten = {listen:?}\npeer = {peers:?}\nstate-dir = {state:?}\nkey-file = {:?}\n{timing}",
            self.key_file(id)
        );
        fs::write(self.config_file(id), text).expect("a file");
    }

    fn start(&self, id: u64, more: &[&str]) -> Process {
        let mut command = raft(&["node", "--config", &self.config_file(id)]);
        command.args(more);
        Process::spawn(command, id, self.0.state_dir(id))
    }

    fn start_all(&self) -> Vec<Process> {
        (1..=3).map(|id| self.start(id, &["--init"])).collect()
    }
}

fn status(node: &Process) -> Status {
    node.status().expect("a running node")
}

/// How many datagrams a node could not open.
fn unopened(node: &Process) -> u64 {
    let dropped = status(node).dropped;
    ["unknown_key", "unauthentic"]
        .iter()
        .filter_map(|reason| dropped.get(*reason))
        .sum()
}

/// Waits until the leader was answered, and the others were sent heartbeats, after this call.
fn wait_for_heartbeats(leader: &Process, others: &[Process]) {
    let start = Instant::now();
    let rounds: Vec<_> = others.iter().map(|node| status(node).round).collect();
    wait_until("heartbeats and answers", || {
        let followed = others
            .iter()
            .zip(&rounds)
            .all(|(node, round)| status(node).round.0 > round.0 + 5);
        let answered = status(leader).peers.iter().all(|peer| {
            peer.last_received_seconds
                .is_some_and(|seconds| seconds < start.elapsed().as_secs_f64())
        });
        followed && answered
    });
}

/// Sends to all of them what they drop, some thousand datagrams a second.
fn load(addresses: &[String], over: &AtomicBool) {
    let stranger = UdpSocket::bind("127.0.0.1:0").expect("the loopback");
    while !over.load(Ordering::Relaxed) {
        for address in addresses {
            // A socket may be full.
            let _ = stranger.send_to(&[0; 85], address);
        }
        std::thread::sleep(Duration::from_micros(500));
    }
}

#[test]
fn a_rotation_of_keys_under_load_loses_no_leader_and_ends_the_old_key() {
    let files = Files::new();
    let mut nodes = files.start_all();
    let (first, term) = take_leader(&mut nodes);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| load(&files.addresses(), &over));
        let _done = Done(&over);
        for keys in [&["1:11", "2:22"][..], &["2:22", "1:11"], &["2:22"]] {
            for node in nodes.iter().chain([&first]) {
                files.write_keys(node.id, keys);
                node.signal(Signal::HUP);
                let replaced = node.line(&["event=keys_replaced"]);
                let seals_with = format!("seals_with={}", &keys[0][..1]);
                assert!(replaced.contains(&seals_with), "{replaced}");
                node.line(&["event=reloaded"]);
                wait_for_heartbeats(&first, &nodes);
            }
        }
    });
    let leader = Some(NodeId(first.id));
    for node in nodes.iter().chain([&first]) {
        let status = status(node);
        assert_eq!((status.term, status.leader), (term, leader));
        assert_eq!(unopened(node), 0, "{:?}", status.dropped);
    }
    assert!(status(&first).active);

    // Who has only the old key is not heard any more.
    let key = files.0.path("old-key");
    fs::write(&key, format!("1:{}\n", "11".repeat(32))).expect("a file");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("a mode");
    let keys = Keyring::read(key.as_ref()).expect("a key");
    let mut old = Impostor::new("raft", NodeId(nodes[1].id), &options(), keys);
    let socket = UdpSocket::bind("127.0.0.1:0").expect("the loopback");
    let datagram = old.seal(NodeId(nodes[0].id), None);
    socket
        .send_to(&datagram, files.0.address(nodes[0].id))
        .expect("sent");
    nodes[0].line(&["event=dropped", "reason=unknown_key"]);
    assert_eq!(status(&nodes[0]).dropped["unknown_key"], 1);
}

/// The same as [`TIMING`].
fn options() -> Options {
    Options {
        heartbeat_interval: Duration::from_millis(20),
        election_timeout: Duration::from_secs(4),
        ..Options::default()
    }
}

#[test]
fn a_bad_file_changes_nothing_and_is_named_in_one_line() {
    let files = Files::new();
    let mut nodes = files.start_all();
    let (first, term) = take_leader(&mut nodes);
    let (key, config) = (files.key_file(first.id), files.config_file(first.id));
    let good = fs::read_to_string(&config).expect("a file");
    let mode = |mode| {
        let permissions = fs::Permissions::from_mode(mode);
        fs::set_permissions(&key, permissions).expect("a mode");
    };
    let fails = |parts: &[&str]| {
        first.signal(Signal::HUP);
        let line = first.line(&["event=reload_failed"]);
        assert!(parts.iter().all(|part| line.contains(part)), "{line}");
    };

    files.write_keys(first.id, &["1:11", "1:22"]);
    fails(&["line 2", "key id 1", &key]);
    files.write_keys(first.id, &KEYS);
    mode(0o644);
    fails(&["chmod 600", &key]);
    fs::remove_file(&key).expect("a file");
    fails(&[&key]);
    files.write_keys(first.id, &KEYS[..1]);
    let edits = [
        ("20ms", "21ms", "heartbeat: it was 20ms and is 21ms now"),
        ("id = ", "ID = ", "ID"),
        ("key-file", "insecure = true\nlog-level", "log-level"),
        (":7400\",", ":7400\", \"4=127.0.0.1:9\",", "peer: "),
        (
            "id = ",
            "prefer = [2, 1]\nid = ",
            "prefer: it was not given and is 2,1 now",
        ),
        (
            "id = ",
            "stop-timeout = \"3s\"\nid = ",
            "stop-timeout: it was not given and is 3s now",
        ),
    ];
    for (from, to, word) in edits {
        fs::write(&config, good.replacen(from, to, 1)).expect("a file");
        fails(&[word]);
    }
    let own = format!("listen = {:?}\n", files.0.address(first.id));
    let moved = "listen = \"127.0.0.1:1\"\n";
    fs::write(&config, good.replace(&own, moved)).expect("a file");
    fails(&["listen: it was ", "restart the node"]);

    fs::write(&config, &good).expect("a file");
    first.signal(Signal::HUP);
    first.line(&["event=reloaded"]);
    wait_for_heartbeats(&first, &nodes);
    assert_eq!((status(&first).term, status(&first).active), (term, true));
}

#[test]
fn a_node_that_moved_is_found_by_its_new_address() {
    let files = Files::new();
    let mut nodes = files.start_all();
    let (first, term) = take_leader(&mut nodes);
    let mut moved = nodes.remove(0);
    moved.signal(Signal::TERM);
    assert_eq!(moved.wait(), Some(0));
    let mut addresses = files.addresses();
    let own = usize::try_from(moved.id - 1).expect("small");
    // Another port of the same address: still this test's own.
    addresses[own] = addresses[own].replace(":7400", ":7401");
    for id in 1..=3 {
        files.write_config(id, TIMING, &addresses);
    }
    let moved = files.start(moved.id, &[]);
    moved.line(&["event=ready", &addresses[own]]);
    for node in [&first, &nodes[0]] {
        node.signal(Signal::HUP);
        node.line(&["event=address_replaced", &addresses[own]]);
        node.line(&["event=reloaded"]);
    }
    wait_until("it follows", || {
        status(&moved).leader == Some(NodeId(first.id))
    });
    assert_eq!(status(&first).term, term);
}

#[test]
fn a_name_takes_the_place_of_an_address() {
    let cluster = Cluster::bind(2, "127.0.0.1").expect("the loopback");
    let nobody = UdpSocket::bind("127.0.0.1:0").expect("the loopback");
    let wrong = nobody.local_addr().expect("an address");
    let mut nodes = Vec::new();
    for member in &cluster.members {
        let mut settings = member.settings(true);
        let right = settings.peers[0].1.to_string();
        settings.peers[0].1 = wrong.into();
        let node = start(settings).expect("a node");
        let name = right.replace("127.0.0.1", "localhost");
        let name: PeerAddress = name.parse().expect("a name");
        let peer = NodeId(3 - member.id.0);
        node.replace_addresses(vec![(peer, name)]).expect("a name");
        let others = node.replace_addresses(vec![(NodeId(9), wrong.into())]);
        assert!(others.is_err());
        let own = member.socket.local_addr().expect("an address");
        assert!(node.replace_addresses(vec![(peer, own.into())]).is_err());
        nodes.push(node);
    }
    let _ = leader(&nodes);
}

#[test]
fn a_credential_of_systemd_is_a_key_file() {
    let hosts = Hosts::new();
    let directory = hosts.path("credentials");
    fs::create_dir(&directory).expect("a directory");
    let file = format!("{directory}/billing");
    fs::copy(hosts.path("key"), &file).expect("a file");
    let command = |key_file: &str, mode| {
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("a mode");
        let mut command = raft(&["node", "--id=1", "--listen", &hosts.address(1), "--init"]);
        command.args(["--peer=2=127.0.0.1:9", "--key-file", key_file]);
        command.args(["--state-dir", &hosts.path("1")]);
        command.env_remove("CREDENTIALS_DIRECTORY");
        command
    };
    let name = "$CREDENTIALS_DIRECTORY/billing";
    // systemd gives access by a list that shows as the group's.
    for key_file in [name, &file] {
        let mut command = command(key_file, 0o440);
        command.env("CREDENTIALS_DIRECTORY", &directory);
        let mut node = Process::spawn(command, 1, hosts.state_dir(1));
        node.line(&["event=ready"]);
        node.signal(Signal::TERM);
        assert_eq!(node.wait(), Some(0));
        fs::remove_dir_all(hosts.state_dir(1)).expect("a directory");
    }
    for (key_file, mode, directory, part) in [
        (name, 0o444, Some(&directory), "mode 0444"),
        (name, 0o440, None, "LoadCredential="),
        (&*file, 0o440, None, "mode 0440"),
    ] {
        let mut command = command(key_file, mode);
        command.envs(directory.map(|directory| ("CREDENTIALS_DIRECTORY", directory)));
        let refused = finish(&mut command);
        assert_eq!(refused.status.code(), Some(78));
        assert!(stderr(&refused).contains(part), "{}", stderr(&refused));
    }
}
