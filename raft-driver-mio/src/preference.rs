//! Who should lead, among those that could: the order in which voters campaign, and whether a leader gives way to one that
//! comes before it.

use std::time::Duration;

use raft_core::{Event, Message, NodeId, Turn};
use tracing::info;

use crate::clock::Instant;
use crate::error::NodeError;
use crate::node::Node;
use crate::settings::Settings;

/// For how many election timeouts a voter must have answered steadily before leadership is handed to it.
const STEADY: u32 = 10;

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

impl Node {
    /// Takes note of what an event says about a preferred voter.
    pub(crate) fn note_answer(&mut self, event: &Event) {
        let Event::Receive {
            from,
            message: Message::AppendEntriesResponse(response),
        } = event
        else {
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
        self.peers.iter_mut().for_each(|peer| peer.steady = None);
    }

    /// Hands the leadership to a voter that should rather lead and has answered steadily for a while, if that is wanted.
    pub(crate) fn give_way(&mut self) -> Result<(), NodeError> {
        let leads = self.shared.lease().is_some();
        if !self.preference.take_back || !leads || self.asked.is_some() || self.end.is_some() {
            return Ok(());
        }
        let (now, longest) = (Instant::now(), self.config.election_timeout());
        let steady = |id: &NodeId| {
            let steady = self.peers.get(*id).and_then(|peer| peer.steady);
            steady.is_some_and(|steady| steady.lasts(now, longest, longest * STEADY))
        };
        let mut before_me = self.preference.order.iter();
        let to = before_me
            .by_ref()
            .take_while(|id| **id != self.id)
            .find(|id| steady(id));
        if let Some(to) = to.copied() {
            info!(event = "giving_way", node = self.id.0, to = to.0);
            // Refused, it is tried again.
            let _ = self.ask_for_transfer(Some(to))?;
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
