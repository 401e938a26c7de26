//! `raft-sim run`: a run, recorded.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use raft_core::Protocol;
use raft_driver_sim::lab3a::{Lab, Network, Test};
use raft_driver_sim::pathologies::Pathology;
use raft_driver_sim::scenario::{NAMED, Scenario};
use raft_driver_sim::swarm::Swarm;
use raft_driver_sim::timeline::{Recording, Timeline};

/// The exit status of this subcommand and of `view`, for their help.
pub(crate) const EXIT_STATUS: &str = "Exit status: 0 the pictures are written, 1 so they are, and the run failed, \
     2 the command line or a file is wrong.";
const WRONG: u8 = 2;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    source: Source,
    /// The seed. A scenario brings its own unless it is told another.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// With --lab3a: the lab's unreliable network.
    #[arg(long, requires = "lab3a")]
    unreliable: bool,
    /// With --row: in plain Raft.
    #[arg(long, requires = "row")]
    plain: bool,
    #[command(flatten)]
    pictures: Pictures,
}

/// What is run.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Source {
    /// A scenario: a name (see --list) or a TOML file.
    #[arg(long, value_name = "NAME|FILE")]
    scenario: Option<String>,
    /// A row of the table of `raft-sim scenarios`, such as S6: its first twelve seconds.
    #[arg(long, value_name = "ID")]
    row: Option<String>,
    /// What `raft-sim swarm --seed N` runs.
    #[arg(long, requires = "seed")]
    swarm: bool,
    /// What a failure's file holds that `raft-sim swarm` wrote.
    #[arg(long, value_name = "FILE")]
    failure: Option<PathBuf>,
    /// What `raft-sim lab3a --test TEST --seed N` runs.
    #[arg(long, value_name = "TEST", value_enum)]
    lab3a: Option<LabTest>,
    /// The trace of a violation that `raft-sim explore` wrote.
    #[arg(long, value_name = "FILE")]
    explored: Option<PathBuf>,
    /// List the scenarios that have names.
    #[arg(long)]
    list: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LabTest {
    /// A leader is elected and stays.
    Initial,
    /// Leaders are cut off and return.
    Reelection,
    /// Up to three of seven servers are cut off, nine times.
    Many,
}

/// What is made of it.
#[derive(Debug, Args)]
pub(crate) struct Pictures {
    /// Write a page to walk through the run with: one file, which needs no network.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write a still picture.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// What the still picture shows, such as 500ms..2s [default: what the scenario says, or everything].
    #[arg(long, value_name = "FROM..TO", requires = "svg")]
    window: Option<String>,
    /// Write everything that happened, one JSON object a line (raft-driver-sim/docs/trace.md).
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    if arguments.source.list {
        for (name, file) in NAMED {
            let title = Scenario::parse(file)
                .map_or_else(|error| error.to_string(), |scenario| scenario.title);
            say!("{name:<28} {title}");
        }
        return ExitCode::SUCCESS;
    }
    finish(record(arguments), &arguments.pictures)
}

/// Writes the pictures of a recording and says what came of the run. `window` is in nanoseconds.
pub(crate) fn finish(
    recorded: Result<(Recording, core::ops::Range<u64>), String>,
    pictures: &Pictures,
) -> ExitCode {
    let drawn = recorded.and_then(|(recording, window)| {
        draw(&recording, window, pictures)?;
        Ok(recording.header.failure)
    });
    match drawn {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(failure)) => {
            say!("FAILED: {failure}");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("raft-sim: {error}");
            ExitCode::from(WRONG)
        }
    }
}

