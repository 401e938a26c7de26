//! A shorter way to the same kind of violation: what a random walk did on its way, most of it for nothing, is left out.

use raft_core::Message;

use super::run::{Run, Took};
use super::trace::{Step, Trace, What};

/// Leaves out as many steps as can be left out one stretch at a time: halves first, single steps last, until none can.
pub(super) fn shrink(trace: Trace) -> Trace {
    let mut best = trace;
    let mut size = best.len();
    while size > 0 {
        let mut shorter = false;
        let mut from = 0;
        while from < best.len() {
            let to = best.len().min(from + size);
            let (before, after) = (&best.steps()[..from], &best.steps()[to..]);
            match attempt(&best, before.iter().chain(after)) {
                Some(found) if found.len() < best.len() => {
                    best = found;
                    shorter = true;
                }
                _ => from = to,
            }
        }
        if !shorter || size > 1 {
            size /= 2;
        }
    }
    best
}

/// Takes those of the steps that are possible, up to a violation of the same kind. Without an election that is left out, what comes after
/// happens in lower terms: instead of a message that was never sent, the latest one like it arrives.
fn attempt<'a>(wanted: &Trace, steps: impl Iterator<Item = &'a Step>) -> Option<Trace> {
    let mut run = Run::new(*wanted.bounds()).ok()?;
    let mut taken = Vec::new();
    let found = |taken, what: String| {
        let same = kind(&what) == kind(wanted.violation());
        same.then(|| Trace::of(*wanted.bounds(), taken, what, wanted.links()))
    };
    for step in steps {
        let mut step = *step;
        let mut took = run.take(&step);
        if let (Ok(Took::Impossible), Some(other)) = (&took, instead(&run, &step)) {
            step = other;
            took = run.take(&step);
        }
        match took {
            Err(what) => {
                taken.push(step);
                return found(taken, what);
            }
            Ok(Took::Impossible | Took::Nothing) => {}
            Ok(Took::Something(_)) => taken.push(step),
        }
    }
    let dead_end = wanted.recovery().try_all(&run.rafts()).err()?;
    found(taken, dead_end.what)
}

/// The step with the latest message to the node that is like the one that it names.
fn instead(run: &Run, step: &Step) -> Option<Step> {
    let What::Receive { from, message } = step.what else {
        return None;
    };
    let like =
        |other: &&Message| other.kind() == message.kind() && says_yes(other) == says_yes(&message);
    let inbox = run.inbox(usize::from(step.node)).iter().rev();
    let messages = inbox.map(|number| &run.sent()[*number]);
    let from_it = messages.filter(|envelope| envelope.from == from);
    let message = *from_it.map(|envelope| &envelope.message).find(like)?;
    let what = What::Receive { from, message };
    Some(Step { what, ..*step })
}

fn says_yes(message: &Message) -> bool {
    match message {
        Message::RequestVoteResponse(response) => response.vote_granted,
        Message::RequestPreVoteResponse(response) => response.vote_granted,
        Message::AppendEntriesResponse(response) => response.success,
        Message::RequestVote(request) => request.leadership_transfer,
        Message::RequestPreVote(_) | Message::AppendEntries(_) | Message::TimeoutNow(_) => false,
    }
}

/// The name of the invariant.
fn kind(violation: &str) -> &str {
    violation.split(':').next().unwrap_or(violation)
}
