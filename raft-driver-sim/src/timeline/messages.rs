//! Which message was sent when, and what became of it.

use std::collections::{HashMap, VecDeque};

use raft_core::{Message, NodeId};

use super::{Arrow, words};

/// A sender, a receiver and what is in the message. A message has no number, so this is how it is known again.
pub(super) type Envelope = (NodeId, NodeId, Message);

/// All messages of a recording.
#[derive(Default)]
pub(super) struct Messages {
    list: Vec<Arrow>,
    /// Sent, and neither taken nor lost so far.
    under_way: HashMap<Envelope, VecDeque<usize>>,
}

impl Messages {
    pub(super) fn send(&mut self, envelope: Envelope, t: u64) {
        let (from, to, message) = envelope;
        let number = self.list.len();
        self.under_way
            .entry(envelope)
            .or_default()
            .push_back(number);
        self.list.push(Arrow {
            from,
            to,
            kind: message.kind(),
            sent: t,
            ends: None,
            lost: false,
            text: words::message(&message),
            taken: None,
        });
    }

    /// The message just sent is on its way; if it is already, this is a second copy.
    pub(super) fn arrives(&mut self, envelope: Envelope, t: u64, arrives: u64) {
        let latest = self.under_way.get(&envelope).and_then(VecDeque::back);
        let latest = latest.map(|number| &self.list[*number]);
        if latest.is_none_or(|arrow| arrow.ends.is_some() || arrow.sent != t) {
            self.send(envelope, t);
        }
        let number = self.list.len() - 1;
        let latest = self.under_way.get(&envelope).and_then(VecDeque::back);
        self.list[*latest.unwrap_or(&number)].ends = Some(arrives);
    }

    /// Either the message just sent, which never left, or one that found nobody.
    pub(super) fn lost(&mut self, envelope: Envelope, t: u64) {
        let Some(queue) = self.under_way.get_mut(&envelope) else {
            return;
        };
        let list = &mut self.list;
        let place = queue
            .iter()
            .position(|number| list[*number].ends == Some(t))
            .or_else(|| {
                queue
                    .iter()
                    .rposition(|number| list[*number].ends.is_none())
            });
        if let Some(number) = place.and_then(|place| queue.remove(place)) {
            list[number].lost = true;
            list[number].ends.get_or_insert(t);
        }
    }

    /// The message of this content that must have arrived first.
    fn oldest(&mut self, envelope: Envelope, t: u64) -> Option<usize> {
        let queue = self.under_way.get_mut(&envelope)?;
        let list = &self.list;
        let arrived = |number: usize| list[number].ends.unwrap_or(list[number].sent);
        let (place, _) = queue
            .iter()
            .enumerate()
            .filter(|(_, number)| arrived(**number) <= t)
            .min_by_key(|(_, number)| arrived(**number))?;
        queue.remove(place)
    }

    /// The message was taken in a moment.
    pub(super) fn taken(&mut self, envelope: Envelope, t: u64, moment: u32) {
        let number = self.oldest(envelope, t).unwrap_or_else(|| {
            // Nobody wrote down that it was sent.
            self.send(envelope, t);
            self.under_way.entry(envelope).or_default().pop_back();
            self.list.len() - 1
        });
        let arrow = &mut self.list[number];
        arrow.taken = Some(moment);
        arrow.ends.get_or_insert(t);
    }

    pub(super) fn finish(self) -> Vec<Arrow> {
        self.list
    }
}
