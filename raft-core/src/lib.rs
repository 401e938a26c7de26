//! Raft leader election as a pure state machine.
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
mod out;
mod quorum;
mod raft;
mod report;
mod role;
mod state;
mod transfer;
mod types;
#[cfg(feature = "wire")]
pub mod wire;

pub use action::{Action, Actions, IntoIter};
pub use config::{Config, ConfigError, Options, Protocol};
pub use deadlines::Deadlines;
pub use event::{Event, Timer};
pub use invariants::Violation;
pub use lease::Lease;
pub use message::{
    AppendEntries, AppendEntriesResponse, Message, MessageKind, RequestPreVote,
    RequestPreVoteResponse, RequestVote, RequestVoteResponse, TimeoutNow,
};
pub use quorum::VoterSet;
pub use raft::{Raft, RestoreError};
pub use report::{
    DropReason, LostReason, NoCampaignReason, RefusalReason, Report, TransferRefusal,
    TransitionReason,
};
pub use role::{Candidate, Cause, Follower, Leader, Part, PreCandidate, Role, RoleKind, Transfer};
pub use state::State;
pub use types::{HardState, LogIndex, LogPosition, NodeId, Round, Term};
