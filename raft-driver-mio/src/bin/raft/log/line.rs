//! One line of the log: logfmt for people, JSON for programs, and what the journal wants instead of a time.

use std::fmt::{self, Write as _};
use std::os::fd::AsFd;
use std::time::SystemTime;

use raft_driver_mio::Instant;
use serde_json::Value;
use tracing::Level;
use tracing::field::{Field, Visit};

use super::time::Utc;

/// How a line is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Format {
    /// `key=value`, quoted where need be.
    #[default]
    Logfmt,
    /// One JSON object.
    Json,
}

impl Format {
    pub(crate) fn parse(text: &str) -> Result<Format, String> {
        match text {
            "logfmt" => Ok(Format::Logfmt),
            "json" => Ok(Format::Json),
            _ => Err(format!("`{text}` is none of logfmt and json")),
        }
    }
}

/// A format, and where it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Style {
    format: Format,
    /// Whether the systemd journal reads it. It keeps the time itself, and takes the level from a prefix.
    journal: bool,
}

impl Style {
    /// The style of what goes to standard error.
    pub(super) fn of_stderr(format: Format) -> Style {
        let journal = std::env::var("JOURNAL_STREAM").ok().is_some_and(|stream| {
            // The variable is inherited by those whose standard error goes elsewhere.
            rustix::fs::fstat(std::io::stderr().as_fd())
                .is_ok_and(|stat| stream == format!("{}:{}", stat.st_dev, stat.st_ino))
        });
        Style { format, journal }
    }

    pub(super) fn begin(self, level: Level) -> Line {
        let mut line = Line {
            text: String::new(),
            format: self.format,
            first: true,
        };
        if self.journal {
            // Writing to a string cannot fail.
            let _ = write!(line.text, "<{}>", priority(level));
        }
        if self.format == Format::Json {
            line.text.push('{');
        }
        if !self.journal {
            line.add("ts", Utc(SystemTime::now()).to_string().into());
            let since = Instant::now().since_start().as_secs_f64();
            // Six digits, in JSON too: what comes after them is noise.
            line.add_plain("since", &format!("{since:.6}"));
        }
        line.add("level", level.as_str().to_ascii_lowercase().into());
        line
    }
}

/// The priority of syslog(3).
fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        _ => 7,
    }
}

/// A line that grows field by field.
pub(super) struct Line {
    text: String,
    format: Format,
    first: bool,
}

impl Line {
    pub(super) fn add(&mut self, name: &str, value: Value) {
        let text = match (self.format, value) {
            (Format::Json, value) => value.to_string(),
            (Format::Logfmt, Value::String(text)) => quoted(text),
            (Format::Logfmt, value) => value.to_string(),
        };
        self.add_plain(name, &text);
    }

    /// Adds a value that is written already.
    fn add_plain(&mut self, name: &str, value: &str) {
        // Writing to a string cannot fail.
        let _ = match (self.format, self.first) {
            (Format::Logfmt, true) => write!(self.text, "{name}={value}"),
            (Format::Logfmt, false) => write!(self.text, " {name}={value}"),
            (Format::Json, true) => write!(self.text, "{:?}:{value}", name),
            (Format::Json, false) => write!(self.text, ",{:?}:{value}", name),
        };
        self.first = false;
    }

    pub(super) fn end(mut self) -> String {
        if self.format == Format::Json {
            self.text.push('}');
        }
        self.text.push('\n');
        self.text
    }
}

/// Quotes what could be taken for two fields, or for the end of a line.
fn quoted(text: String) -> String {
    let plain = |c: char| c.is_ascii_graphic() && !"=\"\\".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text
    } else {
        format!("{text:?}")
    }
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field.name(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field.name(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field.name(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field.name(), value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field.name(), value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field.name(), format!("{value:?}").into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(format: Format, journal: bool) -> String {
        let mut line = Style { format, journal }.begin(Level::WARN);
        line.add("event", "dropped".into());
        line.add("count", 7.into());
        line.add("on", true.into());
        line.add("error", "No \"route\"\n".into());
        line.end()
    }

    #[test]
    fn the_journal_gets_a_priority_and_no_time() {
        assert_eq!(
            line(Format::Logfmt, true),
            "<4>level=warn event=dropped count=7 on=true error=\"No \\\"route\\\"\\n\"\n"
        );
        assert_eq!(
            line(Format::Json, true),
            "<4>{\"level\":\"warn\",\"event\":\"dropped\",\"count\":7,\"on\":true,\"error\":\"No \\\"route\\\"\\n\"}\n"
        );
    }

    #[test]
    fn everybody_else_gets_the_time() {
        let text = line(Format::Logfmt, false);
        assert!(text.starts_with("ts=2"), "{text}");
        assert!(text.contains("Z since="), "{text}");
        assert!(text.contains(" level=warn event=dropped"), "{text}");
        let json: Value = serde_json::from_str(&line(Format::Json, false)).expect("JSON");
        assert!(json["since"].is_f64() && json["ts"].is_string(), "{json}");
        assert_eq!((&json["count"], &json["on"]), (&7.into(), &true.into()));
        assert_eq!(json["error"], "No \"route\"\n");
    }
}
