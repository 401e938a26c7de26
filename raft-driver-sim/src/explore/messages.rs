//! The messages of a box, each by a small number, so that the set of all that were ever sent is a row of bits.
//!
//! That set stands for the network: a message in it can be delivered at any time, any number of times, in any
//! order, or never. So it covers loss, repetition, reordering and replay at once.

use std::collections::HashMap;

use raft_core::Message;
use serde::Serialize;

/// The most messages that a box can have; more fit into no memory anyway.
pub(super) const MAX_MESSAGES: usize = 64 * MAX_WORDS;
/// The same in words of a set of messages.
pub(super) const MAX_WORDS: usize = 8;

/// A message under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
pub(super) struct Envelope {
    pub(super) from: u8,
    pub(super) to: u8,
    pub(super) message: Message,
}

/// The table of messages. Messages carry no ids of nodes, so a message content is entered once for
/// all pairs of sender and receiver: number = content × pairs + pair.
pub(super) struct Messages {
    pairs: Vec<(u8, u8)>,
    pair_numbers: Vec<usize>,
    nodes: usize,
    contents: Vec<Message>,
    numbers: HashMap<Message, usize>,
    /// By receiver, the messages to it.
    to: Vec<[u64; MAX_WORDS]>,
    /// By message, those that no correct cluster sends besides it.
    conflicts: Vec<Option<Box<[u64; MAX_WORDS]>>>,
}

impl Messages {
    pub(super) fn new(nodes: usize) -> Messages {
        let mut pairs = Vec::new();
        let mut pair_numbers = vec![usize::MAX; nodes * nodes];
        for from in 0..nodes {
            for to in (0..nodes).filter(|to| *to != from) {
                pair_numbers[from * nodes + to] = pairs.len();
                pairs.push((from as u8, to as u8));
            }
        }
        Messages {
            pairs,
            pair_numbers,
            nodes,
            contents: Vec::new(),
            numbers: HashMap::new(),
            to: vec![[0; MAX_WORDS]; nodes],
            conflicts: Vec::new(),
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.conflicts.len()
    }

    /// How many words a set of them takes.
    pub(super) fn words(&self) -> usize {
        self.len().div_ceil(64)
    }

    /// All pairs of a sender and a receiver.
    pub(super) fn pairs(&self) -> &[(u8, u8)] {
        &self.pairs
    }

    pub(super) fn pair(&self, from: u8, to: u8) -> usize {
        self.pair_numbers[usize::from(from) * self.nodes + usize::from(to)]
    }

    /// The messages to a node.
    pub(super) fn to(&self, node: usize) -> &[u64; MAX_WORDS] {
        &self.to[node]
    }

    /// The messages that no correct cluster sends besides this one.
    pub(super) fn conflicts(&self, number: usize) -> Option<&[u64; MAX_WORDS]> {
        self.conflicts[number].as_deref()
    }

    pub(super) fn get(&self, number: usize) -> Envelope {
        let (from, to) = self.pairs[number % self.pairs.len()];
        let message = self.contents[number / self.pairs.len()];
        Envelope { from, to, message }
    }

    /// The place of a message among those that its receiver can get, in any box with the same contents.
    pub(super) fn place(&self, number: usize) -> usize {
        let envelope = self.pairs[number % self.pairs.len()];
        number / self.pairs.len() * self.nodes + usize::from(envelope.0)
    }

    /// The number of a message, a new one if it is new. `None` if there are too many.
    pub(super) fn enter(&mut self, envelope: &Envelope) -> Option<usize> {
        let content = match self.numbers.get(&envelope.message) {
            Some(content) => *content,
            None => self.enter_content(envelope.message)?,
        };
        Some(content * self.pairs.len() + self.pair(envelope.from, envelope.to))
    }

    fn enter_content(&mut self, message: Message) -> Option<usize> {
        let (first, end) = (self.len(), self.len() + self.pairs.len());
        if end > MAX_MESSAGES {
            return None;
        }
        let content = self.contents.len();
        self.contents.push(message);
        self.numbers.insert(message, content);
        for number in first..end {
            self.conflicts.push(None);
            let receiver = usize::from(self.get(number).to);
            self.to[receiver][number / 64] |= 1 << (number % 64);
        }
        for new in first..end {
            for other in 0..end {
                if contradict(&self.get(new), &self.get(other)) {
                    self.forbid(new, other);
                    self.forbid(other, new);
                }
            }
        }
        Some(content)
    }

    fn forbid(&mut self, number: usize, other: usize) {
        let set = self.conflicts[number].get_or_insert_with(|| Box::new([0; MAX_WORDS]));
        set[other / 64] |= 1 << (other % 64);
    }
}

/// Whether two messages break an invariant if both were ever sent: two leaders of a term, or two votes
/// of a voter in a term, its own candidacy included.
pub(super) fn contradict(a: &Envelope, b: &Envelope) -> bool {
    if a.message.term() != b.message.term() {
        return false;
    }
    match (leads(a), leads(b)) {
        (true, true) => return a.from != b.from,
        (true, false) | (false, true) => return false,
        (false, false) => {}
    }
    match (vote(a), vote(b)) {
        (Some(one), Some(other)) => a.from == b.from && one != other,
        (Some(_), None) | (None, _) => false,
    }
}

/// Whether there are messages that would contradict it.
pub(super) fn commits(envelope: &Envelope) -> bool {
    leads(envelope) || vote(envelope).is_some()
}

fn leads(envelope: &Envelope) -> bool {
    matches!(envelope.message, Message::AppendEntries(_))
}

/// For whom the message says that its sender votes.
fn vote(envelope: &Envelope) -> Option<u8> {
    match envelope.message {
        Message::RequestVote(_) => Some(envelope.from),
        Message::RequestVoteResponse(response) if response.vote_granted => Some(envelope.to),
        Message::RequestVoteResponse(_)
        | Message::AppendEntries(_)
        | Message::AppendEntriesResponse(_)
        | Message::RequestPreVote(_)
        | Message::RequestPreVoteResponse(_)
        | Message::TimeoutNow(_) => None,
    }
}

/// The numbers in a set, ascending.
pub(super) fn members(set: &[u64]) -> impl Iterator<Item = usize> + '_ {
    set.iter().enumerate().flat_map(|(index, word)| {
        let mut rest = *word;
        core::iter::from_fn(move || {
            if rest == 0 {
                return None;
            }
            let bit = rest.trailing_zeros() as usize;
            rest &= rest - 1;
            Some(index * 64 + bit)
        })
    })
}
