//! What `raft-sim explore` says of a search and of a walk.

use std::time::Duration;

use raft_driver_sim::explore::{Bounds, Progress, Report, Walked};
use serde_json::json;

const MIB: u64 = 1 << 20;

/// Progress, on standard error.
pub(crate) fn show(progress: &Progress) {
    let seconds = progress.elapsed.as_secs_f64();
    eprintln!(
        "{seconds:>7.1} s  depth {:>2}  {:>12} states ({:.2} M/s)  {:>13} transitions ({:.2} M/s)  {:>6} MiB",
        progress.depth,
        progress.states,
        progress.states as f64 / seconds / 1e6,
        progress.transitions,
        progress.transitions as f64 / seconds / 1e6,
        progress.bytes / MIB
    );
}

pub(crate) fn as_json(bounds: &Bounds, report: &Report) -> serde_json::Value {
    json!({
        "box": bounds,
        "exhausted": report.exhausted,
        "states": report.states,
        "expanded_states": report.expanded,
        "transitions": report.transitions,
        "depth": report.depth,
        "local_states": report.local_states,
        "messages": report.messages,
        "recoveries_in_one_round": report.recoveries[0],
        "recoveries_in_two_rounds": report.recoveries[1],
        "recoveries_in_turns": report.recoveries_in_turns,
        "bytes": report.bytes,
        "seconds": report.elapsed.as_secs_f64(),
        "violation": report.violation,
    })
}

pub(crate) fn print(bounds: &Bounds, report: &Report) {
    let seconds = report.elapsed.as_secs_f64();
    println!(
        "{bounds}: {} states, {} with all names, {} transitions, depth {}",
        report.states, report.expanded, report.transitions, report.depth
    );
    println!(
        "{} local states, {} messages; recoveries: {} in one round, {} in two",
        report.local_states, report.messages, report.recoveries[0], report.recoveries[1]
    );
    if !report.recoveries_in_turns.is_empty() {
        println!(
            "recoveries where links do not work, by how many turns they took: {:?}",
            report.recoveries_in_turns
        );
    }
    println!(
        "{seconds:.1} s, {:.2} M transitions/s, {} MiB, {} bytes a state",
        report.transitions as f64 / seconds / 1e6,
        report.bytes / MIB,
        report.bytes / report.states.max(1)
    );
    println!(
        "{}",
        match (&report.violation, report.exhausted) {
            (Some(_), _) => "VIOLATED",
            (None, true) => "exhausted: nothing is violated",
            (None, false) => "not exhausted: nothing is violated so far",
        }
    );
}

/// Progress of a walk, on standard error.
pub(crate) fn show_walk(steps: u64, elapsed: Duration) {
    let seconds = elapsed.as_secs_f64();
    let rate = steps as f64 / seconds / 1e6;
    eprintln!("{seconds:>7.1} s  {steps:>12} steps ({rate:.2} M/s)");
}

pub(crate) fn walk_as_json(bounds: &Bounds, seed: u64, walked: &Walked) -> serde_json::Value {
    json!({
        "box": bounds,
        "seed": seed,
        "steps": walked.steps,
        "changes": walked.changes,
        "lives": walked.lives,
        "elections": walked.elections,
        "confirmations": walked.confirmations,
        "crashes": walked.crashes,
        "recoveries": walked.recoveries,
        "term": walked.term,
        "seconds": walked.elapsed.as_secs_f64(),
        "violation": walked.violation,
    })
}

pub(crate) fn print_walk(bounds: &Bounds, seed: u64, walked: &Walked) {
    let seconds = walked.elapsed.as_secs_f64();
    println!(
        "{bounds}, seed {seed}: {} steps, of which {} changed something, in {} lives",
        walked.steps, walked.changes, walked.lives
    );
    println!(
        "{} elections, {} confirmed rounds, {} crashes, {} recoveries; the last term reached: {}",
        walked.elections, walked.confirmations, walked.crashes, walked.recoveries, walked.term
    );
    println!(
        "{seconds:.1} s, {:.2} M steps/s",
        walked.steps as f64 / seconds / 1e6
    );
    println!(
        "{}",
        match &walked.violation {
            Some(_) => "VIOLATED",
            None => "nothing is violated",
        }
    );
}
