//! Configurations that do not fit: between a leader and its follower, between two runs of a node, in themselves.

use core::time::Duration;

use raft_core::{
    Action, Config, ConfigError, HardState, LogPosition, NodeId, Options, Protocol, Raft, Report,
    RestoreError, RoleKind, Term, Timer, Turn,
};

use crate::common::actions::{append_answer, persisted, place, reports, sends, set};
use crate::common::messages::{ask, heartbeat, heartbeat_with_lease};
use crate::common::{Node, SplitMix, T, disk, plain, with_timeout};

const SHORT: Duration = Duration::from_millis(300);
const LONG: Duration = Duration::from_secs(10);

// The leader counts its own L, whatever T its followers have.
#[test]
fn heartbeats_carry_the_leaders_lease() {
    let options = Options {
        lease: Some(Duration::from_millis(123)),
        ..Options::default()
    };
    let mut leader = Node::with(1, 3, options).leader();
    let heartbeat = heartbeat_with_lease(1, 2, Duration::from_millis(123));
    assert_eq!(sends(&leader.fire(Timer::Heartbeat))[0].1, heartbeat);
}

// Without it: a follower with T = 300 ms answers a leader that takes leases of 400 ms, and votes for another 100 ms
// before the lease ends.
#[test]
fn a_follower_whose_timeout_does_not_exceed_the_lease_follows_but_does_not_answer() {
    // 99/101 of 500 ms is 490.099 ms: the margin for clocks that drift by 1 % each.
    let (fits, too_long) = (
        Duration::from_micros(490_099),
        Duration::from_micros(490_100),
    );
    let mut follower = Node::new(1, 3);
    assert_eq!(
        append_answer(&follower.receive(2, heartbeat_with_lease(1, 1, fits))),
        (1, true)
    );

    for (round, lease) in [(2, too_long), (3, T), (4, Duration::MAX)] {
        let actions = follower.receive(2, heartbeat_with_lease(1, round, lease));
        assert_eq!(sends(&actions), []);
        assert_eq!(
            reports(&actions),
            [Report::LeaseTooLong { leader: NodeId(2) }]
        );
        assert_eq!(set(&actions, Timer::Election), Some(T));
        assert_eq!(follower.known_leader(), Some(2));
        assert!(follower.in_part_one());
    }
    let mut follower = Node::with(1, 3, with_timeout(SHORT));
    assert_eq!(sends(&follower.receive(2, heartbeat(1, 1))), []);
}

// A stored T that is longer does not help: it will be lowered when a part one ends.
#[test]
fn the_configured_timeout_decides_what_lease_is_answered() {
    let promise = HardState {
        election_timeout: LONG,
        ..disk(3, None)
    };
    let mut follower = Node::restored(1, 3, Options::default(), promise);
    let too_long = heartbeat_with_lease(3, 1, Duration::from_secs(1));
    assert_eq!(sends(&follower.receive(2, too_long)), []);
}

#[test]
fn a_plain_node_answers_no_leader_that_takes_leases() {
    let mut follower = Node::with(1, 3, plain());
    assert_eq!(sends(&follower.receive(2, heartbeat(1, 1))), []);
    let without_lease = heartbeat_with_lease(1, 2, Duration::ZERO);
    assert_eq!(
        append_answer(&follower.receive(2, without_lease)),
        (1, true)
    );
}

// Without it: a voter promises under T = 10 s, comes back with T = 500 ms, and votes while a lease of 8 s runs.
#[test]
fn after_a_restore_with_a_shorter_timeout_part_one_lasts_the_stored_one() {
    let promise = HardState {
        election_timeout: LONG,
        ..disk(3, None)
    };
    let mut node = Node::restored(1, 3, Options::default(), promise);
    assert_eq!(set(&node.booted, Timer::Election), Some(LONG));
    assert_eq!(persisted(&node.booted), None);

    // What begins part one again before it has ended once keeps the longer promise, and so does a restart.
    let actions = node.receive(2, heartbeat(3, 1));
    assert_eq!(set(&actions, Timer::Election), Some(LONG));
    assert_eq!(persisted(&actions), None);
    let mut node = node.restarted();
    assert_eq!(set(&node.booted, Timer::Election), Some(LONG));

    // It is lowered when a part one ended, on disk first.
    let actions = node.fire(Timer::Election);
    assert_eq!(persisted(&actions), Some(disk(3, None)));
    let persist = place(&actions, |a| matches!(a, Action::Persist(_)));
    assert!(persist < place(&actions, |a| matches!(a, Action::SetTimer { .. })));
    assert_eq!(set(&node.receive(2, ask(4)), Timer::Election), Some(T));
    assert_eq!(set(&node.restarted().booted, Timer::Election), Some(T));
}

