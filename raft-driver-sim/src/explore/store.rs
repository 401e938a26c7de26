//! The set of all states found, exact and compact: a row of words each, in 64 parts with a lock of their own.

use std::hash::Hasher as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How a state is placed in the set. States are compared word for word, so that no function, however
/// weak, can lose one: the choice is there to show that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hashing {
    /// Multiplication of 64 by 64 bits, its two halves folded.
    #[default]
    Folded,
    /// The standard library's SipHash.
    Sip,
}

impl Hashing {
    /// Zero words at the end do not count, so that rows can be widened.
    fn hash(self, row: &[u64]) -> u64 {
        let end = row.iter().rposition(|word| *word != 0).map_or(0, |i| i + 1);
        match self {
            Hashing::Folded => row[..end].iter().fold(0x243f_6a88_85a3_08d3, |hash, word| {
                let product = u128::from(hash ^ word) * u128::from(0x9e37_79b9_7f4a_7c15_u64);
                // A product of 0 must not hide where it came from.
                (product as u64 ^ (product >> 64) as u64).wrapping_add(0x1319_8a2e_0370_7344)
            }),
            Hashing::Sip => {
                let mut hasher = std::hash::DefaultHasher::new();
                row[..end].iter().for_each(|word| hasher.write_u64(*word));
                hasher.finish()
            }
        }
    }
}

const PARTS: usize = 64;
/// Rows are kept in blocks, so that growth copies nothing.
const BLOCK: usize = 1 << 12;

/// The number of a state: its part, and its place there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Number(pub(super) u64);

impl Number {
    fn new(part: usize, place: usize) -> Number {
        Number((place * PARTS + part) as u64)
    }

    fn part(self) -> usize {
        (self.0 % PARTS as u64) as usize
    }

    fn place(self) -> usize {
        (self.0 / PARTS as u64) as usize
    }
}

/// A stretch of a level, to be worked on by one thread.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    part: usize,
    from: usize,
    to: usize,
}

struct Part {
    /// Rows of `width` words and one more: the number of the state from which it was found.
    blocks: Vec<Vec<u64>>,
    len: usize,
    /// Open addressing: 0 is free, otherwise the low half of the hash, by which the slot is chosen, and the place plus 1.
    slots: Vec<u64>,
    /// Where the present level begins and ends.
    level: (usize, usize),
    /// The states that the rows stand for, all renamings counted.
    stands_for: u64,
}

/// How many states wait for a part before they are entered.
const WAITING: usize = 48;

/// States that wait to be entered, by part. Entering many at once lets the processor fetch them from
/// memory at the same time, which is most of the work.
pub(super) struct Batch {
    parts: Vec<Waiting>,
}

#[derive(Default)]
struct Waiting {
    rows: Vec<u64>,
    of: Vec<(u64, Number, u32)>,
}

/// The set.
pub(super) struct Store {
    parts: Vec<Mutex<Part>>,
    width: usize,
    hashing: Hashing,
}

impl Store {
    pub(super) fn new(width: usize, hashing: Hashing) -> Store {
        let part = || Part {
            blocks: Vec::new(),
            len: 0,
            slots: vec![0; 64],
            level: (0, 0),
            stands_for: 0,
        };
        Store {
            parts: (0..PARTS).map(|_| Mutex::new(part())).collect(),
            width,
            hashing,
        }
    }

    /// The words of a row.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    fn lock(&self, part: usize) -> MutexGuard<'_, Part> {
        self.parts[part]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// A batch to fill.
    pub(super) fn batch(&self) -> Batch {
        Batch {
            parts: (0..PARTS).map(|_| Waiting::default()).collect(),
        }
    }

    /// Adds a state that was found from another, at the latest when the batch is flushed.
    pub(super) fn insert(&self, batch: &mut Batch, row: &[u64], from: Number, stands_for: u32) {
        let hash = self.hashing.hash(row);
        let part = (hash >> 58) as usize;
        let waiting = &mut batch.parts[part];
        waiting.rows.extend_from_slice(row);
        waiting.of.push((hash, from, stands_for));
        if waiting.of.len() == WAITING {
            self.lock(part).insert_all(waiting, row.len());
        }
    }

    /// Adds all that waits.
    pub(super) fn flush(&self, batch: &mut Batch) {
        for (part, waiting) in batch.parts.iter_mut().enumerate() {
            self.lock(part).insert_all(waiting, self.width);
        }
    }

    /// The number of a state that is in the set.
    pub(super) fn find(&self, row: &[u64]) -> Option<Number> {
        let hash = self.hashing.hash(row);
        let part = (hash >> 58) as usize;
        let found = self.lock(part).find(row, hash).ok();
        found.map(|place| Number::new(part, place))
    }

    /// Ends a level: what was found during it is the next.
    pub(super) fn advance(&self) {
        for part in 0..PARTS {
            let mut part = self.lock(part);
            part.level = (part.level.1, part.len);
        }
    }

    /// The present level in stretches of at most `size` states.
    pub(super) fn level(&self, size: usize) -> Vec<Stretch> {
        let mut stretches = Vec::new();
        for number in 0..PARTS {
            let (mut from, end) = self.lock(number).level;
            while from < end {
                let to = end.min(from + size);
                stretches.push(Stretch {
                    part: number,
                    from,
                    to,
                });
                from = to;
            }
        }
        stretches
    }

