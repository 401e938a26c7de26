//! Datagrams and bytes a second, from a node's counters.

use std::collections::VecDeque;
use std::time::Duration;

use raft_driver_mio::Status;

/// How far back a rate looks: long enough for several rounds of heartbeats, short enough to see a change.
const WINDOW: Duration = Duration::from_secs(2);

/// The counters of a node at some moments of the last two seconds.
#[derive(Debug, Default)]
pub(crate) struct Rates(VecDeque<(Duration, Counters)>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Counters {
    datagrams: u64,
    bytes: u64,
}

/// What a node sends and receives.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Rate {
    /// Datagrams a second, both ways.
    pub(crate) datagrams: f64,
    /// Bytes a second of their payload, both ways.
    pub(crate) bytes: f64,
}

impl Rates {
    /// Adds what a node said at `at`.
    pub(crate) fn sample(&mut self, at: Duration, status: &Status) {
        self.add(
            at,
            Counters {
                datagrams: status
                    .datagrams_sent
                    .saturating_add(status.datagrams_received),
                bytes: status.bytes_sent.saturating_add(status.bytes_received),
            },
        );
    }

    fn add(&mut self, at: Duration, counters: Counters) {
        self.0.push_back((at, counters));
        // One sample older than the window stays: the rate is since then.
        while self
            .0
            .get(1)
            .is_some_and(|(second, _)| *second + WINDOW <= at)
        {
            self.0.pop_front();
        }
    }

    /// The rate over the last two seconds, or since the first sample.
    pub(crate) fn rate(&self) -> Option<Rate> {
        let ((start, first), (end, last)) = (self.0.front()?, self.0.back()?);
        let seconds = end.checked_sub(*start)?.as_secs_f64();
        (seconds > 0.0).then(|| Rate {
            datagrams: last.datagrams.saturating_sub(first.datagrams) as f64 / seconds,
            bytes: last.bytes.saturating_sub(first.bytes) as f64 / seconds,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_that_of_the_last_two_seconds() {
        let mut rates = Rates::default();
        assert_eq!(rates.rate(), None);
        for (ms, datagrams) in [(0, 0), (1000, 10), (2000, 20), (3000, 60), (4000, 100)] {
            let counters = Counters {
                datagrams,
                bytes: datagrams * 80,
            };
            rates.add(Duration::from_millis(ms), counters);
        }
        let rate = rates.rate().unwrap();
        assert_eq!((rate.datagrams, rate.bytes), (40.0, 3200.0));
        assert_eq!(rates.0.len(), 3);
    }
}
