//! A trace in JSON lines: a header, then a record for everything that happens. `docs/trace.md` describes it.

use core::fmt;
use std::io::{BufRead, Write};

use raft_core::{Action, Config, Event, Message, NodeId, Protocol, State};
use serde::{Deserialize, Serialize};

use crate::observer::{Fault, Happening, Observer};
use crate::settings::{Postponing, Settings};
use crate::time::{Time, nanos};

/// The version of the format: the value of `raft_trace` in a header.
pub const TRACE_VERSION: u32 = 1;

/// The first line of a trace. Times and durations are in nanoseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// [`TRACE_VERSION`].
    pub raft_trace: u32,
    /// The voters.
    pub voters: Vec<NodeId>,
    /// The node that wrote the trace; none if it is of a whole world.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeId>,
    /// What the picture is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The seed of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The command that makes the run again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// T.
    pub election_timeout: u64,
    /// The time between two rounds of heartbeats.
    pub heartbeat_interval: u64,
    /// L; none in plain Raft.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<u64>,
    /// The rules.
    pub protocol: Protocol,
    /// Whether heartbeats and votes set the running election timer anew, as they should.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub postponing: bool,
    /// How many times too long the driver makes the heartbeat interval: 1 in any that obeys the core.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub heartbeats_stretched: u32,
    /// The time of day at which `t` was 0, since 1970; only of a real node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unix_time: Option<u64>,
    /// When it ends; without it, at its last record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<u64>,
    /// What came of the run, if it is not what was wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// What a script did, and when.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<(u64, String)>,
}

const fn yes() -> bool {
    true
}
const fn one() -> u32 {
    1
}
// serde passes references.
#[allow(clippy::trivially_copy_pass_by_ref)]
const fn is_true(value: &bool) -> bool {
    *value
}
#[allow(clippy::trivially_copy_pass_by_ref)]
const fn is_one(value: &u32) -> bool {
    *value == 1
}

impl Header {
    /// The header of what a node of this configuration, or a cluster of such nodes, does.
    pub fn of_config(config: &Config) -> Self {
        Header {
            raft_trace: TRACE_VERSION,
            voters: config.voters().to_vec(),
            node: None,
            title: None,
            seed: None,
            command: None,
            election_timeout: nanos(config.election_timeout()),
            heartbeat_interval: nanos(config.heartbeat_interval()),
            lease: config.lease().map(nanos),
            protocol: config.protocol(),
            postponing: true,
            heartbeats_stretched: 1,
            unix_time: None,
            end: None,
            failure: None,
            notes: Vec::new(),
        }
    }

    /// The header of a world of these settings.
    pub fn of(settings: &Settings, seed: u64) -> Self {
        let options = settings.options;
        let lease = options.lease.unwrap_or(options.election_timeout * 4 / 5);
        Header {
            raft_trace: TRACE_VERSION,
            voters: (0..settings.nodes as u64).map(NodeId).collect(),
            node: None,
            title: None,
            seed: Some(seed),
            command: settings.replay.clone(),
            election_timeout: nanos(options.election_timeout),
            heartbeat_interval: nanos(options.heartbeat_interval),
            lease: (options.protocol == Protocol::Standard).then_some(nanos(lease)),
            protocol: options.protocol,
            postponing: settings.postponing == Postponing::On,
            heartbeats_stretched: settings.heartbeats.stretched,
            unix_time: None,
            end: None,
            failure: None,
            notes: Vec::new(),
        }
    }
}

/// A line of a trace after the first: something happened at or to a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// When, in nanoseconds since the trace began.
    pub t: u64,
    /// Where.
    pub node: NodeId,
    /// What.
    #[serde(flatten)]
    pub what: What,
    /// What the core knows after the step of an event, or after a start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// The node started from its disk.
    Started {},
    /// The node's core stepped.
    Event(Event),
    /// The node's driver carried an action out. Of a `Persist` it is the beginning of the write.
    Action(Action),
    /// A write is durable. Where none of these follows a `Persist`, it took no time.
    Synced {},
    /// A copy of a message that this node sent is on its way. Real nodes cannot know.
    InFlight {
        /// The receiver.
        to: NodeId,
        /// The message.
        message: Message,
        /// When it will be there.
        arrives: u64,
    },
    /// A message that this node sent was lost. Real nodes cannot know.
    Lost {
        /// The receiver.
        to: NodeId,
        /// The message.
        message: Message,
    },
    /// Something was done to the node.
    Fault(Fault),
    /// The disk of the trace was too slow, and so many records are missing here.
    Dropped {
        /// How many.
        count: u64,
    },
    /// The node was told to stop, and did.
    Stopped {},
}

/// A trace in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    /// Its first line.
    pub header: Header,
    /// The others, in order of time.
    pub records: Vec<Record>,
}

/// Records everything that happens in a world.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    records: Vec<Record>,
    notes: Vec<(u64, String)>,
}

impl Recorder {
    /// Notes what a script does.
    pub fn note(&mut self, time: Time, what: String) {
        self.notes.push((time.as_nanos(), what));
    }

    /// Everything recorded so far, without what was before.
    pub fn take(&mut self) -> Vec<Record> {
        core::mem::take(&mut self.records)
    }

    /// What was recorded of a run that ended at `end`.
    pub fn finish(self, mut header: Header, end: Time) -> Recording {
        header.notes.extend(self.notes);
        header.end = Some(end.as_nanos());
        Recording {
            header,
            records: self.records,
        }
    }
}