    /// All states in stretches.
    pub(super) fn everything(&self, size: usize) -> Vec<Stretch> {
        let mut stretches = Vec::new();
        for part in 0..PARTS {
            let len = self.lock(part).len;
            let stretch = |from| Stretch {
                part,
                from,
                to: len.min(from + size),
            };
            stretches.extend((0..len).step_by(size).map(stretch));
        }
        stretches
    }

    /// Copies the rows of a stretch, each with its number.
    pub(super) fn read(&self, stretch: Stretch, rows: &mut Vec<u64>, numbers: &mut Vec<Number>) {
        rows.clear();
        numbers.clear();
        let part = self.lock(stretch.part);
        for place in stretch.from..stretch.to {
            rows.extend_from_slice(&part.row(place, self.width)[..self.width]);
            numbers.push(Number::new(stretch.part, place));
        }
    }

    /// A state's row, and the number of the state from which it was found (of the first, its own).
    pub(super) fn get(&self, number: Number) -> (Vec<u64>, Number) {
        let part = self.lock(number.part());
        let row = part.row(number.place(), self.width);
        (row[..self.width].to_vec(), Number(row[self.width]))
    }

    /// How many states there are, and for how many they stand.
    pub(super) fn len(&self) -> (u64, u64) {
        (0..PARTS).fold((0, 0), |(len, stands_for), part| {
            let part = self.lock(part);
            (len + part.len as u64, stands_for + part.stands_for)
        })
    }

    /// The bytes that the set takes.
    pub(super) fn bytes(&self) -> u64 {
        let words: usize = (0..PARTS)
            .map(|part| {
                let part = self.lock(part);
                part.blocks.iter().map(Vec::capacity).sum::<usize>() + part.slots.capacity()
            })
            .sum();
        words as u64 * 8
    }

    /// The same set with rows of more words, zero at the end.
    pub(super) fn widen(&mut self, width: usize) {
        let (old, new) = (self.width + 1, width + 1);
        for part in &mut self.parts {
            let part = part.get_mut().unwrap_or_else(PoisonError::into_inner);
            for block in &mut part.blocks {
                let mut wider = Vec::with_capacity(BLOCK * new);
                for row in block.chunks(old) {
                    wider.extend_from_slice(&row[..old - 1]);
                    wider.resize(wider.len() + new - old, 0);
                    wider.push(row[old - 1]);
                }
                *block = wider;
            }
        }
        self.width = width;
    }
}

impl Part {
    fn row(&self, place: usize, width: usize) -> &[u64] {
        let at = place % BLOCK * (width + 1);
        &self.blocks[place / BLOCK][at..=at + width]
    }

    /// The place of a row, or the free slot where it belongs.
    fn find(&self, row: &[u64], hash: u64) -> Result<usize, usize> {
        let mask = self.slots.len() - 1;
        let tag = hash & 0xffff_ffff;
        let mut slot = tag as usize & mask;
        loop {
            let entry = self.slots[slot];
            if entry == 0 {
                return Err(slot);
            }
            let place = (entry & 0xffff_ffff) as usize - 1;
            if entry >> 32 == tag && self.row(place, row.len())[..row.len()] == *row {
                return Ok(place);
            }
            slot = (slot + 1) & mask;
        }
    }

    fn insert_all(&mut self, waiting: &mut Waiting, width: usize) {
        let mask = self.slots.len() - 1;
        let mut slots = [0; WAITING];
        for (slot, (hash, ..)) in slots.iter_mut().zip(&waiting.of) {
            *slot = self.slots[(hash & 0xffff_ffff) as usize & mask];
        }
        let mut touched = 0;
        for (slot, (hash, ..)) in slots.iter().zip(&waiting.of) {
            if *slot != 0 && slot >> 32 == hash & 0xffff_ffff {
                touched ^= self.row((slot & 0xffff_ffff) as usize - 1, width)[0];
            }
        }
        std::hint::black_box(touched);
        for (row, of) in waiting.rows.chunks(width).zip(&waiting.of) {
            self.insert(row, *of);
        }
        waiting.rows.clear();
        waiting.of.clear();
    }

    fn insert(&mut self, row: &[u64], (hash, from, stands_for): (u64, Number, u32)) {
        let Err(slot) = self.find(row, hash) else {
            return;
        };
        if self.len.is_multiple_of(BLOCK) {
            self.blocks
                .push(Vec::with_capacity(BLOCK * (row.len() + 1)));
        }
        let block = &mut self.blocks[self.len / BLOCK];
        block.extend_from_slice(row);
        block.push(from.0);
        self.slots[slot] = hash << 32 | (self.len as u64 + 1);
        self.len += 1;
        self.stands_for += u64::from(stands_for);
        if self.len * 4 > self.slots.len() * 3 {
            self.grow();
        }
    }

    /// Doubles the table.
    fn grow(&mut self) {
        let mask = self.slots.len() * 2 - 1;
        let mut slots = vec![0; mask + 1];
        for entry in self.slots.iter().filter(|entry| **entry != 0) {
            let mut slot = (entry >> 32) as usize & mask;
            while slots[slot] != 0 {
                slot = (slot + 1) & mask;
            }
            slots[slot] = *entry;
        }
        self.slots = slots;
    }
}
