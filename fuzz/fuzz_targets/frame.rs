//! Datagrams. See `src/frame`.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|run: raft_fuzz::frame::Run| run.check());
