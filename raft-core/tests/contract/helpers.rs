//! The table of deadlines and the lease, against models that are too simple to be wrong.

use core::time::Duration;
use std::collections::BTreeMap;

use raft_core::{
    Action, Deadlines, DropReason, Event, HardState, Lease, LostReason, MessageKind, NodeId,
    Report, Round, Term, Timer,
};

use super::any::{Choice, check};

const L: Duration = Duration::from_millis(400);

fn ms(time: u64) -> Duration {
    Duration::from_millis(time)
}

fn irrelevant(choice: u8) -> Action {
    match choice % 3 {
        0 => Action::Persist(HardState::first_boot()),
        1 => Action::LeadershipConfirmed {
            term: Term(1),
            round: Round(1),
        },
        _ => Action::Report(Report::Dropped {
            from: NodeId(1),
            kind: MessageKind::RequestVote,
            reason: DropReason::Stale,
        }),
    }
}

#[test]
fn deadlines_are_a_map_from_timer_to_time() {
    fn property(choices: Vec<Choice>) {
        let mut deadlines = Deadlines::new();
        let mut model: BTreeMap<Timer, (Duration, u64)> = BTreeMap::new();
        let mut now = Duration::ZERO;
        for (kind, a, b, c) in choices {
            let timer = Timer::ALL[usize::from(a) % 3];
            match kind % 8 {
                0..=3 => {
                    let (number, after) = (u64::from(c), ms(u64::from(b % 32)));
                    deadlines.carry_out(
                        &Action::SetTimer {
                            timer,
                            number,
                            after,
                        },
                        now,
                    );
                    model.insert(timer, (now + after, number));
                }
                4 => {
                    deadlines.carry_out(&Action::CancelTimer(timer), now);
                    model.remove(&timer);
                }
                5 => deadlines.carry_out(&irrelevant(a), now),
                _ => {
                    now += ms(u64::from(b % 16));
                    loop {
                        let earliest = model.iter().map(|(timer, (due, _))| (*due, *timer)).min();
                        let due = earliest.filter(|(due, _)| *due <= now);
                        let expected = due.map(|(_, timer)| {
                            let (_, number) = model.remove(&timer).unwrap();
                            Event::TimerFired { timer, number }
                        });
                        assert_eq!(deadlines.expire(now), expected);
                        if expected.is_none() {
                            break;
                        }
                    }
                }
            }
            assert_eq!(
                deadlines.earliest(),
                model.values().map(|(due, _)| *due).min()
            );
        }
    }
    check(1_000, 100, property as fn(Vec<Choice>));
}

#[test]
fn a_timer_is_never_early() {
    let mut deadlines = Deadlines::new();
    let timer = Timer::Heartbeat;
    let set = Action::SetTimer {
        timer,
        number: 3,
        after: ms(10),
    };
    deadlines.carry_out(&set, ms(5));
    assert_eq!(deadlines.expire(ms(15) - Duration::from_nanos(1)), None);
    assert_eq!(
        deadlines.expire(ms(15)),
        Some(Event::TimerFired { timer, number: 3 })
    );
}

/// Where a leadership stands: its term, when its rounds began, what it has confirmed.
#[derive(Default)]
struct Model {
    term: u64,
    leads: bool,
    begun: Vec<Duration>,
    confirmed: usize,
}

impl Model {
    /// The next action that a core could ask for.
    fn next(&mut self, choice: u8, now: Duration) -> Action {
        let term = Term(self.term);
        if !self.leads {
            *self = Model {
                term: self.term + 1,
                leads: true,
                ..Model::default()
            };
            let term = Term(self.term);
            return Action::LeadershipGained {
                term,
                predecessor_stopped: false,
            };
        }
        let ahead = self.begun.len() - self.confirmed;
        match choice % 16 {
            0 => {
                self.leads = false;
                Action::LeadershipLost {
                    term,
                    reason: LostReason::HigherTerm,
                }
            }
            1..=6 if ahead > 0 => {
                self.confirmed += 1 + usize::from(choice / 16) % ahead;
                Action::LeadershipConfirmed {
                    term,
                    round: Round(self.confirmed as u64),
                }
            }
            7..=9 => irrelevant(choice / 16 * 3),
            _ => {
                self.begun.push(now);
                Action::StartRound {
                    term,
                    round: Round(self.begun.len() as u64),
                }
            }
        }
    }

