//! `raft-sim scenarios`.

use std::process::ExitCode;

use clap::Args;
use raft_driver_sim::pathologies::Table;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// How many seeds each row takes.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    match Table::play(arguments.seeds) {
        Ok(table) => {
            if arguments.json {
                say!("{}", serde_json::json!(table));
            } else {
                say!("{table}");
            }
            ExitCode::SUCCESS
        }
        Err(violation) => {
            eprintln!("raft-sim: {violation}");
            ExitCode::FAILURE
        }
    }
}
