//! Looking on while a world runs.

use core::time::Duration;

use raft_core::{Action, Event, LogPosition, Message, NodeId, State};
use serde::{Deserialize, Serialize};

use crate::clock::ClockRate;
use crate::time::Time;

/// Something that happens at or to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening<'a> {
    /// The node's core steps.
    Event(&'a Event),
    /// What the core knows after that step, or after it was restored.
    State(&'a State),
    /// The node's driver carries an action out. For a `Persist` it is the beginning of the write.
    Action(&'a Action),
    /// A write that takes time is durable.
    Synced,
    /// A copy of a message that was sent is on its way, and nothing on the way will stop it.
    InFlight {
        /// The receiver, which is not the node that this happens to.
        to: NodeId,
        /// The message.
        message: &'a Message,
        /// When it will be there.
        arrives: Time,
    },
    /// A message was lost: on its way, or because its receiver was down or had no room for it.
    Lost {
        /// The receiver, which is not the node that this happens to.
        to: NodeId,
        /// The message.
        message: &'a Message,
    },
    /// The world does something to the node.
    Fault(Fault),
}

/// What a world does to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Its machine stops, and forgets what is not on its disk.
    Crash,
    /// Its process stops, and its machine goes on.
    Kill,
    /// It starts from its disk.
    Restart,
    /// Its process stands still, while its clock goes on and messages wait.
    Pause,
    /// Its process goes on.
    Resume,
    /// Its clock runs at another rate.
    ClockRate(ClockRate),
    /// Its clock goes on by so much at once.
    ClockLeap(Duration),
    /// What it sends to another node is lost from now on.
    Cut {
        /// The other node.
        to: NodeId,
    },
    /// What it sends to another node arrives again.
    Heal {
        /// The other node.
        to: NodeId,
    },
    /// Its log ends elsewhere.
    LogTail(LogPosition),
}

/// Sees everything that happens in a world, in order. `()` does not look.
///
/// Who builds on the core puts a model of it here, and lets the world's faults loose on it:
///
/// ```
/// use std::time::Duration;
/// use raft_core::{Action, NodeId, Term};
/// use raft_driver_sim::{Happening, Observer, Settings, Time, World};
///
/// /// A store that refuses writes with a lower fencing token than it has seen.
/// #[derive(Default)]
/// struct Store {
///     token: Term,
///     refused: u32,
/// }
///
/// impl Observer for Store {
///     fn observe(&mut self, _: Time, _: NodeId, happening: Happening<'_>) {
///         if let Happening::Action(Action::LeadershipConfirmed { term, .. }) = happening {
///             self.refused += u32::from(*term < self.token);
///             self.token = self.token.max(*term);
///         }
///     }
/// }
///
/// let mut world = World::observed(&Settings::default(), 7, Store::default())?;
/// for _ in 0..20 {
///     world.run_for(Duration::from_secs(1))?;
///     if let Some((leader, _)) = world.leader() {
///         world.pause(leader);
///     }
///     world.run_for(Duration::from_secs(2))?;
///     for node in world.node_ids() {
///         world.resume(node);
///     }
/// }
/// assert!(world.observer().token >= Term(20));
/// assert_eq!(world.observer().refused, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Observer {
    /// Something happened at `node`.
    fn observe(&mut self, time: Time, node: NodeId, happening: Happening<'_>);
}

impl Observer for () {
    #[inline]
    fn observe(&mut self, _: Time, _: NodeId, _: Happening<'_>) {}
}

/// Both look on.
impl<A: Observer, B: Observer> Observer for (A, B) {
    fn observe(&mut self, time: Time, node: NodeId, happening: Happening<'_>) {
        self.0.observe(time, node, happening);
        self.1.observe(time, node, happening);
    }
}

impl<O: Observer> Observer for Option<O> {
    fn observe(&mut self, time: Time, node: NodeId, happening: Happening<'_>) {
        if let Some(observer) = self {
            observer.observe(time, node, happening);
        }
    }
}
