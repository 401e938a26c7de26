//! `raft-sim view`: pictures of traces that exist.

use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use raft_driver_sim::timeline::{Recording, merge};

use crate::run::{Pictures, finish};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Traces: of the nodes of one cluster (raft node --trace), or one that raft-sim wrote.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    pictures: Pictures,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    finish(read(arguments), &arguments.pictures)
}

fn read(arguments: &Arguments) -> Result<(Recording, core::ops::Range<u64>), String> {
    let mut recordings = Vec::new();
    for file in &arguments.files {
        let named = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
        let input = File::open(file).map_err(|error| named(&error))?;
        let traces = Recording::read_all(BufReader::new(input));
        recordings.extend(traces.map_err(|error| named(&error))?);
    }
    let mut recording = merge(recordings).map_err(|error| error.to_string())?;
    if recording.header.command.is_none() {
        let files: Vec<String> = arguments
            .files
            .iter()
            .map(|file| file.display().to_string())
            .collect();
        recording.header.command = Some(format!("raft-sim view {}", files.join(" ")));
    }
    if recording.header.title.is_none() {
        recording.header.title = Some("What the nodes did".to_owned());
    }
    let end = recording.end();
    Ok((recording, 0..end))
}
