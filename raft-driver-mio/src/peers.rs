//! The other nodes: where they are, and when they were last heard.

use std::net::SocketAddr;
use std::time::Duration;

use raft_core::{AppendEntriesResponse, NodeId, Round, Term};

use crate::clock::Instant;
use crate::frame::PeerReport;
use crate::preference::{Patience, Steady};
use crate::settings::{PeerAddress, reachable_as};
use crate::timings::Timings;

/// How many answers to stale frames a peer gets in [`ANSWER_WINDOW`] at the most, so that replayed
/// datagrams cost their target next to nothing.
const ANSWERS: u32 = 10;
/// How many answers to its questions a peer gets in that time at the most.
const REPORTS: u32 = 20;
const ANSWER_WINDOW: Duration = Duration::from_secs(1);
/// The least time between two resolutions of a name.
const RESOLVE_INTERVAL: Duration = Duration::from_secs(5);

/// How often something was done since when.
#[derive(Debug, Default)]
struct Rate(Option<(Instant, u32)>);

impl Rate {
    /// Whether it may be done again: no more than `most` times in [`ANSWER_WINDOW`].
    fn allows(&mut self, most: u32, now: Instant) -> bool {
        let (start, count) = match self.0 {
            Some((start, count)) if now.saturating_duration_since(start) < ANSWER_WINDOW => {
                (start, count)
            }
            Some(_) | None => (now, 0),
        };
        self.0 = Some((start, count.saturating_add(1)));
        count < most
    }
}

/// A peer.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) id: NodeId,
    pub(crate) name: PeerAddress,
    /// Where it is, in the form in which our socket sends to it.
    pub(crate) address: Option<SocketAddr>,
    /// When an authentic and fresh datagram of it last arrived.
    pub(crate) last_received: Option<Instant>,
    /// When it last answered a heartbeat of ours.
    pub(crate) last_ack: Option<Instant>,
    /// How long its answers took.
    pub(crate) rtt: Timings,
    /// Whether it has answered our latest heartbeat.
    acked: bool,
    /// Whether it was sent anything since our challenge was renewed.
    pub(crate) contacted: bool,
    /// Whether it would campaign, as it last answered this leader.
    pub(crate) can_campaign: bool,
    /// Since when it answers this leader, if that is looked at.
    pub(crate) steady: Option<Steady>,
    /// What became of the leaderships that were handed to it because it is preferred.
    pub(crate) patience: Patience,
    answers: Rate,
    questions: Rate,
    /// What it last said of itself, and when.
    pub(crate) report: Option<(Instant, PeerReport)>,
    asked_resolver: Option<Instant>,
    /// Whether the resolver owes an answer.
    resolving: bool,
    /// Whether it was given another name, which is not resolved yet: `address` is the old one's.
    renamed: bool,
}

impl Peer {
    /// Notes a fresh datagram. True if it is the first.
    pub(crate) fn received(&mut self) -> bool {
        self.last_received.replace(Instant::now()).is_none()
    }

    /// Whether `source` is not where the peer was configured to be.
    pub(crate) fn is_elsewhere(&self, source: SocketAddr) -> bool {
        self.address
            .is_some_and(|address| (address.ip(), address.port()) != (source.ip(), source.port()))
    }

    /// Whether a stale frame may be answered.
    pub(crate) fn may_answer(&mut self, now: Instant) -> bool {
        self.answers.allows(ANSWERS, now)
    }

    /// Whether its question what we say of ourselves may be answered.
    pub(crate) fn may_report(&mut self, now: Instant) -> bool {
        self.questions.allows(REPORTS, now)
    }

    /// Takes another address or name. True if the address changed with it; a name is to be resolved first.
    pub(crate) fn move_to(&mut self, name: &PeerAddress, listen: SocketAddr) -> bool {
        if self.name == *name {
            return false;
        }
        self.name = name.clone();
        self.asked_resolver = None;
        match name {
            PeerAddress::Address(address) => {
                self.renamed = false;
                let before = self.address;
                self.address = reachable_as(*address, listen);
                self.address != before
            }
            PeerAddress::Name { .. } => {
                self.renamed = true;
                false
            }
        }
    }

    /// The host name to resolve, if it is time: at the start, after a change of name, and whenever the peer has been silent for
    /// `silence`. One question at a time: when names are not served, an answer takes long.
    pub(crate) fn resolve_due(&mut self, now: Instant, silence: Duration) -> Option<(String, u16)> {
        let PeerAddress::Name { host, port } = &self.name else {
            return None;
        };
        let heard = |at| now.saturating_duration_since(at) < silence;
        let asked = |at| now.saturating_duration_since(at) < RESOLVE_INTERVAL;
        let asked = self.resolving || self.asked_resolver.is_some_and(asked);
        if asked || !self.renamed && self.last_received.is_some_and(heard) {
            return None;
        }
        self.asked_resolver = Some(now);
        self.resolving = true;
        Some((host.clone(), *port))
    }

