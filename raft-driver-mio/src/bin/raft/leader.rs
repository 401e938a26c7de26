//! `raft leader` and `raft is-leader`: who leads, and whether this node does.

use std::process::ExitCode;
use std::time::Duration;

use raft_driver_mio::control::client;
use raft_driver_mio::duration;
use serde_json::json;

use crate::target::{self, Failure, NO, NO_LEADER, Target};

/// Prints who leads, as far as the node knows: its number and its address.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status:
  0   a leader is known
  2   no leader is known
  3   no node answers, or not within --timeout: its process may hang or be stopped
  78  the state directory is not given, or the file is wrong

The leader may be lost by now. What acts on it must ask the leader itself (raft is-leader), or better, pass on
its term and have lower ones refused.

Example:
  raft leader --state-dir /var/lib/raft")]
pub(crate) struct LeaderArgs {
    #[command(flatten)]
    target: Target,
    /// How long the node's answer is waited for at the most
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "5s")]
    timeout: Duration,
    /// Print one JSON object: id, address, term
    #[arg(long)]
    json: bool,
}

/// Tells whether this node may do a leader's work at this moment.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status:
  0   it leads, its lease lasts, and what an earlier leader ran is surely over (--kill-delay)
  1   it is not so
  2   it is not so, and no leader is known
  3   no node answers, or not within --timeout: its process may hang or be stopped
  78  the state directory is not given, or the file is wrong

It prints the term, the fencing token, if it leads. A lease ends by itself: what is done after this answer should pass
the term on, and what it writes to should refuse lower ones (see raft fence).

Example:
  raft is-leader -q --state-dir /var/lib/raft && run-the-report")]
pub(crate) struct IsLeaderArgs {
    #[command(flatten)]
    target: Target,
    /// How long the node's answer is waited for at the most
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "5s")]
    timeout: Duration,
    /// Print nothing but errors
    #[arg(short, long)]
    quiet: bool,
}

pub(crate) fn leader(args: LeaderArgs) -> ExitCode {
    target::exit("leader", show(&args))
}

fn show(args: &LeaderArgs) -> Result<u8, Failure> {
    let status = client::status_within(&args.target.state_dir()?, args.timeout)?;
    let Some(leader) = status.leader else {
        return Ok(NO_LEADER);
    };
    let (address, term) = (status.leader_address, status.term);
    let text = if args.json {
        json!({ "id": leader, "address": address, "term": term }).to_string()
    } else {
        let address = address.map(|address| format!(" {address}"));
        format!("{leader}{}", address.unwrap_or_default())
    };
    target::print(&(text + "\n"));
    Ok(0)
}

pub(crate) fn is_leader(args: IsLeaderArgs) -> ExitCode {
    target::exit("is-leader", test(&args))
}

fn test(args: &IsLeaderArgs) -> Result<u8, Failure> {
    let status = client::status_within(&args.target.state_dir()?, args.timeout)?;
    let (text, code) = match (status.active, status.leader) {
        (true, _) => (format!("yes: term {}", status.term), 0),
        (false, Some(leader)) if leader == status.node_id => {
            let why = if status.lease_remaining_seconds > 0.0 {
                "what an earlier leader ran may still go on (--kill-delay)"
            } else {
                "has no lease now"
            };
            (format!("no: it leads, but {why}"), NO)
        }
        (false, Some(leader)) => {
            let leader = target::place(leader, status.leader_address);
            (format!("no: the leader is {leader}"), NO)
        }
        (false, None) => ("no: no leader is known".to_owned(), NO_LEADER),
    };
    if !args.quiet {
        target::print(&(text + "\n"));
    }
    Ok(code)
}
