//! `raft-sim explore`.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use raft_core::Protocol;
use raft_driver_sim::explore::{
    Bounds, Hashing, Network, Options, Trace, Walk, explore, explore_graph, walk,
};

use crate::explored::{as_json, print, print_walk, show, show_walk, walk_as_json};

/// The exit status of this subcommand, for its help.
pub(crate) const EXIT_STATUS: &str = "Exit status: 0 the box was searched (or the walk taken) and nothing is violated, 1 a violation \
     was found (or replayed), 2 the command line or a file is wrong, 3 the search ended at a limit and found nothing.";

const NOT_EXHAUSTED: u8 = 3;
const WRONG: u8 = 2;
const MIB: u64 = 1 << 20;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// How many nodes there are.
    #[arg(long, value_name = "N", default_value_t = 3)]
    nodes: usize,
    /// The last term; a node in it does not campaign.
    #[arg(long, value_name = "N", default_value_t = 1)]
    terms: u64,
    /// How many rounds of heartbeats a leader begins in a term.
    #[arg(long, value_name = "N", default_value_t = 1)]
    rounds: u64,
    /// Plain Raft: no pre-vote, no stickiness, no check-quorum, no leases, no transfers.
    #[arg(long)]
    plain: bool,
    /// Nodes do not crash.
    #[arg(long)]
    no_crash: bool,
    /// Leaders are not asked to hand over.
    #[arg(long)]
    no_transfer: bool,
    /// Nodes are paused and resumed.
    #[arg(long)]
    pause: bool,
    /// Do not look for states from which the cluster cannot recover.
    #[arg(long)]
    no_dead_ends: bool,
    /// Look for them also where links do not work: whoever can be elected there must be able to recover the cluster.
    #[arg(long, value_name = "KIND", value_parser = network)]
    network: Option<Network>,
    /// Search states that differ only in the names of nodes one by one.
    #[arg(long)]
    no_symmetry: bool,
    /// Do not forget messages that can no longer matter.
    #[arg(long)]
    no_forget: bool,
    /// How many threads search; as many as there are cores unless it is said.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1024))]
    threads: Option<u64>,
    /// Place states with SipHash instead of a multiplication. It changes nothing but speed.
    #[arg(long)]
    sip_hash: bool,
    /// End the search at so many states.
    #[arg(long, value_name = "N")]
    max_states: Option<u64>,
    /// End the search when the states take so many MiB.
    #[arg(long, value_name = "MIB")]
    memory: Option<u64>,
    /// Walk at random for so many steps instead of searching: in boxes that no search can exhaust, such as --nodes 5
    /// --terms 20 --rounds 10.
    #[arg(long, value_name = "STEPS", conflicts_with_all = ["network", "no_symmetry", "no_forget", "sip_hash", "max_states", "memory", "dump"])]
    walk: Option<u64>,
    /// The seed of the walk. The same seed takes the same steps, with any number of threads.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "walk")]
    seed: u64,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Write the graph: one JSON object a line. To compare it state by state, add --no-symmetry --no-forget.
    #[arg(long, value_name = "FILE")]
    dump: Option<PathBuf>,
    /// Where a violation's trace is written.
    #[arg(long, value_name = "FILE", default_value = "raft-sim-violation.json")]
    trace: PathBuf,
    /// Replay a trace instead of searching.
    #[arg(long, value_name = "FILE", exclusive = true)]
    replay: Option<PathBuf>,
}

/// The kind of network of this name.
fn network(name: &str) -> Result<Network, String> {
    let named = |network: &Network| network.name() == name;
    Network::ALL.into_iter().find(named).ok_or_else(|| {
        let names = Network::ALL.map(Network::name).join(", ");
        format!("choose one of {names}")
    })
}

impl Arguments {
    fn bounds(&self) -> Bounds {
        Bounds {
            nodes: self.nodes,
            terms: self.terms,
            rounds: self.rounds,
            protocol: if self.plain {
                Protocol::Plain
            } else {
                Protocol::Standard
            },
            crashes: !self.no_crash,
            transfers: !self.no_transfer && !self.plain,
            pauses: self.pause,
        }
    }

