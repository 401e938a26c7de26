//! The lab's `test_test.go`: the three tests, step by step.

use core::time::Duration;

use raft_core::{NodeId, Term};

use super::harness::Harness;
use super::recorder::Recorder;
use super::{Failure, Lab, Outcome, SEAL_BYTES, Test};
use crate::observer::Observer;
use crate::world::World;

/// The lab's "generous" guess at how long an election takes. It is slept, never checked.
const ELECTION: Duration = Duration::from_secs(1);

pub(super) fn run<O: Observer>(lab: &Lab, test: Test, seed: u64, observer: O) -> (Outcome, O) {
    let settings = lab.settings(test, seed);
    let world = World::observed(&settings, seed, (Recorder::default(), observer))
        .expect("the lab's setting is valid");
    let mut harness = Harness::new(world, lab.network);
    let ended = match test {
        Test::Initial => initial_election(&mut harness),
        Test::Reelection => reelection(&mut harness),
        Test::Many => many_elections(&mut harness),
    };
    let world = &harness.world;
    let stats = world.stats();
    let terms = world.highest_term().0;
    let messages = stats.requests() + stats.responses_delivered();
    let outcome = Outcome {
        test,
        seed,
        failure: ended.err().or(harness.failure),
        time: world.now().since(crate::time::Time::default()),
        peers: test.peers(),
        rpcs: stats.requests(),
        bytes: stats.request_bytes + stats.response_bytes,
        seal_bytes: messages * SEAL_BYTES,
        commits: 0,
        terms,
        leaders_lost: harness.leaders_lost,
        excess_terms: terms.saturating_sub(1 + harness.leaders_lost),
        to_leader: harness.to_leader,
    };
    (outcome, harness.world.into_observer().1)
}

fn initial_election<O: Observer>(lab: &mut Harness<O>) -> Result<(), Failure> {
    // Is a leader elected?
    lab.check_one_leader()?;
    // Sleep a bit so that followers learn of the election, then see that they agree.
    lab.sleep(Duration::from_millis(50))?;
    let from = lab.check_terms()?;
    if from == Term(0) {
        return Err(Failure::TermZero);
    }
    // Do leader and term stay the same without failures?
    lab.sleep(ELECTION * 2)?;
    let to = lab.check_terms()?;
    if from != to {
        let failure = Failure::TermChanged { from, to };
        lab.failure.get_or_insert(failure);
    }
    lab.check_one_leader()?;
    Ok(())
}

fn reelection<O: Observer>(lab: &mut Harness<O>) -> Result<(), Failure> {
    let first = lab.check_one_leader()?;
    // If the leader is cut off, another is elected.
    lab.disconnect(first);
    lab.check_one_leader()?;
    // The old leader's return disturbs nobody, and it becomes a follower.
    lab.connect(first);
    let second = lab.check_one_leader()?;
    // Without a quorum nobody is elected.
    let other = NodeId((second.0 + 1) % 3);
    lab.disconnect(second);
    lab.disconnect(other);
    lab.sleep(ELECTION * 2)?;
    lab.check_no_leader()?;
    // With one, somebody is.
    lab.connect(other);
    lab.check_one_leader()?;
    // The last one's return disturbs nobody.
    lab.connect(second);
    lab.check_one_leader()?;
    Ok(())
}

fn many_elections<O: Observer>(lab: &mut Harness<O>) -> Result<(), Failure> {
    lab.check_one_leader()?;
    for _ in 1..10 {
        // Up to three, since they are drawn with replacement; four are left at the least.
        let victims: [NodeId; 3] = core::array::from_fn(|_| NodeId(lab.random.below(7)));
        for victim in victims {
            lab.disconnect(victim);
        }
        // Either the leader is still there or the others elect one.
        lab.check_one_leader()?;
        for victim in victims {
            lab.connect(victim);
        }
    }
    lab.check_one_leader()?;
    Ok(())
}
