//! HTTP for monitors and load balancers.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};

use raft_driver_mio::Status;
use raft_driver_mio::control::{Request, client};
use rustix::process::Signal;
use serde_json::Value;

use crate::common::{Hosts, Node, PATIENCE, leader, raft, said, wait_until};

/// Where node `id` serves HTTP.
pub(crate) fn place(hosts: &Hosts, id: u64) -> String {
    hosts.address(id).replace(":7400", ":7401")
}

pub(crate) fn start(hosts: &Hosts, id: u64) -> Node {
    let node = hosts.start(id, &[&format!("--http={}", place(hosts, id))]);
    node.log.find(&["event=http"]);
    node
}

fn connect(place: &str) -> TcpStream {
    let stream = TcpStream::connect(place).expect("a listener");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

/// Sends `bytes` and returns all that comes back.
fn converse(place: &str, bytes: &[u8]) -> String {
    let mut stream = connect(place);
    // It may have answered and closed before all was written.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// The status, the headers and the body of what a request is answered.
pub(crate) fn ask(place: &str, method: &str, path: &str) -> (u16, String, String) {
    let request = format!("{method} {path} HTTP/1.1\r\nHost: {place}\r\n\r\n");
    let answer = converse(place, request.as_bytes());
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    (status.expect("a status"), head.to_owned(), body.to_owned())
}

fn get(place: &str, path: &str) -> (u16, Value) {
    let (status, _, body) = ask(place, "GET", path);
    (status, serde_json::from_str(&body).expect("JSON"))
}

#[test]
fn a_load_balancer_finds_the_one_that_leads() {
    let hosts = Hosts::new(3);
    let mut nodes = vec![start(&hosts, 1)];
    let one = place(&hosts, 1);
    assert_eq!(get(&one, "/leader").0, 503);
    assert_eq!(get(&one, "/readyz").0, 503, "no leader, no use");
    assert_eq!(get(&one, "/livez").0, 200);
    nodes.extend([start(&hosts, 2), start(&hosts, 3)]);
    let first = leader(&nodes);
    for id in 1..=3 {
        let at = place(&hosts, id);
        let (status, body) = get(&at, "/leader");
        assert_eq!(status, if id == first { 200 } else { 503 }, "{body}");
        assert_eq!(
            (&body["active"], &body["leader"]),
            (&(id == first).into(), &first.into())
        );
        assert_eq!(
            body["lease_remaining_seconds"].as_f64() > Some(0.0),
            id == first
        );
        assert_eq!(get(&at, "/readyz").0, 200);
        let (status, body) = get(&at, "/status");
        assert_eq!(status, 200);
        let status: Status = serde_json::from_value(body).expect("a status");
        assert_eq!((status.node_id.0, status.voters), (id, 3));
    }
    // One that is cut off finds out by its clock.
    let state_dir = &nodes[first as usize - 1].state_dir;
    client::ask(state_dir, &Request::Isolate { on: true }).expect("cut off");
    wait_until("its lease ends", || {
        get(&place(&hosts, first), "/leader").0 == 503
    });
    let leads = |id| get(&place(&hosts, id), "/leader").0 == 200;
    wait_until("another leads", || {
        (1..=3).any(|id| id != first && leads(id))
    });
}

#[test]
fn a_leader_that_must_wait_for_a_kill_delay_is_not_active() {
    let started = |hosts: &Hosts, kill_delay: &str| {
        let http = format!("--http={}", place(hosts, 1));
        hosts.start(1, &[&http, &format!("--kill-delay={kill_delay}")])
    };
    let hosts = Hosts::new(1);
    let at = place(&hosts, 1);
    let node = started(&hosts, "1h");
    node.log.find(&["event=lease_gained"]);
    wait_until("it has a lease", || {
        let left = node.status().map(|status| status.lease_remaining_seconds);
        left > Some(0.0)
    });
    let status = node.status().expect("a status");
    assert!(!status.active, "{status:?}");
    let (status, body) = get(&at, "/leader");
    assert_eq!((status, &body["active"]), (503, &false.into()), "{body}");
    let (_, _, metrics) = ask(&at, "GET", "/metrics");
    let metric = metrics
        .lines()
        .find(|line| line.starts_with("raft_is_leader{"));
    assert!(
        metric.is_some_and(|line| line.ends_with(" 0")),
        "{metric:?}"
    );
    let (code, out, _) = hosts.ask(1, &["is-leader"]);
    assert_eq!(code, Some(1), "{out}");
    let (code, _, words) = hosts.ask(1, &["wait", "--leader", "--timeout=100ms"]);
    assert_eq!(code, Some(124), "{words}");
    assert!(words.contains("not active"), "{words}");

    // Who waits for it is told when that is over.
    let hosts = Hosts::new(1);
    let at = place(&hosts, 1);
    let _node = started(&hosts, "3s");
    let (code, _, words) = hosts.ask(1, &["wait", "--leader"]);
    assert_eq!(code, Some(0), "{words}");
    wait_until("it says yes", || {
        hosts.ask(1, &["is-leader", "-q"]).0 == Some(0) && get(&at, "/leader").0 == 200
    });
}

#[test]
fn what_is_no_request_of_ours_is_refused_by_its_status() {
    let hosts = Hosts::new(1);
    let _node = start(&hosts, 1);
    let at = place(&hosts, 1);
    wait_until("it leads", || get(&at, "/leader").0 == 200);
    for method in ["HEAD", "OPTIONS"] {
        let (status, head, body) = ask(&at, method, "/leader");
        assert_eq!((status, body.as_str()), (200, ""), "{method}");
        assert!(head.contains("Content-Length: "), "{head}");
    }
    assert_eq!(ask(&at, "GET", "/leader?check=1").0, 200);
    assert_eq!(ask(&at, "GET", "/").0, 404);
    let (status, head, _) = ask(&at, "POST", "/leader");
    assert_eq!(status, 405);
    assert!(head.contains("Allow: GET, HEAD, OPTIONS"), "{head}");
    let many = "GET / HTTP/1.1\r\n".to_owned() + &"A: b\r\n".repeat(100) + "\r\n";
    for (bytes, status) in [
        (&b"\0\xff\xfe nothing\r\n\r\n"[..], "400"),
        (b"GET /leader HTTP/9.9\r\n\r\n", "400"),
        (b"GET /leader HTTP/1.1\r\nno header\r\n\r\n", "400"),
        (&[b'G'; 100_000], "431"),
        (many.as_bytes(), "431"),
    ] {
        let answer = converse(&at, bytes);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
    }
}

#[test]
fn the_slow_and_the_many_hold_up_neither_the_node_nor_others() {
    let hosts = Hosts::new(3);
    let nodes: Vec<Node> = (1..=3).map(|id| start(&hosts, id)).collect();
    let first = leader(&nodes);
    let at = place(&hosts, first);
    let status = |node: &Node| node.status().expect("a status");
    let node = &nodes[first as usize - 1];
    let before = status(node);
    // Silent ones, ones that never end their request, and ones that never read.
    let silent: Vec<TcpStream> = (0..100).map(|_| connect(&at)).collect();
    let endless: Vec<TcpStream> = (0..100)
        .map(|_| {
            let mut stream = connect(&at);
            let _ = stream.write_all(b"GET /metrics HTTP/1.1\r\nA: ");
            stream
        })
        .collect();
    for _ in 0..100 {
        let mut stream = connect(&at);
        let _ = stream.write_all(b"GET /metrics HTTP/1.1\r\n\r\n");
    }
    assert_eq!(get(&at, "/leader").0, 200);
    // All of them were shown out: there are fewer places.
    let mut first_of_them = &silent[0];
    assert_eq!(first_of_them.read(&mut [0]).unwrap_or(0), 0);
    drop(endless);
    let after = status(node);
    assert_eq!((after.term, after.leader), (before.term, before.leader));
    assert!(after.active);
}

#[test]
fn one_that_says_nothing_is_shown_out_in_the_end() {
    let hosts = Hosts::new(1);
    let _node = start(&hosts, 1);
    let mut stream = connect(&place(&hosts, 1));
    stream.write_all(b"GET ").expect("a listener");
    assert_eq!(stream.read(&mut [0]).expect("an end"), 0);
    // And one that has been answered, and goes on talking.
    let mut stream = connect(&place(&hosts, 1));
    stream
        .write_all(b"GET /livez HTTP/1.1\r\n\r\n")
        .expect("a listener");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    stream.shutdown(Shutdown::Both).expect("an end");
}

#[test]
fn an_address_that_others_reach_must_be_insisted_on_and_a_port_that_is_taken_changes_nothing() {
    let hosts = Hosts::new(1);
    let refused = |more: &[&str]| said(raft(hosts.options(1)).arg("--init").args(more));
    let (code, _, words) = refused(&["--http=0.0.0.0:7401"]);
    assert_eq!(code, Some(78));
    assert!(
        words.contains("--http-public") && words.contains("0.0.0.0:7401"),
        "{words}"
    );
    let taken = TcpListener::bind(place(&hosts, 1)).expect("the loopback");
    let (code, _, words) = refused(&[&format!("--http={}", place(&hosts, 1))]);
    assert_eq!(code, Some(1));
    assert!(words.contains(&place(&hosts, 1)), "{words}");
    assert!(
        !std::fs::exists(hosts.path(1)).expect("a look"),
        "it made state"
    );
    drop(taken);

    let node = hosts.start(1, &["--http=0.0.0.0:0", "--http-public"]);
    let line = node.log.find(&["event=http"]);
    let (_, port) = line.rsplit_once(':').expect("an address");
    wait_until("it is served", || {
        get(&format!("127.0.0.1:{port}"), "/leader").0 == 200
    });
    node.process.signal(Signal::TERM);
}
