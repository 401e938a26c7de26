//! What a heartbeat, a round and an election cost.
//!
//! Without arguments: nanoseconds for each unit of work. With `UNIT COUNT`: that work and
//! nothing else, so that two runs under `valgrind --tool=callgrind` with different counts give the
//! instructions of a unit. `docs/performance.md` has the commands and the figures.

mod units;

use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    // Cargo passes `--bench`.
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [] => {
            for (unit, explanation) in units::UNITS {
                println!("{unit:>9}  {:>9.1} ns  {explanation}", nanoseconds(unit));
            }
            ExitCode::SUCCESS
        }
        [unit, count] if count.parse().is_ok_and(|count| units::run(unit, count)) => {
            ExitCode::SUCCESS
        }
        _ => {
            let units: Vec<&str> = units::UNITS.iter().map(|(unit, _)| *unit).collect();
            let units = units.join(", ");
            eprintln!("usage: cost [UNIT COUNT], where UNIT is one of: {units}");
            ExitCode::from(2)
        }
    }
}

/// The best of ten repetitions: the bound that noise can only raise.
fn nanoseconds(unit: &str) -> f64 {
    let count = 20_000;
    let repetition = |_| {
        let start = Instant::now();
        units::run(unit, count);
        start.elapsed().as_nanos()
    };
    let best = (0..10).map(repetition).min().unwrap_or_default();
    best as f64 / count as f64
}
