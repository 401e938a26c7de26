//! Runs as pictures: a [`Recording`] of what happened, the [`Timeline`] that is drawn from it, and two
//! drawings of that: a page to walk through ([`Timeline::page`]) and a still picture ([`Timeline::svg`]).
//!
//! ```
//! use std::time::Duration;
//! use raft_driver_sim::timeline::{Header, Recorder, Timeline};
//! use raft_driver_sim::{Settings, World};
//!
//! let settings = Settings::default();
//! let mut world = World::observed(&settings, 42, Recorder::default())?;
//! world.run_for(Duration::from_secs(2))?;
//! let now = world.now();
//! let recording = world.into_observer().finish(Header::of(&settings, 42), now);
//! let timeline = Timeline::new(&recording);
//! assert!(timeline.page().contains("<canvas"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod build;
mod lease;
mod merge;
mod messages;
mod page;
mod record;
mod svg;
mod words;

use raft_core::{MessageKind, NodeId, RoleKind, Timer};
use serde::Serialize;

pub use merge::merge;
pub use record::{Header, Record, Recorder, Recording, RecordingError, TRACE_VERSION, What};
pub(crate) use words::message as describe;

/// What a picture shows. Times are in nanoseconds since the trace began.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Timeline {
    /// What the trace says of itself.
    pub header: Header,
    /// When it ends.
    pub end: u64,
    /// One for each voter.
    pub lanes: Vec<Lane>,
    /// By the time at which they were sent.
    pub messages: Vec<Arrow>,
    /// Links that carried nothing for a time.
    pub cuts: Vec<Cut>,
    /// What happened, in order: what one steps through.
    pub moments: Vec<Moment>,
    /// The names of the values in [`Moment::state`].
    pub fields: &'static [&'static str],
}

impl Timeline {
    /// How often a node began to lead.
    pub fn leaderships(&self) -> usize {
        let roles = self.lanes.iter().flat_map(|lane| &lane.roles);
        roles.filter(|reign| reign.role == RoleKind::Leader).count()
    }
}

/// A node's line.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Lane {
    /// The node.
    pub node: NodeId,
    /// Whether the trace says anything of it. If not, it is known from the messages of others alone.
    pub traced: bool,
    /// What it was. Between two of these it was down.
    pub roles: Vec<Reign>,
    /// Its timers.
    pub timers: Vec<Bar>,
    /// While it held a lease.
    pub leases: Vec<Span>,
    /// While its disk was writing.
    pub writes: Vec<Span>,
    /// While it stood still.
    pub pauses: Vec<Span>,
}

/// From one time to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Span {
    /// Its beginning.
    pub from: u64,
    /// Its end.
    pub to: u64,
}

/// A role in a term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Reign {
    /// When.
    #[serde(flatten)]
    pub span: Span,
    /// The role.
    pub role: RoleKind,
    /// The term.
    pub term: u64,
}

/// A timer that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Bar {
    /// From when it was set until it fired, was set anew or was cleared.
    #[serde(flatten)]
    pub span: Span,
    /// When it would have fired.
    pub due: u64,
    /// The timer.
    pub timer: Timer,
    /// Whether it fired at the end of the span.
    pub fired: bool,
}

/// A message on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Arrow {
    /// The sender.
    pub from: NodeId,
    /// The receiver.
    pub to: NodeId,
    /// The kind.
    pub kind: MessageKind,
    /// When it left.
    pub sent: u64,
    /// When it arrived, or was lost; none if nobody knows.
    pub ends: Option<u64>,
    /// Whether it was lost.
    pub lost: bool,
    /// What is in it.
    pub text: String,
    /// The moment in which it was taken, if it was.
    pub taken: Option<u32>,
}

/// A link that carried nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Cut {
    /// When.
    #[serde(flatten)]
    pub span: Span,
    /// The node that was not heard.
    pub sender: NodeId,
    /// The node that did not hear it.
    pub receiver: NodeId,
}

/// An event and what came of it, or a fault.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Moment {
    /// When.
    pub t: u64,
    /// Where.
    pub node: NodeId,
    /// What happened.
    pub what: String,
    /// Which message was taken, if one was.
    pub kind: Option<MessageKind>,
    /// The role, term or leader that came of it, and why.
    pub change: Option<Change>,
    /// What was done, line by line.
    pub actions: Vec<String>,
    /// All that the node knows afterwards, in the order of [`Timeline::fields`]; none if it is what it was, or the node is
    /// down.
    pub state: Option<Vec<String>>,
}

/// A transition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The role now.
    pub role: RoleKind,
    /// The term now.
    pub term: u64,
    /// The leader now.
    pub leader: Option<NodeId>,
    /// Why.
    pub reason: String,
}
