//! What `.ci` looks for that takes more than a line of shell.
//!
//! - `checks interface FILE`: the public items in a file of rustdoc's JSON, one a line. Exit status 3 when it has another format
//!   than the one this can read.
//! - `checks dependencies`: reads the output of `cargo metadata`, and says which packages have a licence that was not agreed to,
//!   or ask for a newer Rust than the package promises that builds with them.
//! - `checks minimum-rust`: reads the output of `cargo metadata --no-deps`, and prints each Rust version that is promised, with the names of
//!   the packages that promise it.
//!
//! Exit status 1: something was found, or the input cannot be read; 2: wrong usage.

mod dependencies;
mod interface;
mod minimum_rust;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match *arguments.as_slice() {
        ["interface", file] => interface::run(file.as_ref()),
        ["dependencies"] => dependencies::run(),
        ["minimum-rust"] => minimum_rust::run(),
        _ => {
            eprintln!(
                "usage: checks interface FILE | checks dependencies <METADATA | checks minimum-rust <METADATA"
            );
            ExitCode::from(2)
        }
    }
}
