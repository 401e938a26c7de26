//! How much memory a node takes, and how often it asks for any.
//!
//! Its own binary, because counting allocations costs instructions.

mod units;

use std::mem::size_of;

use allocation_counter::measure;
use raft_core::{Action, Actions, Event, Message, Raft};
use units::{Group, SplitMix64};

fn main() {
    println!("bytes of a node: inline, and on the heap");
    for nodes in [3, 5, 7] {
        row(&format!("fresh, of {nodes}"), Group::restored(nodes), 1);
        row(&format!("follower of {nodes}"), Group::led(nodes), 1);
        row(&format!("leader of {nodes}"), Group::led(nodes), 0);
    }
    println!("sizes");
    println!("{:>16} {:>5}", "Event", size_of::<Event>());
    println!("{:>16} {:>5}", "Message", size_of::<Message>());
    println!("{:>16} {:>5}", "Action", size_of::<Action>());
    println!("{:>16} {:>5}", "Actions", size_of::<Actions>());
    println!("allocations (bytes) of one unit of work");
    for (unit, _) in units::UNITS {
        let once = measure(|| assert!(units::run(unit, 100)));
        let twice = measure(|| assert!(units::run(unit, 200)));
        let allocations = (twice.count_total - once.count_total) as f64 / 100.0;
        let bytes = (twice.bytes_total - once.bytes_total) as f64 / 100.0;
        println!("{unit:>16} {allocations:>5} ({bytes})");
    }
}

fn row(name: &str, mut group: Group, index: usize) {
    let node = group.nodes.swap_remove(index);
    let heap = -measure(|| drop(node)).bytes_current;
    let inline = size_of::<Raft<SplitMix64>>();
    let all = inline as i64 + heap;
    println!("{name:>16} {all:>5} = {inline} + {heap}");
}
