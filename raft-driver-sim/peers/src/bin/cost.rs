//! `cost ours|theirs UNIT COUNT`: does a unit of work, for callgrind to count. `cost`: nanoseconds of all.

#[path = "../../../../raft-core/benches/units/mod.rs"]
mod ours;
#[path = "../theirs.rs"]
mod theirs;

use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [] => {
            for (unit, _) in ours::UNITS {
                let [ours, theirs] = [ours::run, theirs::run].map(|run| nanoseconds(unit, run));
                println!("{unit} {ours:.0} {theirs:.0}");
            }
            ExitCode::SUCCESS
        }
        [who @ ("ours" | "theirs"), unit, count] => {
            let run = if who == "ours" {
                ours::run
            } else {
                theirs::run
            };
            match count.parse() {
                Ok(count) if run(unit, count) => ExitCode::SUCCESS,
                _ => usage(),
            }
        }
        _ => usage(),
    }
}

/// The median of fifteen repetitions.
fn nanoseconds(unit: &str, run: fn(&str, u64) -> bool) -> f64 {
    let count = 5_000;
    let mut times: Vec<u128> = (0..15)
        .map(|_| {
            let start = Instant::now();
            run(unit, count);
            start.elapsed().as_nanos()
        })
        .collect();
    times.sort_unstable();
    times[times.len() / 2] as f64 / count as f64
}

fn usage() -> ExitCode {
    let units: Vec<&str> = ours::UNITS.iter().map(|(unit, _)| *unit).collect();
    eprintln!(
        "usage: cost [ours|theirs UNIT COUNT]; units: {}",
        units.join(", ")
    );
    ExitCode::from(2)
}
