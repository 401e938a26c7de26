//! `raft exec` as its users run it: processes, sockets and signals are real.
#![cfg(all(feature = "cli", target_os = "linux"))]

mod common;
mod ends;
mod faults;
mod hooks;
mod hung;
mod ledger;
mod orderly;

/// What runs under the leadership in the other tests: without a ledger it is no instance, and passes.
#[test]
fn instance() {
    ledger::run_instance();
}
