//! A deterministic simulated world for [`raft_core`]: nodes, a network, disks and clocks, all from one seed.
//!
//! The same seed gives the same run, to the byte of its trace, on any machine. The network delays, loses,
//! repeats and reorders messages and is cut, one way or both; disks lose what was not synced, at any
//! action; clocks drift and stop; nodes crash, stand still and return. After every step a
//! [checker](Invariant) looks at what must hold. So a rare failure becomes a number that
//! repeats it.
//!
//! ```
//! use std::time::Duration;
//! use raft_driver_sim::{Settings, World};
//!
//! let mut world = World::new(&Settings::default(), 42)?;
//! world.run_for(Duration::from_secs(2))?;
//! let (leader, term) = world.leader().expect("nothing went wrong, so there is a leader");
//!
//! // The leader crashes between two actions, and another takes over.
//! world.crash_after_actions(leader, 3);
//! world.run_for(Duration::from_secs(2))?;
//! let (successor, later) = world.leader().expect("two of three nodes are a majority");
//! assert!(successor != leader && later > term);
//!
//! // What its disk holds is enough for it to come back and follow.
//! world.restart(leader);
//! world.run_for(Duration::from_secs(1))?;
//! assert_eq!(world.agreed_leader(), Some(successor));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! An [`Observer`] sees every event and action as it happens; [`Trace`] is one.

mod checker;
mod clock;
mod disk;
pub mod explore;
mod faults;
pub mod lab3a;
mod network;
mod node;
mod observer;
pub mod pathologies;
pub mod play;
mod queue;
mod rng;
pub mod scenario;
pub mod scorecard;
mod settings;
mod stats;
mod status;
pub mod swarm;
mod time;
pub mod timeline;
mod trace;
mod turn;
mod world;

pub use raft_core;

pub use checker::{Invariant, Violation};
pub use clock::ClockRate;
pub use disk::{DiskOptions, Syncing};
pub use network::{Conditions, is_request};
pub use observer::{Fault, Happening, Observer};
pub use rng::{Chance, Random, Stream};
pub use settings::{Heartbeats, Postponing, Settings};
pub use stats::Stats;
pub use time::{LocalTime, Time};
pub use trace::Trace;
pub use world::World;
