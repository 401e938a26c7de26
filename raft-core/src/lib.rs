//! Raft leader election as a pure state machine: `step(event) -> actions`.
//!
//! No clock, no socket, no disk, no threads, no global randomness: a [`Raft`] is told what happened (an
//! [`Event`]) and answers with what is to be done (the [`Action`]s). So it runs in any
//! runtime, on bare metal and in a browser, and the code that ships is the code that is simulated,
//! fuzzed and explored state by state. It elects leaders and keeps them; the log will come in the same core.
//!
//! ```toml
//! [dependencies]
//! raft-core = { git = "<the repository>" }    # the name on crates.io belongs to another project
//! rand_core = "0.10"                          # the trait of random generators
//! ```
//!
//! # The contract: one rule
//!
//! **Carry out the actions in order, step after step; a [`Persist`](Action::Persist) is on stable storage
//! before any later action is carried out.**
//!
//! Everything else follows from it. A vote leaves only when it is durable. A crash after any prefix of the
//! actions is legal. Group commit is free: step many events, sync once, release the actions in
//! order. A leader whose disk has stalled falls silent and is replaced. There is no second list, nothing
//! to acknowledge and nothing to forget.
//!
//! - A failed `Persist` is fatal: drop the node, and [`restore`](Raft::restore) it from what the disk holds. Sync
//!   what you read before you act on it: what a crash left in a cache may not be on the disk.
//! - Messages may be lost, repeated, reordered, delayed and replayed without bound. The driver vouches for
//!   the sender of each ([`Event::Receive`]).
//! - A timer may fire late or twice, never early. Its number tells the core whether it is still the one that
//!   was set. [`Deadlines`] keeps the three of them. Drop them with the node: a restored one numbers anew.
//! - All voters are told the same list of voters ([`Config::new`]): the core takes the driver's word for it.
//! - Lost state means a new [`NodeId`]: a voter that forgot its vote could vote twice. Only an operator's
//!   explicit first start begins with [`HardState::first_boot`].
//! - Seed the generator afresh at every restore, differently on each node (crate `rand`'s `make_rng`, or the system's
//!   own through `getrandom::SysRng`).
//!
//! # The loop
//!
//! All of a driver, with three functions left to you (`save` writes and syncs a file,
//! `send` and `receive` encode and authenticate datagrams, see [`Event::Receive`]):
//!
//! ```
//! use std::{io, time::{Duration, Instant}};
//! use raft_core::{Action, Event, HardState, Message, Next, Node, NodeId};
//! # fn save(_: &HardState) -> io::Result<()> { Ok(()) }
//! # fn send(_: NodeId, _: &Message) {}
//! # fn receive(_: Option<Duration>) -> Option<(NodeId, Message)> { None }
//!
//! fn run<R: rand_core::Rng>(mut node: Node<R, Instant>) -> io::Result<()> {
//!     loop {
//!         match node.next(Instant::now) {
//!             Next::CarryOut(action) => match action {
//!                 Action::Persist(state) => save(&state)?,
//!                 Action::Send { to, message } => send(to, &message),
//!                 Action::LeadershipLost { term, reason } => println!("lost {term}: {reason}"),
//!                 Action::LeadershipGained { term, .. } => println!("gained {term}"),
//!                 Action::LeadershipConfirmed { .. } => { /* a majority answered: ask `node.lease()` before you act */ }
//!                 Action::Report(report) => println!("{report:?}"),
//!                 Action::SetTimer { .. } | Action::CancelTimer(_) | Action::StartRound { .. } => {}
//!             },
//!             Next::Wait(until) => {
//!                 let patience = until.map(|at| at.saturating_duration_since(Instant::now()));
//!                 if let Some((from, message)) = receive(patience) {
//!                     node.step(Event::Receive { from, message });
//!                 }
//!             }
//!         }
//!     }
//! }
//! ```
//!
//! [`Node`] keeps the order of the actions, the timers and the lease, and has due timers come before messages, so that a
//! flood stops neither heartbeats nor the end of an election. A driver with needs of its own (one sync for many events, many
//! nodes on one timer wheel) builds the same from the parts: [`Raft::step`], [`Deadlines`], [`Lease`]. `docs/embedding.md` of
//! this crate has whole programs on bare threads, tokio and smol.
//!
//! # Time without a clock
//!
//! The core is never told the time: it asks for a timer and is told that it fired. A follower's election
//! timeout, uniform in [T, 2T), is spent in two parts. In the first, T, *the leader may be alive*: the node
//! refuses votes and pre-votes ([`Part::LeaderAlive`]). In the second, uniform in [0, T), *the leader is presumed
//! lost*: the node grants votes, and campaigns when it ends ([`Part::LeaderLost`]); a preferred node draws from the beginning
//! of it ([`Options::turn`]). A restarted node begins in the
//! first, so that it cannot break a promise that it forgot.
//!
//! So time is an event like any other, and a test of years takes as long as its events:
//!
//! ```
//! use core::time::Duration;
//! use raft_core::{Action, Config, Event, HardState, LogPosition, NodeId, Options, Raft, RoleKind, Timer};
//! # struct Zero;
//! # impl rand_core::TryRng for Zero {
//! #     type Error = core::convert::Infallible;
//! #     fn try_next_u32(&mut self) -> Result<u32, Self::Error> { Ok(0) }
//! #     fn try_next_u64(&mut self) -> Result<u64, Self::Error> { Ok(0) }
//! #     fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> { Ok(bytes.fill(0)) }
//! # }
//! # let generator = Zero;
//!
//! let asked_for = |actions: &[Action]| {
//!     actions.iter().find_map(|action| match *action {
//!         Action::SetTimer { timer: Timer::Election, number, after } => Some((number, after)),
//!         _ => None,
//!     })
//! };
//! let fired = |number| Event::TimerFired { timer: Timer::Election, number };
//! let config = Config::new(NodeId(1), &[1, 2, 3].map(NodeId), Options::default())?;
//! let (mut node, actions) = Raft::restore(config, HardState::first_boot(), LogPosition::default(), generator)?;
//!
//! // Part one: a leader may be alive, for T.
//! let (number, after) = asked_for(&actions).expect("a follower waits for its leader");
//! assert_eq!(after, Duration::from_millis(500));
//! // Part two: it is presumed lost, for a draw from [0, T).
//! let (number, after) = asked_for(&node.step(fired(number))).expect("and then for its turn");
//! assert!(after < Duration::from_millis(500));
//! // It asks the others whether they would elect it.
//! let questions = node.step(fired(number));
//! assert!(questions.iter().any(|action| matches!(action, Action::Send { .. })));
//! assert_eq!(node.state().role().kind(), RoleKind::PreCandidate);
//! // A timer that fires twice, or late, has a number that is no longer the latest, and does nothing.
//! assert!(node.step(fired(number)).is_empty());
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! # Leadership and leases
//!
//! To have won an election is not yet to lead undisturbed: a leader that was cut off is replaced without
//! being told. So a leader numbers its heartbeats ([`Round`]); when a majority has answered one, the core says so
//! ([`Action::LeadershipConfirmed`]). Each of that majority refuses to vote for T after it received the round, hence
//! for T after the round *began*; a lease of L = 0.8 T from then on outlasts no promise, with clocks that drift by
//! up to 1 % and time to spare to stop what was running. [`Lease`] does the arithmetic, and has an example:
//! ask it with your own clock at the moment of acting. The clock must count the time in which the machine is
//! suspended (`CLOCK_BOOTTIME` on Linux; std's `Instant` does not), or a machine that wakes holds a lease that is over.
//! What ended early leaves the same time to stop: a leader that learns of a higher term keeps its promise for T, and one
//! that hands over before all has stopped asks its successor T - L later.
//!
//! `docs/lease.md` of this crate has the proof, step by step, and what breaks it.
//!
//! What no lease can cover, a pause between looking at it and acting, only a fencing token
//! answers: pass the term ([`Lease::valid_at`]) to what you write to, and have it refuse lower ones.
//!
//! # Bad networks
//!
//! Pre-vote (thesis section 9.6), leader stickiness (4.2.3) and check-quorum (6.2) are on by default, and come as one
//! ([`Protocol::Standard`]): stickiness without a leader that steps down keeps a connected majority
//! from electing when the old leader still reaches one node of it. What asks is repeated until it
//! is answered, and what answers names what it answers, so that a lost datagram costs no election and a replayed datagram
//! feigns no quorum. Of two that ask for pre-votes at the same time, one that grants the other stands back, once, and
//! asks a little later, so that they do not split the votes of a term. `docs/bad-networks.md` of this crate goes through the known bad
//! networks one by one: what happens in each, and by which rule.
//!
//! # Cost
//!
//! A follower takes a heartbeat in 158 instructions and without an allocation; a node of three
//! has at most 320 bytes. `docs/performance.md` of this crate has the figures and how to measure them.
//!
//! # What this does not do
//!
//! No log yet: [`Event::LogTailMoved`] lets an embedder that replicates by its own means elect the freshest replica.
//! No changes of membership. No Byzantine faults: who holds a voter's identity can vote twice.
//!
//! # Features
//!
//! - `serde`: `Serialize` and `Deserialize` for events, actions, messages, options, durable and other state, and all that they are made of.
//! - `wire`: the codec of messages, `wire`, so that all drivers speak the same bytes.
//!
//! # Reading order
//!
//! `types`, `message`, `event`, `action`, `report`, `config`; `raft` (restore and step: the heart), `state`, `role`; then
//! `election`, `heartbeat`, `transfer`; `quorum`, `invariants`; `deadlines`, `lease` and `node` for drivers.
//!
//! `docs/figure2.md` of this crate leads from each rule of the paper to the function that implements it and the tests that show
//! it; `docs/architecture.md` is the whole project in ten minutes.
//!
//! "The paper" is Ongaro and Ousterhout, *In Search of an Understandable Consensus Algorithm* (extended
//! version); "the thesis" is Ongaro, *Consensus: Bridging Theory and Practice*.
#![no_std]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing
    )
)]
#![deny(clippy::wildcard_enum_match_arm)]

