//! The clock of timers and leases: it counts the time in which the machine is suspended, where the
//! system has such a clock, so that a machine that wakes finds its lease over.

use std::ops::Add;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

#[cfg(any(target_os = "linux", target_os = "android"))]
const CLOCK: ClockId = ClockId::Boottime;
// On macOS the monotonic clock goes on counting while the machine sleeps.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const CLOCK: ClockId = ClockId::Monotonic;

/// A reading of this machine's clock. It never runs backwards, and no setting of the time of
/// day changes it. Readings of different processes on one machine can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(Duration);

impl Instant {
    /// Reads the clock.
    pub fn now() -> Instant {
        let time = clock_gettime(CLOCK);
        let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
        let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or(0);
        Instant(Duration::new(seconds, nanoseconds))
    }

    /// The reading at which the clock had counted this long: one that another process of this machine made and passed on.
    pub fn at(since_start: Duration) -> Instant {
        Instant(since_start)
    }

    /// The time since the clock began to count, at about the machine's start.
    pub fn since_start(self) -> Duration {
        self.0
    }

    /// The time from `earlier` to this instant; zero if `earlier` is later.
    pub fn saturating_duration_since(self, earlier: Instant) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;

    /// The instant `after` later, or the last one there is.
    fn add(self, after: Duration) -> Instant {
        Instant(self.0.saturating_add(after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_does_not_run_backwards() {
        let first = Instant::now();
        let second = Instant::now();
        assert!(second >= first);
        assert_eq!(
            first.saturating_duration_since(first + Duration::from_secs(1)),
            Duration::ZERO
        );
    }

    #[test]
    fn an_instant_never_overflows() {
        let last = Instant::now() + Duration::MAX;
        assert_eq!(last + Duration::from_secs(1), last);
    }
}
