//! The bodies of the fuzz targets. `fuzz_targets/` hands them to libFuzzer, `tests/` replays the committed inputs on them,
//! on stable.
//!
//! Each target is a type that is made from bytes and checks itself: it panics at what must not be.

pub mod cluster;
pub mod config_file;
pub mod figure2;
pub mod frame;
mod near;
pub mod node;
pub mod picture;
mod random;
pub mod restore;
mod setup;
pub mod state_file;
pub mod step;

use arbitrary::{Arbitrary, Unstructured};
use raft_driver_sim::timeline::Recording;

/// The code on the repository's front page compiles. It is tested here because the page is in no package.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// A target: its name, and what it does with an input.
pub type Target = (&'static str, fn(&[u8]));

/// All targets. The same bytes do the same here and under libFuzzer.
pub const TARGETS: [Target; 8] = [
    ("step", |bytes| run(bytes, step::Run::check)),
    ("restore", |bytes| run(bytes, restore::Run::check)),
    ("node", |bytes| run(bytes, node::Run::check)),
    ("cluster", |bytes| run(bytes, cluster::Run::check)),
    ("figure2", |bytes| run(bytes, figure2::Run::check)),
    ("frame", |bytes| run(bytes, frame::Run::check)),
    ("state_file", |bytes| run(bytes, state_file::Run::check)),
    ("config_file", |bytes| run(bytes, config_file::check)),
];

/// A target whose inputs are runs of nodes: its name, and what an input does, to be drawn. None if the input makes no node.
pub type Pictured = (&'static str, fn(&[u8]) -> Option<Recording>);

/// The targets that can be drawn.
pub const PICTURED: [Pictured; 5] = [
    ("step", |bytes| input(bytes).map(step::Run::record)),
    ("restore", |bytes| {
        input(bytes).and_then(restore::Run::record)
    }),
    ("node", |bytes| input(bytes).map(node::Run::record)),
    ("cluster", |bytes| input(bytes).map(cluster::Run::record)),
    ("figure2", |bytes| input(bytes).map(figure2::Run::record)),
];

/// Makes an input of the bytes, as libFuzzer's macro does, and checks it.
fn run<'a, I: Arbitrary<'a>>(bytes: &'a [u8], check: fn(I)) {
    if let Some(input) = input(bytes) {
        check(input);
    }
}

fn input<'a, I: Arbitrary<'a>>(bytes: &'a [u8]) -> Option<I> {
    if bytes.len() < I::size_hint(0).0 {
        return None;
    }
    I::arbitrary_take_rest(Unstructured::new(bytes)).ok()
}
