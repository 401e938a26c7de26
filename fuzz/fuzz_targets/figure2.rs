//! Plain nodes beside a model of Figure 2. See `src/figure2`.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|run: raft_fuzz::figure2::Run| run.check());
