//! A trace: one line for everything that happens.

use std::io::Write;

use raft_core::{Action, Event, LogPosition, Message, NodeId};

use crate::observer::{Fault, Happening, Observer};
use crate::time::Time;

/// Writes one line for each event, action, loss and fault: the world's time in seconds, the node, what happened.
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
        // What follows from the other lines is not written.
        let derived = matches!(happening, Happening::State(_) | Happening::InFlight { .. });
        if derived || self.error.is_some() {
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
        Happening::State(_) | Happening::InFlight { .. } => Ok(()),
        Happening::Lost { to, message } => {
            write!(out, "loses on the way to {to} ")?;
            write_message(out, message)
        }
        Happening::Fault(Fault::Cut { to }) => write!(out, "is cut off from {to}"),
        Happening::Fault(Fault::Heal { to }) => write!(out, "is heard by {to} again"),
        Happening::Fault(fault) => write!(out, "suffers {fault:?}"),
    }
}

pub(crate) fn write_message(out: &mut impl Write, message: &Message) -> std::io::Result<()> {
    let log = |last: LogPosition| format!("{}.{}", last.term, last.index);
    match message {
        Message::RequestVote(m) => {
            write!(out, "RequestVote term={} log={}", m.term, log(m.last_log))?;
            write!(out, " transfer={}", m.leadership_transfer)
        }
        Message::RequestVoteResponse(m) => {
            write!(out, "RequestVoteResponse term={}", m.term)?;
            write!(out, " granted={}", m.vote_granted)
        }
        Message::AppendEntries(m) => {
            write!(out, "AppendEntries term={} round={}", m.term, m.round)?;
            write!(out, " log={} lease={:?}", log(m.prev_log), m.lease)
        }
        Message::AppendEntriesResponse(m) => {
            write!(
                out,
                "AppendEntriesResponse term={} round={}",
                m.term, m.round
            )?;
            write!(
                out,
                " success={} can_campaign={}",
                m.success, m.can_campaign
            )
        }
        Message::RequestPreVote(m) => {
            write!(
                out,
                "RequestPreVote prospective_term={}",
                m.prospective_term
            )?;
            write!(out, " log={} nonce={}", log(m.last_log), m.nonce)
        }
        Message::RequestPreVoteResponse(m) => {
            write!(out, "RequestPreVoteResponse term={}", m.term)?;
            write!(out, " granted={} nonce={}", m.vote_granted, m.nonce)
        }
        Message::TimeoutNow(m) => {
            write!(out, "TimeoutNow term={} stopped={}", m.term, m.stopped)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use raft_core::{HardState, Term};

    #[test]
    fn a_happening_is_a_line() {
        let mut trace = Trace::new(Vec::new());
        let voted = Action::Persist(HardState {
            current_term: Term(3),
            voted_for: Some(NodeId(2)),
            ..HardState::first_boot()
        });
        trace.observe(
            Time::from_nanos(1_000_000_001),
            NodeId(1),
            Happening::Action(&voted),
        );
        trace.observe(
            Time::from_nanos(1_000_000_002),
            NodeId(1),
            Happening::Fault(Fault::Crash),
        );
        let written = String::from_utf8(trace.finish().expect("memory")).expect("text");
        assert_eq!(
            written,
            "1.000000001 1 persists term=3 vote=2\n1.000000002 1 suffers Crash\n"
        );
    }
}
