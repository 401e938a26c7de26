//! The metrics, read as Prometheus reads them.

use std::collections::BTreeMap;

use crate::common::{Hosts, Node, PATIENCE, leader, wait_until};
use crate::http::{ask, place, start};

/// The samples, by their names and labels. Fails on what Prometheus would not read.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let mut kinds = BTreeMap::new();
    let mut samples = BTreeMap::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# ") {
            let (what, rest) = rest.split_once(' ').expect("a comment");
            let (name, text) = rest.split_once(' ').expect("a name and a text");
            if what == "TYPE" {
                let kind = kinds.insert(name.to_owned(), text.to_owned());
                assert_eq!(kind, None, "{name} comes twice");
            }
            continue;
        }
        let (series, value) = line.rsplit_once(' ').expect("a value");
        let (name, labels) = series.split_once('{').expect("labels");
        assert!(labels.starts_with("cluster=\"raft\",node=\""), "{line}");
        let base = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|end| {
                name.strip_suffix(end)
                    .filter(|base| kinds.contains_key(*base))
            })
            .unwrap_or(name);
        let kind = kinds
            .get(base)
            .unwrap_or_else(|| panic!("{line} has no type"));
        assert_eq!(name.ends_with("_total"), kind == "counter", "{name}");
        let value = value.parse().expect("a number");
        assert_eq!(
            samples.insert(series.to_owned(), value),
            None,
            "{line} comes twice"
        );
    }
    samples
}

/// Whether the documentation names a metric: alone, or before its labels.
fn is_documented(name: &str) -> bool {
    let text = include_str!("../../docs/operations.md");
    text.contains(&format!("`{name}`")) || text.contains(&format!("`{name}{{"))
}

/// What one node said at one moment.
struct Metrics {
    node: u64,
    samples: BTreeMap<String, f64>,
}

impl Metrics {
    fn of(hosts: &Hosts, node: u64) -> Metrics {
        let (status, head, text) = ask(&place(hosts, node), "GET", "/metrics");
        assert_eq!(status, 200);
        assert!(head.contains("text/plain; version=0.0.4"), "{head}");
        let samples = samples(&text);
        Metrics { node, samples }
    }

    fn find(&self, name: &str, labels: &str) -> Option<f64> {
        let node = self.node;
        let series = format!("raft_{name}{{cluster=\"raft\",node=\"{node}\"{labels}}}");
        self.samples.get(&series).copied()
    }

    fn value(&self, name: &str, labels: &str) -> f64 {
        let found = self.find(name, labels);
        found.unwrap_or_else(|| panic!("no {name} {labels} in {:#?}", self.samples))
    }
}

#[test]
fn the_metrics_say_what_the_status_says() {
    let hosts = Hosts::new(3);
    let nodes: Vec<Node> = (1..=3).map(|id| start(&hosts, id)).collect();
    let first = leader(&nodes);
    wait_until("all are heard", || {
        Metrics::of(&hosts, first).value("quorum_reachable_voters", "") == 3.0
    });
    let metrics = Metrics::of(&hosts, first);
    let value = |name, labels| metrics.value(name, labels);
    let status = nodes[first as usize - 1].status().expect("a status");
    assert_eq!(value("is_leader", ""), 1.0);
    assert_eq!(value("has_leader", ""), 1.0);
    assert_eq!(value("term", ""), status.term.0 as f64);
    let lease = value("lease_remaining_seconds", "");
    assert!(lease > 0.0 && lease <= 1.6, "{lease}");
    assert_eq!(value("quorum_voters", ""), 3.0);
    assert_eq!(value("loop_responsive", ""), 1.0);
    let (won, lost) = (status.elections.won, status.elections.lost);
    assert_eq!(value("elections_total", ",result=\"won\""), won as f64);
    assert_eq!(value("elections_total", ",result=\"lost\""), lost as f64);
    assert!(won > 0 && status.leader_changes > 0);
    assert_eq!(
        value("leader_changes_total", ""),
        status.leader_changes as f64
    );
    for name in ["child_restarts_total", "hook_failures_total", "paused"] {
        assert_eq!(value(name, ""), 0.0);
    }
    let version = concat!(",version=\"", env!("CARGO_PKG_VERSION"), "\"");
    assert_eq!(value("build_info", version), 1.0);
    let all = (1..=3).map(|id| Metrics::of(&hosts, id).value("is_leader", ""));
    assert_eq!(all.sum::<f64>(), 1.0);
}

#[test]
fn what_takes_time_and_what_passes_is_counted() {
    let hosts = Hosts::new(3);
    let nodes: Vec<Node> = (1..=3).map(|id| start(&hosts, id)).collect();
    let first = leader(&nodes);
    let peer = format!(",peer=\"{}\"", first % 3 + 1);
    wait_until("heartbeats are answered", || {
        Metrics::of(&hosts, first).value("peer_rtt_seconds_count", &peer) > 0.0
    });
    let metrics = Metrics::of(&hosts, first);
    let value = |name: &str, labels: &str| metrics.value(name, labels);
    for series in metrics.samples.keys() {
        let name = series.split('{').next().unwrap_or(series);
        let base = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|end| name.strip_suffix(end))
            .unwrap_or(name);
        assert!(is_documented(base), "docs/operations.md lacks {base}");
    }
    for (name, labels) in [
        ("state_fsync_seconds", ""),
        ("loop_stall_seconds", ""),
        ("peer_rtt_seconds", peer.as_str()),
    ] {
        let count = value(&format!("{name}_count"), labels);
        assert!(count > 0.0, "{name}");
        let all = format!("{labels},le=\"+Inf\"");
        assert_eq!(value(&format!("{name}_bucket"), &all), count);
        let hour = value(&format!("{name}_sum"), labels);
        assert!(hour > 0.0 && hour < 3600.0, "{name}: {hour} s");
    }
    let patience = PATIENCE.as_secs_f64();
    assert!(value("peer_last_ack_seconds", &peer) < patience);
    assert!(value("peer_last_received_seconds", &peer) < patience);
    for dir in [",dir=\"in\"", ",dir=\"out\""] {
        let datagrams = value("datagrams_total", dir);
        assert!(datagrams > 0.0);
        assert!(value("datagram_bytes_total", dir) > datagrams * 70.0);
    }
    // What is dropped is counted by its reason.
    let noise = std::net::UdpSocket::bind("127.0.0.1:0").expect("the loopback");
    noise.send_to(b"noise", hosts.address(first)).expect("sent");
    wait_until("it is counted", || {
        let metrics = Metrics::of(&hosts, first);
        metrics.find("datagrams_dropped_total", ",reason=\"version\"") == Some(1.0)
    });
}
