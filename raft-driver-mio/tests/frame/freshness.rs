//! Recordings that are played again, restarts, clones.

use quickcheck::{Arbitrary, Gen, TestResult, quickcheck};
use raft_core::{Message, Term, TimeoutNow};
use raft_driver_mio::{DropReason, Opened, Transport};

use crate::nodes::{A, B, acquaint, greet, pair, sealed, unsealed};

const MESSAGE: Message = Message::TimeoutNow(TimeoutNow {
    term: Term(3),
    stopped: true,
});

fn is_message(opened: Opened<'_>) -> bool {
    matches!(opened, Opened::Message { .. })
}

#[test]
fn a_message_is_heard_once_its_sender_has_learnt_the_challenge_from_an_answer() {
    let (mut a, mut b) = (sealed(A, 1), sealed(B, 2));
    let first = a.seal(B, Some(&MESSAGE)).to_vec();
    let Opened::Stale { from: A, answer } = b.open(&first) else {
        panic!()
    };
    let answer = answer.to_vec();
    assert!(answer.len() <= first.len());
    assert_eq!(a.open(&answer), Opened::Empty { from: B });
    let second = a.seal(B, Some(&MESSAGE)).to_vec();
    assert!(is_message(b.open(&second)));
    // Its response is heard, and from then on all that the two say.
    for _ in 0..3 {
        let response = b.seal(A, Some(&MESSAGE)).to_vec();
        assert!(is_message(a.open(&response)));
        let next = a.seal(B, Some(&MESSAGE)).to_vec();
        assert!(is_message(b.open(&next)));
    }
}

/// A burst that was sealed before the sender could learn the challenge that its being heard led to.
#[test]
fn the_first_burst_of_a_run_is_heard_whole() {
    let (mut a, mut b) = (sealed(A, 1), sealed(B, 2));
    greet(&mut a, &mut b, B);
    let burst: Vec<_> = (0..3).map(|_| a.seal(B, Some(&MESSAGE)).to_vec()).collect();
    for datagram in &burst {
        assert!(is_message(b.open(datagram)));
    }
}

/// A leader and a follower that exchange one datagram each way between two renewals never
/// lose one.
#[test]
fn renewals_cost_nothing_where_datagrams_flow_both_ways() {
    let (mut a, mut b) = pair(sealed);
    for turn in 0..20 {
        let request = a.seal(B, Some(&MESSAGE)).to_vec();
        assert!(is_message(b.open(&request)));
        let response = b.seal(A, Some(&MESSAGE)).to_vec();
        assert!(is_message(a.open(&response)));
        if turn % 2 == 0 {
            a.renew_challenge();
        }
        b.renew_challenge();
    }
}

#[test]
fn a_recording_is_worthless_after_two_renewals() {
    for make in [sealed, unsealed] {
        let (mut a, mut b) = pair(make);
        let recording = a.seal(B, Some(&MESSAGE)).to_vec();
        assert!(is_message(b.open(&recording)));
        b.renew_challenge();
        assert!(is_message(b.open(&recording)));
        b.renew_challenge();
        assert!(matches!(b.open(&recording), Opened::Stale { from: A, .. }));
    }
}

#[test]
fn a_recording_is_worthless_after_a_restart_of_its_receiver() {
    let (mut a, _) = pair(sealed);
    let recording = a.seal(B, Some(&MESSAGE)).to_vec();
    let mut restarted = sealed(B, 3);
    assert!(matches!(
        restarted.open(&recording),
        Opened::Stale { from: A, .. }
    ));
    acquaint(&mut a, &mut restarted);
    assert!(matches!(
        restarted.open(&recording),
        Opened::Stale { from: A, .. }
    ));
}

#[test]
fn a_recording_is_worthless_once_the_restarted_sender_was_heard() {
    let (mut a, mut b) = pair(sealed);
    let recording = a.seal(B, Some(&MESSAGE)).to_vec();
    let mut restarted = sealed(A, 3);
    acquaint(&mut restarted, &mut b);
    assert!(matches!(b.open(&recording), Opened::Stale { from: A, .. }));
    // And it does the new run no harm.
    let next = restarted.seal(B, Some(&MESSAGE)).to_vec();
    assert!(is_message(b.open(&next)));
}

/// A recording that its receiver never got, of a sender that it never heard.
#[test]
fn a_recording_of_a_run_that_was_never_heard_is_worthless_once_the_next_run_was_heard() {
    let (mut a, mut b) = (sealed(A, 1), sealed(B, 2));
    greet(&mut a, &mut b, B);
    let recording = a.seal(B, Some(&MESSAGE)).to_vec();
    let mut restarted = sealed(A, 3);
    acquaint(&mut restarted, &mut b);
    assert!(matches!(b.open(&recording), Opened::Stale { from: A, .. }));
    let next = restarted.seal(B, Some(&MESSAGE)).to_vec();
    assert!(is_message(b.open(&next)));
}

