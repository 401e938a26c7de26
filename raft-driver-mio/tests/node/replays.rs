//! Recordings that are played again: of each kind of message, within a term and across restarts of either side. They
//! change nothing, extend no lease, and stall nobody.

use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use raft_driver_mio::raft_core::{
    AppendEntries, AppendEntriesResponse, Message, RequestPreVote, RequestPreVoteResponse,
    RequestVote, RequestVoteResponse, RoleKind, Term,
};
use raft_driver_mio::{Instant, MAX_DATAGRAM, Opened};

use crate::common::{Done, PATIENCE, status, wait_until};
use crate::duel::{Duel, IDLE, decided, deliver, dropped, each_kind, heartbeat};

/// Says one message of each kind, and returns the recordings.
fn a_life(duel: &mut Duel, term: Term) -> Vec<Vec<u8>> {
    each_kind(term)
        .iter()
        .map(|message| duel.say(Some(message)))
        .collect()
}

#[test]
fn each_message_played_again_in_its_term_changes_nothing() {
    let mut duel = Duel::new(IDLE);
    duel.greet();
    let (mut recordings, mut before) = (Vec::new(), decided(&duel.node));
    let (stale, mut changes) = (duel.stale(), 0);
    for message in each_kind(Term(7)) {
        recordings.push(duel.say(Some(&message)));
        let after = decided(&duel.node);
        changes += u32::from(after != before);
        // All that was ever said, while all of it is fresh.
        for _ in 0..5 {
            deliver(&duel.node, &duel.socket, &recordings);
            assert_eq!(decided(&duel.node), after, "after {message:?}");
        }
        before = after;
    }
    // Led, led on, a vote, led again, a candidacy: the first time each did what it says.
    assert_eq!(changes, 5);
    assert_eq!(before.0, Term(9));
    assert!(dropped(&duel.node, "message_stale") > 0);
    assert_eq!(duel.stale(), stale, "not all of it was fresh");
    duel.assert_alive();
}

#[test]
fn recordings_are_nothing_to_a_receiver_that_was_restarted() {
    let mut duel = Duel::new(IDLE);
    duel.greet();
    let recordings = a_life(&mut duel, Term(7));
    duel.restart_node();
    let before = decided(&duel.node);
    assert_eq!(before.0, Term(9));
    for _ in 0..5 {
        deliver(&duel.node, &duel.socket, &recordings);
    }
    assert_eq!(decided(&duel.node), before);
    assert_eq!(duel.stale(), 5 * recordings.len() as u64);
    // Nor once the two know each other again.
    duel.greet();
    let stale = duel.stale();
    deliver(&duel.node, &duel.socket, &recordings);
    assert_eq!(decided(&duel.node), before);
    assert_eq!(duel.stale(), stale + recordings.len() as u64);
    duel.assert_alive();
}

#[test]
fn recordings_of_a_sender_that_was_restarted_are_nothing() {
    let mut duel = Duel::new(IDLE);
    duel.greet();
    let recordings = a_life(&mut duel, Term(7));
    duel.restart_peer();
    duel.greet();
    let (before, stale) = (decided(&duel.node), duel.stale());
    for _ in 0..5 {
        deliver(&duel.node, &duel.socket, &recordings);
    }
    assert_eq!(decided(&duel.node), before);
    assert_eq!(duel.stale(), stale + 5 * recordings.len() as u64);
    duel.assert_alive();
}

#[test]
fn recordings_of_two_renewals_ago_are_nothing() {
    let mut duel = Duel::new(Duration::from_millis(200));
    duel.greet();
    let recording = duel.say(Some(&heartbeat(Term(70), 1)));
    assert_eq!(status(&duel.node).term, Term(70));
    // The node renews its challenge every two election timeouts, and does not hear this peer any more.
    wait_until("the recording is stale", || {
        let stale = duel.stale();
        deliver(&duel.node, &duel.socket, std::slice::from_ref(&recording));
        duel.stale() > stale
    });
    let before = status(&duel.node).term;
    deliver(&duel.node, &duel.socket, &vec![recording; 100]);
    assert_eq!(status(&duel.node).term, before);
}

