//! A node's trace: the core's own events and actions, each with a time, and what the core knew afterwards, as JSON lines.
//! The format is that of the simulator's traces, `raft-driver-sim/docs/trace.md`, whose program draws them.
//!
//! A thread of its own writes it: a slow disk must not stop the node. When it is too far behind, records are left
//! out, and a record in their place says how many.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, TrySendError, sync_channel};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use raft_core::{Action, Config, Event, NodeId, Protocol, State};
use serde::Serialize;
use tracing::warn;

use crate::clock::Instant;

/// The version of the format.
const VERSION: u32 = 1;
/// How many records wait for the writer at the most: some seconds of a cluster's heartbeats.
const MAX_WAITING: usize = 8192;
/// How large a file becomes before it is put aside as FILE.1, in place of the one before. A leader of three writes some
/// 2.1 KB a round.
pub(crate) const MAX_FILE: u64 = 256 << 20;
/// How long the last records are waited for at the end.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// The first line.
#[derive(Serialize)]
struct Header<'a> {
    raft_trace: u32,
    voters: &'a [NodeId],
    node: NodeId,
    election_timeout: u64,
    heartbeat_interval: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    lease: Option<u64>,
    protocol: Protocol,
    unix_time: u64,
}

/// Another.
#[derive(Serialize)]
struct Record {
    t: u64,
    node: NodeId,
    #[serde(flatten)]
    what: What,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<State>,
}

// Most are actions, and none is kept for long.
#[allow(clippy::large_enum_variant)]
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum What {
    Started {},
    Event(Event),
    Action(Action),
    Synced {},
    Dropped { count: u64 },
    Stopped {},
}

/// The trace of a node that runs.
pub(crate) struct Trace {
    node: NodeId,
    began: Instant,
    /// None once the node has ended.
    records: Option<SyncSender<Record>>,
    /// How many found no place since the last that did.
    dropped: u64,
    /// Ends when everything is written.
    written: Receiver<()>,
}

impl Trace {
    /// Opens the file, goes on behind what is in it, and starts the writer.
    pub(crate) fn start(path: &Path, config: &Config) -> io::Result<Trace> {
        let began = Instant::now();
        let unix_time = SystemTime::now().duration_since(UNIX_EPOCH);
        let header = Header {
            raft_trace: VERSION,
            voters: config.voters(),
            node: config.id(),
            election_timeout: nanos(config.election_timeout()),
            heartbeat_interval: nanos(config.heartbeat_interval()),
            lease: config.lease().map(nanos),
            protocol: config.protocol(),
            unix_time: nanos(unix_time.unwrap_or_default()),
        };
        let header = serde_json::to_string(&header)?;
        let mut writer = Writer::open(path, header, MAX_FILE)?;
        let (records, waiting) = sync_channel(MAX_WAITING);
        let (done, written) = sync_channel(0);
        std::thread::Builder::new()
            .name("raft-trace".to_owned())
            .spawn(move || {
                let _done = done;
                if let Err(error) = writer.write_all(&waiting) {
                    let path = writer.path.display();
                    warn!(event = "trace_failed", path = %path, error = %error);
                }
            })?;
        Ok(Trace {
            node: config.id(),
            began,
            records: Some(records),
            dropped: 0,
            written,
        })
    }

    pub(crate) fn started(&mut self, state: &State) {
        self.push(What::Started {}, Some(state));
    }

    pub(crate) fn event(&mut self, event: &Event, state: &State) {
        self.push(What::Event(*event), Some(state));
    }

    pub(crate) fn action(&mut self, action: &Action) {
        self.push(What::Action(*action), None);
    }

    pub(crate) fn synced(&mut self) {
        self.push(What::Synced {}, None);
    }

    pub(crate) fn stopped(&mut self) {
        self.push(What::Stopped {}, None);
    }

    fn push(&mut self, what: What, state: Option<&State>) {
        if self.dropped > 0 {
            let count = self.dropped;
            if !self.offer(What::Dropped { count }, None) {
                self.dropped += 1;
                return;
            }
            self.dropped = 0;
        }
        if !self.offer(what, state) {
            self.dropped += 1;
        }
    }

    /// Whether there was room. When the writer is gone there is always room.
    fn offer(&self, what: What, state: Option<&State>) -> bool {
        let record = Record {
            t: nanos(Instant::now().saturating_duration_since(self.began)),
            node: self.node,
            what,
            state: state.cloned(),
        };
        let Some(records) = &self.records else {
            return true;
        };
        !matches!(records.try_send(record), Err(TrySendError::Full(_)))
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        self.records = None;
        // It ends without a word: the writer has dropped its end.
        let _ = self.written.recv_timeout(FLUSH_TIMEOUT);
    }
}

/// Writes lines, and puts a file aside when it is full.
struct Writer {
    path: PathBuf,
    header: String,
    out: BufWriter<File>,
    size: u64,
    max: u64,
}

