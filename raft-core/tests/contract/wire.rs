//! The codec of messages (feature `wire`). The bytes are the protocol: nodes of different builds must agree on them.

use core::time::Duration;

use raft_core::wire::{MAX_LEN, Malformed, decode, encode};
use raft_core::{
    AppendEntries, AppendEntriesResponse, LogIndex, LogPosition, Message, RequestPreVote,
    RequestPreVoteResponse, RequestVote, RequestVoteResponse, Round, Term, TimeoutNow,
};

use super::any::{self, Choice, check, event};
use crate::common::log;

/// A message of each kind with these numbers.
fn one_of_each(number: u64, last_log: LogPosition, yes: bool, lease: Duration) -> [Message; 7] {
    let (term, round, nonce) = (Term(number), Round(number), number);
    [
        Message::RequestVote(RequestVote {
            term,
            last_log,
            leadership_transfer: yes,
        }),
        Message::RequestVoteResponse(RequestVoteResponse {
            term,
            vote_granted: yes,
        }),
        Message::AppendEntries(AppendEntries {
            term,
            prev_log: last_log,
            leader_commit: LogIndex(number),
            round,
            lease,
        }),
        Message::AppendEntriesResponse(AppendEntriesResponse {
            term,
            success: yes,
            round,
            can_campaign: !yes,
        }),
        Message::RequestPreVote(RequestPreVote {
            prospective_term: term,
            last_log,
            nonce,
        }),
        Message::RequestPreVoteResponse(RequestPreVoteResponse {
            term,
            nonce,
            vote_granted: yes,
        }),
        Message::TimeoutNow(TimeoutNow { term, stopped: yes }),
    ]
}

// Version 1: postcard. The kind, then the fields in order; numbers in groups of seven bits, the low ones first; a duration
// as seconds and nanoseconds. Whoever changes a byte here makes a new version of the protocol.
#[test]
fn the_bytes_of_version_1() {
    let messages = one_of_each(200, log(5, 300), true, Duration::from_millis(400));
    let golden: [&[u8]; 7] = [
        &[0, 0xC8, 1, 5, 0xAC, 2, 1],
        &[1, 0xC8, 1, 1],
        &[
            2, 0xC8, 1, 5, 0xAC, 2, 0xC8, 1, 0xC8, 1, 0, 0x80, 0x88, 0xDE, 0xBE, 1,
        ],
        &[3, 0xC8, 1, 1, 0xC8, 1, 0],
        &[4, 0xC8, 1, 5, 0xAC, 2, 0xC8, 1],
        &[5, 0xC8, 1, 0xC8, 1, 1],
        &[6, 0xC8, 1, 1],
    ];
    for (message, bytes) in messages.iter().zip(golden) {
        assert_eq!(encode(message, &mut [0; MAX_LEN]), bytes, "{message:?}");
        assert_eq!(decode(bytes), Ok(*message));
    }
}

#[test]
fn the_longest_messages_fit() {
    let longest = one_of_each(u64::MAX, log(u64::MAX, u64::MAX), true, Duration::MAX);
    let lengths = longest.map(|message| {
        let mut buffer = [0; MAX_LEN];
        let bytes = encode(&message, &mut buffer);
        assert_eq!(decode(bytes), Ok(message));
        bytes.len()
    });
    assert_eq!(lengths, [32, 12, 66, 23, 41, 22, 12]);
}

#[test]
fn what_is_encoded_is_decoded() {
    fn property(setup: u8, choices: Vec<Choice>) {
        let node = any::node(setup, 7);
        for choice in choices {
            if let raft_core::Event::Receive { message, .. } = event(&node, choice) {
                assert_eq!(decode(encode(&message, &mut [0; MAX_LEN])), Ok(message));
            }
        }
    }
    check(500, 100, property as fn(u8, Vec<Choice>));
}

#[test]
fn any_bytes_are_a_message_or_malformed() {
    fn property(bytes: Vec<u8>, kind: u8) {
        let kinds = core::iter::once(kind % 7).chain(bytes.iter().copied());
        for bytes in [bytes.clone(), kinds.collect()] {
            if let Ok(message) = decode(&bytes) {
                assert_eq!(decode(encode(&message, &mut [0; MAX_LEN])), Ok(message));
            }
        }
    }
    check(5_000, 80, property as fn(Vec<u8>, u8));
}

#[test]
fn a_message_that_is_cut_or_continued_is_malformed() {
    for message in one_of_each(200, log(5, 300), true, Duration::from_millis(400)) {
        let mut buffer = [0; MAX_LEN];
        let mut bytes = encode(&message, &mut buffer).to_vec();
        for length in 0..bytes.len() {
            assert!(decode(&bytes[..length]).is_err(), "{message:?}");
        }
        bytes.push(0);
        assert!(decode(&bytes).is_err());
    }
}

#[test]
fn an_unknown_kind_and_numbers_out_of_range_are_malformed() {
    let too_long = [0xFF; 11];
    let no_bool = [1, 1, 2];
    let mut endless = vec![2, 1, 1, 1, 1, 1];
    endless.extend([0xFF; 9]);
    endless.extend([1, 0xFF, 0xFF, 0xFF, 0xFF, 0xF]);
    for bytes in [&[7, 1, 1][..], &too_long, &no_bool, &endless, &[]] {
        let Malformed { .. } = decode(bytes).expect_err("no message");
    }
}

#[test]
fn bytes_that_are_no_message_are_said_to_be_none() {
    let refused = decode(&[0xff; 8]).map_err(|error| error.to_string());
    assert_eq!(refused, Err("the bytes are not a message".to_owned()));
}
