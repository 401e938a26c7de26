//! How long a program that has ended waits for its next start on this host.

use std::time::{Duration, Instant};

/// The first wait. Each in a row is twice as long as the one before.
const FIRST: Duration = Duration::from_secs(1);
/// The longest wait; a program that ran for as long begins anew.
const LONGEST: Duration = Duration::from_secs(60);

/// The waits of one host.
#[derive(Debug, Default)]
pub(crate) struct Restarts {
    last: Option<Duration>,
    until: Option<Instant>,
}

impl Restarts {
    /// Begins a wait, after a run of that length, and returns how long it is.
    pub(crate) fn next(&mut self, ran: Duration) -> Duration {
        let wait = match self.last {
            Some(last) if ran < LONGEST => (last * 2).min(LONGEST),
            Some(_) | None => FIRST,
        };
        self.last = Some(wait);
        self.until = Some(Instant::now() + wait);
        wait
    }

    /// Whether a wait goes on.
    pub(crate) fn waiting(&self) -> bool {
        self.until.is_some()
    }

    /// When it ends.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.until
    }

    /// Ends a wait whose time is over, and says so once.
    pub(crate) fn over(&mut self) -> bool {
        let over = self.until.is_some_and(|until| until <= Instant::now());
        if over {
            self.until = None;
        }
        over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_minute_and_begin_anew_after_a_long_run() {
        let mut restarts = Restarts::default();
        let waits: Vec<u64> = (0..8)
            .map(|_| restarts.next(Duration::ZERO).as_secs())
            .collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert!(restarts.waiting() && !restarts.over());
        assert_eq!(restarts.next(LONGEST), FIRST);
    }
}
