//! The numbers of the timers.

use core::time::Duration;

use crate::action::{Action, Actions};
use crate::event::Timer;

/// The numbers with which the timers were set: odd while a timer is set, even while it is not. So
/// a timer that fires late or twice, or was replaced or cancelled, is told by its number.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Timers([u64; 3]);

impl Timers {
    #[inline]
    pub(crate) fn armed(&self, timer: Timer) -> Option<u64> {
        self.0
            .get(timer.index())
            .copied()
            .filter(|number| number % 2 == 1)
    }

    #[inline]
    pub(crate) fn set(&mut self, timer: Timer, after: Duration, actions: &mut Actions) {
        let Some(number) = self.0.get_mut(timer.index()) else {
            return;
        };
        *number = number.wrapping_add(1) | 1;
        actions.push(Action::SetTimer {
            timer,
            number: *number,
            after,
        });
    }

    pub(crate) fn cancel(&mut self, timer: Timer, actions: &mut Actions) {
        if self.clear(timer) {
            actions.push(Action::CancelTimer(timer));
        }
    }

    /// Clears the timer if it is set with this number, and says whether it was.
    #[inline]
    pub(crate) fn fire(&mut self, timer: Timer, number: u64) -> bool {
        self.armed(timer) == Some(number) && self.clear(timer)
    }

    /// Clears the timer and says whether it was set.
    #[inline]
    fn clear(&mut self, timer: Timer) -> bool {
        let Some(number) = self.0.get_mut(timer.index()) else {
            return false;
        };
        let was_set = *number % 2 == 1;
        *number = number.wrapping_add(u64::from(was_set));
        was_set
    }
}
