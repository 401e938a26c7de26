//! Draws what an input does, as a page to walk through:
//!
//! ```sh
//! cargo run --manifest-path fuzz/Cargo.toml --no-default-features --example picture -- TARGET INPUT PAGE.html
//! ```
//!
//! Exit status: 0 the page is written, 1 so it is, and the input fails, 2 there is no page, and why.

use std::process::ExitCode;

use raft_driver_sim::timeline::Timeline;
use raft_fuzz::PICTURED;

const COMMAND: &str =
    "cargo run --manifest-path fuzz/Cargo.toml --no-default-features --example picture --";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match draw(&arguments) {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(failure)) => {
            println!("FAILED: {failure}");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("picture: {error}");
            ExitCode::from(2)
        }
    }
}

/// Writes the page; what the input fails of, if it does.
fn draw(arguments: &[String]) -> Result<Option<String>, String> {
    let targets = PICTURED.map(|(name, _)| name).join(", ");
    let [target, file, page] = arguments else {
        return Err("give a target, its input and the page: picture TARGET INPUT PAGE.html".into());
    };
    let found = PICTURED.iter().find(|(name, _)| name == target);
    let (_, record) =
        found.ok_or_else(|| format!("{target} is no target that can be drawn: {targets} are"))?;
    let bytes = std::fs::read(file).map_err(|error| format!("{file}: {error}"))?;
    let mut recording = record(&bytes)
        .ok_or_else(|| format!("{file}: nothing to draw: {target} makes no node of it"))?;
    recording.header.title = Some(format!("Fuzz target {target}, {file}"));
    recording.header.command = Some(format!("{COMMAND} {target} {file} {page}"));
    std::fs::write(page, Timeline::new(&recording).page())
        .map_err(|error| format!("{page}: {error}"))?;
    Ok(recording.header.failure)
}
