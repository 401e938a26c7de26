//! A node with its timers and its lease. See `src/node`.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|run: raft_fuzz::node::Run| run.check());
