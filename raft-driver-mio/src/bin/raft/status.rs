//! `raft status`: what a running node says of itself.

use std::io::Write;
use std::process::ExitCode;

use raft_core::RoleKind;
use raft_driver_mio::Status;
use raft_driver_mio::control::{Request, client};
use serde_json::Value;

use crate::member::EX_CONFIG;
use crate::target::Target;

/// The exit statuses beside 0.
const NO_LEADER: u8 = 2;
const UNREACHABLE: u8 = 3;

/// Shows the state of a running node.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status:
  0   a leader is known
  2   no leader is known
  3   no node answers
  78  the state directory is not given, or the file is wrong

Examples:
  raft status --state-dir /var/lib/raft
  raft status --state-dir /var/lib/raft --json | jq .leader")]
pub(crate) struct Args {
    #[command(flatten)]
    target: Target,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: Args) -> ExitCode {
    let state_dir = match args.target.state_dir() {
        Ok(state_dir) => state_dir,
        Err(error) => return fail(&error, EX_CONFIG),
    };
    let answer = client::ask(&state_dir, &Request::Status);
    let read = |answer: &Value| serde_json::from_value(answer.clone());
    let (answer, status): (Value, Status) = match answer.map(|answer| (read(&answer), answer)) {
        Ok((Ok(status), answer)) => (answer, status),
        Ok((Err(error), _)) => {
            let error = format!("the node's answer is not understood: {error}");
            return fail(&error, UNREACHABLE);
        }
        Err(error) => return fail(&error.to_string(), UNREACHABLE),
    };
    let text = if args.json {
        format!("{answer}\n")
    } else {
        describe(&status)
    };
    // A reader that went away, such as head, has what it wanted.
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::from(if status.leader.is_some() {
        0
    } else {
        NO_LEADER
    })
}

fn fail(error: &str, status: u8) -> ExitCode {
    crate::complain("status", error);
    ExitCode::from(status)
}

/// The status for people: one line for the node, one for each peer.
fn describe(status: &Status) -> String {
    let role = match status.role {
        RoleKind::Follower => "follower",
        RoleKind::PreCandidate => "pre-candidate",
        RoleKind::Candidate => "candidate",
        RoleKind::Leader => "leader",
    };
    let mut text = format!(
        "{}: node {} at {}: {role}",
        status.cluster, status.node_id, status.listen
    );
    let mut add = |part: &str| text.push_str(part);
    add(&format!(", term {}", status.term));
    match (status.leader, status.leader_address) {
        (None, _) => add(", no leader known"),
        (Some(leader), _) if leader == status.node_id => {
            add(&format!(", lease {:.3} s", status.lease_remaining_seconds));
        }
        (Some(leader), Some(address)) => add(&format!(", leader {leader} at {address}")),
        (Some(leader), None) => add(&format!(", leader {leader}")),
    }
    let flags = [
        ("paused", status.paused),
        ("witness", status.witness),
        ("isolated", status.isolated),
    ];
    flags
        .iter()
        .filter(|(_, on)| *on)
        .for_each(|(name, _)| add(&format!(", {name}")));
    add(&format!(", up {:.0} s\n", status.uptime_seconds));
    for peer in &status.peers {
        let heard = match peer.last_received_seconds {
            Some(seconds) => format!("heard {seconds:.3} s ago"),
            None => "not heard yet".to_owned(),
        };
        add(&format!("  node {} at {}: {heard}\n", peer.id, peer.name));
    }
    for (reason, count) in &status.dropped {
        add(&format!("  dropped {reason}: {count}\n"));
    }
    text
}
