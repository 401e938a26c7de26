//! How long what a leader ran may outlive its lease, and how long its successor waits for that.
//!
//! Three times are counted from t0, when the leader began the last round that a majority answered. By its own clock, the
//! lease ends at t0 + L and what ran under it is dead at t0 + L + G, G being the kill delay. By
//! the clock of each of that majority, the promise to elect nobody else ends no earlier than t0 + T. A clock that is slow by
//! d makes L + G last (L + G) / (1 - d), one that is fast by d makes T last T / (1 + d). So G fits if
//! L + G <= T (1 - d) / (1 + d). If it does not, a new leader, whose clock may be fast too, waits until
//! (L + G) (1 + d) / (1 - d) have passed for it.

use std::time::Duration;

use raft_core::Config;

/// (1 - d) / (1 + d) and its inverse for clocks that drift by up to d = 1 %, as [`Config::new`] has it.
const LESS: u128 = 99;
const MORE: u128 = 101;

/// How long after the end of its lease what a leader ran may go on without anybody's having to wait for it: what
/// the lease leaves of the election timeout, less the drift of clocks by up to 1 %. Zero in plain Raft.
pub fn kill_budget(config: &Config) -> Duration {
    let Some(lease) = config.lease() else {
        return Duration::ZERO;
    };
    let promise = nanoseconds(config.election_timeout().as_nanos() * LESS / MORE);
    promise.saturating_sub(lease)
}

/// How long a new leader waits before it starts anything, if what ran before may go on for `kill_delay` after the end of a
/// lease and is not known to have stopped: zero if that fits into [`kill_budget`].
pub fn takeover_wait(config: &Config, kill_delay: Duration) -> Duration {
    if kill_delay <= kill_budget(config) {
        return Duration::ZERO;
    }
    let dead_after = config.lease().unwrap_or_default() + kill_delay;
    let surely = nanoseconds((dead_after.as_nanos() * MORE).div_ceil(LESS));
    surely.saturating_sub(config.election_timeout())
}

fn nanoseconds(value: u128) -> Duration {
    Duration::from_nanos(u64::try_from(value).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use raft_core::{NodeId, Options};

    use super::*;

    fn config() -> Config {
        let voters = [1, 2, 3].map(NodeId);
        Config::new(NodeId(1), &voters, Options::default()).expect("a configuration")
    }

    #[test]
    fn what_is_left_of_the_election_timeout_costs_no_wait() {
        let config = config();
        let budget = kill_budget(&config);
        // 500 ms * 99 / 101 - 400 ms.
        assert_eq!(budget, Duration::from_nanos(90_099_009));
        assert_eq!(takeover_wait(&config, Duration::ZERO), Duration::ZERO);
        assert_eq!(takeover_wait(&config, budget), Duration::ZERO);
    }

    #[test]
    fn a_longer_kill_delay_is_waited_for_whatever_the_drift() {
        let config = config();
        for kill_delay in [91, 500, 5_000, 3_600_000].map(Duration::from_millis) {
            let wait = takeover_wait(&config, kill_delay);
            let dead = (config.lease().expect("a lease") + kill_delay).as_secs_f64() / 0.99;
            let started = (config.election_timeout() + wait).as_secs_f64() / 1.01;
            assert!(started >= dead - 1e-9, "{kill_delay:?}: {started} {dead}");
            assert!(
                started <= dead + 1e-6,
                "{kill_delay:?} waits for too long: {started} {dead}"
            );
        }
    }
}
