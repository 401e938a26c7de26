//! What is asked of all that ever happened: votes, leaders, confirmed rounds and the leases that rest on
//! them. All of it can be read from the nodes and from the set of messages ever sent.
//!
//! That no term ever has two leaders, also one after the other, follows from what is asked here: a leader has the votes of
//! a majority in that set, its own on its disk, and no voter votes for two.

use raft_core::{Message, Round, Term};

use super::key::Key;
use super::local::Notes;
use super::messages::{Envelope, members};
use super::model::{Choice, Failure, Model};
use super::symmetry::Global;

/// A transition that was taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken {
    pub(super) node: u8,
    pub(super) choice: Choice,
    pub(super) crashed_after: Option<usize>,
}

/// Why the successors of a state could not all be listed.
#[derive(Clone, Debug)]
pub(super) enum Interrupt {
    /// The tables lack what this choice does to this local state.
    Missing { local: u32, choice: Choice },
    /// An invariant is broken by a transition.
    Violation { taken: Taken, what: String },
}

/// What the checks of history look at.
pub(super) trait Past {
    fn nodes(&self) -> usize;
    fn key(&self, node: usize) -> &Key;
    /// All messages ever sent, of which nothing that is asked about was forgotten.
    fn sent(&self) -> impl Iterator<Item = Envelope>;
}

/// A state of the tables.
struct Interned<'a> {
    model: &'a Model,
    state: &'a Global,
}

impl Past for Interned<'_> {
    fn nodes(&self) -> usize {
        self.model.bounds().nodes
    }

    fn key(&self, node: usize) -> &Key {
        self.model.key(self.state.locals[node])
    }

    fn sent(&self) -> impl Iterator<Item = Envelope> {
        members(&self.state.sent).map(|message| self.model.messages().get(message))
    }
}

/// Lists all states that one transition leads to, other than to the state itself, and checks each transition.
pub(super) fn successors(
    model: &Model,
    state: &Global,
    visit: &mut impl FnMut(Taken, &Global),
) -> Result<(), Interrupt> {
    let words = model.messages().words();
    for node in 0..model.bounds().nodes {
        let local = state.locals[node];
        for choice in model.own(local) {
            take(model, state, node, *choice, visit)?;
        }
        let (to, inert) = (model.messages().to(node), model.inert(local));
        for word in 0..words {
            let mut rest = state.sent[word] & to[word] & !inert[word];
            while rest != 0 {
                let message = word as u32 * 64 + rest.trailing_zeros();
                rest &= rest - 1;
                take(model, state, node, Choice::Deliver(message), visit)?;
            }
        }
    }
    Ok(())
}

/// Lists the states that one choice leads to.
pub(super) fn take(
    model: &Model,
    state: &Global,
    node: usize,
    choice: Choice,
    visit: &mut impl FnMut(Taken, &Global),
) -> Result<(), Interrupt> {
    let local = state.locals[node];
    let Some(transitions) = model.look(local, choice) else {
        return Err(Interrupt::Missing { local, choice });
    };
    for transition in transitions {
        let taken = Taken {
            node: node as u8,
            choice,
            crashed_after: transition.crashed_after,
        };
        let mut next = *state;
        next.locals[node] = transition.local;
        let violation = |what| Interrupt::Violation { taken, what };
        for message in &transition.sends {
            send(model, &mut next, *message as usize).map_err(violation)?;
        }
        if transition.notes != Notes::default() {
            let before = Interned { model, state };
            let after = Interned {
                model,
                state: &next,
            };
            check_notes(&before, &after, node, &transition.notes).map_err(violation)?;
        }
        model.forget_dead(&mut next);
        if next != *state {
            visit(taken, &next);
        }
    }
    Ok(())
}

/// Adds a message to those ever sent.
fn send(model: &Model, state: &mut Global, message: usize) -> Result<(), String> {
    if state.has_sent(message) {
        return Ok(());
    }
    if let Some(conflicts) = model.messages().conflicts(message) {
        let words = model.messages().words();
        let clash = (0..words).find(|word| state.sent[*word] & conflicts[*word] != 0);
        if let Some(word) = clash {
            let bit = (state.sent[word] & conflicts[word]).trailing_zeros() as usize;
            let (one, other) = (
                model.messages().get(message),
                model.messages().get(word * 64 + bit),
            );
            return Err(contradiction(&one, &other));
        }
    }
    state.send(message);
    Ok(())
}

