//! The lab's `config.go`: what a test does to servers, and asks of them.

use core::time::Duration;

use raft_core::{NodeId, Term};

use super::recorder::Recorder;
use super::{ELECTION_TIMEOUT, Failure, HEARTBEAT, LEADER_WITHIN, Network};
use crate::observer::Observer;
use crate::rng::{Random, Stream};
use crate::time::Time;
use crate::world::World;

/// How often `checkOneLeader` looks.
const LOOKS: usize = 10;

/// A test under way.
pub(super) struct Harness<O> {
    pub(super) world: World<(Recorder, O)>,
    pub(super) leaders_lost: u64,
    pub(super) to_leader: Vec<Duration>,
    pub(super) random: Random,
    network: Network,
    /// The first limit that was broken without ending the test.
    pub(super) failure: Option<Failure>,
    connected: Vec<bool>,
    /// Set while a leader is awaited: the term of the one that was lost, and since when a majority can communicate.
    awaited: Option<(Term, Option<Time>)>,
}

impl<O: Observer> Harness<O> {
    pub(super) fn new(world: World<(Recorder, O)>, network: Network) -> Self {
        let random = Random::new(world.seed(), Stream::Script);
        Harness {
            connected: vec![true; world.node_ids().count()],
            leaders_lost: 0,
            to_leader: Vec::new(),
            failure: None,
            awaited: Some((Term(0), Some(world.now()))),
            random,
            network,
            world,
        }
    }

    pub(super) fn sleep(&mut self, duration: Duration) -> Result<(), Failure> {
        self.world.run_for(duration)?;
        if let Some(failure) = &self.world.observer().0.too_eager {
            self.failure.get_or_insert(failure.clone());
        }
        Ok(())
    }

    /// `checkOneLeader`: looks up to ten times, half a second apart, and wants a leader and no two in a term.
    /// An older leader that does not know that it was replaced is tolerated.
    pub(super) fn check_one_leader(&mut self) -> Result<NodeId, Failure> {
        for _ in 0..LOOKS {
            let wait = 450 + self.random.below(100);
            self.sleep(Duration::from_millis(wait))?;
            let mut leaders: Vec<(Term, NodeId)> = self
                .connected()
                .filter_map(|node| Some((self.world.leading(node)?, node)))
                .collect();
            leaders.sort_unstable();
            if let Some(pair) = leaders.windows(2).find(|pair| pair[0].0 == pair[1].0) {
                return Err(Failure::TwoLeaders { term: pair[0].0 });
            }
            if let Some((_, leader)) = leaders.last() {
                self.note_election()?;
                return Ok(*leader);
            }
        }
        Err(Failure::NoLeader)
    }

    /// `checkTerms`: all connected servers are in one term. Where messages get lost they are given T to agree.
    pub(super) fn check_terms(&mut self) -> Result<Term, Failure> {
        let patience = match self.network {
            Network::Reliable => Duration::ZERO,
            Network::Unreliable => ELECTION_TIMEOUT,
        };
        let until = self.world.now() + patience;
        loop {
            let terms = self.compare_terms();
            if terms.is_ok() || self.world.now() >= until {
                return terms;
            }
            self.sleep(HEARTBEAT)?;
        }
    }

    fn compare_terms(&self) -> Result<Term, Failure> {
        let mut terms = self
            .connected()
            .filter_map(|node| self.world.state(node))
            .map(|state| state.current_term());
        let first = terms.next().unwrap_or_default();
        if terms.all(|term| term == first) {
            Ok(first)
        } else {
            Err(Failure::TermsDisagree)
        }
    }

    /// `checkNoLeader`: no connected server leads.
    pub(super) fn check_no_leader(&self) -> Result<(), Failure> {
        match self
            .connected()
            .find(|node| self.world.leading(*node).is_some())
        {
            Some(leader) => Err(Failure::UnexpectedLeader { leader }),
            None => Ok(()),
        }
    }

    /// `disconnect`: the server runs on, and nobody hears it.
    pub(super) fn disconnect(&mut self, node: NodeId) {
        if !core::mem::take(&mut self.connected[node.0 as usize]) {
            return;
        }
        if let Some((leader, term)) = self.world.leader()
            && leader == node
            && self.awaited.is_none()
        {
            self.leaders_lost += 1;
            self.awaited = Some((term, None));
        }
        self.world.isolate(node);
        self.mark_time();
    }

    /// `connect`: the server and all others that are connected hear each other again.
    pub(super) fn connect(&mut self, node: NodeId) {
        self.connected[node.0 as usize] = true;
        let others: Vec<NodeId> = self.connected().collect();
        for other in others {
            self.world.heal(node, other);
        }
        self.mark_time();
    }

    fn connected(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.world
            .node_ids()
            .filter(|node| self.connected[node.0 as usize])
    }

    /// The time to a leader counts while a majority can communicate.
    fn mark_time(&mut self) {
        let majority = self.connected().count() > self.connected.len() / 2;
        if let Some((_, since)) = &mut self.awaited {
            *since = match *since {
                Some(since) if majority => Some(since),
                _ => majority.then(|| self.world.now()),
            };
        }
    }

    fn note_election(&mut self) -> Result<(), Failure> {
        let Some((lost, Some(since))) = self.awaited else {
            return Ok(());
        };
        let elected = &self.world.observer().0.elected;
        let found = elected
            .iter()
            .find(|(time, term)| *time >= since && *term > lost);
        if let Some((time, _)) = found {
            let after = time.since(since);
            self.to_leader.push(after);
            self.awaited = None;
            if after > LEADER_WITHIN {
                return Err(Failure::LateLeader { after });
            }
        }
        Ok(())
    }
}
