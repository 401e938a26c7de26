//! Counters of what happened in a world.

use raft_core::{Message, MessageKind, wire};

use crate::network::is_request;

/// Counters since the world began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Things that happened: messages that arrived, timers that were looked at, syncs that were done.
    pub events: u64,
    /// Steps of cores.
    pub steps: u64,
    /// Messages that arrived, copies counted.
    pub delivered: u64,
    /// Messages that were lost on the way or because the receiver was down.
    pub lost: u64,
    /// Second copies.
    pub duplicated: u64,
    /// How often a node became leader.
    pub leaderships: u64,
    /// Bytes of requests, counted when they are sent, lost or not. Zero unless metered.
    pub request_bytes: u64,
    /// Bytes of responses, counted when they arrive. Zero unless metered.
    pub response_bytes: u64,
    sent: [u64; 7],
    responses_delivered: u64,
}

impl Stats {
    /// How many messages of a kind were sent, lost ones included.
    pub fn sent(&self, kind: MessageKind) -> u64 {
        self.sent[kind as usize]
    }

    /// How many messages were sent.
    pub fn messages(&self) -> u64 {
        self.sent.iter().sum()
    }

    /// How many requests were sent: remote procedure calls, if one thinks of it so.
    pub fn requests(&self) -> u64 {
        use MessageKind::{AppendEntries, RequestPreVote, RequestVote, TimeoutNow};
        [RequestVote, AppendEntries, RequestPreVote, TimeoutNow]
            .map(|kind| self.sent(kind))
            .iter()
            .sum()
    }

    /// How many responses arrived, copies counted.
    pub fn responses_delivered(&self) -> u64 {
        self.responses_delivered
    }

    #[inline]
    pub(crate) fn count_sent(&mut self, message: &Message, meter: bool) {
        self.sent[message.kind() as usize] += 1;
        if meter && is_request(message.kind()) {
            self.request_bytes += encoded_len(message);
        }
    }

    #[inline]
    pub(crate) fn count_delivered(&mut self, message: &Message, meter: bool) {
        self.delivered += 1;
        if !is_request(message.kind()) {
            self.responses_delivered += 1;
            if meter {
                self.response_bytes += encoded_len(message);
            }
        }
    }
}

fn encoded_len(message: &Message) -> u64 {
    wire::encode(message, &mut [0; wire::MAX_LEN]).len() as u64
}
