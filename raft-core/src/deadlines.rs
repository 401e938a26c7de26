//! The timers of a node as a table of three deadlines. Pure data: time is passed in.

use core::ops::Add;
use core::time::Duration;

use crate::action::Action;
use crate::event::{Event, Timer};

/// When each timer of a node is due. `I` is the driver's instant, or a
/// [`Duration`] since some moment.
///
/// ```
/// use core::time::Duration;
/// use raft_core::{Action, Deadlines, Event, Timer};
///
/// let ms = Duration::from_millis;
/// let mut deadlines = Deadlines::new();
/// deadlines.carry_out(&Action::SetTimer { timer: Timer::Election, number: 7, after: ms(500) }, ms(20));
/// assert_eq!(deadlines.earliest(), Some(ms(520)));
/// assert_eq!(deadlines.expire(ms(519)), None);
/// assert_eq!(deadlines.expire(ms(520)), Some(Event::TimerFired { timer: Timer::Election, number: 7 }));
/// assert_eq!(deadlines.expire(ms(520)), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Deadlines<I> {
    slots: [Option<(I, u64)>; 3],
}

impl<I> Default for Deadlines<I> {
    fn default() -> Self {
        Deadlines {
            slots: [const { None }; 3],
        }
    }
}

impl<I: Copy + Ord + Add<Duration, Output = I>> Deadlines<I> {
    /// No timer is set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets or clears a timer, if that is what `action` asks for. `now` is a reading of the clock made
    /// after the event was received that led to the action.
    #[inline]
    pub fn carry_out(&mut self, action: &Action, now: I) {
        let (timer, slot) = match *action {
            Action::SetTimer {
                timer,
                number,
                after,
            } => (timer, Some((now + after, number))),
            Action::CancelTimer(timer) => (timer, None),
            Action::Persist(_)
            | Action::Send { .. }
            | Action::LeadershipGained { .. }
            | Action::StartRound { .. }
            | Action::LeadershipConfirmed { .. }
            | Action::LeadershipLost { .. }
            | Action::Report(_) => return,
        };
        if let Some(entry) = self.slots.get_mut(timer.index()) {
            *entry = slot;
        }
    }

    /// The earliest deadline: how long a driver may sleep.
    pub fn earliest(&self) -> Option<I> {
        self.slots.iter().flatten().map(|(due, _)| *due).min()
    }

    /// Takes the earliest timer that is due, as the event to step. Call it until it returns `None`.
    #[must_use = "feed the event to the node: its timer is not set any more"]
    pub fn expire(&mut self, now: I) -> Option<Event> {
        let timer = Timer::ALL
            .into_iter()
            .filter_map(|timer| {
                let (due, _) = (*self.slots.get(timer.index())?)?;
                (due <= now).then_some((due, timer))
            })
            .min()?
            .1;
        let (_, number) = self.slots.get_mut(timer.index())?.take()?;
        Some(Event::TimerFired { timer, number })
    }
}
