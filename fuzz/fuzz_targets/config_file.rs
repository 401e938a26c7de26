//! The configuration file. See `src/config_file`.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| raft_fuzz::config_file::check(text));
