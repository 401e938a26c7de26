//! Draws what an input of the target `cluster` does, as a page to walk through:
//!
//! ```sh
//! cargo run --manifest-path fuzz/Cargo.toml --no-default-features --example picture -- INPUT PAGE.html
//! ```

use std::error::Error;

use arbitrary::{Arbitrary, Unstructured};
use raft_driver_sim::timeline::Timeline;
use raft_fuzz::cluster::Run;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [input, page] = arguments.as_slice() else {
        return Err("give the input and the page: picture INPUT PAGE.html".into());
    };
    let bytes = std::fs::read(input).map_err(|error| format!("{input}: {error}"))?;
    let run = Run::arbitrary_take_rest(Unstructured::new(&bytes))?;
    let mut recording = run.record();
    recording.header.title = Some(format!("Fuzz target cluster, {input}"));
    recording.header.command = Some(format!("cargo fuzz run cluster {input}"));
    if let Some(failure) = &recording.header.failure {
        println!("FAILED: {failure}");
    }
    std::fs::write(page, Timeline::new(&recording).page())
        .map_err(|error| format!("{page}: {error}"))?;
    Ok(())
}
