//! The tables behind the search: each local state and each message has a number, and each step
//! of a local state is taken once and remembered.

use std::collections::HashMap;

use raft_core::{Config, Event, NodeId, Protocol, Raft, Timer};

use super::ExploreError;
use super::bounds::Bounds;
use super::dead::Dead;
use super::key::{Key, KeyRole};
use super::local::{Broken, Happening, Local, Notes, Outcome, Zero};
use super::messages::{Envelope, MAX_WORDS, Messages};
use super::symmetry::{Global, Permutations};

/// What can be chosen to happen to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    Crash,
    Fire(Timer),
    Transfer(u8),
    Pause,
    Resume,
    /// The number of a message.
    Deliver(u32),
}

/// What a choice does to a node.
#[derive(Clone, Debug)]
pub(super) struct Transition {
    pub(super) local: u32,
    pub(super) sends: Box<[u32]>,
    pub(super) crashed_after: Option<usize>,
    pub(super) notes: Notes,
}

/// Why a step could not be entered into the tables.
#[derive(Clone, Debug)]
pub(super) enum Failure {
    Broken(Broken),
    TooManyMessages,
}

struct Entry {
    local: Local,
    key: Key,
    /// What can happen to it besides messages.
    own: Vec<Choice>,
    /// By slot: 0 not yet known, otherwise the number of a list of transitions, plus 1.
    known: Vec<u32>,
    /// Messages known to change nothing.
    inert: [u64; MAX_WORDS],
    /// Messages that no longer matter.
    dead: Dead,
}

/// The tables.
pub(super) struct Model {
    bounds: Bounds,
    forget: bool,
    configs: Vec<Config>,
    messages: Messages,
    permutations: Permutations,
    entries: Vec<Entry>,
    numbers: HashMap<Key, u32>,
    /// Local state × permutations + permutation: what the local state becomes.
    images: Vec<u32>,
    /// The first list is empty.
    lists: Vec<Box<[Transition]>>,
    initial: Global,
}

impl Model {
    pub(super) fn new(bounds: Bounds, symmetry: bool, forget: bool) -> Result<Model, ExploreError> {
        let configs = bounds.configs().map_err(ExploreError::Bounds)?;
        let nodes = bounds.nodes;
        let mut model = Model {
            bounds,
            forget,
            configs,
            messages: Messages::new(nodes),
            permutations: Permutations::new(nodes, symmetry),
            entries: Vec::new(),
            numbers: HashMap::new(),
            images: Vec::new(),
            lists: vec![Box::default()],
            initial: Global {
                locals: [0; Bounds::MAX_NODES],
                sent: [0; MAX_WORDS],
            },
        };
        model.begin().map_err(|failure| match failure {
            Failure::Broken(Broken(what)) => ExploreError::Start(what),
            Failure::TooManyMessages => ExploreError::TooManyMessages,
        })?;
        Ok(model)
    }

    fn begin(&mut self) -> Result<(), Failure> {
        for node in 0..self.bounds.nodes {
            let local = Local::first(&self.configs[node]).map_err(Failure::Broken)?;
            self.initial.locals[node] = self.enter(local, |model, permutation| {
                let image = model.permutations.image(permutation)[node];
                Local::first(&model.configs[usize::from(image)]).map_err(Failure::Broken)
            })?;
        }
        Ok(())
    }

    pub(super) fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    pub(super) fn messages(&self) -> &Messages {
        &self.messages
    }

    pub(super) fn permutations(&self) -> &Permutations {
        &self.permutations
    }

    pub(super) fn initial(&self) -> &Global {
        &self.initial
    }

