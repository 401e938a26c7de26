//! What a node tells of itself: in its log, and to those who look at its view.

use std::time::Duration;

use raft_driver_mio::raft_core::{NodeId, Options, RoleKind};
use raft_driver_mio::{Settings, start};

use crate::common::PATIENCE;

#[cfg(all(feature = "cli", target_os = "linux"))]
#[test]
fn a_node_that_finds_no_majority_says_so_once() {
    use crate::common::wait_until;
    use rustix::process::Signal;

    let hosts = crate::hosts::Hosts::new();
    let options = ["--init", "--election-timeout=150ms"];
    let mut node = hosts.start(1, &options);
    let campaigns = || node.status().map_or(0, |status| status.elections.timeout);
    wait_until("it campaigns in vain", || campaigns() >= 4);
    node.signal(Signal::TERM);
    assert_eq!(node.wait(), Some(0));
    let log = node.rest();
    let said = |line: &&String| line.contains("reason=no_majority");
    assert_eq!(log.iter().filter(said).count(), 1, "{log:?}");
}

#[test]
fn a_leadership_is_never_seen_in_another_term_than_its_own() {
    for _ in 0..10 {
        let dir = tempfile::tempdir().expect("a directory");
        let listen: std::net::SocketAddr = ([127, 0, 0, 1], 0).into();
        let mut settings = Settings::new("told", NodeId(1), listen, dir.path().join("1"));
        settings.first_start = true;
        settings.alone = true;
        settings.options = Options {
            election_timeout: Duration::from_millis(30),
            heartbeat_interval: Duration::from_millis(10),
            ..Options::default()
        };
        let node = start(settings).expect("a node");
        let began = std::time::Instant::now();
        let view = loop {
            let view = node.view();
            if view.leadership.is_some() {
                break view;
            }
            assert!(began.elapsed() < PATIENCE, "it never leads");
        };
        let leadership = view.leadership.expect("a leadership");
        assert_eq!(
            (view.term, view.role, view.leader),
            (leadership.term, RoleKind::Leader, Some(NodeId(1)))
        );
    }
}
