//! A cluster under any schedule. See `src/cluster`.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|run: raft_fuzz::cluster::Run| run.check());
