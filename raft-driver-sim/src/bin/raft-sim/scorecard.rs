//! `raft-sim scorecard`.

use std::process::ExitCode;

use clap::Args;
use raft_core::Protocol;
use raft_driver_sim::scorecard::{Card, Ours, Sizes};
use serde_json::json;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Measure the paper's plain Raft instead of the defaults.
    #[arg(long)]
    plain: bool,
    /// A tenth of the seeds or less: seconds, not minutes.
    #[arg(long)]
    quick: bool,
    /// Print one JSON object, with the 95 % intervals of the figures.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let sizes = if arguments.quick {
        Sizes::QUICK
    } else {
        Sizes::FULL
    };
    let protocol = if arguments.plain {
        Protocol::Plain
    } else {
        Protocol::Standard
    };
    let card = Card::measure(&Ours(protocol), sizes);
    if arguments.json {
        say!("{}", json!({ "sizes": sizes, "card": card }));
    } else {
        say!("{card}");
    }
    ExitCode::SUCCESS
}
