//! Datagrams through the public interface: their bytes, what is refused, what is fresh.

mod format;
mod freshness;
mod nodes;
mod questions;
mod refusals;
