//! `raft transfer`, `raft step-down`, `raft pause` and `raft resume`: what an operator tells a node.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use raft_core::{NodeId, RoleKind, Term};
use raft_driver_mio::control::client::{self, AskError};
use raft_driver_mio::control::{Change, Request};
use raft_driver_mio::duration;
use serde_json::Value;

use crate::target::{self, Failure, NO, TIMED_OUT, Target};

/// Hands the leadership of this node to another, and waits until that one leads.
///
/// A node that runs a program (raft exec) stops it first, and its successor starts its own at once.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status:
  0    another node leads: the one named, if one was
  1    it was refused, and nothing changed: this node does not lead, or nobody can take over, or
       the node named is not heard or would not campaign (it is paused, say). Or it came to
       nothing: another node leads than the one named, or this one leads on or again
  3    no node answers
  78   the state directory is not given, or the file is wrong
  124  nobody leads within the time. This node has given its leadership up, or does so when what
       it runs has stopped

Example:
  raft transfer --to 2 --state-dir /var/lib/raft")]
pub(crate) struct TransferArgs {
    #[command(flatten)]
    target: Target,
    /// The node that is to take over [default: the one that answered last]
    #[arg(long, value_name = "ID")]
    to: Option<u64>,
    /// How long the next leader is waited for at the most
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "30s")]
    timeout: Duration,
}

/// Has this node give up its leadership to whoever answered last, and waits until it has.
///
/// A node that runs a program (raft exec) stops it first.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status:
  0    it leads no more
  1    it was refused, and nothing changed: this node does not lead, or nobody can take over. Or
       it came to nothing: this node leads on or again
  3    no node answers
  78   the state directory is not given, or the file is wrong
  124  it still leads when the time is over: what it runs has not stopped yet

Example, before the host is shut down for maintenance:
  raft pause --state-dir /var/lib/raft && raft step-down --state-dir /var/lib/raft")]
pub(crate) struct StepDownArgs {
    #[command(flatten)]
    target: Target,
    /// How long the end of the leadership is waited for at the most
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "30s")]
    timeout: Duration,
}

/// Has this node vote without campaigning, until raft resume or until it is restarted. A leader goes on leading.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status:
  0   it is paused
  3   no node answers
  78  the state directory is not given, or the file is wrong")]
pub(crate) struct PauseArgs {
    #[command(flatten)]
    target: Target,
}

/// Has this node campaign again.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status:
  0   it is not paused
  3   no node answers
  78  the state directory is not given, or the file is wrong")]
pub(crate) struct ResumeArgs {
    #[command(flatten)]
    target: Target,
}

pub(crate) fn transfer(args: TransferArgs) -> ExitCode {
    let to = args.to.map(NodeId);
    let handed_over = args.target.state_dir().and_then(|dir| {
        let (leader, term) = hand_over(&dir, to, args.timeout, true)?;
        if let Some(leader) = leader {
            target::print(&format!("node {leader} leads in term {term}\n"));
        }
        Ok(0)
    });
    target::exit("transfer", handed_over)
}

pub(crate) fn step_down(args: StepDownArgs) -> ExitCode {
    let stepped_down = args.target.state_dir().and_then(|dir| {
        hand_over(&dir, None, args.timeout, false)?;
        Ok(0)
    });
    target::exit("step-down", stepped_down)
}

pub(crate) fn pause(args: PauseArgs) -> ExitCode {
    target::exit("pause", tell(&args.target, &Request::Pause))
}

pub(crate) fn resume(args: ResumeArgs) -> ExitCode {
    target::exit("resume", tell(&args.target, &Request::Resume))
}

fn tell(target: &Target, request: &Request) -> Result<u8, Failure> {
    client::ask(&target.state_dir()?, request)?;
    Ok(0)
}

/// Asks for a transfer and waits until the node leads no more, or until somebody else leads. Returns the latter's id and
/// term.
fn hand_over(
    state_dir: &Path,
    to: Option<NodeId>,
    timeout: Duration,
    successor: bool,
) -> Result<(Option<NodeId>, Term), Failure> {
    let deadline = Instant::now().checked_add(timeout);
    // Before it is asked for, so that no state after it is missed.
    let mut states = client::watch(state_dir)?;
    states.next(deadline)?;
    let answer = client::ask(state_dir, &Request::Transfer { to })?;
    let term = answer.get("term").and_then(Value::as_u64);
    let term = Term(term.ok_or(AskError::Incomprehensible)?);
    let mut stopping = false;
    loop {
        let Some(change) = states.next(deadline)? else {
            let error = "the time is over, and the leadership has not passed on yet";
            return Err(Failure(error.to_owned(), TIMED_OUT));
        };
        match outcome(&change, term, to) {
            Outcome::PassedOn => return Ok((change.leader, change.term)),
            Outcome::GivenUp if !successor => return Ok((change.leader, change.term)),
            Outcome::Failed(error) => return Err(Failure(error, NO)),
            Outcome::Leads if stopping && !change.handing_over => {
                let me = change.node_id;
                let error = format!(
                    "node {me} leads on in term {term}: whoever could take over cannot any more"
                );
                return Err(Failure(error, NO));
            }
            Outcome::Leads => stopping = change.handing_over,
            Outcome::GivenUp | Outcome::Earlier => {}
        }
    }
}

/// What a state says of a leadership that was to be handed over.
enum Outcome {
    /// It is from before.
    Earlier,
    /// It goes on.
    Leads,
    /// It is over, and nobody is known to follow.
    GivenUp,
    /// It is over, and who should lead leads.
    PassedOn,
    /// It is over, and who should not lead leads.
    Failed(String),
}

fn outcome(change: &Change, term: Term, to: Option<NodeId>) -> Outcome {
    let lost = change.lost.as_ref().is_some_and(|lost| lost.term == term);
    if change.term < term {
        return Outcome::Earlier;
    }
    if change.term == term {
        return match change.role {
            RoleKind::Leader if !lost => Outcome::Leads,
            _ => Outcome::GivenUp,
        };
    }
    let (me, now) = (change.node_id, change.term);
    match (change.leader, to) {
        (None, _) => Outcome::GivenUp,
        (Some(leader), _) if leader == me => {
            Outcome::Failed(format!("node {me} itself leads again, in term {now}"))
        }
        (Some(leader), Some(to)) if leader != to => {
            Outcome::Failed(format!("node {leader} leads in term {now}, not node {to}"))
        }
        (Some(_), _) => Outcome::PassedOn,
    }
}
