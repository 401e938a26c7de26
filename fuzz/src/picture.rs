//! What an input does, as a recording that can be drawn. A target tells an [`Observer`] what happens while it runs; under
//! libFuzzer nobody looks.

use core::any::Any;
use core::time::Duration;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use raft_core::{Event, NodeId};
use raft_driver_sim::timeline::{Header, Record, Recorder, Recording, What};
use raft_driver_sim::{Happening, Observer, Time};

/// Lanes for at most so many that are no voters.
const STRANGERS: usize = 8;
/// Ids from here on are named in words alone.
const TOO_LONG: u64 = 1_000;

/// Keeps what happens, also if the run ends in a panic.
#[derive(Clone, Default)]
pub struct Sketch(Rc<RefCell<Recorder>>);

impl Observer for Sketch {
    fn observe(&mut self, time: Time, node: NodeId, happening: Happening<'_>) {
        self.0.borrow_mut().observe(time, node, happening);
    }
}

/// Records a run, and what it fails of.
pub fn record(mut header: Header, run: impl FnOnce(Sketch) -> Result<(), String>) -> Recording {
    let sketch = Sketch::default();
    let result = catch_unwind(AssertUnwindSafe(|| run(sketch.clone())));
    header.failure = result.unwrap_or_else(|panic| Err(words(&*panic))).err();
    let records = sketch.0.take().take();
    // A moment more, in which to see what the last event has led to.
    let last = records.last().map_or(0, |record| record.t);
    header.end = Some(last.saturating_add(1_000_000));
    let strangers = strangers(&header.voters, &records);
    header.voters.extend(strangers);
    Recording { header, records }
}

/// Who spoke and is no voter.
fn strangers(voters: &[NodeId], records: &[Record]) -> Vec<NodeId> {
    let mut strangers = Vec::new();
    for record in records {
        if let What::Event(Event::Receive { from, .. }) = record.what
            && strangers.len() < STRANGERS
            && from.0 < TOO_LONG
            && !voters.contains(&from)
            && !strangers.contains(&from)
        {
            strangers.push(from);
        }
    }
    strangers.sort_unstable();
    strangers
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "a panic without words".to_owned())
}

/// The time that a target keeps, as a world's.
pub(crate) fn time(since: Duration) -> Time {
    Time::from_nanos(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}
