//! Who should lead, among those that could: the order in which voters campaign, and whether a leader gives way to one that
//! comes before it.

use std::time::Duration;

use raft_core::{Event, Message, NodeId, Term, Turn};
use tracing::info;

use crate::clock::Instant;
use crate::error::NodeError;
use crate::node::Node;
use crate::settings::Settings;

/// For how many election timeouts a voter must have answered steadily before leadership is handed to it.
const STEADY: u32 = 10;
/// The longest time for which one must that was handed leadership and did not lead.
const LONGEST: Duration = Duration::from_secs(3600);

/// The voters that should lead rather than others.
#[derive(Clone, Debug, Default)]
pub(crate) struct Preference {
    pub(crate) order: Vec<NodeId>,
    pub(crate) take_back: bool,
}

impl Preference {
    pub(crate) fn of(settings: &Settings) -> Preference {
        Preference {
            order: settings.prefer.clone(),
            take_back: settings.take_back,
        }
    }
}

/// When `id` campaigns: voters in their order, one to a turn, and all that are not named after them.
pub(crate) fn turn(order: &[NodeId], id: NodeId, voters: usize) -> Turn {
    let parts = order.len() + usize::from(voters > order.len());
    let place = order.iter().position(|preferred| *preferred == id);
    let index = place.unwrap_or(order.len());
    match (u8::try_from(index), u8::try_from(parts)) {
        (Ok(index), Ok(of)) if of > 0 => Turn { index, of },
        _ => Turn::ANY,
    }
}

/// Since when a voter answers a leader without a break, as one that would take over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Steady {
    since: Instant,
    last: Instant,
}

impl Steady {
    /// Takes note of an answer. A break is longer than `longest`.
    fn answered(steady: &mut Option<Steady>, now: Instant, longest: Duration) {
        let since = match *steady {
            Some(Steady { since, last }) if now.saturating_duration_since(last) <= longest => since,
            Some(_) | None => now,
        };
        *steady = Some(Steady { since, last: now });
    }

    /// Whether it has gone on for `time`.
    fn lasts(self, now: Instant, longest: Duration, time: Duration) -> bool {
        now.saturating_duration_since(self.last) <= longest
            && now.saturating_duration_since(self.since) >= time
    }
}

/// How a voter did that leadership was handed to. One that answers and still cannot win (its log is behind, or others do
/// not hear it) would cost a leader every few seconds, for ever.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Patience {
    /// In which term it was asked to lead, as long as it has not led since.
    asked: Option<Term>,
    /// How often it did not, one time after the other.
    failures: u32,
}

impl Patience {
    /// It leads in that term.
    fn leads(&mut self, term: Term) {
        if self.asked.is_none_or(|asked| term > asked) {
            *self = Patience::default();
        }
    }

    /// This node leads, again or still. True if the voter was to lead and did not.
    fn failed(&mut self) -> bool {
        let failed = self.asked.take().is_some();
        self.failures = self.failures.saturating_add(u32::from(failed));
        failed
    }

    /// For how long it must answer steadily, if usually for `time`: twice as long after each failure, up to [`LONGEST`].
    fn time(self, time: Duration) -> Duration {
        let doubled = time.saturating_mul(2_u32.saturating_pow(self.failures));
        doubled.min(time.max(LONGEST))
    }
}

impl Node {
    /// Takes note of what an event says about a preferred voter.
    pub(crate) fn note_answer(&mut self, event: &Event) {
        let Event::Receive { from, message } = event else {
            return;
        };
        if let Message::AppendEntries(request) = message
            && let Some(peer) = self.peers.get_mut(*from)
        {
            peer.patience.leads(request.term);
        }
        let Message::AppendEntriesResponse(response) = message else {
            return;
        };
        if !self.preference.take_back || response.term != self.raft.state().current_term() {
            return;
        }
        let longest = self.config.election_timeout();
        if let Some(peer) = self.peers.get_mut(*from) {
            if response.success && response.can_campaign {
                Steady::answered(&mut peer.steady, Instant::now(), longest);
            } else {
                peer.steady = None;
            }
        }
    }