    /// Notes that the resolver has answered.
    pub(crate) fn answered(&mut self) {
        self.resolving = false;
    }

    /// Takes what the name was resolved to. A silent peer with several addresses is tried at one after
    /// the other. True if the address changed.
    pub(crate) fn resolved(&mut self, addresses: &[SocketAddr], listen: SocketAddr) -> bool {
        let usable: Vec<_> = addresses
            .iter()
            .filter_map(|address| reachable_as(*address, listen))
            .collect();
        let current = self.address.filter(|_| !self.renamed);
        self.renamed &= usable.is_empty();
        let next = match current.and_then(|now| usable.iter().position(|a| *a == now)) {
            Some(current) => usable.get(current + 1).or(usable.first()),
            None => usable.first(),
        };
        match next {
            Some(next) if self.address != Some(*next) => {
                self.address = Some(*next);
                true
            }
            Some(_) | None => false,
        }
    }
}

/// All peers, in ascending order of their ids.
#[derive(Debug)]
pub(crate) struct Peers {
    list: Vec<Peer>,
    /// The latest round of our heartbeats, and when it began.
    round: Option<(Term, Round, Instant)>,
    /// How often they were asked what they say of themselves.
    asked: Rate,
}

impl Peers {
    pub(crate) fn new(peers: &[(NodeId, PeerAddress)], listen: SocketAddr) -> Peers {
        let peer = |(id, name): &(NodeId, PeerAddress)| Peer {
            id: *id,
            name: name.clone(),
            address: match name {
                PeerAddress::Address(address) => reachable_as(*address, listen),
                PeerAddress::Name { .. } => None,
            },
            last_received: None,
            last_ack: None,
            rtt: Timings::default(),
            acked: false,
            contacted: false,
            can_campaign: true,
            steady: None,
            patience: Patience::default(),
            answers: Rate::default(),
            questions: Rate::default(),
            report: None,
            asked_resolver: None,
            resolving: false,
            renamed: false,
        };
        let mut list: Vec<_> = peers.iter().map(peer).collect();
        list.sort_unstable_by_key(|peer| peer.id);
        Peers {
            list,
            round: None,
            asked: Rate::default(),
        }
    }

    pub(crate) fn get(&self, id: NodeId) -> Option<&Peer> {
        let index = self.list.binary_search_by_key(&id, |peer| peer.id).ok()?;
        self.list.get(index)
    }

    pub(crate) fn get_mut(&mut self, id: NodeId) -> Option<&mut Peer> {
        let index = self.list.binary_search_by_key(&id, |peer| peer.id).ok()?;
        self.list.get_mut(index)
    }

    /// Whether they may be asked again what they say of themselves, however many ask us to.
    pub(crate) fn may_ask(&mut self, now: Instant) -> bool {
        self.asked.allows(REPORTS, now)
    }

    /// How many were heard within that time.
    pub(crate) fn heard_within(&self, time: Duration, now: Instant) -> usize {
        let heard = |at| now.saturating_duration_since(at) < time;
        let peers = self.list.iter();
        peers
            .filter(|peer| peer.last_received.is_some_and(heard))
            .count()
    }

    /// Notes that a round of our heartbeats begins.
    pub(crate) fn round_began(&mut self, term: Term, round: Round, now: Instant) {
        self.round = Some((term, round, now));
        self.list.iter_mut().for_each(|peer| peer.acked = false);
    }

