//! One run: nodes, all that they ever sent, and step after step, each checked as the search checks it. It has no tables, so it can go
//! anywhere: traces are replayed in it, and random walks are runs.

use std::collections::HashSet;

use raft_core::{Event, NodeId, Raft};

use super::ExploreError;
use super::bounds::Bounds;
use super::history::{Past, check_notes, contradiction};
use super::key::Key;
use super::local::{Broken, Happening, Local, Notes, Outcome, Zero};
use super::messages::{Envelope, commits, contradict};
use super::model::{Choice, own_choices};
use super::trace::{Step, What};

/// What became of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Took {
    /// It cannot be taken here, or leaves the box.
    Impossible,
    /// It changed nothing.
    Nothing,
    Something(Notes),
}

#[derive(Clone)]
pub(super) struct Run {
    bounds: Bounds,
    nodes: Vec<Local>,
    keys: Vec<Key>,
    /// In the order in which they were first sent.
    sent: Vec<Envelope>,
    known: HashSet<Envelope>,
    /// By receiver, the numbers of the messages to it.
    to: Vec<Vec<usize>>,
    /// Messages that others could contradict.
    commitments: Vec<Envelope>,
}

/// The run as it is now, or before messages that were sent since.
struct Now<'a> {
    keys: &'a [Key],
    sent: &'a [Envelope],
}

impl Past for Now<'_> {
    fn nodes(&self) -> usize {
        self.keys.len()
    }

    fn key(&self, node: usize) -> &Key {
        &self.keys[node]
    }

    fn sent(&self) -> impl Iterator<Item = Envelope> {
        self.sent.iter().copied()
    }
}

impl Run {
    /// Nodes that never ran.
    pub(super) fn new(bounds: Bounds) -> Result<Run, ExploreError> {
        let configs = bounds.configs().map_err(ExploreError::Bounds)?;
        let nodes: Result<Vec<Local>, Broken> = configs.iter().map(Local::first).collect();
        let nodes = nodes.map_err(|Broken(what)| ExploreError::Start(what))?;
        Ok(Run {
            keys: nodes.iter().map(Local::key).collect(),
            to: vec![Vec::new(); nodes.len()],
            bounds,
            nodes,
            sent: Vec::new(),
            known: HashSet::new(),
            commitments: Vec::new(),
        })
    }

    pub(super) fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// All messages ever sent, the first one first.
    pub(super) fn sent(&self) -> &[Envelope] {
        &self.sent
    }

    /// The numbers of all messages ever sent to a node.
    pub(super) fn inbox(&self, node: usize) -> &[usize] {
        &self.to[node]
    }

    pub(super) fn rafts(&self) -> Vec<Raft<Zero>> {
        self.nodes.iter().map(|node| node.raft.clone()).collect()
    }

    /// Takes a step. The error is the invariant that it breaks.
    pub(super) fn take(&mut self, step: &Step) -> Result<Took, String> {
        let node = usize::from(step.node);
        let Some(happening) = self.happening(step) else {
            return Ok(Took::Impossible);
        };
        let bounds = Bounds {
            crashes: self.bounds.crashes && step.crashed_after.is_some(),
            ..self.bounds
        };
        let outcomes = self.nodes[node].outcomes(happening, &bounds);
        let outcomes = outcomes.map_err(|Broken(what)| what)?;
        let wanted = |outcome: &Outcome| outcome.crashed_after == step.crashed_after;
        match outcomes.into_iter().find(wanted) {
            Some(outcome) => self.carry_out(node, outcome),
            None => Ok(Took::Impossible),
        }
    }

    /// What the step is to the node, if it is possible.
    fn happening(&self, step: &Step) -> Option<Happening> {
        let node = usize::from(step.node);
        let (local, key) = (self.nodes.get(node)?, self.keys.get(node)?);
        let (choice, event) = match step.what {
            What::Receive { from, message } => {
                let to = step.node;
                let sent = self.known.contains(&Envelope { from, to, message });
                let arrives = local.arrival(NodeId(u64::from(from)), message);
                return sent.then_some(Happening::Step(arrives));
            }
            What::Crash => {
                return self.bounds.crashes.then_some(Happening::Crash);
            }
            What::TimerFired { timer } => (Choice::Fire(timer), local.fire(timer)?),
            What::Transfer { to } => {
                let target = Some(NodeId(u64::from(to)));
                let event = Event::TransferLeadership {
                    to: target,
                    stopped: false,
                };
                (Choice::Transfer(to), event)
            }
            What::Pause => (Choice::Pause, Event::Pause),
            What::Resume => (Choice::Resume, Event::Resume),
        };
        let possible = own_choices(key, &self.bounds).contains(&choice);
        possible.then_some(Happening::Step(event))
    }

    fn carry_out(&mut self, node: usize, outcome: Outcome) -> Result<Took, String> {
        let before = self.sent.len();
        for (to, message) in outcome.sent {
            let from = node as u8;
            self.send(Envelope { from, to, message })?;
        }
        let key = outcome.local.key();
        if self.sent.len() == before && key == self.keys[node] {
            return Ok(Took::Nothing);
        }
        self.nodes[node] = outcome.local;
        self.keys[node] = key;
        if outcome.notes != Notes::default() {
            let now = |sent| Now {
                keys: &self.keys,
                sent,
            };
            let (past, present) = (now(&self.sent[..before]), now(&self.sent));
            check_notes(&past, &present, node, &outcome.notes)?;
        }
        Ok(Took::Something(outcome.notes))
    }

    fn send(&mut self, envelope: Envelope) -> Result<(), String> {
        if !self.known.insert(envelope) {
            return Ok(());
        }
        if commits(&envelope) {
            let clash = |other: &&Envelope| contradict(&envelope, other);
            if let Some(other) = self.commitments.iter().find(clash) {
                return Err(contradiction(&envelope, other));
            }
            self.commitments.push(envelope);
        }
        self.to[usize::from(envelope.to)].push(self.sent.len());
        self.sent.push(envelope);
        Ok(())
    }
}