    fn threads(&self) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        self.threads.map_or(cores, |threads| threads as usize)
    }

    fn options(&self) -> Options {
        Options {
            threads: self.threads(),
            symmetry: !self.no_symmetry,
            forget: !self.no_forget,
            dead_ends: !self.no_dead_ends,
            network: self.network,
            hashing: if self.sip_hash {
                Hashing::Sip
            } else {
                Hashing::Folded
            },
            max_states: self.max_states,
            memory: self.memory.map(|mib| mib.saturating_mul(MIB)),
        }
    }
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let outcome = match (&arguments.replay, arguments.walk) {
        (Some(file), _) => replay(file),
        (None, Some(steps)) => walk_for(arguments, steps),
        (None, None) => search(arguments),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("raft-sim: {error}");
        ExitCode::from(WRONG)
    })
}

fn search(arguments: &Arguments) -> Result<ExitCode, String> {
    let bounds = arguments.bounds();
    eprintln!("{bounds}");
    let options = arguments.options();
    let report = match &arguments.dump {
        None => explore(bounds, options, &show),
        Some(file) => {
            let named = |error| format!("{}: {error}", file.display());
            let mut graph = BufWriter::new(File::create(file).map_err(named)?);
            let report = explore_graph(bounds, options, &show, &mut graph);
            graph.flush().map_err(named)?;
            report
        }
    };
    let report = report.map_err(|error| error.to_string())?;
    if arguments.json {
        println!("{}", as_json(&bounds, &report));
    } else {
        print(&bounds, &report);
    }
    match &report.violation {
        Some(trace) => violated(arguments, trace),
        None if report.exhausted => Ok(ExitCode::SUCCESS),
        None => Ok(ExitCode::from(NOT_EXHAUSTED)),
    }
}

fn walk_for(arguments: &Arguments, steps: u64) -> Result<ExitCode, String> {
    let bounds = arguments.bounds();
    eprintln!("{bounds}, seed {}", arguments.seed);
    let options = Walk {
        steps,
        seed: arguments.seed,
        threads: arguments.threads(),
        dead_ends: !arguments.no_dead_ends,
    };
    let walked = walk(bounds, options, &show_walk).map_err(|error| error.to_string())?;
    if arguments.json {
        println!("{}", walk_as_json(&bounds, arguments.seed, &walked));
    } else {
        print_walk(&bounds, arguments.seed, &walked);
    }
    match &walked.violation {
        Some(trace) => violated(arguments, trace),
        None => Ok(ExitCode::SUCCESS),
    }
}

/// Writes the way to a violation, and prints it.
fn violated(arguments: &Arguments, trace: &Trace) -> Result<ExitCode, String> {
    let text = serde_json::to_string_pretty(trace).map_err(|error| error.to_string())?;
    let file = &arguments.trace;
    fs::write(file, text + "\n").map_err(|error| format!("{}: {error}", file.display()))?;
    if !arguments.json {
        print_trace(trace)?;
    }
    eprintln!("to repeat it: raft-sim explore --replay {}", file.display());
    Ok(ExitCode::FAILURE)
}

fn replay(file: &Path) -> Result<ExitCode, String> {
    let named = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
    let text = fs::read_to_string(file).map_err(|error| named(&error))?;
    let trace: Trace = serde_json::from_str(&text).map_err(|error| named(&error))?;
    if print_trace(&trace).map_err(|error| named(&error))? {
        Ok(ExitCode::FAILURE)
    } else {
        println!("nothing is violated");
        Ok(ExitCode::SUCCESS)
    }
}

/// Prints the steps, and says whether an invariant breaks.
fn print_trace(trace: &Trace) -> Result<bool, String> {
    let replayed = trace.replay().map_err(|error| error.to_string())?;
    println!("{}:", trace.bounds());
    for line in &replayed.lines {
        println!("{line}");
    }
    if let Some(what) = &replayed.violation {
        println!("violated: {what}");
    }
    Ok(replayed.violation.is_some())
}
