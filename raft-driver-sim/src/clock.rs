//! The clock of a node: it drifts, and it may stop.

use core::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::{LocalTime, Time};

/// How fast a clock runs, in millionths of true time: 1,010,000 is 1 % fast, 0 has stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClockRate(u32);

impl ClockRate {
    /// A clock that keeps true time.
    pub const TRUE: ClockRate = ClockRate(1_000_000);
    /// A clock that has stopped.
    pub const STOPPED: ClockRate = ClockRate(0);

    /// So many millionths of true time.
    pub const fn millionths(millionths: u32) -> Self {
        ClockRate(millionths)
    }

    /// The rate in millionths of true time.
    pub const fn as_millionths(self) -> u32 {
        self.0
    }

    /// Whether the clock drifts by no more than the 1 % that leases allow for.
    pub const fn is_within_lease_drift(self) -> bool {
        self.0 >= 990_000 && self.0 <= 1_010_000
    }
}

/// A clock that ran at one rate since it was last changed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    rate: ClockRate,
    changed: Time,
    shown: LocalTime,
}

impl Clock {
    /// A clock that keeps true time from the world's beginning, when it shows `shown`.
    pub(crate) fn new(shown: LocalTime) -> Self {
        Clock {
            rate: ClockRate::TRUE,
            changed: Time::default(),
            shown,
        }
    }

    /// What it shows at `now`, which is not before it was last changed.
    #[inline]
    pub(crate) fn read(&self, now: Time) -> LocalTime {
        let passed = now.as_nanos() - self.changed.as_nanos();
        let shown = if self.rate == ClockRate::TRUE {
            passed
        } else {
            (u128::from(passed) * u128::from(self.rate.0) / 1_000_000) as u64
        };
        LocalTime::from_nanos(self.shown.as_nanos().saturating_add(shown))
    }

    /// The first moment at which it shows `deadline` or more; `None` if it has stopped before it.
    #[inline]
    pub(crate) fn when_it_shows(&self, deadline: LocalTime) -> Option<Time> {
        let wait = u128::from(deadline.as_nanos().saturating_sub(self.shown.as_nanos()));
        let passed = match self.rate {
            _ if wait == 0 => 0,
            ClockRate::TRUE => wait,
            ClockRate::STOPPED => return None,
            ClockRate(rate) => (wait * 1_000_000).div_ceil(u128::from(rate)),
        };
        let passed = u64::try_from(passed).unwrap_or(u64::MAX);
        Some(self.changed + Duration::from_nanos(passed))
    }

    pub(crate) fn leap(&mut self, by: Duration, now: Time) {
        self.set_rate(self.rate, now);
        self.shown += by;
    }

    pub(crate) fn set_rate(&mut self, rate: ClockRate, now: Time) {
        self.shown = self.read(now);
        self.changed = now;
        self.rate = rate;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanos: u64) -> Time {
        Time::from_nanos(nanos)
    }

    fn shows(nanos: u64) -> LocalTime {
        LocalTime::from_nanos(nanos)
    }

    #[test]
    fn a_clock_that_is_three_times_as_fast_shows_it_from_the_change_on() {
        let mut clock = Clock::new(shows(5));
        clock.set_rate(ClockRate::millionths(3_000_000), at(1_000));
        assert_eq!(clock.read(at(1_100)), shows(1_305));
    }

    #[test]
    fn a_deadline_is_never_served_early_whatever_the_rate() {
        for rate in [1, 250_000, 989_999, 1_000_000, 1_000_001, 3_333_333] {
            let mut clock = Clock::new(shows(17));
            clock.set_rate(ClockRate::millionths(rate), at(1_000));
            for deadline in [900, 1_017, 1_018, 2_000, 123_456] {
                let due = clock
                    .when_it_shows(shows(deadline))
                    .expect("the clock runs");
                assert!(clock.read(due) >= shows(deadline), "{rate} {deadline}");
                let before = at(due.as_nanos().max(1_001) - 1);
                assert!(
                    due <= at(1_000) || clock.read(before) < shows(deadline),
                    "{rate} {deadline}"
                );
            }
        }
    }

    #[test]
    fn a_stopped_clock_shows_the_same_for_ever() {
        let mut clock = Clock::new(shows(0));
        clock.set_rate(ClockRate::STOPPED, at(70));
        assert_eq!(clock.read(at(1_000_000)), shows(70));
        assert_eq!(clock.when_it_shows(shows(71)), None);
        assert!(clock.when_it_shows(shows(70)).is_some());
    }
}
