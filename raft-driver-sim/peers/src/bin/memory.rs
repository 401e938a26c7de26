//! Bytes of a node, inline and on the heap, and allocations of a unit of work: ours, then theirs.

#[path = "../../../../raft-core/benches/units/mod.rs"]
mod ours;
#[path = "../theirs.rs"]
mod theirs;

use std::mem::size_of;

use allocation_counter::{AllocationInfo, measure};

fn main() {
    for nodes in [3, 5, 7] {
        for (name, index) in [("fresh", 1), ("follower", 1), ("leader", 0)] {
            let (mut our, mut their) = if name == "fresh" {
                (ours::Group::restored(nodes), theirs::Group::restored(nodes))
            } else {
                (ours::Group::led(nodes), theirs::Group::led(nodes))
            };
            let our = bytes(our.nodes.swap_remove(index).raft);
            let their = bytes(their.nodes.swap_remove(index));
            println!("bytes {name}{nodes} {our} {their}");
        }
    }
    for (unit, _) in ours::UNITS {
        let our = allocations(unit, ours::run);
        let their = allocations(unit, theirs::run);
        println!("allocations {unit} {our} {their}");
    }
}

/// What a node takes: what dropping it frees, and itself.
fn bytes<N>(node: N) -> i64 {
    let freed: AllocationInfo = measure(|| drop(node));
    size_of::<N>() as i64 - freed.bytes_current
}

/// How often a unit of work asks for memory.
fn allocations(unit: &str, run: fn(&str, u64) -> bool) -> u64 {
    let [few, many] = [100, 1_100].map(|count| {
        let counted = measure(|| {
            run(unit, count);
        });
        counted.count_total
    });
    (many - few) / 1_000
}
