//! A node as a unit of systemd, with us in the place of the service manager.

use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Signal;

use crate::common::{Hosts, Node, PATIENCE, raft};

struct Manager {
    hosts: Hosts,
    socket: UnixDatagram,
}

impl Manager {
    fn new() -> Manager {
        let hosts = Hosts::new(1);
        let socket = UnixDatagram::bind(hosts.path("notify")).expect("a socket");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        Manager { hosts, socket }
    }

    fn start(&self, watchdog: Option<Duration>) -> Node {
        let mut command = raft(self.hosts.options(1));
        command.arg("--init");
        command.env("NOTIFY_SOCKET", self.hosts.path("notify"));
        command.env_remove("WATCHDOG_PID");
        match watchdog {
            Some(allowed) => command.env("WATCHDOG_USEC", allowed.as_micros().to_string()),
            None => command.env_remove("WATCHDOG_USEC"),
        };
        Node::spawn(command, 1, self.hosts.path(1))
    }

    fn told(&self) -> String {
        let mut buffer = [0; 1024];
        let length = self.socket.recv(&mut buffer).expect("a notice");
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    }

    /// Waits for a notice that begins so, and returns those before it and itself.
    fn wait_for(&self, start: &str) -> Vec<String> {
        let mut all = Vec::new();
        loop {
            all.push(self.told());
            if all.last().is_some_and(|told| told.starts_with(start)) {
                return all;
            }
        }
    }
}

#[test]
fn the_service_manager_is_told_what_the_node_is() {
    let manager = Manager::new();
    let mut node = manager.start(None);
    assert_eq!(manager.told(), "READY=1\n", "before anything else");
    assert!(node.status().is_some(), "ready and not there");
    manager.wait_for("STATUS=leader term 1\n");
    node.process.signal(Signal::HUP);
    let reloading = manager.wait_for("RELOADING=1\n").pop().expect("a notice");
    let (_, at) = reloading.split_once("MONOTONIC_USEC=").expect("a time");
    assert!(at.trim().parse::<u64>().expect("a number") > 0);
    manager.wait_for("READY=1\n");
    node.process.signal(Signal::TERM);
    let rest = manager.wait_for("STOPPING=1\n");
    assert!(
        rest.iter().all(|told| told != "WATCHDOG=1\n"),
        "nobody asked for it"
    );
    assert_eq!(node.process.wait().code(), Some(0));
}

#[test]
fn the_watchdog_is_fed_for_as_long_as_the_node_turns() {
    let manager = Manager::new();
    let mut node = manager.start(Some(Duration::from_millis(200)));
    for _ in 0..3 {
        manager.wait_for("WATCHDOG=1\n");
    }
    node.process.signal(Signal::TERM);
    assert_eq!(node.process.wait().code(), Some(0));
    manager.socket.set_nonblocking(true).expect("a mode");
    let mut buffer = [0; 1024];
    while manager.socket.recv(&mut buffer).is_ok() {}
}

#[test]
fn lines_for_the_journal_leave_the_time_to_it() {
    let hosts = Hosts::new(1);
    let log = hosts.path("log");
    let file = File::create(&log).expect("a file");
    let stat = rustix::fs::fstat(file.as_fd()).expect("a file");
    let stream = format!("{}:{}", stat.st_dev, stat.st_ino);
    let mut command = raft(hosts.options(1));
    command.arg("--init").env("JOURNAL_STREAM", stream);
    let child = command.stderr(Stdio::from(file)).spawn();
    let mut node = crate::common::Killed(child.expect("the program runs"));
    let read = || std::fs::read_to_string(&log).expect("a log");
    crate::common::wait_until("it leads", || read().contains("event=lease_gained"));
    node.signal(Signal::TERM);
    assert_eq!(node.wait().code(), Some(0));
    let lines = read();
    assert!(
        lines
            .lines()
            .all(|line| line.starts_with("<6>level=info event=")),
        "{lines}"
    );

    // Who inherits the variable and writes elsewhere keeps the time.
    let mut command = raft(hosts.options(1));
    command.env("JOURNAL_STREAM", "1:1");
    let node = Node::spawn(command, 1, hosts.path(1));
    assert!(node.log.find(&["event=ready"]).starts_with("ts=2"));
}
