//! Failing runs: a disk that lies about its syncs makes them.

use core::time::Duration;

use super::{Deed, Failure, Step, Swarm};
use crate::disk::Syncing;

/// The first seed that fails when no disk waits for its syncs, and how it fails.
fn with_lying_disks() -> (Swarm, Failure) {
    (1..500)
        .find_map(|seed| {
            let mut swarm = Swarm::with_nodes(seed, 5);
            let t = swarm.settings.options.election_timeout;
            swarm.settings.disk.syncing = Syncing::IsIgnored;
            swarm.settings.disk.sync_max = t;
            let failure = swarm.run().err()?;
            Some((swarm, failure))
        })
        .expect("a forgotten vote is noticed")
}

#[test]
fn a_failure_shrinks_to_a_short_run_that_fails_likewise_from_a_file() {
    let (swarm, failure) = with_lying_disks();
    assert!(matches!(failure, Failure::Violation(_)), "{failure}");
    let shrunk = swarm.shrink(&failure);
    assert!(shrunk.failure.is_like(&failure), "{}", shrunk.failure);
    let few = swarm.steps.len() / 4;
    assert!(shrunk.swarm.steps.len() <= few, "{}", shrunk.swarm);
    assert!(shrunk.swarm.settings.nodes < 5, "{}", shrunk.swarm);
    assert!(
        shrunk.swarm.duration < swarm.duration / 4,
        "{}",
        shrunk.swarm
    );
    let text = serde_json::to_string(&shrunk.swarm).expect("plain data");
    let read: Swarm = serde_json::from_str(&text).expect("what was written");
    assert_eq!(read, shrunk.swarm);
    assert_eq!(read.run(), Err(shrunk.failure));
}

#[test]
fn the_same_seed_draws_the_same_run_and_sizes_from_one_to_nine_come() {
    let mut sizes: Vec<usize> = (0..200)
        .map(|seed| {
            let swarm = Swarm::new(seed);
            assert_eq!(swarm, Swarm::new(seed));
            assert_eq!(swarm.check(), Ok(()));
            swarm.settings.nodes
        })
        .collect();
    sizes.sort_unstable();
    sizes.dedup();
    assert_eq!(sizes, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
}

#[test]
fn steps_befall_the_world_in_their_order_and_nothing_after_the_end() {
    let mut swarm = Swarm::with_nodes(1, 1);
    let second = Duration::from_secs(1);
    let half = swarm.duration / 2;
    let too_late = swarm.duration + second;
    swarm.steps = [half, too_late]
        .map(|at| Step {
            at,
            deed: Deed::Crash(raft_core::NodeId(0)),
        })
        .to_vec();
    let calm = swarm.run().expect("one node leads alone");
    // Once at first, and once more after the crash.
    assert_eq!(calm.stats.leaderships, 2);
}

#[test]
fn an_agreement_from_before_the_end_of_the_faults_is_no_recovery() {
    // The follower has heard nothing for up to 2T when the link is whole again, and may campaign before a heartbeat comes.
    for tenths in 1..=20 {
        for seed in 0..10 {
            let mut swarm = Swarm::with_nodes(seed, 2);
            let before = swarm.settings.options.election_timeout / 10 * tenths;
            swarm.steps = vec![Step {
                at: swarm.duration - before,
                deed: Deed::Partition(vec![raft_core::NodeId(0)]),
            }];
            swarm.settings.requests.straggling = crate::rng::Chance::NEVER;
            swarm.settings.responses = swarm.settings.requests;
            assert!(swarm.run().is_ok(), "seed {seed}, {before:?}");
        }
    }
}
