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

#[cfg(test)]
mod tests {
    use super::{SLOTS, Wheel};
    use std::time::Duration;

    const TICK: Duration = Duration::from_millis(10);
    const NOBODY: [u32; 0] = [];

    fn ticks(count: u64) -> Duration {
        TICK * u32::try_from(count).unwrap()
    }

    fn wheel() -> Wheel {
        Wheel::new(4, TICK)
    }

    fn due(wheel: &mut Wheel, now: Duration) -> Vec<u32> {
        let mut ready = Vec::new();
        wheel.advance(now, &mut ready);
        ready
    }

    #[test]
    fn a_group_comes_up_in_the_first_tick_that_is_not_before_its_moment() {
        let (mut wheel, moment) = (wheel(), Duration::from_nanos(1));
        wheel.set(0, ticks(1) + moment);
        wheel.set(1, ticks(1));
        assert_eq!(wheel.next(), ticks(1));
        assert_eq!(due(&mut wheel, ticks(1) - moment), NOBODY);
        assert_eq!(due(&mut wheel, ticks(1)), [1]);
        assert_eq!(wheel.next(), ticks(2));
        assert_eq!(due(&mut wheel, ticks(2) - moment), NOBODY);
        assert_eq!(due(&mut wheel, ticks(2)), [0]);
        assert_eq!(due(&mut wheel, ticks(3 * SLOTS)), NOBODY);
    }

    #[test]
    fn groups_of_one_tick_come_up_together_and_those_of_a_long_sleep_in_order() {
        let mut wheel = wheel();
        for (group, tick) in [(2, 7), (0, 7), (3, 9), (1, 3)] {
            wheel.set(group, ticks(tick));
        }
        assert_eq!(due(&mut wheel, ticks(7)), [1, 2, 0]);
        assert_eq!(due(&mut wheel, ticks(9)), [3]);
    }

    #[test]
    fn a_deadline_that_is_put_off_leaves_the_group_where_it_is() {
        let mut wheel = wheel();
        wheel.set(0, ticks(5));
        wheel.set(0, ticks(8));
        assert_eq!(due(&mut wheel, ticks(5)), [0]);
        assert_eq!(due(&mut wheel, ticks(8)), NOBODY);
        // As its host does: then it is put where it waits now.
        wheel.set(0, ticks(9));
        assert_eq!(due(&mut wheel, ticks(9)), [0]);
    }

    #[test]
    fn an_earlier_deadline_replaces_the_later_one() {
        let mut wheel = wheel();
        wheel.set(0, ticks(8));
        wheel.set(0, ticks(5));
        assert_eq!(wheel.next(), ticks(5));
        assert_eq!(due(&mut wheel, ticks(7)), [0]);
        assert_eq!(due(&mut wheel, ticks(8)), NOBODY);
    }

    #[test]
    fn a_group_comes_up_once_in_a_tick_that_it_was_put_on_twice() {
        let mut wheel = wheel();
        wheel.set(0, ticks(8));
        wheel.set(0, ticks(5));
        assert_eq!(due(&mut wheel, ticks(5)), [0]);
        wheel.set(0, ticks(8));
        assert_eq!(due(&mut wheel, ticks(8)), [0]);
    }

    #[test]
    fn the_wheel_turns_for_ever() {
        let mut wheel = wheel();
        let mut now = 0;
        for _ in 0..10 {
            let first = now + SLOTS - 2;
            wheel.set(0, ticks(first));
            wheel.set(1, ticks(now + 1));
            assert_eq!(due(&mut wheel, ticks(now + 1)), [1]);
            // Round the end of the slots, before the first.
            wheel.set(1, ticks(now + SLOTS));
            assert_eq!(wheel.next(), ticks(first));
            assert_eq!(due(&mut wheel, ticks(first)), [0]);
            assert_eq!(due(&mut wheel, ticks(now + SLOTS - 1)), NOBODY);
            assert_eq!(due(&mut wheel, ticks(now + SLOTS)), [1]);
            now += SLOTS;
        }
    }

    #[test]
    fn what_is_beyond_the_wheel_comes_up_at_its_end_and_takes_nobody_elses_tick() {
        let mut wheel = wheel();
        // A whole turn after a group that is in the same slot.
        wheel.set(0, ticks(3));
        wheel.set(1, ticks(3 + SLOTS));
        wheel.set(2, ticks(1_000 * SLOTS));
        assert_eq!(due(&mut wheel, ticks(3)), [0]);
        assert_eq!(wheel.next(), ticks(SLOTS - 1));
        assert_eq!(due(&mut wheel, ticks(SLOTS - 2)), NOBODY);
        assert_eq!(due(&mut wheel, ticks(SLOTS - 1)), [1, 2]);
    }

    #[test]
    fn what_is_past_comes_up_in_the_next_tick() {
        let mut wheel = wheel();
        assert_eq!(due(&mut wheel, ticks(5)), NOBODY);
        wheel.set(0, ticks(2));
        assert_eq!(wheel.next(), ticks(6));
        assert_eq!(due(&mut wheel, ticks(6)), [0]);
    }

    #[test]
    fn an_empty_wheel_is_looked_at_again_when_it_has_turned() {
        let wheel = wheel();
        assert_eq!(wheel.next(), ticks(SLOTS - 1));
    }
}
