//! `raft exec`: a program that runs on one host of the cluster at a time.
//!
//! Three processes stand between the cluster and the program. The *supervisor* (this one) takes part in the cluster. The
//! *keeper* is the parent of the program: it is told how long the lease lasts, by a clock that both read, and kills
//! the program and all its descendants when that is over, or when the supervisor is gone. The *shim* becomes the program: it
//! asks the system to be killed with the keeper. So no end of any of them, and no pause of the supervisor, leaves the program
//! running.

mod events;
mod keeper;
mod link;
mod options;
mod orders;
mod shim;
mod signals;
mod slay;
mod supervisor;

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

use raft_driver_mio::Settings;
use signal_hook::iterator::Signals;

use crate::allowance;
use crate::command;
use crate::facts::Facts;
use crate::member::{self, EX_CONFIG, Refusal};
use crate::options::Options;

use options::Wishes;

pub(crate) use keeper::{Args as KeeperArgs, run as keep};
pub(crate) use shim::{Args as ProgramArgs, run as become_program};

/// The exit statuses of the program raft itself, as timeout(1) and env(1) have them.
pub(crate) const FAILED: u8 = 125;
/// The exit status of `--once` after the leadership was lost, EX_TEMPFAIL of sysexits.h.
const LEADERSHIP_LOST: u8 = 75;

/// Runs a program on one host of the cluster at a time.
///
/// A member of the cluster, as raft node is, that runs CMD while it leads with a valid lease, and only then. No shell
/// is involved. CMD runs in a process group of its own, without standard input, and is killed with all its descendants; it
/// must stay in the foreground, for what it leaves behind when it ends is killed as well. Needs Linux.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
What it promises:
  Let t0 be when the leader sent the last heartbeat that a majority answered, L the lease
  (four fifths of --election-timeout T) and G the --kill-delay. CMD on the old leader is
  dead no later than t0 + L + G; CMD on a new leader starts no earlier than that, with
  clocks that drift by up to 1 %. G is what L leaves of T, 90 ms by default, which is there
  without any wait; a longer one has each new leader wait for the excess. G, less --grace,
  is what the system may take to carry a SIGKILL out: choose it for hosts under load. After
  an orderly hand-over, when the old leader has seen CMD end, the new one starts it at once.
  This holds when this process is killed or stopped (SIGKILL, SIGSTOP), and when its disk,
  its network or its host fails. It does not hold for a machine that is stopped as a whole,
  CMD and all, and goes on later (a paused virtual machine): for a moment CMD goes on as
  well. Only what CMD writes to can answer that: have it refuse a RAFT_TERM lower than the
  highest that it has seen.

When leadership ends:
  Lease lost: SIGKILL at once, to CMD and all its descendants. With --grace SIGTERM comes
  before it.
  Asked to hand over (SIGTERM or SIGINT to this process, raft transfer, raft step-down,
  --take-back): --stop-signal to the group while this member still leads, SIGKILL after
  --stop-timeout, then the leadership passes on.
  CMD ends by itself: the leadership passes on, and this member ends with CMD's status. With
  --restart the member stays, is not elected again for a while (1 s, doubled at each end in
  a row to 60 s), and starts CMD when it leads again.

Environment of CMD: that of this process, and
  RAFT_TERM           the fencing token: grows with every leadership, never repeats on another host
  RAFT_NODE_ID        this member                RAFT_CLUSTER      the cluster's name
  RAFT_LEADER_ID      this member                RAFT_LEADER_ADDR  its address
  RAFT_EVENT          leader                     RAFT_SEQ          grows while this process runs
  RAFT_LEASE_SECONDS  the lease's length         RAFT_STATE_DIR    for raft status and the like

Signals:
  TERM, INT           stop CMD, hand over, exit 0; a second one kills CMD and exits 128+N
  HUP                 read the keys and the peers' addresses again
  QUIT, USR1, USR2    passed on to CMD's group (see --forward)

Exit status:
  CMD's own, 128+N if signal N killed it; 0 after SIGTERM or SIGINT
  75   CMD was ended, or could not be started in time, because the leadership was lost or was to be
       handed over, also if that came to nothing, or because its keeper was lost (--once)
  78   a wrong configuration or state, as raft node has it
  125  raft itself failed, or a wrong option
  126  CMD cannot be executed
  127  CMD is not found

Example, the first of three hosts, at its very first start:
  raft exec --cluster billing --id 1 --listen 10.0.0.1:7400 \\
    --peer 2=10.0.0.2:7400 --peer 3=10.0.0.3:7400 \\
    --state-dir /var/lib/raft --key-file /etc/raft/key --init -- /usr/bin/billingd --foreground")]
pub(crate) struct Args {
    #[command(flatten)]
    options: Options,
    #[command(flatten)]
    program: options::ProgramOptions,
    /// The program and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<OsString>,
}

pub(crate) fn run(args: Args) -> ExitCode {
    let (error, status) = match command::find(&args.command) {
        Err(error) => (error.to_string(), error.status()),
        Ok(()) => match supervise(args) {
            Ok(status) => return ExitCode::from(status),
            Err(Refusal { error, status }) => (error, status),
        },
    };
    crate::complain("exec", error);
    ExitCode::from(status)
}

/// Runs the member and, while it leads, the program; returns the exit status.
fn supervise(args: Args) -> Result<u8, Refusal> {
    let failed = |what: &str, error: std::io::Error| Refusal {
        error: format!("{what}: {error}"),
        status: FAILED,
    };
    // Before the member starts, so that no signal is missed.
    let signals = Signals::new(signals::HANDLED).map_err(|error| failed("signals", error))?;
    let spared = slay::adopt().map_err(|error| failed("the system", error))?;
    let (mut facts, mut wishes) = (Facts::default(), Wishes::default());
    let mut allowance = Duration::ZERO;
    let member = member::start(args.options, |settings, file| {
        // The supervisor itself sees to it that the program ends: it kills it, or ends as a crash would.
        settings.stop_timeout = Some(Duration::MAX);
        facts = Facts::of(settings);
        let said = args.program.wishes(file)?;
        allowance = allowance_of(settings, said.grace)?;
        wishes = said;
        Ok(())
    })
    .map_err(|Refusal { error, status }| Refusal {
        error,
        status: if status == EX_CONFIG { status } else { FAILED },
    })?;
    let plan = supervisor::Plan {
        allowance,
        wishes,
        command: args.command,
        spared,
        facts,
    };
    supervisor::run(member, signals, plan)
}

/// How long the program may take to be dead after SIGKILL, when the lease is lost.
fn allowance_of(settings: &Settings, grace: Duration) -> Result<Duration, String> {
    // A configuration that is wrong is told of when the member starts.
    let Ok(config) = settings.validate() else {
        return Ok(Duration::ZERO);
    };
    allowance::after_grace(&config, settings.kill_delay, grace)
}
