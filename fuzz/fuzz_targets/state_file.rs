//! The durable state file. See `src/state_file`.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|run: raft_fuzz::state_file::Run| run.check());