fn record(arguments: &Arguments) -> Result<(Recording, core::ops::Range<u64>), String> {
    let source = &arguments.source;
    if let Some(name) = &source.scenario {
        let scenario = scenario(name)?;
        let seed = arguments.seed.unwrap_or(scenario.seed);
        let command = format!("raft-sim run --scenario {name} --seed {seed}");
        return Ok((scenario.record(seed, &command), scenario.picture));
    }
    let seed = arguments.seed.unwrap_or(1);
    if let Some(id) = &source.row {
        let (protocol, plain) = match arguments.plain {
            true => (Protocol::Plain, " --plain"),
            false => (Protocol::Standard, ""),
        };
        let row = Pathology::find(id).map_err(|error| error.to_string())?;
        let recorded = row.record(protocol, seed);
        let mut recording = recorded.map_err(|violation| violation.to_string())?;
        let id = row.id;
        recording.header.command = Some(format!("raft-sim run --row {id} --seed {seed}{plain}"));
        let end = recording.end();
        return Ok((recording, 0..end));
    }
    let mut recording = if let Some(test) = source.lab3a {
        let network = match arguments.unreliable {
            true => Network::Unreliable,
            false => Network::Reliable,
        };
        let test = match test {
            LabTest::Initial => Test::Initial,
            LabTest::Reelection => Test::Reelection,
            LabTest::Many => Test::Many,
        };
        let lab = Lab {
            network,
            ..Lab::default()
        };
        lab.record(test, seed)
    } else if let Some(file) = &source.explored {
        let trace: raft_driver_sim::explore::Trace = read(file)?;
        let mut recording = trace.record().map_err(|error| in_file(file, &error))?;
        recording.header.command = Some(format!("raft-sim run --explored {}", file.display()));
        recording
    } else if let Some(file) = &source.failure {
        let swarm: Swarm = read(file)?;
        swarm.check().map_err(|error| in_file(file, &error))?;
        let mut recording = swarm.record();
        recording.header.command = Some(format!("raft-sim run --failure {}", file.display()));
        recording
    } else {
        Swarm::new(seed).record()
    };
    let end = recording.end();
    if source.lab3a.is_some() || source.swarm {
        let replay = recording.header.command.take().unwrap_or_default();
        // The replay command, as a run.
        recording.header.command = Some(match source.lab3a {
            Some(_) => replay.replace("lab3a --test", "run --lab3a"),
            None => format!("raft-sim run --swarm --seed {seed}"),
        });
    }
    Ok((recording, 0..end))
}

/// Reads a file of JSON.
fn read<T: serde::de::DeserializeOwned>(file: &Path) -> Result<T, String> {
    let text = std::fs::read_to_string(file).map_err(|error| in_file(file, &error))?;
    serde_json::from_str(&text).map_err(|error| in_file(file, &error))
}

fn in_file(file: &Path, error: &dyn std::fmt::Display) -> String {
    format!("{}: {error}", file.display())
}

/// A file is what has a dot or a slash in its name.
fn scenario(name: &str) -> Result<Scenario, String> {
    if !name.contains(['.', '/']) {
        return Scenario::named(name).map_err(|error| error.to_string());
    }
    let text = std::fs::read_to_string(name).map_err(|error| format!("{name}: {error}"))?;
    Scenario::parse(&text).map_err(|error| format!("{name}: {error}"))
}

fn draw(
    recording: &Recording,
    window: core::ops::Range<u64>,
    pictures: &Pictures,
) -> Result<(), String> {
    let window = match &pictures.window {
        None => window,
        Some(text) => {
            raft_driver_sim::scenario::window(text).map_err(|error| format!("--window: {error}"))?
        }
    };
    if let Some(file) = &pictures.trace {
        let create = || recording.write(BufWriter::new(File::create(file)?));
        create().map_err(|error| unwritable("trace", file, &error))?;
    }
    let timeline = Timeline::new(recording);
    let write = |option: &str, file: &Path, text: String| {
        std::fs::write(file, text).map_err(|error| unwritable(option, file, &error))
    };
    if let Some(file) = &pictures.html {
        write("html", file, timeline.page())?;
    }
    if let Some(file) = &pictures.svg {
        write("svg", file, timeline.svg(window))?;
    }
    let leaderships = timeline.leaderships();
    let seconds = timeline.end as f64 / 1e9;
    say!(
        "{seconds:.3} s, {} events, {} messages, {leaderships} leaderships",
        timeline.moments.len(),
        timeline.messages.len()
    );
    Ok(())
}

/// What to say of a picture that cannot be written.
fn unwritable(option: &str, file: &Path, error: &std::io::Error) -> String {
    let (file, remedy) = (
        file.display(),
        "give a file in a directory that is there and may be written",
    );
    format!("--{option}: {file}: {error}: {remedy}")
}
