//! What the hosts of `run.py` run: an instance that must be active on one of them at a time, and a flood.
//!
//! `instance LOG` appends a line to the shared log when it starts, every two milliseconds while it is active, and
//! when it is told to stop. A line is the time (of the clock that all processes of a machine share, in nanoseconds),
//! what happened, the fencing token, the node and the process.
//!
//! `flood ADDRESS RATE SECONDS CLUSTER NODE KEY` sends forged datagrams to a node, as dear to refuse as can be: all that can be
//! known without the key is right.

use std::env::{self, VarError};
use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::net::UdpSocket;
use std::process::{ExitCode, id};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant as StdInstant};

use raft_driver_mio::Instant;
use signal_hook::consts::SIGTERM;

/// How often an active instance says so.
const PACE: Duration = Duration::from_millis(2);

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["instance", log] => instance(log),
        ["flood", address, rate, seconds, cluster, node, key] => {
            let header = header(cluster, node, key);
            header.and_then(|header| flood(address, rate, seconds, header))
        }
        _ => Err("usage: instance LOG | flood ADDRESS RATE SECONDS CLUSTER NODE KEY".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn instance(log: &str) -> Result<(), Box<dyn Error>> {
    let stop = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(SIGTERM, Arc::clone(&stop))?;
    let log = Log::open(log)?;
    log.write("start")?;
    while !stop.load(Ordering::Relaxed) {
        sleep(PACE);
        log.write("alive")?;
    }
    log.write("stop")?;
    Ok(())
}

struct Log {
    file: File,
    rest: String,
}

impl Log {
    fn open(path: &str) -> Result<Log, Box<dyn Error>> {
        // Lines of several processes follow one another in the order in which they were written.
        let file = OpenOptions::new().append(true).create(true).open(path)?;
        let number = |name| -> Result<u64, Box<dyn Error>> {
            let text = env::var(name).map_err(|error: VarError| format!("{name}: {error}"))?;
            Ok(text.parse()?)
        };
        let (term, node) = (number("RAFT_TERM")?, number("RAFT_NODE_ID")?);
        Ok(Log {
            file,
            rest: format!("{term} {node} {}", id()),
        })
    }

    fn write(&self, event: &str) -> Result<(), Box<dyn Error>> {
        let now = Instant::now().since_start().as_nanos();
        let line = format!("{now} {event} {}\n", self.rest);
        (&self.file).write_all(line.as_bytes())?;
        Ok(())
    }
}

/// What precedes a sealed datagram for `node` from another, in clear: version, key, cluster, source and destination.
fn header(cluster: &str, node: &str, key: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let node: u8 = node.parse()?;
    let peer = if node == 1 { 2 } else { 1 };
    let mut header = vec![0x11, key.parse()?];
    header.extend(crc32fast::hash(cluster.as_bytes()).to_le_bytes());
    header.extend([peer, node]);
    Ok(header)
}

fn flood(
    address: &str,
    rate: &str,
    seconds: &str,
    mut datagram: Vec<u8>,
) -> Result<(), Box<dyn Error>> {
    let (rate, seconds): (f64, f64) = (rate.parse()?, seconds.parse()?);
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    socket.connect(address)?;
    // As long as a heartbeat.
    datagram.resize(85, 0x5a);
    let (start, mut sent) = (StdInstant::now(), 0.0);
    while start.elapsed().as_secs_f64() < seconds {
        let due = start.elapsed().as_secs_f64() * rate;
        while sent < due {
            // A full buffer, or nobody who listens, ends no flood.
            let _ = socket.send(&datagram);
            sent += 1.0;
        }
        sleep(Duration::from_micros(500));
    }
    println!("{:.0}", sent / start.elapsed().as_secs_f64());
    Ok(())
}
