//! What the timers imply for a failover, and how to sum up what was measured. Pure, but for the round trip.

use std::io;
use std::net::UdpSocket;
use std::time::{Duration, Instant};

/// What a failover takes on average if nothing but the timers and the machine costs time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Implied {
    /// The expected smallest of the timers that run.
    pub(crate) timers: Duration,
    /// A datagram there and back.
    pub(crate) round_trip: Duration,
    /// Making a vote durable.
    pub(crate) sync: Duration,
    round_trips: u32,
    syncs: u32,
}

impl Implied {
    /// For a cluster of `nodes` whose leader is killed at a random moment, counted from the moment at which
    /// a majority runs.
    ///
    /// The last heartbeat is half an interval old on average. T after it was received the survivors presume
    /// the leader lost, and each draws from [0, T): the smallest of n - 1 such draws is T / n on average. A
    /// pre-vote and a vote take a round trip each, the candidate's vote and that of a voter a sync each.
    ///
    /// With one or two nodes the rest is no majority, and the dead node is back at once: it grants nothing and
    /// campaigns for nothing until T after that. Of two, both draw from [0, T) by then, the survivor half an
    /// interval earlier, which makes the smaller draw end half of that earlier. One alone draws alone.
    pub(crate) fn new(
        nodes: usize,
        heartbeat: Duration,
        election_timeout: Duration,
        round_trip: Duration,
        sync: Duration,
    ) -> Self {
        let t = election_timeout;
        let (timers, round_trips, syncs) = match nodes {
            0 | 1 => (t + t / 2, 0, 1),
            2 => ((t + t / 3).saturating_sub(heartbeat / 4), 2, 2),
            nodes => {
                let draw = t / u32::try_from(nodes).unwrap_or(u32::MAX);
                ((t + draw).saturating_sub(heartbeat / 2), 2, 2)
            }
        };
        Implied {
            timers,
            round_trip,
            sync,
            round_trips,
            syncs,
        }
    }

    /// The sum.
    pub(crate) fn total(&self) -> Duration {
        self.timers + self.round_trip * self.round_trips + self.sync * self.syncs
    }
}

/// The median, the mean of the two middle ones if their number is even. `None` of nothing.
pub(crate) fn median(values: impl IntoIterator<Item = Duration>) -> Option<Duration> {
    let mut sorted: Vec<Duration> = values.into_iter().collect();
    sorted.sort_unstable();
    let upper = *sorted.get(sorted.len() / 2)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = *sorted.get(sorted.len() / 2 - 1)?;
    Some((lower + upper) / 2)
}

/// A duration for people: `641 ms`, `64.1 ms`, `0.08 ms`.
pub(crate) fn ms(duration: Duration) -> String {
    let ms = duration.as_secs_f64() * 1e3;
    let decimals = match ms {
        ms if ms >= 100.0 => 0,
        ms if ms >= 1.0 => 1,
        _ => 2,
    };
    format!("{ms:.decimals$} ms")
}

/// The median time of a small datagram to another thread and back over loopback.
pub(crate) fn round_trip() -> io::Result<Duration> {
    const TRIPS: usize = 31;
    let here = UdpSocket::bind("127.0.0.1:0")?;
    let there = UdpSocket::bind("127.0.0.1:0")?;
    here.connect(there.local_addr()?)?;
    there.connect(here.local_addr()?)?;
    // Loopback loses datagrams too, if rarely: a lost one must not hang us.
    here.set_read_timeout(Some(Duration::from_secs(1)))?;
    there.set_read_timeout(Some(Duration::from_secs(1)))?;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut buffer = [0; 64];
            while let Ok(length) = there.recv(&mut buffer)
                && length > 0
            {
                let _ = there.send(buffer.get(..length).unwrap_or_default());
            }
        });
        let mut trips = Vec::with_capacity(TRIPS);
        let mut buffer = [0; 64];
        for _ in 0..TRIPS {
            let start = Instant::now();
            here.send(&[1; 64])?;
            here.recv(&mut buffer)?;
            trips.push(start.elapsed());
        }
        // An empty datagram ends the other side.
        here.send(&[])?;
        Ok(median(trips).unwrap_or_default())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn of(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn the_smallest_of_the_timers_that_run() {
        let total =
            |nodes| Implied::new(nodes, of(50), of(500), Duration::ZERO, Duration::ZERO).total();
        assert_eq!(total(5), of(500 + 100 - 25));
        assert_eq!(total(4), of(500 + 125 - 25));
        assert_eq!(total(2), of(500) + of(500) / 3 - of(50) / 4);
        assert_eq!(total(1), of(750));
    }

    #[test]
    fn an_election_costs_two_round_trips_and_two_syncs() {
        let timers = Implied::new(5, of(50), of(500), Duration::ZERO, Duration::ZERO).total();
        assert_eq!(
            Implied::new(5, of(50), of(500), of(1), of(10)).total(),
            timers + of(22)
        );
        let alone = Implied::new(1, of(50), of(500), of(1), of(10));
        assert_eq!(alone.total(), of(760), "nobody to ask");
    }

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median([]), None);
        assert_eq!(median([of(3)]), Some(of(3)));
        assert_eq!(median([of(9), of(1), of(2)]), Some(of(2)));
        assert_eq!(median([of(9), of(1), of(2), of(4)]), Some(of(3)));
    }

    #[test]
    fn three_digits_are_enough() {
        assert_eq!(ms(Duration::from_micros(641_400)), "641 ms");
        assert_eq!(ms(Duration::from_micros(64_140)), "64.1 ms");
        assert_eq!(ms(Duration::from_micros(80)), "0.08 ms");
    }

    #[test]
    fn a_round_trip_takes_time() {
        assert!(round_trip().unwrap() > Duration::ZERO);
    }
}