    /// How many local states there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn local(&self, number: u32) -> &Local {
        &self.entries[number as usize].local
    }

    /// The nodes of a state.
    pub(super) fn rafts(&self, state: &Global) -> Vec<Raft<Zero>> {
        state.locals[..self.bounds.nodes]
            .iter()
            .map(|local| self.local(*local).raft.clone())
            .collect()
    }

    pub(super) fn key(&self, number: u32) -> &Key {
        &self.entries[number as usize].key
    }

    pub(super) fn own(&self, number: u32) -> &[Choice] {
        &self.entries[number as usize].own
    }

    pub(super) fn dead(&self, number: u32) -> &Dead {
        &self.entries[number as usize].dead
    }

    #[cfg(test)]
    pub(super) fn dead_mut(&mut self, number: u32) -> &mut Dead {
        &mut self.entries[number as usize].dead
    }

    /// The local states that the steps known so far lead to.
    pub(super) fn next(&self, number: u32) -> impl Iterator<Item = u32> + '_ {
        let known = self.entries[number as usize].known.iter();
        let lists = known.filter(|list| **list != 0);
        lists.flat_map(|list| self.lists[*list as usize - 1].iter().map(|next| next.local))
    }

    pub(super) fn inert(&self, number: u32) -> &[u64; MAX_WORDS] {
        &self.entries[number as usize].inert
    }

    /// Forgets the messages that no longer matter, if that is wanted.
    pub(super) fn forget_dead(&self, state: &mut Global) {
        if self.forget {
            self.bury(state);
        }
    }

    /// Forgets the messages that no longer matter.
    pub(super) fn bury(&self, state: &mut Global) {
        let nodes = &state.locals[..self.bounds.nodes];
        for (word, set) in state.sent[..self.messages.words()].iter_mut().enumerate() {
            let all = nodes
                .iter()
                .map(|local| &self.entries[*local as usize].dead);
            *set &= Dead::living(all, word);
        }
    }

    pub(super) fn image(&self, number: u32, permutation: usize) -> u32 {
        self.images[number as usize * self.permutations.count() + permutation]
    }

    fn slot(&self, choice: Choice) -> usize {
        let nodes = self.bounds.nodes;
        match choice {
            Choice::Crash => 0,
            Choice::Pause => 1,
            Choice::Resume => 2,
            Choice::Fire(timer) => 3 + timer.index(),
            Choice::Transfer(to) => 6 + usize::from(to),
            Choice::Deliver(number) => 6 + nodes + self.messages.place(number as usize),
        }
    }

    /// What the choice does, if that is known.
    pub(super) fn look(&self, number: u32, choice: Choice) -> Option<&[Transition]> {
        let known = &self.entries[number as usize].known;
        match known.get(self.slot(choice)) {
            None | Some(0) => None,
            Some(list) => Some(&self.lists[*list as usize - 1]),
        }
    }

    /// Finds out what the choice does.
    pub(super) fn fill(&mut self, number: u32, choice: Choice) -> Result<(), Failure> {
        if self.look(number, choice).is_some() {
            return Ok(());
        }
        let me = self.entries[number as usize].key.me;
        let mut list = Vec::new();
        for (nth, outcome) in self.run(number, choice)?.into_iter().enumerate() {
            let mut sends = Vec::new();
            let known = self.messages.len();
            for (to, message) in &outcome.sent {
                let envelope = Envelope {
                    from: me,
                    to: *to,
                    message: *message,
                };
                let entered = self.messages.enter(&envelope);
                sends.push(entered.ok_or(Failure::TooManyMessages)? as u32);
            }
            if self.messages.len() > known {
                self.permutations.extend(&self.messages);
                for entry in &mut self.entries {
                    let key = &entry.key;
                    entry.dead.extend(key, &self.messages, known, &self.bounds);
                }
            }
            let local = self.enter(outcome.local, |model, permutation| {
                let renamed = model.renamed(choice, permutation);
                let image = model.image(number, permutation);
                let mut outcomes = model.run(image, renamed)?;
                if nth < outcomes.len() {
                    Ok(outcomes.swap_remove(nth).local)
                } else {
                    Err(asymmetric(model.key(number)))
                }
            })?;
            if local != number || !sends.is_empty() {
                list.push(Transition {
                    local,
                    sends: sends.into(),
                    crashed_after: outcome.crashed_after,
                    notes: outcome.notes,
                });
            }
        }
        self.remember(number, choice, list);
        Ok(())
    }

    fn remember(&mut self, number: u32, choice: Choice, list: Vec<Transition>) {
        let slot = self.slot(choice);
        if let (Choice::Deliver(message), true) = (choice, list.is_empty()) {
            self.entries[number as usize].inert[message as usize / 64] |= 1 << (message % 64);
        }
        let place = if list.is_empty() {
            0
        } else {
            self.lists.push(list.into());
            self.lists.len() - 1
        };
        let known = &mut self.entries[number as usize].known;
        if known.len() <= slot {
            known.resize(slot + 1, 0);
        }
        known[slot] = place as u32 + 1;
    }

    /// Takes the step, and remembers nothing of it.
    pub(super) fn run(&self, number: u32, choice: Choice) -> Result<Vec<Outcome>, Failure> {
        let local = self.local(number);
        let happening = match choice {
            Choice::Crash => Happening::Crash,
            Choice::Pause => Happening::Step(Event::Pause),
            Choice::Resume => Happening::Step(Event::Resume),
            Choice::Fire(timer) => match local.fire(timer) {
                Some(event) => Happening::Step(event),
                None => return Ok(Vec::new()),
            },
            Choice::Transfer(to) => Happening::Step(Event::TransferLeadership {
                to: Some(NodeId(u64::from(to))),
                stopped: false,
            }),
            Choice::Deliver(message) => {
                let envelope = self.messages.get(message as usize);
                let from = NodeId(u64::from(envelope.from));
                Happening::Step(local.arrival(from, envelope.message))
            }
        };
        local
            .outcomes(happening, &self.bounds)
            .map_err(Failure::Broken)
    }

    /// The same choice after a permutation of the nodes.
    pub(super) fn renamed(&self, choice: Choice, permutation: usize) -> Choice {
        match choice {
            Choice::Transfer(to) => {
                Choice::Transfer(self.permutations.image(permutation)[usize::from(to)])
            }
            Choice::Deliver(message) => {
                Choice::Deliver(self.permutations.message(permutation, message as usize) as u32)
            }
            Choice::Crash | Choice::Pause | Choice::Resume | Choice::Fire(_) => choice,
        }
    }

    /// The number of a local state, a new one if it is new. With a new state all that it becomes under a
    /// permutation are entered: `make` takes the same steps with renamed nodes, and the core must
    /// do the same to them.
    fn enter(
        &mut self,
        local: Local,
        make: impl Fn(&Model, usize) -> Result<Local, Failure>,
    ) -> Result<u32, Failure> {
        let key = local.key();
        if let Some(number) = self.numbers.get(&key) {
            return Ok(*number);
        }
        let first = self.entries.len();
        let mut orbit = Vec::new();
        let mut new: Vec<(Key, Local)> = Vec::new();
        for permutation in 0..self.permutations.count() {
            let renamed = key.permuted(self.permutations.image(permutation));
            let place = match new.iter().position(|(known, _)| *known == renamed) {
                Some(place) => place,
                None => {
                    let image = make(self, permutation)?;
                    if image.key() != renamed {
                        return Err(asymmetric(&key));
                    }
                    new.push((renamed, image));
                    new.len() - 1
                }
            };
            orbit.push((first + place) as u32);
        }
        for (key, local) in new {
            self.push(local, key);
        }
        for number in first..self.entries.len() {
            let by = orbit.iter().position(|member| *member as usize == number);
            for permutation in 0..self.permutations.count() {
                let both = self.permutations.compose(by.unwrap_or(0), permutation);
                self.images.push(orbit[both]);
            }
        }
        Ok(orbit[0])
    }

    fn push(&mut self, local: Local, key: Key) {
        let number = self.entries.len() as u32;
        self.numbers.insert(key.clone(), number);
        let mut dead = Dead::new();
        dead.extend(&key, &self.messages, 0, &self.bounds);
        self.entries.push(Entry {
            dead,
            own: own_choices(&key, &self.bounds),
            local,
            key,
            known: Vec::new(),
            inert: [0; MAX_WORDS],
        });
    }
}

/// What can happen to a node besides messages.
pub(super) fn own_choices(key: &Key, bounds: &Bounds) -> Vec<Choice> {
    let mut own = Vec::new();
    if bounds.crashes {
        own.push(Choice::Crash);
    }
    let armed = |timer: &Timer| key.armed & 1 << timer.index() != 0;
    own.extend(Timer::ALL.into_iter().filter(armed).map(Choice::Fire));
    let may_transfer = bounds.transfers && bounds.protocol == Protocol::Standard;
    if may_transfer && matches!(key.role, KeyRole::Leader { transfer: None, .. }) {
        let others = (0..bounds.nodes as u8).filter(|to| *to != key.me);
        own.extend(others.map(Choice::Transfer));
    }
    if bounds.pauses {
        own.push(if key.paused {
            Choice::Resume
        } else {
            Choice::Pause
        });
    }
    own
}

fn asymmetric(key: &Key) -> Failure {
    Failure::Broken(Broken(format!(
        "Symmetry: a node does another thing when the nodes have other names, after {key:?}"
    )))
}
