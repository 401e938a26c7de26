//! The log: logfmt or JSON on standard error, one line an event.
//!
//! A thread of its own writes it: a reader that has stopped reading must not stop the node. When it is too far behind,
//! lines are dropped, and counted in a line that takes their place.

mod line;
mod time;

use std::io::Write as _;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::config::Logging;
use line::Style;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

pub(crate) use line::Format;

/// How many lines wait at the most.
const MAX_WAITING: usize = 1024;
/// How long the last lines are waited for at the end.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// Writes all events that are important enough to standard error from now on.
pub(crate) fn start(logging: Logging) -> std::io::Result<Log> {
    let Logging { level, format } = logging;
    let style = Style::of_stderr(format);
    let log = Log(Arc::default());
    let writer = Arc::clone(&log.0);
    std::thread::Builder::new()
        .name("raft-log".to_owned())
        .spawn(move || writer.write_all(style))?;
    let queue = Arc::clone(&log.0);
    // It fails only when it was called before, which leaves the log as it is.
    let _ = tracing::subscriber::set_global_default(Lines {
        level,
        style,
        queue,
    });
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
    fn write_all(&self, style: Style) {
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
                let mut line = style.begin(Level::WARN);
                line.add("event", "lines_dropped".into());
                line.add("count", dropped.into());
                write(&line.end());
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

struct Lines {
    level: Level,
    style: Style,
    queue: Arc<Queue>,
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.level
    }

    fn max_level_hint(&self) -> Option<tracing::level_filters::LevelFilter> {
        Some(self.level.into())
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = self.style.begin(*event.metadata().level());
        event.record(&mut line);
        self.queue.push(line.end());
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