impl Observer for Recorder {
    fn observe(&mut self, time: Time, node: NodeId, happening: Happening<'_>) {
        let t = time.as_nanos();
        let mut state = None;
        let what = match happening {
            Happening::Event(event) => What::Event(*event),
            Happening::State(after) => {
                if let Some(Record {
                    node: at,
                    what: What::Event(_),
                    state: last @ None,
                    ..
                }) = self.records.last_mut()
                    && *at == node
                {
                    *last = Some(after.clone());
                    return;
                }
                state = Some(after.clone());
                What::Started {}
            }
            Happening::Action(action) => What::Action(*action),
            Happening::Synced => What::Synced {},
            Happening::InFlight {
                to,
                message,
                arrives,
            } => What::InFlight {
                to,
                message: *message,
                arrives: arrives.as_nanos(),
            },
            Happening::Lost { to, message } => What::Lost {
                to,
                message: *message,
            },
            Happening::Fault(fault) => What::Fault(fault),
        };
        self.records.push(Record {
            t,
            node,
            what,
            state,
        });
    }
}

/// What is wrong with a trace that was read, or with several that were to be merged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordingError {
    line: Option<usize>,
    message: String,
}

impl RecordingError {
    pub(super) fn of(message: impl Into<String>) -> Self {
        RecordingError {
            line: None,
            message: message.into(),
        }
    }

    /// The line in which it is wrong, from 1, if it is in one.
    pub fn line(&self) -> Option<usize> {
        self.line
    }
}

impl fmt::Display for RecordingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        f.write_str(&self.message)
    }
}

impl core::error::Error for RecordingError {}

impl Recording {
    /// Writes it, one JSON object a line.
    ///
    /// # Errors
    ///
    /// The first error of writing.
    pub fn write(&self, mut out: impl Write) -> std::io::Result<()> {
        serde_json::to_writer(&mut out, &self.header)?;
        for record in &self.records {
            out.write_all(b"\n")?;
            serde_json::to_writer(&mut out, record)?;
        }
        out.write_all(b"\n")?;
        out.flush()
    }

    /// Reads a trace back.
    ///
    /// # Errors
    ///
    /// The line and what is wrong with it.
    pub fn read(input: impl BufRead) -> Result<Self, RecordingError> {
        let mut all = Self::read_all(input)?;
        match (all.pop(), all.len()) {
            (Some(recording), 0) => Ok(recording),
            _ => Err(RecordingError::of("there is more than one trace in it")),
        }
    }

    /// Reads all traces of a file: a node that starts again goes on in the file of its last run. A last line may be cut
    /// off, as a node that is killed leaves it, and the next trace may begin behind it.
    ///
    /// # Errors
    ///
    /// The line and what is wrong with it.
    pub fn read_all(input: impl BufRead) -> Result<Vec<Self>, RecordingError> {
        let mut all: Vec<Self> = Vec::new();
        // What is wrong with the line before, unless it was the last of its trace.
        let mut wrong: Option<RecordingError> = None;
        for (index, line) in input.lines().enumerate() {
            let in_line = |error: &dyn fmt::Display| RecordingError {
                line: Some(index + 1),
                message: error.to_string(),
            };
            let line = line.map_err(|error| in_line(&error))?;
            let line = header_in(&line);
            if line.starts_with(HEADER) || all.is_empty() {
                wrong = None;
                let header = header(line).map_err(|error| in_line(&error))?;
                all.push(Recording {
                    header,
                    records: Vec::new(),
                });
                continue;
            }
            if let Some(error) = wrong {
                return Err(error);
            }
            match (serde_json::from_str::<Record>(line), all.last_mut()) {
                (Ok(record), Some(recording)) => recording.records.push(record),
                (Err(error), _) => wrong = Some(in_line(&error)),
                (Ok(_), None) => {}
            }
        }
        if all.is_empty() {
            return Err(RecordingError::of("it is empty, and no trace"));
        }
        for recording in &mut all {
            recording.records.sort_by_key(|record| record.t);
        }
        Ok(all)
    }

    /// When it ends, in nanoseconds since it began.
    pub fn end(&self) -> u64 {
        let last = self.records.last().map_or(0, |record| record.t);
        self.header.end.unwrap_or(0).max(last)
    }
}

/// How a header begins. No record holds it.
const HEADER: &str = "{\"raft_trace\":";

/// The line, without a record that was cut off before the header in it.
fn header_in(line: &str) -> &str {
    line.find(HEADER).map_or(line, |at| &line[at..])
}

fn header(line: &str) -> Result<Header, String> {
    let header: Header = serde_json::from_str(line)
        .map_err(|error| format!("it is no header of a trace: {error}"))?;
    if header.raft_trace != TRACE_VERSION {
        return Err(format!(
            "it is a trace of version {}; this program reads version {TRACE_VERSION}",
            header.raft_trace
        ));
    }
    let most = raft_core::Config::MAX_VOTERS;
    if header.voters.is_empty() || header.voters.len() > most {
        return Err(format!("voters: 1 to {most} must be named"));
    }
    Ok(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_a_trace_knows_its_line() {
        let header = r#"{"raft_trace":99,"#;
        let error = Recording::read_all(header.as_bytes()).expect_err("half a header");
        assert_eq!(error.line(), Some(1));
        assert!(
            error.to_string().starts_with("line 1: it is no header"),
            "{error}"
        );
        let error = Recording::read_all([].as_slice()).expect_err("nothing");
        assert_eq!(
            (error.line(), error.to_string().as_str()),
            (None, "it is empty, and no trace")
        );
    }
}