impl Writer {
    fn open(path: &Path, header: String, max: u64) -> io::Result<Writer> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let size = file.metadata()?.len();
        let mut writer = Writer {
            path: path.to_owned(),
            out: BufWriter::new(file),
            size,
            max,
            header,
        };
        writer.line(&writer.header.clone())?;
        writer.out.flush()?;
        Ok(writer)
    }

    /// Writes records as they come, until nobody can send any.
    fn write_all(&mut self, records: &Receiver<Record>) -> io::Result<()> {
        loop {
            let record = match records.try_recv() {
                Ok(record) => record,
                Err(TryRecvError::Disconnected) => return self.out.flush(),
                Err(TryRecvError::Empty) => {
                    // What there is can be read while nothing happens.
                    self.out.flush()?;
                    match records.recv() {
                        Ok(record) => record,
                        Err(_) => return Ok(()),
                    }
                }
            };
            self.line(&serde_json::to_string(&record)?)?;
            if self.size >= self.max {
                self.put_aside()?;
            }
        }
    }

    fn line(&mut self, line: &str) -> io::Result<()> {
        self.size += line.len() as u64 + 1;
        self.out.write_all(line.as_bytes())?;
        self.out.write_all(b"\n")
    }

    fn put_aside(&mut self) -> io::Result<()> {
        self.out.flush()?;
        let mut aside = self.path.clone().into_os_string();
        aside.push(".1");
        std::fs::rename(&self.path, aside)?;
        *self = Writer::open(&self.path, std::mem::take(&mut self.header), self.max)?;
        Ok(())
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use raft_core::{HardState, LogPosition, Options, Raft};

    use super::*;

    fn config() -> Config {
        Config::new(NodeId(7), &[NodeId(7)], Options::default()).expect("a configuration")
    }

    fn lines(path: &Path) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(path).expect("a trace");
        let parse = |line| serde_json::from_str(line).expect("a JSON object a line");
        text.lines().map(parse).collect()
    }

    #[test]
    fn a_start_goes_on_behind_what_the_last_one_wrote() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("trace");
        for _ in 0..2 {
            let mut trace = Trace::start(&path, &config()).expect("a trace");
            trace.event(
                &Event::Pause,
                Raft::restore(
                    config(),
                    HardState::first_boot(),
                    LogPosition::default(),
                    Zero,
                )
                .expect("a node")
                .0
                .state(),
            );
            trace.stopped();
        }
        let lines = lines(&path);
        assert_eq!(lines.len(), 6);
        for first in [&lines[0], &lines[3]] {
            assert_eq!(
                (&first["raft_trace"], &first["node"]),
                (&1.into(), &7.into())
            );
            assert_eq!(first["voters"], serde_json::json!([7]));
        }
        assert_eq!(lines[1]["event"], "Pause");
        assert_eq!(lines[1]["state"]["hard"]["current_term"], 0);
        assert!(lines[5]["stopped"].is_object());
    }

    #[test]
    fn a_full_file_is_put_aside_and_the_next_begins_with_the_header() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("trace");
        let mut writer = Writer::open(&path, "{}".to_owned(), 500).expect("a writer");
        let (sender, receiver) = sync_channel(100);
        for t in 0..30 {
            let record = Record {
                t,
                node: NodeId(1),
                what: What::Synced {},
                state: None,
            };
            sender.send(record).expect("room");
        }
        drop(sender);
        writer.write_all(&receiver).expect("the disk has room");
        let (now, aside) = (lines(&path), lines(&dir.path().join("trace.1")));
        assert_eq!(now[0], serde_json::json!({}));
        assert_eq!(aside[0], serde_json::json!({}));
        assert_eq!(now.last().map(|line| &line["t"]), Some(&29.into()));
        let size = |path: &Path| std::fs::metadata(path).expect("a file").len();
        assert!(size(&path) < 600 && size(&dir.path().join("trace.1")) < 600);
    }

    #[test]
    fn what_finds_no_room_is_counted_in_its_place() {
        let (records, waiting) = sync_channel(1);
        let (done, written) = sync_channel(0);
        let mut trace = Trace {
            node: NodeId(1),
            began: Instant::now(),
            records: Some(records),
            dropped: 0,
            written,
        };
        for _ in 0..4 {
            trace.synced();
        }
        assert!(matches!(
            waiting.recv(),
            Ok(Record {
                what: What::Synced {},
                ..
            })
        ));
        trace.synced();
        let next = waiting.recv().expect("a record");
        assert!(matches!(next.what, What::Dropped { count: 3 }));
        drop(done);
    }

    struct Zero;

    impl rand_core::TryRng for Zero {
        type Error = core::convert::Infallible;

        fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
            Ok(0)
        }

        fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
            Ok(0)
        }

        fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
            bytes.fill(0);
            Ok(())
        }
    }
}