    /// A leadership begins: what was seen in an earlier one does not count.
    pub(crate) fn forget_answers(&mut self) {
        for peer in self.peers.iter_mut() {
            peer.steady = None;
            peer.can_campaign = true;
        }
    }

    /// Hands the leadership to a voter that should rather lead and has answered steadily for a while, if that is wanted.
    pub(crate) fn give_way(&mut self) -> Result<(), NodeError> {
        let leads = self.shared.lease().is_some();
        if !self.preference.take_back || !leads || self.asked.is_some() || self.end.is_some() {
            return Ok(());
        }
        let (now, longest) = (Instant::now(), self.config.election_timeout());
        let usually = longest * STEADY;
        for peer in self.peers.iter_mut() {
            if peer.patience.failed() {
                peer.steady = None;
                let wait = peer.patience.time(usually).as_secs_f64();
                info!(
                    event = "did_not_take_over",
                    node = self.id.0,
                    peer = peer.id.0,
                    wait
                );
            }
        }
        let steady = |id: &NodeId| {
            self.peers.get(*id).is_some_and(|peer| {
                let time = peer.patience.time(usually);
                let steady = peer.steady;
                steady.is_some_and(|steady| steady.lasts(now, longest, time))
            })
        };
        let mut before_me = self.preference.order.iter();
        let to = before_me
            .by_ref()
            .take_while(|id| **id != self.id)
            .find(|id| steady(id));
        if let Some(to) = to.copied() {
            info!(event = "giving_way", node = self.id.0, to = to.0);
            let term = self.raft.state().current_term();
            // Refused, it is tried again.
            if self.ask_for_transfer(Some(to))?.is_ok()
                && let Some(peer) = self.peers.get_mut(to)
            {
                peer.patience.asked = Some(term);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: Duration = Duration::from_millis(500);

    #[test]
    fn the_named_come_one_after_the_other_and_before_the_rest() {
        let order = [2, 1].map(NodeId);
        let index = |id, voters| turn(&order, NodeId(id), voters);
        assert_eq!(index(2, 5), Turn { index: 0, of: 3 });
        assert_eq!(index(1, 5), Turn { index: 1, of: 3 });
        assert_eq!(index(3, 5), Turn { index: 2, of: 3 });
        assert_eq!(index(5, 5), Turn { index: 2, of: 3 });
        assert_eq!(index(1, 2), Turn { index: 1, of: 2 });
        assert_eq!(turn(&[], NodeId(1), 3), Turn::ANY);
    }

    #[test]
    fn who_does_not_take_over_is_asked_less_and_less_often() {
        let mut patience = Patience::default();
        let time = T * STEADY;
        assert!(!patience.failed(), "it was not asked");
        assert_eq!(patience.time(time), time);
        for (failures, doubled) in [(1, 2), (2, 4), (3, 8)] {
            patience.asked = Some(Term(failures));
            assert!(patience.failed());
            assert!(!patience.failed(), "once for each time");
            assert_eq!(patience.time(time), time * doubled);
        }
        patience.failures = u32::MAX;
        assert_eq!(patience.time(time), LONGEST);
        assert_eq!(patience.time(LONGEST * 2), LONGEST * 2);
        // What it did before it was asked says nothing.
        patience.asked = Some(Term(9));
        patience.leads(Term(9));
        assert!(patience.failed());
        patience.asked = Some(Term(9));
        patience.leads(Term(10));
        assert!(!patience.failed());
        assert_eq!(patience.time(time), time);
    }

    #[test]
    fn steady_is_who_answers_without_a_break() {
        let start = Instant::at(Duration::from_secs(1));
        let mut steady = None;
        for beat in 0..=10 {
            Steady::answered(&mut steady, start + T * beat, T);
        }
        let lasts = |steady: Option<Steady>, now| steady.is_some_and(|it| it.lasts(now, T, T * 10));
        assert!(lasts(steady, start + T * 11));
        assert!(!lasts(steady, start + T * 12), "it is silent");
        Steady::answered(&mut steady, start + T * 12, T);
        assert!(!lasts(steady, start + T * 12), "it was silent");
    }
}
