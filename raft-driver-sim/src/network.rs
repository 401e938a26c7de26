//! The network: it delays, loses, repeats and reorders, and its links are cut, one way or both.

use core::ops::RangeInclusive;
use core::time::Duration;

use raft_core::{Message, MessageKind};
use serde::{Deserialize, Serialize};

use crate::rng::{Chance, Random};
use crate::time::nanos;

/// What happens to a message on its way. Two messages with different delays overtake each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conditions {
    /// The shortest delay.
    pub delay_min: Duration,
    /// The longest delay; it is uniform between the two.
    pub delay_max: Duration,
    /// How likely a message is lost.
    pub loss: Chance,
    /// How likely a message arrives twice, each copy with a delay of its own.
    pub duplication: Chance,
    /// How likely a copy is a straggler.
    pub straggling: Chance,
    /// The longest delay of a straggler; it is uniform from `delay_max` on.
    pub straggler_delay_max: Duration,
}

impl Conditions {
    /// A delay and no faults.
    pub const fn delay(range: RangeInclusive<Duration>) -> Self {
        Conditions {
            delay_min: *range.start(),
            delay_max: *range.end(),
            loss: Chance::NEVER,
            duplication: Chance::NEVER,
            straggling: Chance::NEVER,
            straggler_delay_max: *range.end(),
        }
    }

    /// The same with this chance of loss.
    #[must_use]
    pub const fn with_loss(mut self, loss: Chance) -> Self {
        self.loss = loss;
        self
    }

    /// The same with this chance of a second copy.
    #[must_use]
    pub const fn with_duplication(mut self, duplication: Chance) -> Self {
        self.duplication = duplication;
        self
    }

    /// The same with this chance that a copy comes as late as `delay_max`.
    #[must_use]
    pub const fn with_stragglers(mut self, straggling: Chance, delay_max: Duration) -> Self {
        self.straggling = straggling;
        self.straggler_delay_max = delay_max;
        self
    }

    fn draw_delay(&self, random: &mut Random) -> Duration {
        let (from, to) = if random.chance(self.straggling) {
            (self.delay_max, self.straggler_delay_max)
        } else {
            (self.delay_min, self.delay_max)
        };
        Duration::from_nanos(random.between(nanos(from), nanos(to)))
    }
}

impl Default for Conditions {
    /// A local network: 0.1 to 1 ms, and no faults.
    fn default() -> Self {
        Self::delay(Duration::from_micros(100)..=Duration::from_millis(1))
    }
}

/// Whether a message asks (an RPC's request) or answers (its response).
pub const fn is_request(kind: MessageKind) -> bool {
    match kind {
        MessageKind::RequestVote
        | MessageKind::AppendEntries
        | MessageKind::RequestPreVote
        | MessageKind::TimeoutNow => true,
        MessageKind::RequestVoteResponse
        | MessageKind::AppendEntriesResponse
        | MessageKind::RequestPreVoteResponse => false,
    }
}

/// The links between the nodes, each in one direction.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    pub(crate) requests: Conditions,
    pub(crate) responses: Conditions,
    nodes: usize,
    links: Vec<Link>,
    random: Random,
}

#[derive(Clone, Copy, Debug, Default)]
struct Link {
    is_cut: bool,
    conditions: Option<Conditions>,
}

/// The delays of the copies that arrive: none, one or two.
pub(crate) type Copies = [Option<Duration>; 2];

impl Network {
    pub(crate) fn new(
        nodes: usize,
        requests: Conditions,
        responses: Conditions,
        random: Random,
    ) -> Self {
        Network {
            requests,
            responses,
            nodes,
            links: vec![Link::default(); nodes * nodes],
            random,
        }
    }

    fn link(&mut self, from: usize, to: usize) -> &mut Link {
        &mut self.links[from * self.nodes + to]
    }

    pub(crate) fn set_cut(&mut self, from: usize, to: usize, is_cut: bool) {
        self.link(from, to).is_cut = is_cut;
    }

    pub(crate) fn is_cut(&self, from: usize, to: usize) -> bool {
        self.links[from * self.nodes + to].is_cut
    }

    pub(crate) fn set_conditions(
        &mut self,
        from: usize,
        to: usize,
        conditions: Option<Conditions>,
    ) {
        self.link(from, to).conditions = conditions;
    }

    /// Decides what becomes of a message when it is sent: a link that is cut later does not call back
    /// what is under way.
    #[inline]
    pub(crate) fn copies(&mut self, from: usize, to: usize, message: &Message) -> Copies {
        let link = *self.link(from, to);
        let conditions = link.conditions.unwrap_or(if is_request(message.kind()) {
            self.requests
        } else {
            self.responses
        });
        if link.is_cut || self.random.chance(conditions.loss) {
            return [None, None];
        }
        let second = self.random.chance(conditions.duplication);
        let first = conditions.draw_delay(&mut self.random);
        [
            Some(first),
            second.then(|| conditions.draw_delay(&mut self.random)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Stream;
    use raft_core::{Term, TimeoutNow};

    fn fates(conditions: Conditions, count: usize) -> Vec<Copies> {
        let random = Random::new(3, Stream::Network);
        let mut network = Network::new(2, conditions, conditions, random);
        let message = Message::TimeoutNow(TimeoutNow {
            term: Term(1),
            stopped: false,
        });
        (0..count).map(|_| network.copies(0, 1, &message)).collect()
    }

    #[test]
    fn a_cut_link_carries_nothing_in_its_direction_only() {
        let random = Random::new(3, Stream::Network);
        let mut network = Network::new(2, Conditions::default(), Conditions::default(), random);
        network.set_cut(0, 1, true);
        let message = Message::TimeoutNow(TimeoutNow {
            term: Term(1),
            stopped: false,
        });
        assert_eq!(network.copies(0, 1, &message), [None, None]);
        assert!(network.copies(1, 0, &message)[0].is_some());
    }

    #[test]
    fn faults_come_as_often_as_asked_and_delays_stay_in_their_range() {
        let ms = Duration::from_millis;
        let conditions = Conditions::delay(ms(1)..=ms(2))
            .with_loss(Chance::percent(20))
            .with_duplication(Chance::percent(50))
            .with_stragglers(Chance::percent(10), ms(100));
        let fates = fates(conditions, 10_000);
        let lost = fates.iter().filter(|copies| copies[0].is_none()).count();
        let twice = fates.iter().filter(|copies| copies[1].is_some()).count();
        let delays: Vec<Duration> = fates.iter().flatten().flatten().copied().collect();
        let late = delays.iter().filter(|delay| **delay > ms(2)).count();
        assert!((1_800..2_200).contains(&lost), "{lost}");
        assert!((3_700..4_300).contains(&twice), "{twice}");
        assert!((1_000..1_450).contains(&late), "{late}");
        assert!(delays.iter().all(|delay| (ms(1)..=ms(100)).contains(delay)));
    }
}
