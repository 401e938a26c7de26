//! `raft demo`: a cluster on this machine, whose leader is killed again and again.

mod cluster;
mod control;
mod deeds;
mod journal;
mod ledger;
mod line;
mod process;
mod rates;
mod report;
mod run;
mod screen;
mod script;
pub(crate) mod timing;
mod tui;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use raft_core::{Config, NodeId, Options};
use raft_driver_mio::duration;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use cluster::Plan;
use ledger::Process;
use report::Report;
use run::{Demo, End};
use timing::Implied;

/// The status of a command line that cannot be carried out, as clap has it.
const USAGE: u8 = 2;

/// Starts a cluster on this machine, kills its leader again and again, and shows who takes over.
///
/// Each node is a process `raft node` with a UDP port on loopback, a key and a state directory that are made for
/// the occasion and removed at the end. On a terminal you hold the keys (kill, pause, cut off, restart); with
/// --kills, or elsewhere, the leader is killed by itself, the dead node started again when there is a
/// successor, and so on. With one or two nodes nobody can be elected while one is dead: it is started again
/// at once.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status:
  0  every failover ended with exactly one leader in a higher term, and no two processes ever led in
     the same term
  1  something else happened, it was interrupted, or nodes could not be started
  2  a wrong option

Examples:
  raft demo
  raft demo --nodes 5 --kills 20 --heartbeat 10ms --election-timeout 100ms
  raft demo --kills 20 --json | jq .to_active")]
pub(crate) struct Args {
    /// How many nodes, 1 to 9
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=9))]
    nodes: u8,
    /// How often the leader is killed, 0 to 1000 [default: 3; on a terminal you kill it]
    #[arg(long, value_parser = clap::value_parser!(u16).range(0..=1000))]
    kills: Option<u16>,
    /// The time between a leader's heartbeats
    #[arg(long, value_name = "DURATION", default_value = "50ms", value_parser = duration::parse)]
    heartbeat: Duration,
    /// How long a silent leader is waited for, at least three heartbeats
    #[arg(long, value_name = "DURATION", default_value = "500ms", value_parser = duration::parse)]
    election_timeout: Duration,
    /// Print lines, even on a terminal
    #[arg(long)]
    plain: bool,
    /// Print one JSON object on standard output at the end, and the lines on standard error
    #[arg(long)]
    json: bool,
}

/// What reaches a demo under way.
#[derive(Debug)]
enum Event {
    /// A line that a process wrote on its standard error.
    Line(Process, String),
    /// A process has ended, and all its lines have been sent.
    Ended(Process),
    /// A node answered on its control socket.
    Answer(Process, control::Answer),
    /// We were asked to end, by the signal of this name.
    Signal(&'static str),
}

pub(crate) fn run(args: Args) -> ExitCode {
    let plan = Plan {
        nodes: args.nodes.into(),
        heartbeat: args.heartbeat,
        election_timeout: args.election_timeout,
    };
    if let Err(error) = check(&plan) {
        crate::complain("demo", error);
        return ExitCode::from(USAGE);
    }
    match demonstrate(&args, plan) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            crate::complain("demo", error);
            ExitCode::FAILURE
        }
    }
}

/// Whether nodes can run with such timing, before any is started.
fn check(plan: &Plan) -> Result<(), raft_core::ConfigError> {
    let voters: Vec<NodeId> = (1..).map(NodeId).take(plan.nodes).collect();
    let options = Options {
        heartbeat_interval: plan.heartbeat,
        election_timeout: plan.election_timeout,
        ..Options::default()
    };
    Config::new(NodeId(1), &voters, options).map(|_| ())
}

/// Runs the demo, prints what it comes to, and says whether all was as it must be.
fn demonstrate(args: &Args, plan: Plan) -> Result<bool, Box<dyn std::error::Error>> {
    let program = std::env::current_exe()?;
    // If it cannot be measured it counts for nothing, which makes the implied time shorter.
    let round_trip = timing::round_trip().unwrap_or_default();
    let on_terminal =
        io::stdout().is_terminal() && io::stdin().is_terminal() && !args.plain && !args.json;
    let (sender, events) = channel();
    listen_for_signals(sender.clone())?;
    let kills = match (args.kills, on_terminal) {
        (Some(kills), _) => Some(kills.into()),
        (None, true) => None,
        (None, false) => Some(3),
    };
    // People need a moment to see that all is well again.
    let calm = plan.election_timeout
        + if on_terminal {
            Duration::from_millis(1500)
        } else {
            Duration::ZERO
        };
    let mut demo = Demo::start(plan, kills, calm, program, (sender, events))?;
    let end = if on_terminal {
        tui::run(&mut demo, kills).map_err(|error| format!("the terminal: {error}"))?
    } else if args.json {
        follow(&mut demo, io::stderr()).map_err(|error| format!("standard error: {error}"))?
    } else {
        follow(&mut demo, io::stdout()).map_err(|error| format!("standard output: {error}"))?
    };
    let end = demo.finish(end);
    let implied = Implied::new(
        plan.nodes,
        plan.heartbeat,
        plan.election_timeout,
        round_trip,
        demo.sync(),
    );
    let report = Report::new(&plan, &demo.ledger, &end, &implied, demo.began);
    drop(demo);
    if args.json {
        writeln!(io::stdout(), "{}", report.json()?)?;
    } else {
        write!(io::stdout(), "{}", report.text())?;
    }
    Ok(report.ok())
}

/// Prints what happens, line by line, until it is over.
fn follow(demo: &mut Demo, mut out: impl Write) -> io::Result<End> {
    let mut printed = 0;
    loop {
        for entry in demo.journal.get(printed..).unwrap_or_default() {
            writeln!(out, "{}", entry.line(demo.began))?;
        }
        printed = demo.journal.len();
        if let Some(end) = &demo.end {
            return Ok(end.clone());
        }
        demo.turn(Duration::from_secs(1));
    }
}

/// From now on the signals that ask a program to end are events.
fn listen_for_signals(events: Sender<Event>) -> io::Result<()> {
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    std::thread::spawn(move || {
        for signal in &mut signals {
            let name = signal_hook::low_level::signal_name(signal).unwrap_or("a signal");
            if events.send(Event::Signal(name)).is_err() {
                return;
            }
        }
    });
    Ok(())
}

/// The boot clock, by which the nodes date their lines.
fn now() -> Duration {
    raft_driver_mio::Instant::now().since_start()
}
