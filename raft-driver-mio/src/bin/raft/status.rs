//! `raft status`: what a running node says of itself.

use std::process::ExitCode;

use raft_driver_mio::Status;
use raft_driver_mio::control::Request;
use raft_driver_mio::control::client::{self, AskError};

use crate::target::{self, Failure, NO_LEADER, Target};

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
    target::exit("status", show(&args))
}

fn show(args: &Args) -> Result<u8, Failure> {
    let answer = client::ask(&args.target.state_dir()?, &Request::Status)?;
    let status: Status = serde_json::from_value(answer.clone())
        .map_err(|_| Failure::from(AskError::Incomprehensible))?;
    target::print(&if args.json {
        format!("{answer}\n")
    } else {
        describe(&status)
    });
    Ok(if status.leader.is_some() {
        0
    } else {
        NO_LEADER
    })
}

/// The status for people: one line for the node, one for each peer.
fn describe(status: &Status) -> String {
    let mut text = format!(
        "{}: node {} at {}: {}",
        status.cluster,
        status.node_id,
        status.listen,
        target::role(status.role)
    );
    let mut add = |part: &str| text.push_str(part);
    add(&format!(", term {}", status.term));
    match status.leader {
        None => add(", no leader known"),
        Some(leader) if leader == status.node_id => {
            add(&format!(", lease {:.3} s", status.lease_remaining_seconds));
        }
        Some(leader) => {
            let leader = target::place(leader, status.leader_address);
            add(&format!(", leader {leader}"));
        }
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
