//! What is asked of all that ever happened: votes, leaders, confirmed rounds and the leases that rest on
//! them. All of it can be read from the nodes and from the set of messages ever sent.
//!
//! That no term ever has two leaders, also one after the other, follows from what is asked here: a leader has the votes of
//! a majority in that set, its own on its disk, and no voter votes for two.

use raft_core::{Message, Round, Term};

use super::key::Key;
use super::local::Notes;
use super::messages::{Envelope, members};
use super::model::{Choice, Failure, Model, Transition};
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
            check_notes(model, state, &next, node, transition).map_err(violation)?;
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
            return Err(format!(
                "VoteOncePerTerm or OneLeaderPerTerm: {one:?} is sent, and so was {other:?}"
            ));
        }
    }
    state.send(message);
    Ok(())
}

#[cold]
fn check_notes(
    model: &Model,
    before: &Global,
    after: &Global,
    node: usize,
    transition: &Transition,
) -> Result<(), String> {
    let key = model.key(transition.local);
    let majority = |agrees: &dyn Fn(&Message) -> bool| {
        answers(model, before, key.me, agrees) * 2 > model.bounds().nodes
    };
    let term = key.term;
    if let Some(asked) = transition.notes.pre_vote_won {
        let granted = |message: &Message| matches!(message, Message::RequestPreVoteResponse(m) if m.vote_granted && m.nonce == asked);
        ensure(majority(&granted), || {
            format!("PreVoteBacked: no majority granted a pre-vote for term {asked}")
        })?;
    }
    if let Some(Term(gained)) = transition.notes.gained {
        let granted = |message: &Message| matches!(message, Message::RequestVoteResponse(m) if m.vote_granted && m.term.0 == gained);
        ensure(majority(&granted), || {
            format!("QuorumBacked: no majority voted for it in term {gained}")
        })?;
        let other = leader_since(model, before, node, |of| of == gained);
        ensure(!other, || {
            format!("OneLeaderPerTerm: term {gained} had a leader")
        })?;
    }
    if let Some(Round(round)) = transition.notes.confirmed {
        let answered = |message: &Message| matches!(message, Message::AppendEntriesResponse(m) if m.success && m.term.0 == term && m.round.0 >= round);
        ensure(majority(&answered), || {
            format!("QuorumBacked: no majority answered round {round} of term {term}")
        })?;
    }
    check_leases(model, after)
}

/// How many voters are for a node: itself, and those of whose answers to it one is as wanted.
fn answers(model: &Model, state: &Global, me: u8, wanted: &dyn Fn(&Message) -> bool) -> usize {
    let mut voters = 1_u8 << me;
    for message in members(&state.sent) {
        let Envelope { from, to, message } = model.messages().get(message);
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
fn check_leases(model: &Model, state: &Global) -> Result<(), String> {
    let keys = || (0..model.bounds().nodes).map(|node| model.key(state.locals[node]));
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
        let later = leader_since(model, state, usize::from(holder.me), |of| of > lease.term);
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
fn leader_since(model: &Model, state: &Global, node: usize, wanted: impl Fn(u64) -> bool) -> bool {
    let leads = |other: usize| {
        let key = model.key(state.locals[other]);
        other != node && key.leads() && wanted(key.term)
    };
    let led = |message: usize| {
        let Envelope { from, message, .. } = model.messages().get(message);
        let speaks = matches!(message, Message::AppendEntries(_));
        usize::from(from) != node && speaks && wanted(message.term().0)
    };
    (0..model.bounds().nodes).any(leads) || members(&state.sent).any(led)
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
