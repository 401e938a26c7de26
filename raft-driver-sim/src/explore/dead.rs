//! Messages that can no longer matter are forgotten: whether they were sent makes no difference to anything that can
//! happen or is asked from now on, so two states that differ only in them are one.
//!
//! Terms never fall, across restarts either (the disk holds the term at the end of every step), so what a higher term
//! rules out is ruled out for good. `T` is the last term of the box. A message is dead when
//!
//! - it is a refusal and its term is not above its receiver's: a refusal only teaches a term;
//! - it grants a pre-vote and its receiver has gone on to the term asked about: questions of another
//!   term have other numbers;
//! - it answers a round and its receiver cannot lead in that term any more, has begun to hand over, or has confirmed that round with
//!   this answer in it; in plain Raft, which confirms no rounds, always;
//! - it is a TimeoutNow and its receiver's term is above its own, or the next term is outside the box (a paused node, which refuses to campaign,
//!   still learns its term from it);
//! - it asks for a pre-vote, its receiver has reached the term asked about, so that it refuses, and its sender is in `T`, so
//!   that no refusal can teach it;
//! - it is a vote request or a heartbeat, its receiver's term is above its own, and its sender is in `T`: it only brings a refusal;
//! - it grants a vote, its receiver is no candidate of that term any more (a candidacy begins with its term, so it never
//!   is one again), and its sender's term is above it, so that the sender cannot vote in that term again.
//!
//! The history that is asked about is not touched: a candidate's votes, a leader's answers and the second vote of a voter are
//! looked for only while one of the two is in that term, and a later leader's heartbeat to the leader whose lease it breaks is
//! of a term above its receiver's.
//!
//! All this is about the core as it should be. Whether it is true of the core that is explored is seen by the
//! [audit](super::audit) at the end of a search.

use raft_core::{Message, Protocol};

use super::bounds::Bounds;
use super::key::{Key, KeyRole};
use super::messages::{Envelope, MAX_WORDS, Messages, members};

/// The messages from and to a node that are dead by its local state.
#[derive(Clone, Debug)]
pub(super) struct Dead {
    /// Those that no other node has a say in.
    alone: [u64; MAX_WORDS],
    /// Those to it that are dead if their sender agrees.
    as_receiver: [u64; MAX_WORDS],
    /// Those from it that are dead if their receiver agrees.
    as_sender: [u64; MAX_WORDS],
}

impl Dead {
    pub(super) fn new() -> Dead {
        Dead {
            alone: [0; MAX_WORDS],
            as_receiver: [0; MAX_WORDS],
            as_sender: [0; MAX_WORDS],
        }
    }

    /// Judges the messages from number `first` on.
    pub(super) fn extend(&mut self, key: &Key, messages: &Messages, first: usize, bounds: &Bounds) {
        for number in first..messages.len() {
            let envelope = messages.get(number);
            let (word, bit) = (number / 64, 1 << (number % 64));
            if envelope.to == key.me {
                match to(key, &envelope, bounds) {
                    Verdict::Dead => self.alone[word] |= bit,
                    Verdict::DeadIfAgreed => self.as_receiver[word] |= bit,
                    Verdict::Alive => {}
                }
            } else if envelope.from == key.me {
                match from(key, &envelope.message, bounds) {
                    Verdict::Dead => self.alone[word] |= bit,
                    Verdict::DeadIfAgreed => self.as_sender[word] |= bit,
                    Verdict::Alive => {}
                }
            }
        }
    }

    /// Whether the message is dead whatever other nodes say.
    pub(super) fn is_dead(&self, message: usize) -> bool {
        has(&self.alone, message)
    }

    /// Whether the message, to this node, is dead if its sender says so too.
    pub(super) fn if_sender_agrees(&self, message: usize) -> bool {
        has(&self.as_receiver, message)
    }

