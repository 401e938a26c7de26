//! Any configuration and stored state. See `src/restore`.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|run: raft_fuzz::restore::Run| run.check());
