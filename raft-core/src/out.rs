//! Where the actions of a step go, and the numbers of the timers.

use core::time::Duration;

use rand_core::Rng;

use crate::action::{Action, Actions};
use crate::config::Config;
use crate::event::Timer;
use crate::message::{Message, MessageKind};
use crate::report::{DropReason, Report};
use crate::types::{HardState, NodeId};

/// The numbers with which the timers were set: odd while a timer is set, even while it is not. So
/// a timer that fires late or twice, or was replaced or cancelled, is told by its number.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Timers([u64; 3]);

impl Timers {
    pub(crate) fn armed(&self, timer: Timer) -> Option<u64> {
        self.0
            .get(timer.index())
            .copied()
            .filter(|number| number % 2 == 1)
    }

    #[inline]
    fn set(&mut self, timer: Timer) -> u64 {
        let Some(number) = self.0.get_mut(timer.index()) else {
            return 0;
        };
        *number = number.wrapping_add(1) | 1;
        *number
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

    /// Clears the timer if it is set with this number, and says whether it was.
    pub(crate) fn fire(&mut self, timer: Timer, number: u64) -> bool {
        self.armed(timer) == Some(number) && self.clear(timer)
    }
}

/// The only place where actions are pushed.
pub(crate) struct Out<'a, R> {
    pub(crate) config: &'a Config,
    pub(crate) timers: &'a mut Timers,
    pub(crate) rng: &'a mut R,
    pub(crate) actions: &'a mut Actions,
}

impl<R: Rng> Out<'_, R> {
    #[inline]
    pub(crate) fn push(&mut self, action: Action) {
        self.actions.push(action);
    }

    #[inline]
    pub(crate) fn send(&mut self, to: NodeId, message: Message) {
        self.push(Action::Send { to, message });
    }

    pub(crate) fn send_to_all(&mut self, message: Message) {
        for peer in self.config.peers() {
            self.send(peer, message);
        }
    }

    /// Has the disk hold this state. Within a step the last state wins, in the first one's place:
    /// all that the step sends comes after both.
    pub(crate) fn persist(&mut self, state: HardState) {
        for action in self.actions.iter_mut() {
            if let Action::Persist(earlier) = action {
                *earlier = state;
                return;
            }
        }
        self.push(Action::Persist(state));
    }

    #[inline]
    pub(crate) fn set_timer(&mut self, timer: Timer, after: Duration) {
        let number = self.timers.set(timer);
        self.push(Action::SetTimer {
            timer,
            number,
            after,
        });
    }

    pub(crate) fn cancel(&mut self, timer: Timer) {
        if self.timers.clear(timer) {
            self.push(Action::CancelTimer(timer));
        }
    }

    /// A duration uniform in [0, T). With the number of the first pre-vote question, all that
    /// the random generator decides.
    pub(crate) fn draw(&mut self) -> Duration {
        let range = self.config.election_timeout.as_nanos();
        let nanos = (u128::from(self.rng.next_u64()) * range) >> 64;
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    pub(crate) fn report(&mut self, report: Report) {
        self.push(Action::Report(report));
    }

    pub(crate) fn drop_message(&mut self, from: NodeId, kind: MessageKind, reason: DropReason) {
        self.report(Report::Dropped { from, kind, reason });
    }
}
