//! `raft status`: what a running node says of itself.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use raft_driver_mio::control::Request;
use raft_driver_mio::control::client::{self, AskError};
use raft_driver_mio::{Reported, Status, duration};
use serde_json::Value;

use crate::target::{self, Failure, NO, NO_LEADER, Target};

/// How long after they were asked the peers are asked again.
const ASK_AGAIN: Duration = Duration::from_millis(100);
/// How long the others are waited for, if nothing else is said.
const OTHERS: Duration = Duration::from_secs(1);
/// How long to wait before it is looked again whether all have answered.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Shows the state of a running node.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status:
  0   a leader is known
  1   a leader is known, and some node does not answer (--all)
  2   no leader is known
  3   no node answers, or not within --timeout: its process may hang or be stopped
  78  the state directory is not given, or the file is wrong

Examples:
  raft status --state-dir /var/lib/raft
  raft status --state-dir /var/lib/raft --json | jq .leader")]
pub(crate) struct Args {
    #[command(flatten)]
    target: Target,
    /// Ask the other nodes as well what they say of themselves
    #[arg(long)]
    all: bool,
    /// How long answers are waited for at the most [default: 5s for the node's own, 1s for those of the others]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    timeout: Option<Duration>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: Args) -> ExitCode {
    target::exit("status", show(&args))
}

fn show(args: &Args) -> Result<u8, Failure> {
    let state_dir = args.target.state_dir()?;
    let (answer, status) = if args.all {
        ask_all(&state_dir, args.timeout)?
    } else {
        ask(&state_dir, args.timeout)?
    };
    let silent = args.all && status.peers.iter().any(|peer| peer.reported.is_none());
    target::print(&if args.json {
        format!("{answer}\n")
    } else {
        describe(&status, args.all)
    });
    Ok(match status.leader {
        None => NO_LEADER,
        Some(_) if silent => NO,
        Some(_) => 0,
    })
}

fn ask(state_dir: &Path, timeout: Option<Duration>) -> Result<(Value, Status), Failure> {
    let timeout = timeout.unwrap_or(client::TIMEOUT);
    let answer = client::ask_within(state_dir, &Request::Status, timeout)?;
    match serde_json::from_value(answer.clone()) {
        Ok(status) => Ok((answer, status)),
        Err(_) => Err(AskError::Incomprehensible.into()),
    }
}

/// The status when every peer has answered, or when the time is over: then what a peer said earlier is left out.
fn ask_all(state_dir: &Path, timeout: Option<Duration>) -> Result<(Value, Status), Failure> {
    let own = timeout.unwrap_or(client::TIMEOUT);
    let began = Instant::now();
    let mut asked = None;
    loop {
        // A datagram may be lost, and the first one may only have told a peer how to ask.
        if asked.is_none_or(|at: Instant| at.elapsed() >= ASK_AGAIN) {
            client::ask_within(state_dir, &Request::AskPeers, own)?;
            asked = Some(Instant::now());
        }
        // Read before: what was said before we asked is then surely older than that.
        let waited = began.elapsed();
        let (mut answer, mut status) = ask(state_dir, timeout)?;
        for (peer, shown) in status.peers.iter_mut().zip(peers_of(&mut answer)) {
            let earlier = |reported: &Reported| reported.age_seconds > waited.as_secs_f64();
            if peer.reported.as_ref().is_some_and(earlier) {
                peer.reported = None;
                shown["reported"] = Value::Null;
            }
        }
        let all = status.peers.iter().all(|peer| peer.reported.is_some());
        if all || waited >= timeout.unwrap_or(OTHERS) {
            return Ok((answer, status));
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}

fn peers_of(answer: &mut Value) -> impl Iterator<Item = &mut Value> {
    let peers = answer.get_mut("peers").and_then(Value::as_array_mut);
    peers.into_iter().flatten()
}

/// The status for people: one line for the node, one for each peer.
fn describe(status: &Status, all: bool) -> String {
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
        let said = match &peer.reported {
            Some(reported) if all => format!("{}, {heard}", say(reported)),
            None if all => format!("no answer, {heard}"),
            Some(_) | None => heard,
        };
        add(&format!("  node {} at {}: {said}\n", peer.id, peer.name));
    }
    for (reason, count) in &status.dropped {
        add(&format!("  dropped {reason}: {count}\n"));
    }
    text
}

/// What a peer said of itself, for people.
fn say(reported: &Reported) -> String {
    let mut text = format!("{}, term {}", target::role(reported.role), reported.term);
    match reported.leader {
        _ if reported.active => {
            text += &format!(", lease {:.3} s", reported.lease_remaining_seconds);
        }
        Some(leader) => text += &format!(", leader {leader}"),
        None => text += ", no leader known",
    }
    let flags = [
        (", paused", reported.paused),
        (", unfit", !reported.fit),
        (", witness", reported.witness),
    ];
    flags
        .iter()
        .filter(|(_, on)| *on)
        .for_each(|(name, _)| text += name);
    text + &format!(
        ", up {:.0} s, version {}",
        reported.uptime_seconds, reported.version
    )
}
