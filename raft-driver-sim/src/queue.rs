//! What is to happen, in the order of time.

use core::cmp::Reverse;
use std::collections::BinaryHeap;

use raft_core::Message;

use crate::time::Time;

/// Something that is to happen to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// A message arrives.
    Delivery {
        from: usize,
        to: usize,
        message: Message,
    },
    /// A timer may have run out.
    Wake { node: usize },
    /// A sync of the disk is done, if the node has not crashed since.
    Synced { node: usize, starts: u32 },
}

/// An entry as the heap moves it about: small, with the message kept beside the heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Entry {
    Delivery { from: u8, to: u8, slot: u32 },
    Wake { node: u8 },
    Synced { node: u8, starts: u32 },
}

/// The queue. What is due at the same nanosecond happens in the order in which it was scheduled.
#[derive(Clone, Debug, Default)]
pub(crate) struct Queue {
    heap: BinaryHeap<Reverse<(Time, u64, Entry)>>,
    sequence: u64,
    messages: Vec<Option<Message>>,
    free: Vec<u32>,
}

impl Queue {
    pub(crate) fn push(&mut self, time: Time, due: Due) {
        // A world has at most 64 nodes.
        let entry = match due {
            Due::Delivery { from, to, message } => Entry::Delivery {
                from: from as u8,
                to: to as u8,
                slot: self.keep(message),
            },
            Due::Wake { node } => Entry::Wake { node: node as u8 },
            Due::Synced { node, starts } => Entry::Synced {
                node: node as u8,
                starts,
            },
        };
        self.heap.push(Reverse((time, self.sequence, entry)));
        self.sequence += 1;
    }

    /// Takes what is due first, if that is not after `until`.
    pub(crate) fn pop(&mut self, until: Time) -> Option<(Time, Due)> {
        if self.heap.peek()?.0.0 > until {
            return None;
        }
        let Reverse((time, _, entry)) = self.heap.pop()?;
        let due = match entry {
            Entry::Delivery { from, to, slot } => Due::Delivery {
                from: usize::from(from),
                to: usize::from(to),
                message: self.take(slot)?,
            },
            Entry::Wake { node } => Due::Wake {
                node: usize::from(node),
            },
            Entry::Synced { node, starts } => Due::Synced {
                node: usize::from(node),
                starts,
            },
        };
        Some((time, due))
    }

    fn keep(&mut self, message: Message) -> u32 {
        if let Some(slot) = self.free.pop() {
            self.messages[slot as usize] = Some(message);
            slot
        } else {
            self.messages.push(Some(message));
            (self.messages.len() - 1) as u32
        }
    }

    fn take(&mut self, slot: u32) -> Option<Message> {
        self.free.push(slot);
        self.messages[slot as usize].take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_comes_in_order_of_time_and_then_of_scheduling() {
        let mut queue = Queue::default();
        for (time, node) in [(5, 1), (3, 2), (5, 3), (3, 4), (9, 5)] {
            queue.push(Time::from_nanos(time), Due::Wake { node });
        }
        let until = Time::from_nanos(5);
        let order: Vec<Due> = core::iter::from_fn(|| queue.pop(until))
            .map(|(_, due)| due)
            .collect();
        assert_eq!(order, [2, 4, 1, 3].map(|node| Due::Wake { node }));
    }
}
