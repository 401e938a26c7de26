//! What the groups cost this process.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use super::Settings;
use super::host::Counts;
use super::process::{cpu, memory};

pub(crate) struct Measured {
    groups: f64,
    seconds: f64,
    cpu: Duration,
    messages: u64,
    datagrams: u64,
    syncs: u64,
}

impl Measured {
    /// Measures for as long as the settings say.
    pub(crate) fn over(settings: &Settings, counts: &Counts) -> Self {
        let counts = || {
            [&counts.messages, &counts.datagrams, &counts.syncs].map(|n| n.load(Ordering::Relaxed))
        };
        let (began, cpu_before, before) = (Instant::now(), cpu(), counts());
        thread::sleep(settings.measure);
        let after = counts();
        let [messages, datagrams, syncs] =
            std::array::from_fn(|index| after[index] - before[index]);
        Measured {
            groups: settings.groups.into(),
            seconds: began.elapsed().as_secs_f64(),
            cpu: cpu() - cpu_before,
            messages,
            datagrams,
            syncs,
        }
    }

    /// Says it, and how much memory there is beyond so many bytes.
    pub(crate) fn print(&self, bytes_before: u64) {
        let cpu = self.cpu.as_secs_f64();
        let bytes = memory().saturating_sub(bytes_before) as f64;
        println!("{:.0} s of heartbeats:", self.seconds);
        println!("  CPU: {:.1} % of one", 100.0 * cpu / self.seconds);
        println!(
            "  CPU a group and second: {:.1} µs",
            1e6 * cpu / self.groups / self.seconds
        );
        println!(
            "  CPU a message, sent and received: {:.2} µs",
            1e6 * cpu / self.messages as f64
        );
        println!(
            "  messages a second: {:.0}",
            self.messages as f64 / self.seconds
        );
        println!(
            "  messages a datagram: {:.1}",
            self.messages as f64 / self.datagrams as f64
        );
        println!("  waits for a disk: {}", self.syncs);
        println!(
            "  memory a group, its three nodes: {:.0} bytes",
            bytes / self.groups
        );
    }
}
