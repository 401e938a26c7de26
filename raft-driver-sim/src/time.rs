//! Two kinds of time that must not be confused: the world's, and what a node's clock shows.

use core::fmt;
use core::ops::{Add, AddAssign, Sub};
use core::time::Duration;

macro_rules! nanoseconds {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u64);

        impl $name {
            /// So many nanoseconds since its beginning.
            pub const fn from_nanos(nanos: u64) -> Self {
                $name(nanos)
            }

            /// The nanoseconds since its beginning.
            pub const fn as_nanos(self) -> u64 {
                self.0
            }

            /// The time that has passed since `earlier`; zero if that is later.
            pub const fn since(self, earlier: Self) -> Duration {
                Duration::from_nanos(self.0.saturating_sub(earlier.0))
            }
        }

        impl Add<Duration> for $name {
            type Output = Self;

            #[inline]
            fn add(self, duration: Duration) -> Self {
                $name(self.0.saturating_add(nanos(duration)))
            }
        }

        impl AddAssign<Duration> for $name {
            fn add_assign(&mut self, duration: Duration) {
                *self = *self + duration;
            }
        }

        impl Sub for $name {
            type Output = Duration;

            /// The same as [`Self::since`].
            fn sub(self, earlier: Self) -> Duration {
                self.since(earlier)
            }
        }

        impl fmt::Display for $name {
            /// Seconds with nine decimals.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}.{:09}", self.0 / 1_000_000_000, self.0 % 1_000_000_000)
            }
        }
    };
}

nanoseconds! {
    /// The world's time, which no node can see: nanoseconds since the world began. It ends after 584 years.
    Time
}

nanoseconds! {
    /// What a node's monotonic clock shows, in nanoseconds. It goes on while the node is down, as the
    /// clock of a machine does.
    LocalTime
}

/// A duration in nanoseconds; the longest that fits if it is longer.
#[inline]
pub(crate) fn nanos(duration: Duration) -> u64 {
    duration
        .as_secs()
        .saturating_mul(1_000_000_000)
        .saturating_add(u64::from(duration.subsec_nanos()))
}
