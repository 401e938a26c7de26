//! Nodes on real sockets, in this process and as processes.

mod cluster;
mod common;
mod duel;
mod forgeries;
mod handover;
mod hostile;
#[cfg(all(feature = "cli", target_os = "linux"))]
mod hosts;
mod impostor;
#[cfg(all(feature = "cli", target_os = "linux"))]
mod mistakes;
#[cfg(all(feature = "cli", target_os = "linux"))]
mod process;
#[cfg(all(feature = "cli", target_os = "linux"))]
mod refusals;
#[cfg(all(feature = "cli", target_os = "linux"))]
mod reload;
mod replays;
mod told;
mod trace;
