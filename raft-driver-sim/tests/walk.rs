//! Random walks: short ones that every change must survive, and the walk itself.

use raft_driver_sim::explore::{Bounds, Walk, Walked, walk};

fn take(bounds: Bounds, options: Walk) -> Walked {
    walk(bounds, options, &|_, _| {}).expect("there is such a box")
}

fn steps(steps: u64) -> Walk {
    Walk {
        steps,
        seed: 1,
        threads: 2,
        dead_ends: true,
    }
}

fn far(bounds: Bounds) -> Bounds {
    Bounds {
        rounds: 10,
        pauses: true,
        ..bounds
    }
}

#[test]
fn no_short_walk_finds_anything() {
    for nodes in 2..=5 {
        let walked = take(far(Bounds::standard(nodes, 20)), steps(100_000));
        assert_eq!(walked.violation, None, "{nodes} nodes");
        assert_eq!(walked.steps, 100_000);
        assert!(
            walked.elections > 50 && walked.confirmations > 50,
            "{walked:?}"
        );
        assert!(walked.crashes > 50 && walked.recoveries > 50, "{walked:?}");
        assert!(walked.changes > 10_000 && walked.term > 5, "{walked:?}");
    }
    let safety = Walk {
        dead_ends: false,
        ..steps(100_000)
    };
    let walked = take(Bounds::plain(5, 20), safety);
    assert_eq!((walked.violation, walked.recoveries), (None, 0));
    assert!(walked.elections > 50);
}

#[test]
fn the_seed_decides_where_it_goes_and_the_threads_do_not() {
    let bounds = far(Bounds::standard(3, 9));
    let counts = |seed, threads| {
        let options = Walk {
            seed,
            threads,
            ..steps(70_000)
        };
        let walked = take(bounds, options);
        [
            walked.steps,
            walked.changes,
            walked.lives,
            walked.elections,
            walked.confirmations,
            walked.crashes,
            walked.recoveries,
        ]
    };
    assert_eq!(counts(1, 1), counts(1, 3));
    assert_ne!(counts(1, 1), counts(2, 1));
}

// Plain Raft has dead ends where links do not work: what is found there is short, replays, and is the same with any number of threads.
#[test]
fn a_violation_is_shrunk_and_replays() {
    let found = |threads| {
        let options = Walk {
            threads,
            ..steps(200_000)
        };
        let walked = take(Bounds::plain(3, 20), options);
        walked.violation.expect("plain Raft has dead ends")
    };
    let trace = found(1);
    assert_eq!(trace, found(3));
    assert!(trace.violation().starts_with("DeadEnd: "));
    assert!(trace.len() <= 10, "{} steps", trace.len());
    let replayed = trace.replay().expect("the trace is of this code");
    assert_eq!(replayed.violation.as_deref(), Some(trace.violation()));
}