    /// A message that is dead in this local state, and not as much so in a later one.
    pub(super) fn woken(&self, later: &Dead) -> Option<usize> {
        let woken: Vec<u64> = (0..MAX_WORDS)
            .map(|word| {
                let alone = later.alone[word];
                self.alone[word] & !alone
                    | self.as_receiver[word] & !(later.as_receiver[word] | alone)
                    | self.as_sender[word] & !(later.as_sender[word] | alone)
            })
            .collect();
        members(&woken).next()
    }

    /// Calls a message dead.
    #[cfg(test)]
    pub(super) fn declare(&mut self, message: usize) {
        self.alone[message / 64] |= 1 << (message % 64);
    }

    /// What a word of the set of messages keeps, given what all nodes say.
    pub(super) fn living<'a>(all: impl Iterator<Item = &'a Dead>, word: usize) -> u64 {
        let (mut alone, mut as_receiver, mut as_sender) = (0, 0, 0);
        for dead in all {
            alone |= dead.alone[word];
            as_receiver |= dead.as_receiver[word];
            as_sender |= dead.as_sender[word];
        }
        !(alone | (as_receiver & as_sender))
    }
}

fn has(set: &[u64; MAX_WORDS], message: usize) -> bool {
    set[message / 64] & 1 << (message % 64) != 0
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Alive,
    DeadIfAgreed,
    Dead,
}

fn dead(is: bool) -> Verdict {
    if is { Verdict::Dead } else { Verdict::Alive }
}

fn dead_if_agreed(is: bool) -> Verdict {
    if is {
        Verdict::DeadIfAgreed
    } else {
        Verdict::Alive
    }
}

/// The receiver's say.
fn to(key: &Key, envelope: &Envelope, bounds: &Bounds) -> Verdict {
    let past = key.term > envelope.message.term().0;
    let reached = key.term >= envelope.message.term().0;
    match envelope.message {
        Message::RequestVote(_) | Message::AppendEntries(_) => dead_if_agreed(past),
        Message::RequestPreVote(_) => dead_if_agreed(reached),
        Message::RequestVoteResponse(response) if response.vote_granted => {
            let decided = reached && !matches!(key.role, KeyRole::Candidate { .. });
            dead_if_agreed(past || decided)
        }
        Message::RequestPreVoteResponse(response) if response.vote_granted => {
            dead(reached && key.term >= response.nonce)
        }
        Message::AppendEntriesResponse(response) if response.success => {
            let round = response.round.0;
            let counts = match &key.role {
                KeyRole::Leader {
                    answered,
                    confirmed,
                    transfer: None,
                } if bounds.protocol == Protocol::Standard => {
                    *confirmed < round || answered[usize::from(envelope.from)] < round
                }
                // It may lead yet; then this would count. (Nobody answers a round that has not begun.)
                KeyRole::Candidate { .. } => bounds.protocol == Protocol::Standard,
                _ => false,
            };
            dead(past || reached && !counts)
        }
        Message::RequestVoteResponse(_)
        | Message::AppendEntriesResponse(_)
        | Message::RequestPreVoteResponse(_) => dead(reached),
        Message::TimeoutNow(request) => {
            let only_teaches = request.term.0 >= bounds.terms;
            dead(past || only_teaches && (reached || !bounds.pauses))
        }
    }
}

/// The sender's say.
fn from(key: &Key, message: &Message, bounds: &Bounds) -> Verdict {
    match message {
        Message::RequestPreVote(_) | Message::RequestVote(_) | Message::AppendEntries(_) => {
            dead_if_agreed(key.term >= bounds.terms)
        }
        Message::RequestVoteResponse(response) if response.vote_granted => {
            dead_if_agreed(key.term > response.term.0)
        }
        Message::RequestVoteResponse(_)
        | Message::AppendEntriesResponse(_)
        | Message::RequestPreVoteResponse(_)
        | Message::TimeoutNow(_) => Verdict::Alive,
    }
}
