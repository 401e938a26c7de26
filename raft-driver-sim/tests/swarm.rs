//! Random clusters under random faults: no invariant breaks, and when the faults stop a leader comes and stays.

use raft_driver_sim::swarm::Swarm;

/// How many seeds a test run takes: some 13 simulated hours.
const SEEDS: std::ops::RangeInclusive<u64> = 1..=200;

#[test]
fn no_fault_breaks_an_invariant_and_a_leader_comes_when_faults_stop() {
    let mut leaderships = 0;
    for seed in SEEDS {
        match Swarm::new(seed).run() {
            Ok(calm) => leaderships += calm.stats.leaderships,
            Err(failure) => panic!("{failure}"),
        }
    }
    // The faults hurt: a leader is lost again and again.
    assert!(leaderships > 5 * SEEDS.count() as u64, "{leaderships}");
}