/// Both runs of A are alive and get B's datagrams, as behind one address.
#[test]
fn two_runs_that_are_alive_are_named_and_one_of_them_is_heard() {
    let (mut a, mut b) = pair(sealed);
    let mut clone = sealed(A, 3);
    acquaint(&mut clone, &mut b);
    greet(&mut a, &mut b, B);
    let old = a.seal(B, Some(&MESSAGE)).to_vec();
    let new = clone.seal(B, Some(&MESSAGE)).to_vec();
    for _ in 0..3 {
        assert_eq!(b.open(&old), Opened::Dropped(DropReason::ClonedId));
        assert!(is_message(b.open(&new)));
    }
    // When the clone is stopped, the node that is meant comes back without a restart.
    for _ in 0..3 {
        b.renew_challenge();
    }
    greet(&mut a, &mut b, B);
    let old = a.seal(B, Some(&MESSAGE)).to_vec();
    assert!(is_message(b.open(&old)));
}

/// What may happen between two nodes, 0 and 1, and one who records all that passes.
#[derive(Clone, Debug)]
enum Step {
    /// The node seals a message for the other; it is recorded.
    Seal(bool),
    /// A recording is delivered, for the first time or again.
    Deliver(usize),
    Renew(bool),
    Restart(bool),
}

impl Arbitrary for Step {
    fn arbitrary(g: &mut Gen) -> Self {
        let node = bool::arbitrary(g);
        match u8::arbitrary(g) % 16 {
            0..6 => Step::Seal(node),
            6..13 => Step::Deliver(usize::arbitrary(g)),
            13..15 => Step::Renew(node),
            _ => Step::Restart(node),
        }
    }
}

struct Recording {
    to: usize,
    bytes: Vec<u8>,
    /// Of its receiver, when it was sealed.
    run: u64,
    renewals: u64,
}

/// Two nodes without a key: what is fresh is judged alike, and faster.
struct World {
    nodes: [Transport; 2],
    runs: [u64; 2],
    renewals: [u64; 2],
    recordings: Vec<Recording>,
}

impl World {
    fn new() -> World {
        World {
            nodes: [unsealed(A, 0), unsealed(B, 1)],
            runs: [0, 0],
            renewals: [0, 0],
            recordings: Vec::new(),
        }
    }

    fn record(&mut self, to: usize, bytes: Vec<u8>) {
        self.recordings.push(Recording {
            to,
            bytes,
            run: self.runs[to],
            renewals: self.renewals[to],
        });
    }

    fn seal(&mut self, node: usize) {
        let bytes = self.nodes[node].seal([B, A][node], Some(&MESSAGE)).to_vec();
        self.record(1 - node, bytes);
    }

    fn restart(&mut self, node: usize) {
        self.runs[node] += 1;
        let seed = 2 * self.runs[node] + node as u64;
        self.nodes[node] = unsealed([A, B][node], seed);
    }

    fn renew(&mut self, node: usize) {
        self.renewals[node] += 1;
        self.nodes[node].renew_challenge();
    }

    /// Delivers a recording and the answers that follow.
    fn deliver(&mut self, index: usize) -> Result<(), String> {
        let recording = &self.recordings[index];
        let (mut to, mut bytes) = (recording.to, recording.bytes.clone());
        let old = recording.run != self.runs[to] || self.renewals[to] >= recording.renewals + 2;
        for answers in 0.. {
            let answer = match self.nodes[to].open(&bytes) {
                Opened::Message { .. } | Opened::Empty { .. } if answers > 0 || !old => {
                    return Ok(());
                }
                Opened::Stale { answer, .. } => answer.to_vec(),
                other => return Err(format!("{other:?}, old: {old}, answer {answers}")),
            };
            if answer.len() > bytes.len() {
                return Err(format!("{} answered {}", answer.len(), bytes.len()));
            }
            if answers == 2 {
                return Err("answers without end".to_owned());
            }
            to = 1 - to;
            bytes = answer.clone();
            self.record(to, answer);
        }
        Ok(())
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        match *step {
            Step::Seal(node) => self.seal(usize::from(node)),
            Step::Deliver(index) if !self.recordings.is_empty() => {
                return self.deliver(index % self.recordings.len());
            }
            Step::Deliver(_) => {}
            Step::Renew(node) => self.renew(usize::from(node)),
            Step::Restart(node) => self.restart(usize::from(node)),
        }
        Ok(())
    }
}

quickcheck! {
    /// Nothing recorded before a restart of the receiver or two renewals ago is heard, every answer
    /// is no longer than what it answers, answers end, and no history shuts a node out.
    fn whoever_records_and_replays(steps: Vec<Step>) -> TestResult {
        let mut world = World::new();
        for (index, step) in steps.iter().enumerate() {
            if let Err(error) = world.step(step) {
                return TestResult::error(format!("step {index}: {error}"));
            }
        }
        // What is sent now is heard after the answers that the two may need: to learn the
        // other's challenge, to be learnt, and a last one after a restart.
        for _ in 0..2 {
            for node in [0, 1] {
                world.seal(node);
                let last = world.recordings.len() - 1;
                if let Err(error) = world.deliver(last) {
                    return TestResult::error(error);
                }
            }
        }
        let [a, b] = &mut world.nodes;
        let (to_b, to_a) = (a.seal(B, Some(&MESSAGE)).to_vec(), b.seal(A, Some(&MESSAGE)).to_vec());
        TestResult::from_bool(is_message(b.open(&to_b)) && is_message(a.open(&to_a)))
    }
}
