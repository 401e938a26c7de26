//! What operators get wrong between hosts: each is refused, counted, and named in the log, with who and where.

use std::collections::BTreeMap;
use std::fs;
use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use raft_driver_mio::raft_core::{NodeId, Term};
use rustix::process::Signal;

use crate::common::{Done, wait_until};
use crate::hosts::{Hosts, Process, raft, take_leader};

/// The options of node `id`, with some in place of others.
fn start(hosts: &Hosts, id: u64, state_dir: u64, others: &[String]) -> Process {
    let name = |option: &String| option.split('=').next().map(str::to_owned);
    let mut options = hosts.options(id);
    options.retain(|option| !others.iter().any(|other| name(other) == name(option)));
    let mut command = raft(&[]);
    command.args(options).args(others);
    command.arg("--election-timeout=1s");
    Process::spawn(command, id, hosts.state_dir(state_dir))
}

fn dropped(node: &Process) -> BTreeMap<String, u64> {
    node.status().expect("a running node").dropped
}

#[test]
fn a_node_of_another_cluster_is_named_and_not_heard() {
    let hosts = Hosts::new();
    let node = hosts.start(1, &["--init"]);
    let other = hosts.start(2, &["--init", "--cluster=other"]);
    let from = |id| format!("address={}", hosts.address(id));
    node.line(&["event=dropped", "reason=other_cluster", &from(2)]);
    other.line(&["event=dropped", "reason=other_cluster", &from(1)]);
    let status = node.status().expect("a running node");
    assert_eq!((status.term, status.leader), (Term(0), None));
    assert!(
        status
            .peers
            .iter()
            .all(|peer| peer.last_received_seconds.is_none())
    );
}

#[test]
fn a_node_with_another_timing_is_named_and_not_heard() {
    let hosts = Hosts::new();
    let node = hosts.start(1, &["--init"]);
    let other = hosts.start(2, &["--init", "--heartbeat=60ms"]);
    let address = format!("address={}", hosts.address(2));
    node.line(&["event=dropped", "reason=other_timing", "peer=2", &address]);
    other.line(&["event=dropped", "reason=other_timing", "peer=1"]);
    assert_eq!(node.status().expect("a running node").leader, None);
}

/// A warning a second, however much there is to warn of.
#[test]
fn a_flood_of_mistakes_is_no_flood_of_lines() {
    let hosts = Hosts::new();
    let mut node = hosts.start(1, &["--init", "--cluster=other"]);
    node.line(&["event=ready"]);
    let start = std::time::Instant::now();
    // A peer is not heard at all, and sends on and on.
    let peer = hosts.start(2, &["--init", "--heartbeat=1ms", "--election-timeout=5ms"]);
    wait_until("many are dropped", || {
        dropped(&node)
            .get("other_cluster")
            .is_some_and(|count| *count > 500)
    });
    drop(peer);
    node.signal(Signal::TERM);
    assert_eq!(node.wait(), Some(0));
    let most = start.elapsed().as_secs() + 1;
    let lines = node.rest();
    let warnings = lines
        .iter()
        .filter(|line| line.contains("reason=other_cluster"));
    assert!(
        (1..=most).contains(&(warnings.count() as u64)),
        "{lines:#?}"
    );
}

/// Passes on to both what is sent to the one, as a network does in which two hosts have one address.
fn deliver_to_both(at: &UdpSocket, addresses: [&str; 2], done: &AtomicBool) {
    let mut buffer = [0; 1500];
    let timeout = Some(Duration::from_millis(10));
    at.set_read_timeout(timeout).expect("a timeout");
    while !done.load(Ordering::Relaxed) {
        if let Ok(length) = at.recv(&mut buffer) {
            for address in addresses {
                // It may not be there yet.
                let _ = at.send_to(&buffer[..length], address);
            }
        }
    }
}

#[test]
fn two_nodes_of_one_id_behind_one_address_are_named() {
    let hosts = Hosts::new();
    let address = hosts.address(2);
    let at = UdpSocket::bind(&address).expect("the loopback");
    let [meant, clone] = [":7401", ":7402"].map(|port| address.replace(":7400", port));
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| deliver_to_both(&at, [&meant, &clone], &done));
        let _done = Done(&done);
        let listen = |address: &str| format!("--listen={address}");
        let node = hosts.start(1, &["--init"]);
        let first = start(&hosts, 2, 2, &[listen(&meant), "--init".to_owned()]);
        first.line(&["event=ready"]);
        node.line(&["event=transition", "leader="]);
        // A copy of its state, as of a virtual machine.
        fs::create_dir(hosts.state_dir(4)).expect("a directory");
        let state = |id| hosts.state_dir(id).join("state");
        fs::copy(state(2), state(4)).expect("a copy");
        let state_dir = format!("--state-dir={}", hosts.path("4"));
        let second = start(&hosts, 2, 4, &[listen(&clone), state_dir]);
        second.line(&["event=ready"]);
        let line = node.line(&["event=dropped", "reason=cloned_id", "peer=2"]);
        assert!(line.contains(&meant) || line.contains(&clone), "{line}");
        assert!(dropped(&node)["cloned_id"] > 0);
    });
}

#[test]
fn a_copy_of_a_node_at_another_address_is_named_and_not_heard() {
    let hosts = Hosts::new();
    let mut nodes = hosts.start_all();
    let (first, term) = take_leader(&mut nodes);
    let meant = &nodes[0];
    fs::create_dir(hosts.state_dir(4)).expect("a directory");
    let state = |id| hosts.state_dir(id).join("state");
    fs::copy(state(meant.id), state(4)).expect("a copy");
    let elsewhere = hosts.address(meant.id).replace(":7400", ":7401");
    let options = [
        format!("--listen={elsewhere}"),
        format!("--state-dir={}", hosts.path("4")),
    ];
    let copy = start(&hosts, meant.id, 4, &options);
    copy.line(&["event=ready"]);
    let (peer, address) = (format!("peer={}", meant.id), format!("address={elsewhere}"));
    first.line(&["event=dropped", "reason=stale_elsewhere", &peer, &address]);
    assert!(dropped(&first)["stale_elsewhere"] > 0);
    let copied = copy.status().expect("a running node");
    assert_eq!(copied.leader, None);
    let status = meant.status().expect("a running node");
    assert_eq!((status.term, status.leader), (term, Some(NodeId(first.id))));
}
