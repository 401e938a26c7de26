//! Nodes are alike: a state and the state with its nodes renamed have the same future. Of all that are the same
//! but for names, the search keeps one.

use super::bounds::Bounds;
use super::messages::{MAX_WORDS, Messages, members};
use super::model::Model;

/// A state of the cluster: the numbers of its nodes' local states, and the set of all messages ever sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Global {
    pub(super) locals: [u32; Bounds::MAX_NODES],
    pub(super) sent: [u64; MAX_WORDS],
}

impl Global {
    pub(super) fn has_sent(&self, message: usize) -> bool {
        self.sent[message / 64] & 1 << (message % 64) != 0
    }

    pub(super) fn send(&mut self, message: usize) {
        self.sent[message / 64] |= 1 << (message % 64);
    }
}

/// The permutations of the nodes that the search uses: all, or only the one that changes nothing.
pub(super) struct Permutations {
    /// By permutation, what each node becomes. The first changes nothing.
    images: Vec<Vec<u8>>,
    /// By permutation, who becomes each node.
    origins: Vec<Vec<u8>>,
    /// By permutation, what each message becomes.
    messages: Vec<Vec<u32>>,
    /// By two permutations, what they make one after the other: second × count + first.
    composed: Vec<u32>,
}

impl Permutations {
    pub(super) fn new(nodes: usize, all: bool) -> Permutations {
        let mut images = Vec::new();
        let identity: Vec<u8> = (0..nodes as u8).collect();
        if all {
            permute(&mut Vec::new(), &identity, &mut images);
        } else {
            images.push(identity);
        }
        let position = |wanted: &Vec<u8>| images.iter().position(|image| image == wanted);
        let mut composed = Vec::new();
        for second in &images {
            for first in &images {
                let both: Vec<u8> = first.iter().map(|i| second[usize::from(*i)]).collect();
                composed.push(position(&both).unwrap_or(0) as u32);
            }
        }
        let origins = images
            .iter()
            .map(|image| {
                let mut origin = vec![0; nodes];
                for (from, to) in image.iter().enumerate() {
                    origin[usize::from(*to)] = from as u8;
                }
                origin
            })
            .collect();
        Permutations {
            messages: vec![Vec::new(); images.len()],
            images,
            origins,
            composed,
        }
    }

    pub(super) fn count(&self) -> usize {
        self.images.len()
    }

    pub(super) fn image(&self, permutation: usize) -> &[u8] {
        &self.images[permutation]
    }

    pub(super) fn message(&self, permutation: usize, message: usize) -> usize {
        self.messages[permutation][message] as usize
    }

    /// The permutation that does what `first` and then `second` do.
    pub(super) fn compose(&self, first: usize, second: usize) -> usize {
        self.composed[second * self.count() + first] as usize
    }

    /// Takes note of new messages.
    pub(super) fn extend(&mut self, table: &Messages) {
        for (image, messages) in self.images.iter().zip(&mut self.messages) {
            for number in messages.len()..table.len() {
                let (from, to) = table.pairs()[number % table.pairs().len()];
                let pair = table.pair(image[usize::from(from)], image[usize::from(to)]);
                let content = number / table.pairs().len();
                messages.push((content * table.pairs().len() + pair) as u32);
            }
        }
    }

    /// The representative of all states that are the same as `state` but for the names of nodes, and how
    /// many these are.
    pub(super) fn canonical(&self, model: &Model, state: &Global) -> (Global, u32) {
        if self.count() == 1 {
            return (*state, 1);
        }
        let nodes = model.bounds().nodes;
        let words = model.messages().words();
        let mut best = *state;
        let mut best_locals = [u32::MAX; Bounds::MAX_NODES];
        let mut same = 0;
        for permutation in 0..self.count() {
            let mut locals = [0; Bounds::MAX_NODES];
            let mut smaller = false;
            let mut larger = false;
            for (place, origin) in self.origins[permutation].iter().enumerate().take(nodes) {
                let image = model.image(state.locals[usize::from(*origin)], permutation);
                locals[place] = image;
                if !smaller {
                    smaller = image < best_locals[place];
                    larger = image > best_locals[place];
                    if larger {
                        break;
                    }
                }
            }
            if larger {
                continue;
            }
            let sent = self.rename(permutation, &state.sent, words);
            let renamed = Global { locals, sent };
            if smaller || sent < best.sent {
                best = renamed;
                best_locals = locals;
                same = 1;
            } else if sent == best.sent {
                same += 1;
            }
        }
        (best, self.count() as u32 / same.max(1))
    }

    /// The state under a permutation.
    pub(super) fn renamed(&self, model: &Model, permutation: usize, state: &Global) -> Global {
        let mut locals = [0; Bounds::MAX_NODES];
        for (place, origin) in self.origins[permutation].iter().enumerate() {
            locals[place] = model.image(state.locals[usize::from(*origin)], permutation);
        }
        let sent = self.rename(permutation, &state.sent, model.messages().words());
        Global { locals, sent }
    }

    fn rename(
        &self,
        permutation: usize,
        sent: &[u64; MAX_WORDS],
        words: usize,
    ) -> [u64; MAX_WORDS] {
        if permutation == 0 {
            return *sent;
        }
        let table = &self.messages[permutation];
        let mut renamed = [0; MAX_WORDS];
        for message in members(&sent[..words]) {
            let image = table[message] as usize;
            renamed[image / 64] |= 1 << (image % 64);
        }
        renamed
    }
}

/// All orders of `rest` after `begun`, those that begin with the smallest first.
fn permute(begun: &mut Vec<u8>, rest: &[u8], all: &mut Vec<Vec<u8>>) {
    if rest.is_empty() {
        all.push(begun.clone());
    }
    for (index, next) in rest.iter().enumerate() {
        let mut others = rest.to_vec();
        others.remove(index);
        begun.push(*next);
        permute(begun, &others, all);
        begun.pop();
    }
}
