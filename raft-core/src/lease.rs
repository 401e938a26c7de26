//! A leader's lease, from its rounds and the times at which they began. Pure data: time is passed in.

use alloc::collections::VecDeque;
use core::ops::Add;
use core::time::Duration;

use crate::action::Action;
use crate::types::{Round, Term};

/// How many unconfirmed rounds are remembered. When there are more, the newest makes room: the older
/// ones are answered first.
const REMEMBERED: usize = 256;

/// Whether, and until when, this node leads undisturbed. `I` is the driver's instant.
///
/// Give it every action as it is carried out; ask it with your own clock, at the moment
/// of acting. The clock must be monotonic and count the time in which the machine is suspended.
///
/// ```
/// use core::time::Duration;
/// use raft_core::{Action, Lease, Round, Term};
///
/// let ms = Duration::from_millis;
/// let (term, round) = (Term(7), Round(1));
/// let mut lease = Lease::new(Some(ms(400)));
/// lease.carry_out(&Action::LeadershipGained { term, predecessor_stopped: false }, || ms(10));
/// lease.carry_out(&Action::StartRound { term, round }, || ms(20));
/// assert_eq!(lease.valid_at(ms(30)), None); // elected, but who knows whether it is still followed?
///
/// // A majority has answered. The lease counts from when the round began, not from the answers.
/// lease.carry_out(&Action::LeadershipConfirmed { term, round }, || ms(35));
/// assert_eq!(lease.valid_at(ms(419)), Some(term));
/// assert_eq!(lease.valid_at(ms(420)), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease<I> {
    length: Option<Duration>,
    begun: VecDeque<(Round, I)>,
    term: Option<Term>,
    ends: Option<I>,
}

impl<I: Copy + Ord + Add<Duration, Output = I>> Lease<I> {
    /// A lease of this length ([`Config::lease`](crate::Config::lease)); with `None` it is never valid.
    pub fn new(length: Option<Duration>) -> Self {
        Lease {
            length,
            begun: VecDeque::new(),
            term: None,
            ends: None,
        }
    }

    /// Follows an action. `now` reads the clock; it is called for
    /// [`Action::StartRound`] alone, and must read the clock there and then, not return a cached time.
    #[inline]
    pub fn carry_out(&mut self, action: &Action, now: impl FnOnce() -> I) {
        match *action {
            Action::LeadershipGained { term, .. } => {
                self.void();
                self.term = Some(term);
            }
            Action::StartRound { round, .. } => {
                if self.begun.len() == REMEMBERED {
                    self.begun.pop_back();
                }
                self.begun.push_back((round, now()));
            }
            Action::LeadershipConfirmed { round, .. } => self.confirm(round),
            Action::LeadershipLost { .. } => self.void(),
            Action::Persist(_)
            | Action::Send { .. }
            | Action::SetTimer { .. }
            | Action::CancelTimer(_)
            | Action::Report(_) => {}
        }
    }

    /// The term in which this node leads with a lease at `now`: the fencing token. `None` when it does not.
    #[must_use]
    pub fn valid_at(&self, now: I) -> Option<Term> {
        self.term
            .filter(|_| self.ends.is_some_and(|ends| now < ends))
    }

    /// When the lease ends unless it is extended, if there is one. It may have ended already.
    pub fn ends(&self) -> Option<I> {
        self.ends
    }

    /// The term of the latest lease and when it ends unless it is extended, to be handed to whoever judges it by the same
    /// clock. It may have ended already. It changes with [`Action::LeadershipGained`], [`Action::LeadershipConfirmed`] and
    /// [`Action::LeadershipLost`] alone.
    pub fn term_and_end(&self) -> Option<(Term, I)> {
        self.term.zip(self.ends)
    }

    fn confirm(&mut self, round: Round) {
        while let Some((begun, at)) = self.begun.front().copied() {
            if begun > round {
                break;
            }
            self.begun.pop_front();
            // In the end that of the confirmed round, or of an older one if that was forgotten.
            self.ends = self.length.map(|length| at + length);
        }
    }

    fn void(&mut self) {
        self.begun.clear();
        self.term = None;
        self.ends = None;
    }
}