/// Answers as a voter that grants all and follows, until `done`; returns its answers to heartbeats.
fn follow(duel: &mut Duel, done: impl Fn(&Duel, usize) -> bool) -> Vec<Vec<u8>> {
    let mut recordings = Vec::new();
    let mut buffer = [0; MAX_DATAGRAM];
    while !done(duel, recordings.len()) {
        let length = duel.socket.recv(&mut buffer).expect("a datagram");
        let (answer, is_follower) = match duel.peer.0.open(&buffer[..length]) {
            Opened::Message { message, .. } => match answer(&message) {
                Some(answer) => {
                    let heartbeat = matches!(message, Message::AppendEntries(_));
                    (duel.peer.seal(duel.node.id(), Some(&answer)), heartbeat)
                }
                None => continue,
            },
            Opened::Stale { answer, .. } => (answer.to_vec(), false),
            Opened::Empty { .. } | Opened::Question { .. } | Opened::Report { .. } => continue,
            Opened::Dropped(reason) => panic!("{reason}"),
        };
        deliver(&duel.node, &duel.socket, std::slice::from_ref(&answer));
        if is_follower {
            recordings.push(answer);
        }
    }
    recordings
}

fn answer(message: &Message) -> Option<Message> {
    match *message {
        Message::RequestPreVote(RequestPreVote {
            prospective_term,
            nonce,
            ..
        }) => Some(Message::RequestPreVoteResponse(RequestPreVoteResponse {
            term: Term(prospective_term.0 - 1),
            nonce,
            vote_granted: true,
        })),
        Message::RequestVote(RequestVote { term, .. }) => {
            Some(Message::RequestVoteResponse(RequestVoteResponse {
                term,
                vote_granted: true,
            }))
        }
        Message::AppendEntries(AppendEntries { term, round, .. }) => {
            Some(Message::AppendEntriesResponse(AppendEntriesResponse {
                term,
                success: true,
                round,
                can_campaign: true,
            }))
        }
        _ => None,
    }
}

#[test]
fn recorded_answers_extend_no_lease() {
    let mut duel = Duel::new(Duration::from_secs(2));
    let recordings = follow(&mut duel, |duel, answers| {
        answers >= 10 && duel.node.lease().is_some()
    });
    let (term, left) = duel.node.lease().expect("a lease");
    let end = Instant::now() + left;
    let played = AtomicBool::new(false);
    // The peer is silent from now on; its answers are not, neither while the lease lasts nor while it still calls itself leader.
    wait_until("the leader gives up", || {
        deliver(&duel.node, &duel.socket, &recordings);
        let now = Instant::now();
        if let Some((same, left)) = duel.node.lease() {
            played.store(true, Ordering::Relaxed);
            assert_eq!(same, term);
            assert!(now + left <= end, "a recording extended the lease");
        }
        duel.node.view().role != RoleKind::Leader
    });
    assert!(played.into_inner(), "nothing was played during the lease");
    assert_eq!(duel.node.lease(), None);
    let lost = duel.node.view().lost.expect("an end");
    assert_eq!(lost.0, term);
}

/// The answers that a peer gets are bounded, and recordings use them up: a peer that starts is heard nevertheless.
#[test]
fn a_peer_that_starts_is_heard_while_recordings_of_it_are_played() {
    let mut duel = Duel::new(Duration::from_secs(1));
    duel.greet();
    let recording = duel.say(Some(&heartbeat(Term(7), 1)));
    duel.restart_peer();
    let done = AtomicBool::new(false);
    let stranger = UdpSocket::bind("127.0.0.1:0").expect("the loopback");
    let to = duel.node.local_address();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                // The node's socket may be full.
                let _ = stranger.send_to(&recording, to);
                std::thread::sleep(Duration::from_micros(100));
            }
        });
        let _done = Done(&done);
        wait_until("the answers are used up", || {
            dropped(&duel.node, "stale_elsewhere") > 20
        });
        assert!(hear(&mut duel), "never heard");
    });
}

/// Speaks as a node that has just started does, until it is followed.
fn hear(duel: &mut Duel) -> bool {
    let start = Instant::now();
    let mut buffer = [0; MAX_DATAGRAM];
    let timeout = Some(Duration::from_millis(50));
    duel.socket.set_read_timeout(timeout).expect("a timeout");
    let (term, to) = (Term(1000), duel.node.local_address());
    let mut round = 0;
    while Instant::now().saturating_duration_since(start) < PATIENCE {
        if let Ok(length) = duel.socket.recv(&mut buffer)
            && let Opened::Stale { answer, .. } = duel.peer.0.open(&buffer[..length])
        {
            duel.socket.send_to(answer, to).expect("sent");
        }
        round += 1;
        let heartbeat = duel
            .peer
            .seal(duel.node.id(), Some(&heartbeat(term, round)));
        duel.socket.send_to(&heartbeat, to).expect("sent");
        if duel.node.view().term == term {
            return true;
        }
    }
    false
}
