//! The contract of a node, under arbitrary sequences of events: in any order, from anyone, with any numbers.

#[path = "../common/mod.rs"]
mod common;

mod any;
mod cluster;
mod helpers;
#[cfg(feature = "serde")]
mod invariants;
mod looped;
mod node;
mod roles;
#[cfg(feature = "serde")]
mod serde;
#[cfg(feature = "wire")]
mod wire;