extern crate alloc;

mod action;
mod config;
mod deadlines;
mod election;
mod event;
mod heartbeat;
mod invariants;
mod lease;
mod message;
mod node;
mod quorum;
mod raft;
mod report;
mod role;
mod state;
mod timers;
mod transfer;
mod types;
#[cfg(feature = "wire")]
pub mod wire;
mod words;

pub use action::{Action, Actions, IntoIter};
pub use config::{Config, ConfigError, Options, Protocol, Turn};
pub use deadlines::Deadlines;
pub use event::{Event, Timer};
pub use invariants::Violation;
pub use lease::Lease;
pub use message::{
    AppendEntries, AppendEntriesResponse, Message, MessageKind, RequestPreVote,
    RequestPreVoteResponse, RequestVote, RequestVoteResponse, TimeoutNow,
};
pub use node::{Next, Node};
pub use quorum::VoterSet;
pub use raft::{Raft, RestoreError};
pub use report::{
    DropReason, LostReason, NoCampaignReason, RefusalReason, Report, TransferRefusal,
    TransitionReason,
};
pub use role::{Candidate, Cause, Follower, Leader, Part, PreCandidate, Role, RoleKind, Transfer};
pub use state::State;
pub use types::{HardState, LogIndex, LogPosition, NodeId, Round, Term};

/// The guide's code compiles. It uses Linux's clock.
#[cfg(all(doctest, feature = "serde", target_os = "linux"))]
#[doc = include_str!("../docs/embedding.md")]
struct Embedding;

/// The README's code compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
