//! `raft node`: one node in the foreground.

use std::process::ExitCode;
use std::sync::Arc;

use raft_driver_mio::Handle;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::member::{self, Refusal};
use crate::options::Options;
use crate::reload::Reload;
use crate::systemd;

/// Runs one node of a cluster in the foreground.
///
/// Logs one line for each transition on standard error. SIGTERM and SIGINT hand the leadership to
/// another node and end this one with status 0; a second one ends it at once. SIGHUP reads the key
/// file and the file of --config again: keys and the addresses of peers change while the node runs.
/// If anything else has changed, or is wrong, nothing changes, and a line of the log says why.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status:
  0   it was told to stop
  1   it failed while it ran, or could not get what it needs (a port, the state's lock, the disk)
  2   a wrong option
  78  a wrong configuration, or state that is missing, damaged or another node's: starting it again
      does not help

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
    /// Stop as a crash would when standard input ends: no orphan survives the program that started this one
    #[arg(long, hide = true)]
    exit_on_stdin_eof: bool,
}

pub(crate) fn run(args: Args) -> ExitCode {
    // Before the node starts, so that no signal is missed.
    let signals = match Signals::new([SIGTERM, SIGINT, SIGHUP]) {
        Ok(signals) => signals,
        Err(error) => return fail(&format!("signals: {error}"), 1),
    };
    let member = match member::start(args.options, |_| {}) {
        Ok(member) => member,
        Err(Refusal { error, status }) => return fail(&error, status),
    };
    obey_signals(signals, member.handle.clone(), Arc::clone(&member.reload));
    if args.exit_on_stdin_eof {
        stop_with_stdin(member.handle.clone());
    }
    let ended = member.handle.join();
    drop(member);
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error.to_string(), 1),
    }
}

/// SIGHUP reloads. Of the others the first stops the node in order, the second ends the process.
fn obey_signals(mut signals: Signals, handle: Handle, reload: Arc<Reload>) {
    std::thread::spawn(move || {
        let mut stopping = false;
        for signal in signals.forever() {
            match signal {
                SIGHUP => reload.reload(&handle),
                _ if stopping => std::process::exit(128 + signal),
                _ => {
                    stopping = true;
                    systemd::stopping();
                    handle.shutdown();
                }
            }
        }
    });
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