// A term that is learnt on the way does not forget the promise.
#[test]
fn the_stored_timeout_outlives_a_change_of_term() {
    let promise = HardState {
        election_timeout: LONG,
        ..disk(3, None)
    };
    let mut node = Node::restored(1, 3, Options::default(), promise);
    let actions = node.receive(2, heartbeat(7, 1));
    assert_eq!(persisted(&actions).unwrap().election_timeout, LONG);
}

// Without it: the node answers heartbeats under the longer T, crashes, is started with the shorter again, and has
// forgotten that it promised more.
#[test]
fn after_a_restore_with_a_longer_timeout_it_is_stored_before_anything_else() {
    let node = Node::restored(1, 3, with_timeout(LONG), disk(3, Some(2)));
    let raised = HardState {
        election_timeout: LONG,
        ..disk(3, Some(2))
    };
    assert_eq!(node.booted[0], Action::Persist(raised));
    assert_eq!(set(&node.booted, Timer::Election), Some(LONG));
}

#[test]
fn the_same_timeout_is_not_stored_again() {
    let mut node = Node::at_term(1, 3, 4);
    assert_eq!(persisted(&node.booted), None);
    assert_eq!(persisted(&node.fire(Timer::Election)), None);
}

#[test]
fn plain_raft_promises_nothing_and_stores_no_timeout() {
    let node = Node::with(1, 3, plain());
    assert_eq!(persisted(&node.booted), None);
    let mut node = node.candidate();
    assert!(node.disk.election_timeout.is_zero());
    let _ = node.fire(Timer::Election);
    assert!(node.disk.election_timeout.is_zero());
}

#[test]
fn a_hard_state_that_no_node_wrote_is_refused() {
    let restore = |options, disk| {
        let config = Config::new(NodeId(1), &[NodeId(1)], options).unwrap();
        let restored = Raft::restore(config, disk, LogPosition::default(), SplitMix(1));
        restored.map(|_| ()).unwrap_err()
    };
    let voted_for = NodeId(7);
    let error = restore(Options::default(), disk(0, Some(7)));
    assert_eq!(error, RestoreError::VoteInTermZero { voted_for });
    assert!(error.to_string().contains("voted_for") && error.to_string().contains('7'));

    let value = Config::MAX_ELECTION_TIMEOUT + Duration::from_nanos(1);
    let too_long = HardState {
        election_timeout: value,
        ..disk(1, None)
    };
    let error = restore(Options::default(), too_long);
    assert_eq!(error, RestoreError::ElectionTimeout { value });
    assert!(error.to_string().contains("election_timeout"));
    let longest = HardState {
        election_timeout: Config::MAX_ELECTION_TIMEOUT,
        ..disk(1, None)
    };
    let node = Node::restored(1, 3, Options::default(), longest);
    assert_eq!(node.raft.state().hard_state(), longest);

    // Without it: a node that promised a leader not to vote comes back as a plain one and votes at once.
    let error = restore(plain(), disk(1, None));
    assert_eq!(error, RestoreError::PromiseInPlainRaft { value: T });
    assert!(error.to_string().contains("500ms"), "{error}");
}

fn configure(voters: &[u64], options: Options) -> Result<Config, ConfigError> {
    let voters: Vec<NodeId> = voters.iter().copied().map(NodeId).collect();
    Config::new(NodeId(1), &voters, options)
}

#[test]
fn voters_are_at_most_64_distinct_and_hold_this_node() {
    let most: Vec<u64> = (1..=64).collect();
    let too_many: Vec<u64> = (1..=65).collect();
    let cases: [(&[u64], ConfigError); 5] = [
        (&too_many, ConfigError::TooManyVoters { count: 65 }),
        (&[3, 1, 3], ConfigError::RepeatedVoter { id: NodeId(3) }),
        (&[1, 1], ConfigError::RepeatedVoter { id: NodeId(1) }),
        (&[2, 3], ConfigError::NotAVoter { id: NodeId(1) }),
        (&[], ConfigError::NotAVoter { id: NodeId(1) }),
    ];
    for (voters, error) in cases {
        assert_eq!(configure(voters, Options::default()), Err(error));
        assert!(error.to_string().starts_with("voters: "));
    }
    let config = configure(&most, Options::default()).unwrap();
    assert_eq!((config.voters().len(), config.majority()), (64, 33));
    let config = configure(&[9, 1, 4], Options::default()).unwrap();
    assert_eq!(config.voters(), [1, 4, 9].map(NodeId));
    assert_eq!(config.peers().collect::<Vec<_>>(), [4, 9].map(NodeId));
}

