//! Whether a frame was made lately: challenges, without clocks and without sessions.

use raft_core::NodeId;

use super::format::Body;

/// What a frame must echo to be fresh. The first half counts (from anywhere, and around), so that a
/// later one is known from an earlier one; the second half is random. A challenge of one run is no
/// more likely to come again in another than if all of it were random.
pub(super) type Challenge = [u8; 8];
/// A run of a node: drawn when its process starts.
pub(super) type BootId = [u8; 4];

/// The echo of a sender that has learnt no challenge yet. It is never a challenge.
const NONE: Challenge = [0; 8];
/// How many replaced runs of a peer are known by name.
const FORMER_RUNS: usize = 4;

/// Our challenges to the peers, and theirs to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Freshness {
    /// Ascending by id.
    peers: Box<[Peer]>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Peer {
    id: NodeId,
    /// Our challenge to it.
    current: Challenge,
    /// The one before, which still holds; or `NONE`.
    previous: Challenge,
    /// Whether `previous` was drawn before this run was heard, and thus holds for this run alone.
    previous_is_older: bool,
    /// The latest of its challenges to us that came in a fresh frame; or `NONE`.
    learnt: Challenge,
    /// Its run; `None` until it is heard.
    run: Option<BootId>,
    /// The runs that this one replaced, latest first.
    former: [Option<BootId>; FORMER_RUNS],
    /// Whether a fresh frame came from this run since the latest renewal.
    heard: bool,
}

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Fresh,
    Stale,
    /// Fresh, but from a run that another has replaced: both are alive.
    Cloned,
}

impl Freshness {
    pub(super) fn new(peers: &[NodeId], random: &mut dyn FnMut(&mut [u8])) -> Freshness {
        let mut ids = peers.to_vec();
        ids.sort_unstable();
        ids.dedup();
        let peers = ids.into_iter().map(|id| Peer {
            id,
            current: first(random),
            previous: NONE,
            previous_is_older: false,
            learnt: NONE,
            run: None,
            former: [None; FORMER_RUNS],
            heard: false,
        });
        Freshness {
            peers: peers.collect(),
        }
    }

    pub(super) fn knows(&self, id: NodeId) -> bool {
        self.peer(id).is_some()
    }

    /// Our challenge to a peer, and the latest that we learnt from it.
    pub(super) fn challenges(&self, id: NodeId) -> (Challenge, Challenge) {
        self.peer(id)
            .map_or((NONE, NONE), |peer| (peer.current, peer.learnt))
    }

    /// Judges an authentic frame. Only from a fresh one anything is learnt: otherwise a recording
    /// could put a challenge of long ago in place of the current one.
    pub(super) fn judge(
        &mut self,
        from: NodeId,
        body: &Body,
        random: &mut dyn FnMut(&mut [u8]),
    ) -> Verdict {
        let index = self.peers.binary_search_by_key(&from, |peer| peer.id);
        match index.ok().and_then(|index| self.peers.get_mut(index)) {
            Some(peer) => peer.judge(body, random),
            None => Verdict::Stale,
        }
    }

    pub(super) fn renew(&mut self, random: &mut dyn FnMut(&mut [u8])) {
        for peer in &mut self.peers {
            peer.previous = peer.current;
            peer.previous_is_older = false;
            peer.current = next(peer.current, random);
            // The run that replaced the others is gone, or was a clone that is gone. One of the
            // others may be the node that is meant: it must not be shut out for ever.
            if !peer.heard {
                peer.former = [None; FORMER_RUNS];
            }
            peer.heard = false;
        }
    }

    fn peer(&self, id: NodeId) -> Option<&Peer> {
        let index = self.peers.binary_search_by_key(&id, |peer| peer.id).ok()?;
        self.peers.get(index)
    }
}

impl Peer {
    fn judge(&mut self, body: &Body, random: &mut dyn FnMut(&mut [u8])) -> Verdict {
        let run = Some(body.boot);
        let previous_holds = !self.previous_is_older || run == self.run;
        let echoes_ours =
            body.echo == self.current || (body.echo == self.previous && previous_holds);
        if body.echo == NONE || !echoes_ours {
            return Verdict::Stale;
        }
        if self.former.contains(&run) {
            return Verdict::Cloned;
        }
        if self.run != run {
            self.former.rotate_right(1);
            self.former[0] = self.run;
            self.run = run;
            self.learnt = body.challenge;
            // All that other runs sent is stale from now on, whether we heard them or not, so
            // that only one that lives can be taken for a restart or for a clone.
            self.previous = self.current;
            self.previous_is_older = true;
            self.current = next(self.current, random);
        } else if is_later(body.challenge, self.learnt) {
            self.learnt = body.challenge;
        }
        self.heard = true;
        Verdict::Fresh
    }
}

fn first(random: &mut dyn FnMut(&mut [u8])) -> Challenge {
    let mut challenge = NONE;
    random(&mut challenge);
    not_none(challenge)
}

