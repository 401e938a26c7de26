//! One timer for each of many groups, on a wheel of ticks.
//!
//! A follower puts its deadline off with every heartbeat. Nothing is moved for that: its group comes up when it was
//! first to, `Node::next` says until when it waits now, and the group is put there.

use std::time::Duration;

/// How many ticks the wheel reaches. What is further off comes up early, and is put on it again.
const SLOTS: u64 = 1024;
const NEVER: u64 = u64::MAX;

pub(crate) struct Wheel {
    tick: Duration,
    /// The groups that come up in each tick, by its number modulo the slots.
    slots: Vec<Vec<u32>>,
    /// The tick in which each group comes up. What the slots hold besides is out of date.
    ticks: Vec<u64>,
    /// The next tick to come up.
    next: u64,
}

impl Wheel {
    /// Timers come up to a tick late, and never early. The longer it is, the more come up together.
    pub(crate) fn new(groups: usize, tick: Duration) -> Self {
        Wheel {
            tick,
            slots: vec![Vec::new(); SLOTS as usize],
            ticks: vec![NEVER; groups],
            next: 0,
        }
    }

    /// Has a group come up in the first tick that is not before this moment.
    pub(crate) fn set(&mut self, group: u32, due: Duration) {
        let tick = due.as_nanos().div_ceil(self.tick.as_nanos()) as u64;
        let tick = tick.clamp(self.next, self.next + SLOTS - 1);
        let set = &mut self.ticks[group as usize];
        if tick < *set {
            *set = tick;
            self.slots[(tick % SLOTS) as usize].push(group);
        }
    }

    /// Adds the groups that come up by `now` to `ready`.
    pub(crate) fn advance(&mut self, now: Duration, ready: &mut Vec<u32>) {
        while self.moment(self.next) <= now {
            let slot = &mut self.slots[(self.next % SLOTS) as usize];
            for group in slot.drain(..) {
                let set = &mut self.ticks[group as usize];
                if *set == self.next {
                    *set = NEVER;
                    ready.push(group);
                }
            }
            self.next += 1;
        }
    }

    /// When to look again.
    pub(crate) fn next(&self) -> Duration {
        let occupied = |tick: &u64| !self.slots[(tick % SLOTS) as usize].is_empty();
        let tick = (self.next..self.next + SLOTS).find(occupied);
        self.moment(tick.unwrap_or(self.next + SLOTS - 1))
    }

    fn moment(&self, tick: u64) -> Duration {
        Duration::from_nanos(self.tick.as_nanos() as u64 * tick)
    }
}
