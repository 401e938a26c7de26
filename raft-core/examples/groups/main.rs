//! Many groups in one process: three hosts, each a thread with one UDP socket on loopback, one timer wheel, one file, and a
//! node of every group. Twice a host is killed, with the third of the leaders that it has, and comes back from its file.
//!
//! `cargo run --release -p raft-core --example groups --features wire -- [GROUPS [HEARTBEAT_MS [SECONDS]]]`
//!
//! measures, for so many seconds, what the groups cost. Default: 100 groups, 50 ms, 0 s.

mod datagram;
mod host;
mod measure;
mod process;
mod wheel;

use std::collections::VecDeque;
use std::error::Error;
use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use raft_core::{NodeId, Options};

use host::{Counts, Host, Place, Shared};
use measure::Measured;

const HOSTS: [NodeId; 3] = [NodeId(1), NodeId(2), NodeId(3)];
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(10);

pub(crate) struct Settings {
    /// How many groups there are.
    pub(crate) groups: u32,
    /// The heartbeat interval. The election timeout is ten of them.
    pub(crate) heartbeat: Duration,
    /// How long the cost of heartbeats is measured.
    pub(crate) measure: Duration,
}

#[cfg(not(test))]
fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut number = |default: u32| arguments.next().map_or(Ok(default), |text| text.parse());
    run(&Settings {
        groups: number(100)?,
        heartbeat: Duration::from_millis(number(50)?.into()),
        measure: Duration::from_secs(number(0)?.into()),
    })
}

pub(crate) fn run(settings: &Settings) -> Result<(), Box<dyn Error>> {
    let memory = process::memory();
    let directory = tempfile::tempdir()?;
    let place = |id| {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.set_nonblocking(true)?;
        Ok(Place {
            id,
            socket,
            file: directory.path().join(format!("host-{id}.jsonl")),
        })
    };
    let places: Vec<Place> = HOSTS.into_iter().map(place).collect::<io::Result<_>>()?;
    let address = |place: &Place| Ok((place.id, place.socket.local_addr()?));
    let shared = Shared {
        addresses: places.iter().map(address).collect::<io::Result<_>>()?,
        options: Options {
            heartbeat_interval: settings.heartbeat,
            election_timeout: settings.heartbeat * 10,
            ..Options::default()
        },
        began: Instant::now(),
        leaders: (0..settings.groups).map(|_| AtomicU64::new(0)).collect(),
        counts: Counts::default(),
    };
    let stops = HOSTS.map(|_| AtomicBool::new(false));
    thread::scope(|scope| {
        // However this ends: a scope waits for its threads.
        let stop_all = StopAll(&stops);
        let start = |host: usize| {
            let (place, stop, shared) = (&places[host], &stops[host], &shared);
            stop.store(false, Ordering::Relaxed);
            scope.spawn(move || Host::restore(place, shared)?.run(stop))
        };
        let mut running: VecDeque<_> = (0..HOSTS.len()).map(|host| (host, start(host))).collect();
        let mut story = || -> Result<(), Box<dyn Error>> {
            println!(
                "{} groups, {} ms",
                settings.groups,
                settings.heartbeat.as_millis()
            );
            await_leaders(&shared, NodeId(0))?;
            if !settings.measure.is_zero() {
                Measured::over(settings, &shared.counts).print(memory);
            }
            for _ in 0..2 {
                let (host, thread) = running.pop_front().ok_or("it runs")?;
                stops[host].store(true, Ordering::Relaxed);
                thread.join().map_err(|_| "a host panicked")??;
                println!("host {} is killed", HOSTS[host]);
                await_leaders(&shared, HOSTS[host])?;
                running.push_back((host, start(host)));
                println!("host {} comes back", HOSTS[host]);
            }
            Ok(())
        };
        let told = story();
        drop(stop_all);
        for (_, thread) in running {
            thread.join().map_err(|_| "a host panicked")??;
        }
        told
    })
}

struct StopAll<'a>(&'a [AtomicBool]);

impl Drop for StopAll<'_> {
    fn drop(&mut self) {
        for stop in self.0 {
            stop.store(true, Ordering::Relaxed);
        }
    }
}

/// Waits until a majority has answered a leader of every group that is not the one that was killed.
fn await_leaders(shared: &Shared, killed: NodeId) -> Result<(), Box<dyn Error>> {
    let began = Instant::now();
    let mut led = 0;
    while led < shared.leaders.len() {
        if began.elapsed() > PATIENCE {
            let missing = shared.leaders.len() - led;
            return Err(format!("{missing} groups elected no leader").into());
        }
        thread::sleep(LOOK);
        let leaders = shared
            .leaders
            .iter()
            .map(|leader| leader.load(Ordering::Relaxed));
        led = leaders
            .filter(|leader| *leader != 0 && leader & 0xff != killed.0)
            .count();
    }
    println!("every group has a leader after {:.1?}", began.elapsed());
    Ok(())
}
