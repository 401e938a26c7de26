//! Whether a frame was made lately: challenges, without clocks and without sessions.

use raft_core::NodeId;

use super::format::Body;

/// The echo of a sender that has not yet learnt a challenge, which is never a challenge.
const NONE: [u8; 8] = [0; 8];
/// How many replaced runs of a peer are remembered, more than restart within one renewal of a challenge.
const FORMER_BOOTS: usize = 4;

/// What is known about freshness: our challenges and what the peers told of theirs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Freshness {
    current: [u8; 8],
    previous: [u8; 8],
    /// Ascending by id.
    peers: Box<[Peer]>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Peer {
    id: NodeId,
    /// The peer's challenge, from its latest fresh frame.
    learnt: [u8; 8],
    /// The run of the peer that its latest fresh frame came from.
    boot: Option<[u8; 4]>,
    /// Runs that were replaced, latest first.
    former: [Option<[u8; 4]>; FORMER_BOOTS],
    /// Renewals of our challenge since its latest fresh frame.
    quiet: u8,
}

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Fresh,
    Stale,
    /// Fresh, but from a run of the peer that a later run has replaced.
    Cloned,
}

impl Freshness {
    pub(super) fn new(peers: &[NodeId], random: &mut dyn FnMut(&mut [u8])) -> Freshness {
        let mut ids = peers.to_vec();
        ids.sort_unstable();
        ids.dedup();
        Freshness {
            current: draw(random),
            previous: NONE,
            peers: ids.into_iter().map(Peer::new).collect(),
        }
    }

    pub(super) fn knows(&self, id: NodeId) -> bool {
        self.index_of(id).is_some()
    }

    /// Our challenge.
    pub(super) fn challenge(&self) -> [u8; 8] {
        self.current
    }

    /// The peer's challenge, as far as we know.
    pub(super) fn learnt(&self, id: NodeId) -> [u8; 8] {
        self.index_of(id)
            .and_then(|index| self.peers.get(index))
            .map_or(NONE, |peer| peer.learnt)
    }

    /// Judges an authentic frame and learns from it, if it is fresh.
    pub(super) fn judge(&mut self, from: NodeId, body: &Body) -> Verdict {
        let holds = [self.current, self.previous].contains(&body.echo) && body.echo != NONE;
        let Some(index) = self.index_of(from).filter(|_| holds) else {
            return Verdict::Stale;
        };
        match self.peers.get_mut(index) {
            Some(peer) => peer.hear(body),
            None => Verdict::Stale,
        }
    }

    pub(super) fn renew(&mut self, random: &mut dyn FnMut(&mut [u8])) {
        self.previous = self.current;
        self.current = draw(random);
        for peer in &mut self.peers {
            peer.quiet = peer.quiet.saturating_add(1);
            // All that a former run sent before it was replaced is stale by now. If it is heard
            // again, it lives and its successor does not.
            if peer.quiet >= 2 {
                peer.former = [None; FORMER_BOOTS];
            }
        }
    }

    fn index_of(&self, id: NodeId) -> Option<usize> {
        self.peers.binary_search_by_key(&id, |peer| peer.id).ok()
    }
}

impl Peer {
    fn new(id: NodeId) -> Peer {
        Peer {
            id,
            learnt: NONE,
            boot: None,
            former: [None; FORMER_BOOTS],
            quiet: 0,
        }
    }

    fn hear(&mut self, body: &Body) -> Verdict {
        if self.former.contains(&Some(body.boot)) {
            return Verdict::Cloned;
        }
        if self.boot.is_some_and(|boot| boot != body.boot) {
            self.former.rotate_right(1);
            self.former[0] = self.boot;
        }
        self.boot = Some(body.boot);
        self.learnt = body.challenge;
        self.quiet = 0;
        Verdict::Fresh
    }
}

fn draw(random: &mut dyn FnMut(&mut [u8])) -> [u8; 8] {
    let mut challenge = NONE;
    random(&mut challenge);
    if challenge == NONE {
        challenge[0] = 1;
    }
    challenge
}
