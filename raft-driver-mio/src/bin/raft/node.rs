//! `raft node`: one node in the foreground.

use std::io;
use std::process::ExitCode;

use raft_driver_mio::Handle;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::Signals;
use tracing::info;

use crate::aside::Aside;
use crate::facts::Facts;
use crate::hooks;
use crate::member::{self, Member, Refusal};
use crate::options::Options;
use crate::{systemd, target};

/// Runs one node of a cluster in the foreground.
///
/// Logs one line for each transition on standard error. SIGTERM and SIGINT hand the leadership to
/// another node and end this one with status 0; a second one ends it at once. SIGHUP reads the key
/// file and the file of --config again: keys and the addresses of peers change while the node runs.
/// If anything else has changed, or is wrong, nothing changes, and a line of the log says why.
/// SIGUSR1 logs a line on how the node is, SIGUSR2 gives its leadership up as raft step-down does, and
/// SIGQUIT is the one and then SIGTERM.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status:
  0   it was told to stop
  1   it failed while it ran, or could not get what it needs (a port, the state's lock, the disk)
  2   a wrong option
  78  a wrong configuration, a hook that is missing or not executable at the start, or state that is
      missing, damaged or another node's: starting it again does not help

Hooks, --on-leader, --on-follower and --on-change, are programs, run without a shell, one at a
time, each told of the latest state. --on-follower runs once at the start, to clear what an
earlier run left, and until it has succeeded the node does not campaign; then whenever
--on-leader has begun and the node leads with a lease no longer. It is tried again when it
fails. --on-leader is killed if the lease ends while it runs; if it fails, --on-follower runs
and the leadership is given up. In an orderly hand-over --on-follower runs while the node
still leads, and the next node need not wait. Otherwise another node may lead from the moment
at which T has passed since this one's last heartbeat that was answered, whether --on-follower
has run or not (--kill-delay has it wait for longer): hooks do not fence. A program that must
be dead before another starts is for raft exec.
Their environment is PATH, HOME, USER, LOGNAME, SHELL, LANG, LC_ALL, TZ, TMPDIR and
XDG_RUNTIME_DIR of this process, and RAFT_HOOK (on-leader, on-follower, on-change), RAFT_EVENT,
RAFT_TERM (the fencing token), RAFT_SEQ (grows while this process runs), RAFT_NODE_ID,
RAFT_CLUSTER, RAFT_LEADER_ID, RAFT_LEADER_ADDR, RAFT_LEASE_SECONDS and RAFT_STATE_DIR; the same
is on their standard input, as one line of JSON. RAFT_EVENT is
  leader     this node leads with a lease; if there is --on-leader, it has succeeded
  follower   another node leads
  no_leader  no leader is known, or this node leads without a lease or is about to hand over
  stopping   this node ends
--on-leader is run for leader alone, --on-follower for any of the others, --on-change for each.

Example, the first of three hosts, at its very first start:
  raft node --cluster billing --id 1 --listen 10.0.0.1:7400 \\
    --peer 2=10.0.0.2:7400 --peer 3=host3.example:7400 \\
    --state-dir /var/lib/raft --key-file /etc/raft/key --init

The same as a file for all three, raft node --config /etc/raft/cluster.toml --init (see raft check-config):
  cluster = \"billing\"
  state-dir = \"/var/lib/raft\"
  key-file = \"/etc/raft/key\"
  node = [
    { id = 1, host = \"host1\", address = \"10.0.0.1:7400\" },
    { id = 2, host = \"host2\", address = \"10.0.0.2:7400\" },
    { id = 3, host = \"host3\", address = \"host3.example:7400\", listen = \"10.0.0.3:7400\" },
  ]")]
pub(crate) struct Args {
    #[command(flatten)]
    options: Options,
    #[command(flatten)]
    hooks: hooks::HookOptions,
    /// Stop as a crash would when standard input ends: no orphan survives the program that started this one
    #[arg(long, hide = true)]
    exit_on_stdin_eof: bool,
}

pub(crate) fn run(args: Args) -> ExitCode {
    // Before the node starts, so that no signal is missed.
    let signals = match Signals::new(SIGNALS) {
        Ok(signals) => signals,
        Err(error) => return fail(&format!("signals: {error}"), 1),
    };
    let (mut facts, mut programs) = (Facts::default(), None);
    let started = member::start(args.options, |settings, file| {
        programs = args.hooks.programs(file)?;
        facts = Facts::of(settings);
        settings.stop_timeout = programs.as_ref().map(hooks::Programs::stop_timeout);
        Ok(())
    });
    let member = match started {
        Ok(member) => member,
        Err(Refusal { error, status }) => return fail(&error, status),
    };
    let hooks = programs.map(|programs| hooks::start(&member.handle, facts, programs));
    let stop: Box<dyn Fn() + Send> = match &hooks {
        Some(hooks) => Box::new(hooks.stopper()),
        None => {
            let handle = member.handle.clone();
            Box::new(move || handle.shutdown())
        }
    };
    let Member {
        handle,
        reload,
        log,
    } = member;
    if let Err(error) = obey_signals(signals, handle.clone(), reload, stop) {
        return fail(&format!("a thread: {error}"), 1);
    }
    if args.exit_on_stdin_eof {
        stop_with_stdin(handle.clone());
    }
    let ended = handle.join();
    let clear = hooks.is_none_or(hooks::Hooks::join);
    drop(log);
    match ended {
        Ok(()) if !clear => fail("--on-follower failed: what it should stop may go on", 1),
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error.to_string(), 1),
    }
}

const SIGNALS: [i32; 6] = [SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2];

/// Logs how the node is, as far as that is known without waiting for it.
fn log_status(handle: &Handle) {
    let (view, lease) = (handle.view(), handle.lease());
    info!(
        event = "status",
        node = handle.id().0,
        role = target::role(view.role),
        term = view.term.0,
        leader = view.leader.map(|leader| leader.0),
        active = handle.active().is_some(),
        lease = lease.map_or(0.0, |(_, left)| left.as_secs_f64())
    );
}

/// Gives the leadership up, if there is one.
fn step_down(handle: &Handle) {
    if let Err(error) = handle.step_down() {
        info!(event = "step_down_refused", node = handle.id().0, %error);
    }
}

/// SIGHUP reloads, and the two of the user are the operator's. Of the others the first stops the node in order, the second ends the
/// process, also if the node hangs: nothing here waits for it.
fn obey_signals(
    mut signals: Signals,
    handle: Handle,
    reload: Aside,
    stop: Box<dyn Fn() + Send>,
) -> io::Result<()> {
    let leader = handle.clone();
    let stepping_down = Aside::start("raft-step-down", move || step_down(&leader))?;
    std::thread::spawn(move || {
        let mut stopping = false;
        for signal in signals.forever() {
            match signal {
                SIGHUP => reload.ask(),
                SIGUSR1 => log_status(&handle),
                SIGUSR2 => stepping_down.ask(),
                _ if stopping => std::process::exit(128 + signal),
                _ => {
                    stopping = true;
                    if signal == SIGQUIT {
                        log_status(&handle);
                    }
                    systemd::stopping();
                    stop();
                }
            }
        }
    });
    Ok(())
}

/// The node stops when whoever holds the other end of standard input is gone.
fn stop_with_stdin(handle: Handle) {
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        handle.abort();
    });
}

fn fail(error: &str, status: u8) -> ExitCode {
    crate::complain("node", error);
    ExitCode::from(status)
}
