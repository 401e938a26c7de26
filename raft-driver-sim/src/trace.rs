//! A trace: one line for everything that happens.

use std::io::Write;

use raft_core::{Action, Event, Message, NodeId};

use crate::observer::{Fault, Happening, Observer};
use crate::time::Time;

/// Writes one line for each [`Happening`]: the world's time in seconds, the node, what happened.
///
/// The same world with the same seed writes the same bytes on any machine.
#[derive(Debug)]
pub struct Trace<W> {
    out: W,
    error: Option<std::io::Error>,
}

impl<W: Write> Trace<W> {
    /// A trace that writes to `out`.
    pub fn new(out: W) -> Self {
        Trace { out, error: None }
    }

    /// What was written to.
    ///
    /// # Errors
    ///
    /// The first error of writing; nothing was written after it.
    pub fn finish(self) -> std::io::Result<W> {
        match self.error {
            Some(error) => Err(error),
            None => Ok(self.out),
        }
    }
}

impl<W: Write> Observer for Trace<W> {
    fn observe(&mut self, time: Time, node: NodeId, happening: Happening<'_>) {
        if self.error.is_some() {
            return;
        }
        let written = write!(self.out, "{time} {node} ")
            .and_then(|()| write_happening(&mut self.out, happening))
            .and_then(|()| writeln!(self.out));
        self.error = written.err();
    }
}

fn write_happening(out: &mut impl Write, happening: Happening<'_>) -> std::io::Result<()> {
    match happening {
        Happening::Event(Event::Receive { from, message }) => {
            write!(out, "receives from {from} ")?;
            write_message(out, message)
        }
        Happening::Event(event) => write!(out, "event {event:?}"),
        Happening::Action(Action::Send { to, message }) => {
            write!(out, "sends to {to} ")?;
            write_message(out, message)
        }
        Happening::Action(Action::Persist(hard)) => {
            write!(out, "persists term={} vote=", hard.current_term)?;
            match hard.voted_for {
                Some(vote) => write!(out, "{vote}"),
                None => write!(out, "none"),
            }
        }
        Happening::Action(Action::Report(report)) => write!(out, "reports {report:?}"),
        Happening::Action(action) => write!(out, "does {action:?}"),
        Happening::Synced => write!(out, "synced"),
        Happening::Lost { to, message } => {
            write!(out, "loses on the way to {to} ")?;
            write_message(out, message)
        }
        Happening::Fault(Fault::Cut { to }) => write!(out, "is cut off from {to}"),
        Happening::Fault(Fault::Heal { to }) => write!(out, "is heard by {to} again"),
        Happening::Fault(fault) => write!(out, "suffers {fault:?}"),
    }
}

fn write_message(out: &mut impl Write, message: &Message) -> std::io::Result<()> {
    match message {
        Message::RequestVote(m) => write!(out, "{m:?}"),
        Message::RequestVoteResponse(m) => write!(out, "{m:?}"),
        Message::AppendEntries(m) => write!(out, "{m:?}"),
        Message::AppendEntriesResponse(m) => write!(out, "{m:?}"),
        Message::RequestPreVote(m) => write!(out, "{m:?}"),
        Message::RequestPreVoteResponse(m) => write!(out, "{m:?}"),
        Message::TimeoutNow(m) => write!(out, "{m:?}"),
    }
}
