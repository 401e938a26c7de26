//! One node under any event sequence. See `src/step`.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|run: raft_fuzz::step::Run| run.check());
