//! The memory and the CPU time of this process, as `/proc` has them.

use std::fs;
use std::time::Duration;

/// The resident memory of this process, in bytes: 0 where there is no `/proc`.
pub(crate) fn memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    kibibytes.unwrap_or(0_u64) * 1024
}

/// The time that this process has spent on CPUs, in itself and in the kernel: 0 where there is no `/proc`.
pub(crate) fn cpu() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(") ").next().unwrap_or_default();
    let hundredths = fields.split(' ').skip(11).take(2);
    let hundredths = hundredths.filter_map(|field| field.parse::<u64>().ok());
    Duration::from_millis(10 * hundredths.sum::<u64>())
}