    /// Notes an answer to a heartbeat of ours. Only the first to the latest one is timed.
    pub(crate) fn answered(
        &mut self,
        from: NodeId,
        response: &AppendEntriesResponse,
        now: Instant,
    ) {
        let Some((term, round, began)) = self.round else {
            return;
        };
        if !response.success || response.term != term {
            return;
        }
        let Some(peer) = self.get_mut(from) else {
            return;
        };
        peer.last_ack = Some(now);
        peer.can_campaign = response.can_campaign;
        if response.round == round && !peer.acked {
            peer.acked = true;
            peer.rtt.add(now.saturating_duration_since(began));
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Peer> {
        self.list.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Peer> {
        self.list.iter_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: &str = "127.0.0.1:7400";

    fn peer(name: &str) -> Peer {
        let name = name.parse().expect("an address");
        let mut peers = Peers::new(&[(NodeId(2), name)], ME.parse().expect("an address"));
        peers.list.remove(0)
    }

    fn addresses(list: &[&str]) -> Vec<SocketAddr> {
        list.iter()
            .map(|a| a.parse().expect("an address"))
            .collect()
    }

    #[test]
    fn stale_frames_get_ten_answers_a_second() {
        let mut peer = peer("127.0.0.1:7401");
        let now = Instant::now();
        let answered = (0..1000).filter(|_| peer.may_answer(now)).count();
        assert_eq!(answered, 10);
        assert!(!peer.may_answer(now + Duration::from_millis(999)));
        assert!(peer.may_answer(now + Duration::from_millis(1000)));
    }

    #[test]
    fn a_silent_name_is_resolved_again_and_a_heard_one_is_not() {
        let mut peer = peer("host.example:7401");
        let silence = Duration::from_secs(1);
        let now = Instant::now();
        assert!(peer.resolve_due(now, silence).is_some());
        peer.answered();
        assert!(peer.resolve_due(now, silence).is_none());
        let later = now + RESOLVE_INTERVAL;
        peer.last_received = Some(later);
        assert!(peer.resolve_due(later, silence).is_none());
        assert!(peer.resolve_due(later + silence, silence).is_some());
    }

    #[test]
    fn a_name_is_not_asked_for_again_before_there_is_an_answer() {
        let mut peer = peer("host.example:7401");
        let now = Instant::now();
        let ask = |peer: &mut Peer, after| peer.resolve_due(now + after, Duration::ZERO).is_some();
        assert!(ask(&mut peer, Duration::ZERO));
        assert!(!ask(&mut peer, RESOLVE_INTERVAL * 1000));
        peer.answered();
        assert!(ask(&mut peer, RESOLVE_INTERVAL * 1000));
    }

    #[test]
    fn only_the_first_answer_to_the_latest_heartbeat_is_timed() {
        let name = "127.0.0.1:7401".parse().expect("an address");
        let mut peers = Peers::new(&[(NodeId(2), name)], ME.parse().expect("an address"));
        let now = Instant::now();
        let ms = Duration::from_millis;
        let answer = |term, round, success| AppendEntriesResponse {
            term: Term(term),
            success,
            round: Round(round),
            can_campaign: true,
        };
        let hear = |peers: &mut Peers, answer, after| {
            peers.answered(NodeId(2), &answer, now + ms(after));
            let peer = peers.get(NodeId(2)).expect("a peer");
            (peer.rtt.count, peer.last_ack)
        };
        assert_eq!(hear(&mut peers, answer(7, 3, true), 1), (0, None));
        peers.round_began(Term(7), Round(3), now);
        assert_eq!(hear(&mut peers, answer(6, 3, true), 2), (0, None));
        assert_eq!(hear(&mut peers, answer(7, 3, false), 3), (0, None));
        assert_eq!(
            hear(&mut peers, answer(7, 2, true), 4),
            (0, Some(now + ms(4)))
        );
        assert_eq!(
            hear(&mut peers, answer(7, 3, true), 5),
            (1, Some(now + ms(5)))
        );
        assert_eq!(
            hear(&mut peers, answer(7, 3, true), 6),
            (1, Some(now + ms(6)))
        );
        peers.round_began(Term(7), Round(4), now + ms(10));
        assert_eq!(
            hear(&mut peers, answer(7, 4, true), 12),
            (2, Some(now + ms(12)))
        );
        let rtt = peers.get(NodeId(2)).expect("a peer").rtt;
        assert!((rtt.last - 0.002).abs() < 1e-9 && (rtt.max - 0.005).abs() < 1e-9);
    }

    #[test]
    fn an_address_is_never_resolved() {
        assert!(
            peer("127.0.0.1:7401")
                .resolve_due(Instant::now(), Duration::ZERO)
                .is_none()
        );
    }

    #[test]
    fn the_addresses_of_a_silent_name_are_tried_in_turn() {
        let mut peer = peer("host.example:7401");
        let listen = ME.parse().expect("an address");
        let both = addresses(&["[::1]:7401", "127.0.0.2:7401", "127.0.0.3:7401"]);
        assert!(peer.resolved(&both, listen));
        assert_eq!(peer.address, Some(both[1]));
        assert!(peer.resolved(&both, listen));
        assert_eq!(peer.address, Some(both[2]));
        assert!(peer.resolved(&both, listen));
        assert_eq!(peer.address, Some(both[1]));
        assert!(!peer.resolved(&addresses(&["[::1]:7401"]), listen));
        assert!(!peer.resolved(&[], listen));
        assert_eq!(
            peer.address,
            Some(both[1]),
            "an address that worked once is kept"
        );
    }
}
