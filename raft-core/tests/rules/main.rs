//! The rules that Figure 2 leaves open, each with the run of events that breaks a lease, a vote or liveness
//! without it.

#[path = "../common/mod.rs"]
mod common;

mod configuration;
mod confirmation;
mod grants;
mod hostile;
mod idle;
mod liveness;
mod order;
mod parts;
mod rounds;
mod transfer;
