//! What an operator does with the program `raft`: real processes on loopback addresses of their own.

mod common;
mod config;
mod control;
mod fence;
mod http;
mod metrics;
mod status;
mod systemd;
