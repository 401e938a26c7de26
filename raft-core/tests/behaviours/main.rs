//! Behaviours that users of other Raft cores rely on, most of them learnt the hard way there.

#[path = "../common/mod.rs"]
mod common;

mod distribution;
mod disturbance;
mod elections;
mod faults;
mod handover;
