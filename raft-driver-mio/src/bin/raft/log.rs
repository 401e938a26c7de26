//! The log: logfmt on standard error, one line an event.
//!
//! A thread of its own writes it: a reader that has stopped reading must not stop the node. When it is too far behind,
//! lines are dropped, and counted in a line that takes their place.

use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use raft_driver_mio::Instant;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// How many lines wait at the most.
const MAX_WAITING: usize = 1024;
/// How long the last lines are waited for at the end.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// Writes all events of at least `level` to standard error from now on.
pub(crate) fn start(level: Level) -> std::io::Result<Log> {
    let log = Log(Arc::default());
    let writer = Arc::clone(&log.0);
    std::thread::Builder::new()
        .name("raft-log".to_owned())
        .spawn(move || writer.write_all())?;
    let queue = Arc::clone(&log.0);
    // It fails only when it was called before, which leaves the log as it is.
    let _ = tracing::subscriber::set_global_default(Logfmt { level, queue });
    Ok(log)
}

/// The log. When it is dropped, what was logged before is written, unless nobody reads it.
#[must_use]
pub(crate) struct Log(Arc<Queue>);

impl Drop for Log {
    fn drop(&mut self) {
        self.0.flush();
    }
}

#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    lines: Vec<String>,
    /// How many came after these and found no place.
    dropped: u64,
    /// Whether the writer has taken lines that it has not written yet.
    writing: bool,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, line: String) {
        let mut waiting = self.lock();
        if waiting.dropped == 0 && waiting.lines.len() < MAX_WAITING {
            waiting.lines.push(line);
        } else {
            waiting.dropped += 1;
        }
        self.changed.notify_all();
    }

    /// Writes lines as they come, for ever.
    fn write_all(&self) {
        loop {
            let mut waiting = self.lock();
            waiting.writing = false;
            self.changed.notify_all();
            let idle = |waiting: &mut Waiting| waiting.lines.is_empty();
            let woken = self.changed.wait_while(waiting, idle);
            let mut waiting = woken.unwrap_or_else(PoisonError::into_inner);
            let lines = std::mem::take(&mut waiting.lines);
            let dropped = std::mem::take(&mut waiting.dropped);
            waiting.writing = true;
            drop(waiting);
            lines.iter().for_each(|line| write(line));
            if dropped > 0 {
                let head = head(Level::WARN);
                write(&format!("{head} event=lines_dropped count={dropped}\n"));
            }
        }
    }

    fn flush(&self) {
        let busy = |waiting: &mut Waiting| waiting.writing || !waiting.lines.is_empty();
        // Whether all was written or nobody reads: it is the end.
        let _ = self
            .changed
            .wait_timeout_while(self.lock(), FLUSH_TIMEOUT, busy);
    }
}

/// Writes a line in one piece, so that lines of several processes on one terminal do not mix. A log that cannot be
/// written must not stop the node.
fn write(line: &str) {
    let _ = std::io::stderr().write_all(line.as_bytes());
}

struct Logfmt {
    level: Level,
    queue: Arc<Queue>,
}

impl Subscriber for Logfmt {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.level
    }

    fn max_level_hint(&self) -> Option<tracing::level_filters::LevelFilter> {
        Some(self.level.into())
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(head(*event.metadata().level()));
        event.record(&mut line);
        line.0.push('\n');
        self.queue.push(line.0);
    }

    // The node logs events only.
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// What each line begins with: the time and the level.
fn head(level: Level) -> String {
    let since = Instant::now().since_start().as_secs_f64();
    let level = level.as_str().to_ascii_lowercase();
    format!(
        "ts={} since={since:.6} level={level}",
        Utc(SystemTime::now())
    )
}

struct Line(String);

impl Line {
    fn add(&mut self, field: &Field, value: &str) {
        let plain = |c: char| c.is_ascii_graphic() && !"=\"\\".contains(c);
        // Writing to a string cannot fail.
        let _ = if !value.is_empty() && value.chars().all(plain) {
            write!(self.0, " {field}={value}")
        } else {
            write!(self.0, " {field}={value:?}")
        };
    }
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, &format!("{value:?}"));
    }
}

/// A time of day as RFC 3339 has it, in UTC, with microseconds.
struct Utc(SystemTime);

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = self.0.duration_since(UNIX_EPOCH).unwrap_or_default();
        let (days, second) = (since.as_secs() / 86400, since.as_secs() % 86400);
        let (year, month, day) = civil(days);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        let micros = since.subsec_micros();
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z"
        )
    }
}

/// The date of the day that is `days` after 1970-01-01, in the Gregorian calendar.
fn civil(days: u64) -> (u64, u64, u64) {
    // Years that begin in March end with the day that leap years have more. From 0000-03-01:
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    (era * 400 + year + carry, month, day)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn utc(seconds: u64) -> String {
        Utc(UNIX_EPOCH + Duration::from_secs(seconds)).to_string()
    }

    #[test]
    fn times_are_in_utc() {
        assert_eq!(utc(0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(utc(951_782_400), "2000-02-29T00:00:00.000000Z");
        assert_eq!(utc(951_868_799), "2000-02-29T23:59:59.000000Z");
        assert_eq!(utc(951_868_800), "2000-03-01T00:00:00.000000Z");
        assert_eq!(utc(1_798_761_599), "2026-12-31T23:59:59.000000Z");
        assert_eq!(utc(1_798_761_600), "2027-01-01T00:00:00.000000Z");
        assert_eq!(utc(4_107_542_400), "2100-03-01T00:00:00.000000Z");
    }
}
