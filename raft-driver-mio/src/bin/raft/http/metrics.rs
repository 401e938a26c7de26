//! The metrics, as Prometheus reads them.

use std::fmt::{Display, Write};

use raft_core::NodeId;
use raft_driver_mio::{Status, TIMING_BOUNDS, Timings};

use super::source::Source;
use crate::tallies;

/// All metrics. Of a node whose loop does not answer, those that need no answer.
pub(super) fn render(source: &mut Source) -> String {
    let (active, lease) = (source.node.active().is_some(), source.node.lease());
    let view = source.node.view();
    let id = source.node.id();
    let cluster = source.cluster.clone();
    let status = source.status();
    let mut text = Text::new(&cluster, id);
    text.gauge(
        "is_leader",
        "Whether the node leads with a lease at this moment, and nothing of an earlier leader may still run.",
        u8::from(active),
    );
    text.gauge(
        "lease_remaining_seconds",
        "How long the lease lasts unless it is extended.",
        lease.map_or(0.0, |(_, left)| left.as_secs_f64()),
    );
    text.gauge(
        "has_leader",
        "Whether the node knows a leader, which may be itself.",
        u8::from(view.leader.is_some()),
    );
    text.gauge("term", "The node's term.", view.term);
    text.gauge(
        "loop_responsive",
        "Whether the node's loop answers. If it does not, what only it knows is missing here.",
        u8::from(status.is_some()),
    );
    for (name, help, tally) in [
        (
            "child_restarts_total",
            "How often the program of raft exec ended by itself, to be started again.",
            &tallies::CHILD_RESTARTS,
        ),
        (
            "hook_failures_total",
            "How often a hook of raft node failed, or ran for too long.",
            &tallies::HOOK_FAILURES,
        ),
    ] {
        text.family(name, "counter", help);
        text.sample(name, &[], tally.get());
    }
    if let Some(status) = status {
        node(&mut text, status);
        datagrams(&mut text, status);
        peers(&mut text, status);
    }
    text.out
}

fn node(text: &mut Text, status: &Status) {
    text.family("build_info", "gauge", "The program.");
    let version: [(&str, &dyn Display); 1] = [("version", &status.version)];
    text.sample("build_info", &version, 1);
    text.gauge(
        "paused",
        "Whether the node votes and does not campaign.",
        u8::from(status.paused),
    );
    text.gauge(
        "uptime_seconds",
        "How long the node has been running.",
        status.uptime_seconds,
    );
    text.gauge(
        "quorum_voters",
        "How many voters there are, this one among them.",
        status.voters,
    );
    text.gauge(
        "quorum_reachable_voters",
        "From how many voters a fresh datagram came within the last four election timeouts, this one among them.",
        status.voters_reachable,
    );
    text.family(
        "leader_changes_total",
        "counter",
        "How often the node learnt of another leader.",
    );
    text.sample("leader_changes_total", &[], status.leader_changes);
    text.family(
        "elections_total",
        "counter",
        "What became of the node's campaigns.",
    );
    let elections = &status.elections;
    for (result, count) in [
        ("won", elections.won),
        ("lost", elections.lost),
        ("timeout", elections.timeout),
    ] {
        text.sample("elections_total", &[("result", &result)], count);
    }
    text.family(
        "state_fsync_seconds",
        "histogram",
        "How long it took to make the state durable.",
    );
    text.histogram("state_fsync_seconds", &[], &status.sync_seconds);
    text.family(
        "loop_stall_seconds",
        "histogram",
        "How long each turn of the node's loop took, in which nothing else was served.",
    );
    text.histogram("loop_stall_seconds", &[], &status.loop_seconds);
}

fn datagrams(text: &mut Text, status: &Status) {
    let of = |text: &mut Text, name, help, received: u64, sent: u64| {
        text.family(name, "counter", help);
        text.sample(name, &[("dir", &"in")], received);
        text.sample(name, &[("dir", &"out")], sent);
    };
    of(
        text,
        "datagrams_total",
        "Datagrams, those that were dropped among them.",
        status.datagrams_received,
        status.datagrams_sent,
    );
    of(
        text,
        "datagram_bytes_total",
        "Bytes of datagrams, without the headers of UDP and IP.",
        status.bytes_received,
        status.bytes_sent,
    );
    text.family(
        "datagrams_dropped_total",
        "counter",
        "What was dropped: datagrams received, datagrams that could not be sent, and messages that changed nothing.",
    );
    for (reason, count) in &status.dropped {
        text.sample("datagrams_dropped_total", &[("reason", reason)], count);
    }
}

fn peers(text: &mut Text, status: &Status) {
    text.family(
        "peer_last_received_seconds",
        "gauge",
        "The time since the last fresh datagram of a peer.",
    );
    for peer in &status.peers {
        if let Some(seconds) = peer.last_received_seconds {
            text.sample("peer_last_received_seconds", &[("peer", &peer.id)], seconds);
        }
    }
    text.family(
        "peer_last_ack_seconds",
        "gauge",
        "The time since a peer last answered a heartbeat of this node.",
    );
    for peer in &status.peers {
        if let Some(seconds) = peer.last_ack_seconds {
            text.sample("peer_last_ack_seconds", &[("peer", &peer.id)], seconds);
        }
    }
    text.family(
        "peer_rtt_seconds",
        "histogram",
        "How long a peer's answers to heartbeats of this node took.",
    );
    for peer in &status.peers {
        text.histogram("peer_rtt_seconds", &[("peer", &peer.id)], &peer.rtt_seconds);
    }
}

type Label<'a> = (&'a str, &'a dyn Display);

/// Text as version 0.0.4 of the format has it. Every name has the prefix `raft_`, every sample the cluster and the node.
struct Text<'a> {
    out: String,
    cluster: &'a str,
    node: NodeId,
}

// Writing to a string cannot fail, hence the results that are let go.
impl Text<'_> {
    fn new(cluster: &str, node: NodeId) -> Text<'_> {
        Text {
            out: String::new(),
            cluster,
            node,
        }
    }

    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(
            self.out,
            "# HELP raft_{name} {help}\n# TYPE raft_{name} {kind}"
        );
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.family(name, "gauge", help);
        self.sample(name, &[], value);
    }

    fn sample(&mut self, name: &str, labels: &[Label], value: impl Display) {
        // The cluster's name and ours for reasons and versions hold nothing that would have to be escaped.
        let (cluster, node) = (self.cluster, self.node);
        let _ = write!(
            self.out,
            "raft_{name}{{cluster=\"{cluster}\",node=\"{node}\""
        );
        for (label, value) in labels {
            let _ = write!(self.out, ",{label}=\"{value}\"");
        }
        let _ = writeln!(self.out, "}} {value}");
    }

    fn histogram(&mut self, name: &str, labels: &[Label], timings: &Timings) {
        let bucket = format!("{name}_bucket");
        let bounds = TIMING_BOUNDS.map(|bound| bound.to_string());
        let counts = timings.buckets.into_iter().chain([timings.count]);
        let bounds = bounds.iter().map(String::as_str).chain(["+Inf"]);
        for (bound, count) in bounds.zip(counts) {
            let mut labels = labels.to_vec();
            labels.push(("le", &bound));
            self.sample(&bucket, &labels, count);
        }
        self.sample(&format!("{name}_sum"), labels, timings.sum);
        self.sample(&format!("{name}_count"), labels, timings.count);
    }
}