fn next(challenge: Challenge, random: &mut dyn FnMut(&mut [u8])) -> Challenge {
    let mut next = NONE;
    let (count, rest) = next.split_at_mut(4);
    count.copy_from_slice(&count_of(challenge).wrapping_add(1).to_le_bytes());
    random(rest);
    not_none(next)
}

fn not_none(mut challenge: Challenge) -> Challenge {
    if challenge == NONE {
        challenge[7] = 1;
    }
    challenge
}

fn count_of([a, b, c, d, ..]: Challenge) -> u32 {
    u32::from_le_bytes([a, b, c, d])
}

/// Whether one challenge of a run was drawn after another. A recording that is played while it is
/// still fresh must not bring back a challenge that the peer has given up: all that we say to the
/// peer would be stale.
fn is_later(one: Challenge, other: Challenge) -> bool {
    let steps = count_of(one).wrapping_sub(count_of(other));
    (1..1 << 31).contains(&steps)
}

#[cfg(test)]
mod tests {
    use quickcheck::quickcheck;

    use super::*;
    use crate::frame::TimingDigest;

    const PEER: NodeId = NodeId(2);

    fn frame(run: u8, challenge: Challenge, echo: Challenge) -> Body {
        let config = raft_core::Config::new(PEER, &[PEER], raft_core::Options::default());
        Body {
            boot: [run; 4],
            timing: TimingDigest::of(&config.unwrap()),
            challenge,
            echo,
        }
    }

    /// Each draw differs from the one before.
    fn counting() -> impl FnMut(&mut [u8]) {
        let mut drawn = 0u8;
        move |buffer| {
            drawn = drawn.wrapping_add(1);
            buffer.fill(drawn);
        }
    }

    impl Freshness {
        fn with_all_heard(&self) -> Freshness {
            let mut copy = self.clone();
            copy.peers.iter_mut().for_each(|peer| peer.heard = true);
            copy
        }
    }

    quickcheck! {
        /// Nobody may use the time in which a frame stays fresh to put us back.
        fn a_frame_played_again_changes_nothing(renewals: Vec<bool>, replayed: usize) -> bool {
            let mut random = counting();
            let mut freshness = Freshness::new(&[PEER], &mut random);
            let mut frames = Vec::new();
            for (number, ours) in (1..=100).zip(renewals) {
                // The peer renews as often as we do, now a little earlier, now a little later.
                if ours {
                    freshness.renew(&mut random);
                }
                let challenge = [number / 2 + 1, 0, 0, 0, 1, 1, 1, 1];
                let frame = frame(1, challenge, freshness.challenges(PEER).0);
                assert_eq!(freshness.judge(PEER, &frame, &mut random), Verdict::Fresh);
                frames.push(frame);
            }
            let before = freshness.clone();
            frames.get(replayed % frames.len().max(1)).is_none_or(|frame| {
                freshness.judge(PEER, frame, &mut random) != Verdict::Cloned
                    // That it was heard it may feign: nobody is heard less for it.
                    && freshness.with_all_heard() == before.with_all_heard()
            })
        }

        /// Each step renews the challenges or brings a frame of some run that echoes a challenge
        /// of some draws ago. Few draws, few runs: they meet.
        fn what_is_not_fresh_changes_nothing(steps: Vec<Option<(u8, usize)>>) -> bool {
            let mut random = counting();
            let mut freshness = Freshness::new(&[PEER], &mut random);
            let mut ours = vec![NONE];
            steps.into_iter().all(|step| {
                let (current, _) = freshness.challenges(PEER);
                if ours.last() != Some(&current) {
                    ours.push(current);
                }
                let Some((run, age)) = step else {
                    freshness.renew(&mut random);
                    return true;
                };
                let age = age % 4;
                let echo = ours.iter().rev().nth(age).copied().unwrap_or(NONE);
                let frame = frame(run % 3, [run; 8], echo);
                let before = freshness.clone();
                match freshness.judge(PEER, &frame, &mut random) {
                    Verdict::Fresh => age < 2,
                    Verdict::Stale | Verdict::Cloned => freshness == before,
                }
            })
        }
    }

    #[test]
    fn later_is_later_around_the_end_of_the_count() {
        let challenge = |count: u32| {
            let [a, b, c, d] = count.to_le_bytes();
            [a, b, c, d, 9, 9, 9, 9]
        };
        let mut earlier = challenge(u32::MAX - 2);
        for _ in 0..5 {
            let later = next(earlier, &mut |buffer| buffer.fill(9));
            assert!(is_later(later, earlier));
            assert!(!is_later(earlier, later));
            assert!(!is_later(later, later));
            earlier = later;
        }
        assert_eq!(earlier, challenge(2));
    }

    /// A random source that fails does not make the echo of those who know nothing fresh.
    #[test]
    fn no_challenge_is_the_echo_of_none() {
        let mut freshness = Freshness::new(&[PEER], &mut |_| {});
        let body = frame(1, [1; 8], NONE);
        assert_eq!(freshness.judge(PEER, &body, &mut |_| {}), Verdict::Stale);
        freshness.renew(&mut |_| {});
        assert_eq!(freshness.judge(PEER, &body, &mut |_| {}), Verdict::Stale);
    }
}