/// That two messages were sent which no correct cluster sends both.
pub(super) fn contradiction(one: &Envelope, other: &Envelope) -> String {
    format!("VoteOncePerTerm or OneLeaderPerTerm: {one:?} is sent, and so was {other:?}")
}

/// What is asked about a step of a node that gained or confirmed something: of what was sent before it, and of the state after it.
#[cold]
pub(super) fn check_notes(
    before: &impl Past,
    after: &impl Past,
    node: usize,
    notes: &Notes,
) -> Result<(), String> {
    let key = after.key(node);
    let majority =
        |agrees: &dyn Fn(&Message) -> bool| answers(before, key.me, agrees) * 2 > before.nodes();
    let term = key.term;
    if let Some(asked) = notes.pre_vote_won {
        let granted = |message: &Message| matches!(message, Message::RequestPreVoteResponse(m) if m.vote_granted && m.nonce == asked);
        ensure(majority(&granted), || {
            format!("PreVoteBacked: no majority granted a pre-vote for term {asked}")
        })?;
    }
    if let Some(Term(gained)) = notes.gained {
        let granted = |message: &Message| matches!(message, Message::RequestVoteResponse(m) if m.vote_granted && m.term.0 == gained);
        ensure(majority(&granted), || {
            format!("QuorumBacked: no majority voted for it in term {gained}")
        })?;
        let other = leader_since(before, node, |of| of == gained);
        ensure(!other, || {
            format!("OneLeaderPerTerm: term {gained} had a leader")
        })?;
    }
    if let Some(Round(round)) = notes.confirmed {
        let answered = |message: &Message| matches!(message, Message::AppendEntriesResponse(m) if m.success && m.term.0 == term && m.round.0 >= round);
        ensure(majority(&answered), || {
            format!("QuorumBacked: no majority answered round {round} of term {term}")
        })?;
    }
    check_leases(after)
}

/// How many voters are for a node: itself, and those of whose answers to it one is as wanted.
fn answers(past: &impl Past, me: u8, wanted: &dyn Fn(&Message) -> bool) -> usize {
    let mut voters = 1_u8 << me;
    for Envelope { from, to, message } in past.sent() {
        if to == me && wanted(&message) {
            voters |= 1 << from;
        }
    }
    voters.count_ones() as usize
}

/// A lease without a clock. A leader whose round a majority answered is undisturbed until its lease ends, which is
/// before any of that majority, itself included, lets its promise lapse. So as long as none of them has, nobody
/// leads in a later term; also while what acted on the lease of a former leader may not have stopped yet. (A leader that hands
/// over gives up its lease first.)
fn check_leases(past: &impl Past) -> Result<(), String> {
    let keys = || (0..past.nodes()).map(|node| past.key(node));
    for holder in keys() {
        let Some(lease) = holder.held_lease() else {
            continue;
        };
        let stands = |voter: &Key| {
            voter.me == holder.me
                || lease.voters & 1 << voter.me == 0
                || voter.promises.iter().any(|promise| {
                    (promise.leader, promise.term) == (holder.me, lease.term)
                        && promise.round >= lease.round
                })
        };
        let later = leader_since(past, usize::from(holder.me), |of| of > lease.term);
        ensure(!later || !keys().all(stands), || {
            format!(
                "OneLease: a later leader exists, and all that confirmed round {} of node {} in term {} \
                 still promise not to vote",
                lease.round, holder.me, lease.term
            )
        })?;
    }
    Ok(())
}

/// Whether another node leads or has led in such a term.
fn leader_since(past: &impl Past, node: usize, wanted: impl Fn(u64) -> bool) -> bool {
    let leads = |other: usize| {
        let key = past.key(other);
        other != node && key.leads() && wanted(key.term)
    };
    let led = |Envelope { from, message, .. }: Envelope| {
        let speaks = matches!(message, Message::AppendEntries(_));
        usize::from(from) != node && speaks && wanted(message.term().0)
    };
    (0..past.nodes()).any(leads) || past.sent().any(led)
}

fn ensure(holds: bool, explain: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(explain()) }
}

/// A failure of the tables as a violation.
pub(super) fn violation(failure: &Failure) -> Option<String> {
    match failure {
        Failure::Broken(broken) => Some(broken.0.clone()),
        Failure::TooManyMessages => None,
    }
}
