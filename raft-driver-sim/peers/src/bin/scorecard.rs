//! The scorecard of raft-core beside those of crate `raft`: `scorecard [--quick] [--json]`.

#[path = "../arena.rs"]
mod arena;

use std::process::ExitCode;

use arena::Theirs;
use raft_core::Protocol;
use raft_driver_sim::scorecard::{Card, Ours, Sizes, best, compare};

fn main() -> ExitCode {
    let (mut sizes, mut json) = (Sizes::FULL, false);
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--quick" => sizes = Sizes::QUICK,
            "--json" => json = true,
            other => {
                eprintln!("scorecard: {other} is neither --quick nor --json");
                return ExitCode::from(2);
            }
        }
    }
    let ours = Card::measure(&Ours(Protocol::Standard), sizes);
    let theirs = Theirs::ALL.map(|theirs| Card::measure(&theirs, sizes));
    let best = best("raft, the best of the four in each cell", &theirs);
    let comparisons: Vec<_> = theirs
        .iter()
        .chain([&best])
        .map(|theirs| compare(&ours, theirs))
        .collect();
    if json {
        let text = serde_json::to_string_pretty(&comparisons).expect("plain data");
        println!("{text}");
    } else {
        for comparison in &comparisons {
            println!("## {} beside {}\n", comparison.ours, comparison.theirs);
            println!("{comparison}\n");
        }
    }
    ExitCode::SUCCESS
}
