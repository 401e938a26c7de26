//! `groups ours|theirs GROUPS HEARTBEAT_MS SECONDS`: hosts so many groups of three in this process, passes their messages as
//! structs, and prints the memory that a group takes and the CPU time that a second of it takes. The groups' time is virtual and never waits.

#[path = "../groups_ours.rs"]
mod ours;
#[allow(dead_code)] // CPU time alone.
#[path = "../../../../raft-core/examples/groups/process.rs"]
mod process;
#[path = "../groups_theirs.rs"]
mod theirs;
#[path = "../../../../raft-core/benches/units/mod.rs"]
#[allow(dead_code)] // Its generator alone.
mod units;
#[path = "../../../../raft-core/examples/groups/wheel.rs"]
mod wheel;

use std::process::ExitCode;
use std::time::Duration;

use allocation_counter::measure;

/// Three nodes of every group, at a moment of virtual time.
pub(crate) trait Hosted {
    /// So many groups, and the time between two heartbeats. The election timeout is ten of them.
    fn new(groups: u32, heartbeat: Duration) -> Self;
    /// Does all that is to be done until that moment.
    fn run_until(&mut self, moment: Duration);
    /// How many nodes lead.
    fn led(&self) -> usize;
    /// How many messages have been delivered.
    fn messages(&self) -> u64;
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [who, numbers @ ..] = &arguments[..] else {
        return usage();
    };
    let numbers: Vec<u32> = numbers.iter().map_while(|text| text.parse().ok()).collect();
    let [groups, heartbeat, seconds] = numbers[..] else {
        return usage();
    };
    let heartbeat = Duration::from_millis(heartbeat.into());
    let seconds = Duration::from_secs(seconds.into());
    match who.as_str() {
        "ours" => host::<ours::Groups>(groups, heartbeat, seconds),
        "theirs" => host::<theirs::Groups>(groups, heartbeat, seconds),
        _ => usage(),
    }
}

fn host<H: Hosted>(groups: u32, heartbeat: Duration, measured: Duration) -> ExitCode {
    // Ten election timeouts: until every group has long had its leader.
    let settled = heartbeat * 100;
    let mut hosted = None;
    let before = process::cpu();
    let memory = measure(|| {
        let mut all = H::new(groups, heartbeat);
        all.run_until(settled);
        hosted = Some(all);
    });
    let elections = process::cpu() - before;
    let Some(mut hosted) = hosted.filter(|all| all.led() == groups as usize) else {
        eprintln!("not every group has a leader");
        return ExitCode::FAILURE;
    };
    let messages_before = hosted.messages();
    let before = process::cpu();
    hosted.run_until(settled + measured);
    let spent = process::cpu() - before;
    let messages = hosted.messages() - messages_before;
    let (count, seconds) = (f64::from(groups), measured.as_secs_f64());
    let per_group = |value: f64| value / count;
    println!(
        "heap bytes a group: {:.0}",
        per_group(memory.bytes_current as f64)
    );
    println!(
        "elections, µs a group: {:.1}",
        per_group(elections.as_secs_f64() * 1e6)
    );
    println!(
        "messages a group and second: {:.1}",
        per_group(messages as f64) / seconds
    );
    println!(
        "µs a group and second: {:.2}",
        per_group(spent.as_secs_f64() * 1e6) / seconds
    );
    println!(
        "ns a message: {:.0}",
        spent.as_secs_f64() * 1e9 / messages as f64
    );
    ExitCode::SUCCESS
}

fn usage() -> ExitCode {
    eprintln!("usage: groups ours|theirs GROUPS HEARTBEAT_MS SECONDS");
    ExitCode::from(2)
}