#[test]
fn durations_have_bounds_and_errors_name_them() {
    let ms = Duration::from_millis;
    let tick = Duration::from_nanos(1);
    let of = |heartbeat_interval, election_timeout, lease| Options {
        heartbeat_interval,
        election_timeout,
        lease,
        ..Options::default()
    };
    let most = Config::MAX_ELECTION_TIMEOUT;
    let least = Config::MIN_HEARTBEAT;
    // 99/101 of 505 ms is exactly 495 ms.
    for accepted in [
        of(ms(100), ms(300), None),
        of(least, 3 * least, None),
        of(most / 3, most, None),
        of(ms(50), ms(505), Some(ms(495))),
        of(ms(50), ms(505), Some(tick)),
    ] {
        assert!(configure(&[1], accepted).is_ok(), "{accepted:?}");
    }
    for (refused, field) in [
        (of(ms(100) + tick, ms(300), None), "heartbeat_interval"),
        (of(least - tick, ms(300), None), "heartbeat_interval"),
        (of(ms(0), ms(0), None), "heartbeat_interval"),
        (of(ms(50), most + tick, None), "election_timeout"),
        (of(ms(50), Duration::MAX, None), "election_timeout"),
        (of(ms(50), ms(505), Some(ms(495) + tick)), "lease"),
        (of(ms(50), ms(505), Some(Duration::MAX)), "lease"),
        (of(ms(50), ms(505), Some(ms(0))), "lease"),
    ] {
        let error = configure(&[1], refused).unwrap_err();
        assert!(error.to_string().starts_with(field), "{error}");
    }
    let options = Options {
        lease: Some(ms(1)),
        ..plain()
    };
    let error = configure(&[1], options).unwrap_err();
    assert_eq!(error, ConfigError::LeaseInPlainRaft { value: ms(1) });
    assert!(error.to_string().contains("plain Raft"));
}

#[test]
fn errors_name_the_bounds_that_would_do() {
    let ms = Duration::from_millis;
    let refused = |heartbeat_interval, lease| {
        let options = Options {
            heartbeat_interval,
            election_timeout: ms(303),
            lease,
            ..Options::default()
        };
        configure(&[1], options).unwrap_err().to_string()
    };
    let error = refused(ms(102), None);
    assert!(error.contains("between 100µs and 101ms"), "{error}");
    let error = refused(ms(50), Some(ms(298)));
    assert!(error.contains("at most 297ms"), "{error}");
    assert_eq!(
        Config::MAX_ELECTION_TIMEOUT,
        Duration::from_secs(24 * 3_600)
    );
}

#[test]
fn the_defaults_are_50_ms_500_ms_and_four_fifths_of_it() {
    let config = configure(&[1, 2, 3], Options::default()).unwrap();
    assert_eq!(config.heartbeat_interval(), Duration::from_millis(50));
    assert_eq!(config.election_timeout(), T);
    assert_eq!(config.lease(), Some(Duration::from_millis(400)));
    assert_eq!(config.protocol(), Protocol::Standard);
    assert!(!config.witness());
}

#[test]
fn sixty_four_voters_elect() {
    let mut node = Node::new(1, 64).candidate();
    for voter in 2..=32 {
        let _ = node.receive(voter, crate::common::messages::grant(1));
    }
    assert_eq!(node.role(), RoleKind::Candidate);
    let _ = node.receive(64, crate::common::messages::grant(1));
    assert_eq!(node.role(), RoleKind::Leader);
    assert_eq!(node.raft.state().current_term(), Term(1));
}

#[test]
fn a_turn_is_one_of_its_parts() {
    let with = |index, of| Options {
        turn: Turn { index, of },
        ..Options::default()
    };
    for (index, of) in [(0, 1), (0, 64), (63, 64)] {
        let config = configure(&[1], with(index, of)).unwrap();
        assert_eq!(config.turn(), Turn { index, of });
    }
    for (index, of) in [(0, 0), (1, 1), (64, 64), (0, 65), (200, 255)] {
        let error = configure(&[1], with(index, of)).unwrap_err();
        let value = Turn { index, of };
        assert_eq!(error, ConfigError::Turn { value });
        assert!(error.to_string().starts_with("turn: "), "{error}");
    }
}