    fn ends(&self) -> Option<Duration> {
        let confirmed = self.confirmed.checked_sub(1)?;
        self.leads.then(|| self.begun[confirmed] + L)
    }
}

#[test]
fn a_lease_ends_l_after_the_confirmed_round_began() {
    fn property(choices: Vec<(u8, u8)>) {
        let (mut lease, mut model) = (Lease::new(Some(L)), Model::default());
        let mut never = Lease::new(None);
        let mut now = Duration::ZERO;
        for (choice, time) in choices {
            now += ms(u64::from(time));
            let action = model.next(choice, now);
            lease.carry_out(&action, || now);
            never.carry_out(&action, || now);
            assert_eq!(lease.ends(), model.ends());
            for asked in [now, now + L / 2, now + L - ms(1), now + L, now + 2 * L] {
                let valid = model.ends().is_some_and(|ends| asked < ends);
                assert_eq!(lease.valid_at(asked), valid.then_some(Term(model.term)));
                assert_eq!(never.valid_at(asked), None);
            }
            let granted = model.ends().map(|ends| (Term(model.term), ends));
            assert_eq!(lease.term_and_end(), granted);
            assert_eq!(never.term_and_end(), None);
        }
    }
    check(1_000, 150, property as fn(Vec<(u8, u8)>));
}

// A node that crashed says nothing of its loss. Whoever keeps the lease for the restored node must not find the old one in it.
#[test]
fn a_lease_begins_anew_with_each_leadership() {
    let mut lease = Lease::new(Some(L));
    let gained = |term| Action::LeadershipGained {
        term: Term(term),
        predecessor_stopped: false,
    };
    let (term, round) = (Term(1), Round(1));
    for action in [
        gained(1),
        Action::StartRound { term, round },
        Action::LeadershipConfirmed { term, round },
    ] {
        lease.carry_out(&action, || ms(0));
    }
    assert_eq!(lease.valid_at(ms(1)), Some(term));
    lease.carry_out(&gained(2), || ms(0));
    assert_eq!(lease.valid_at(ms(1)), None);
}

#[test]
fn the_clock_is_read_for_the_start_of_a_round_alone() {
    let mut lease = Lease::new(Some(L));
    for choice in 0..6 {
        lease.carry_out(&irrelevant(choice), || -> Duration {
            panic!("the clock is read")
        });
    }
}

// Thousands of rounds without an answer take no memory, and can only make a lease shorter.
#[test]
fn of_too_many_unconfirmed_rounds_a_lease_forgets_the_newer_ones() {
    let term = Term(1);
    let lead = || {
        let mut lease = Lease::new(Some(L));
        let gained = Action::LeadershipGained {
            term,
            predecessor_stopped: false,
        };
        lease.carry_out(&gained, Duration::default);
        for round in 1..=1_000 {
            lease.carry_out(
                &Action::StartRound {
                    term,
                    round: Round(round),
                },
                || ms(round),
            );
        }
        lease
    };
    for (round, ends) in [
        (1, Some(ms(1) + L)),
        (255, Some(ms(255) + L)),
        // Forgotten: the lease counts from an older round, so it is shorter, never longer.
        (744, Some(ms(255) + L)),
        (1_000, Some(ms(1_000) + L)),
    ] {
        let mut lease = lead();
        let confirmed = Action::LeadershipConfirmed {
            term,
            round: Round(round),
        };
        lease.carry_out(&confirmed, || panic!("the clock is read"));
        assert_eq!(lease.ends(), ends, "round {round}");
    }
}
