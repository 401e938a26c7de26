//! `raft watch` and `raft wait`: what changes, and until it is as it should be.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use raft_driver_mio::control::Change;
use raft_driver_mio::control::client::{self, AskError};
use raft_driver_mio::duration;

use crate::target::{self, Failure, TIMED_OUT, Target};

/// How long to wait before a node that does not answer is asked again.
const RETRY: Duration = Duration::from_millis(50);

/// Prints a line for the node's state now, and one whenever it changes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
States that follow each other faster than they are read may be skipped; the latest never is. A line tells of the moment at
which it was written: a lease ends by itself, so ask anew before acting.

Exit status:
  0   nobody reads the output any more
  3   no node answers, or the node has stopped
  78  the state directory is not given, or the file is wrong

Example:
  raft watch --json --state-dir /var/lib/raft | jq --unbuffered .role")]
pub(crate) struct WatchArgs {
    #[command(flatten)]
    target: Target,
    /// Print a JSON object a line
    #[arg(long)]
    json: bool,
}

/// Waits until this node leads, or until any leader is known.
#[derive(Debug, clap::Args)]
#[command(
    group = clap::ArgGroup::new("what").required(true),
    after_help = "\
A node that does not run yet is waited for as well.

Exit status:
  0    it is so
  124  the time is over
  78   the state directory is not given, or the file is wrong

Example:
  raft wait --any --timeout 30s --state-dir /var/lib/raft"
)]
pub(crate) struct WaitArgs {
    #[command(flatten)]
    target: Target,
    /// Until this node is active: it leads, with a lease, and what an earlier leader ran is surely over
    #[arg(long, group = "what")]
    leader: bool,
    /// Until the node knows any leader
    #[arg(long, group = "what")]
    any: bool,
    /// For how long at the most [default: for ever]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    timeout: Option<Duration>,
}

pub(crate) fn watch(args: WatchArgs) -> ExitCode {
    target::exit("watch", follow(&args))
}

fn follow(args: &WatchArgs) -> Result<u8, Failure> {
    let mut states = client::watch(&args.target.state_dir()?)?;
    loop {
        let Some(change) = states.next(None)? else {
            return Ok(0);
        };
        let line = if args.json {
            serde_json::to_string(&change).map_err(|_| Failure::from(AskError::Incomprehensible))?
        } else {
            describe(&change)
        };
        if !target::print(&(line + "\n")) {
            return Ok(0);
        }
    }
}

pub(crate) fn wait(args: WaitArgs) -> ExitCode {
    target::exit("wait", wait_for(&args))
}

fn wait_for(args: &WaitArgs) -> Result<u8, Failure> {
    let state_dir = args.target.state_dir()?;
    let deadline = args
        .timeout
        .and_then(|wait| Instant::now().checked_add(wait));
    let wanted = |change: &Change| change.active || (args.any && change.leader.is_some());
    let left = || deadline.map(|at| at.saturating_duration_since(Instant::now()));
    let mut missing = "the node has not answered".to_owned();
    loop {
        let patience = left().map_or(client::TIMEOUT, |left| left.min(client::TIMEOUT));
        let mut states = client::watch_within(&state_dir, patience);
        let error = loop {
            match states.as_mut().map(|states| states.next(deadline)) {
                Ok(Ok(Some(change))) if wanted(&change) => return Ok(0),
                Ok(Ok(Some(change))) => missing = describe(&change),
                Ok(Ok(None)) => break missing.clone(),
                Ok(Err(error)) => break error.to_string(),
                Err(error) => break error.to_string(),
            }
        };
        let left = left();
        if left.is_some_and(|left| left.is_zero()) {
            return Err(Failure(format!("the time is over: {error}"), TIMED_OUT));
        }
        missing = error;
        std::thread::sleep(left.map_or(RETRY, |left| left.min(RETRY)));
    }
}

/// A change for people.
pub(crate) fn describe(change: &Change) -> String {
    let mut text = format!(
        "{}: node {}: {}, term {}",
        change.cluster,
        change.node_id,
        target::role(change.role),
        change.term
    );
    match change.leader {
        None => text += ", no leader known",
        Some(leader) if leader == change.node_id && change.active => text += ", active",
        Some(leader) if leader == change.node_id => text += ", not active",
        Some(leader) => {
            text += ", leader ";
            text += &target::place(leader, change.leader_address);
        }
    }
    for (name, on) in [
        ("paused", change.paused),
        ("handing over", change.handing_over),
    ] {
        if on {
            text += ", ";
            text += name;
        }
    }
    text
}
