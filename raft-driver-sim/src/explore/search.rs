//! The search: breadth first, level by level, so that the first violation found has a shortest trace.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::bounds::Bounds;
use super::history::{Interrupt, Taken, successors, violation};
use super::links::Links;
use super::messages::MAX_WORDS;
use super::model::Model;
use super::recovery::{DeadEnd, Recovery};
use super::store::{Batch, Number, Store, Stretch};
use super::symmetry::Global;
use super::{ExploreError, Options, Progress};

/// How many states a thread takes at a time.
const STRETCH: usize = 128;
/// How often the limits of the search are looked at.
const LOOK: Duration = Duration::from_millis(100);
/// How often progress is reported.
const REPORT: Duration = Duration::from_secs(1);
/// How many words the set of messages begins with; it is widened when more are sent.
const FIRST_WORDS: usize = 1;

/// A broken invariant, where it was seen.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) state: Global,
    /// `None` if the state itself is the trouble.
    pub(super) taken: Option<Taken>,
    pub(super) what: String,
    /// The links that worked in a recovery that failed, if not all did.
    pub(super) links: Option<Links>,
}

/// Why a level ended early.
#[derive(Clone, Debug)]
enum Stop {
    /// Rows have become too short.
    Widen,
    /// A bound of the search was reached.
    Limit,
    TooManyMessages,
    Found(Box<Found>),
}

/// A search, and all that it knows.
pub(super) struct Search {
    pub(super) model: RwLock<Model>,
    pub(super) store: Store,
    pub(super) recovery: Recovery,
    options: Options,
    began: Instant,
    /// When limits were last looked at, and when progress was last reported.
    looked: Mutex<(Instant, Instant)>,
    pub(super) transitions: u64,
    pub(super) depth: usize,
}

/// What a level's threads share.
struct Level<'a> {
    stretches: &'a [Stretch],
    next: AtomicUsize,
    stopped: AtomicBool,
    stop: Mutex<Option<Stop>>,
    done: AtomicUsize,
}

impl Search {
    pub(super) fn new(bounds: Bounds, options: Options) -> Result<Search, ExploreError> {
        let model = Model::new(bounds, options.symmetry, options.forget)?;
        let networks = networks(&bounds, &options)?;
        let store = Store::new(local_words(&bounds) + FIRST_WORDS, options.hashing);
        let row = pack(model.initial(), &bounds, store.width());
        let mut batch = store.batch();
        store.insert(&mut batch, &row, Number(0), 1);
        store.flush(&mut batch);
        Ok(Search {
            model: RwLock::new(model),
            store,
            recovery: Recovery::new(options.dead_ends, networks),
            options,
            began: Instant::now(),
            looked: Mutex::new((Instant::now(), Instant::now())),
            transitions: 0,
            depth: 0,
        })
    }

    /// Searches the box, or as much of it as the options allow. Says whether all of it was searched.
    pub(super) fn run(&mut self, report: &(dyn Fn(&Progress) + Sync)) -> Result<bool, SearchEnd> {
        self.store.advance();
        loop {
            let stretches = self.store.level(STRETCH);
            if stretches.is_empty() {
                self.depth = self.depth.saturating_sub(1);
                return Ok(true);
            }
            let (transitions, stop) = self.level(&stretches, report);
            match stop {
                None => {
                    self.transitions += transitions;
                    self.depth += 1;
                    self.store.advance();
                }
                // What was found of the next level stays; this one is searched once more.
                Some(Stop::Widen) => {
                    let words = self.read_model().messages().words();
                    let locals = local_words(self.read_model().bounds());
                    self.store.widen(locals + words);
                }
                Some(Stop::Limit) => {
                    self.transitions += transitions;
                    return Ok(false);
                }
                Some(Stop::TooManyMessages) => return Err(SearchEnd::TooManyMessages),
                Some(Stop::Found(found)) => return Err(SearchEnd::Found(found)),
            }
        }
    }

    pub(super) fn read_model(&self) -> std::sync::RwLockReadGuard<'_, Model> {
        self.model.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    pub(super) fn progress(&self, transitions: u64) -> Progress {
        let (states, expanded) = self.store.len();
        Progress {
            states,
            expanded,
            transitions,
            depth: self.depth,
            bytes: self.store.bytes(),
            elapsed: self.elapsed(),
        }
    }

    /// Finds the successors of all states of a level, with all threads.
    fn level(
        &self,
        stretches: &[Stretch],
        report: &(dyn Fn(&Progress) + Sync),
    ) -> (u64, Option<Stop>) {
        let level = Level {
            stretches,
            next: AtomicUsize::new(0),
            stopped: AtomicBool::new(false),
            stop: Mutex::new(None),
            done: AtomicUsize::new(0),
        };
        let threads = self.options.threads.clamp(1, stretches.len());
        std::thread::scope(|scope| {
            let workers: Vec<_> = (1..threads)
                .map(|_| scope.spawn(|| self.work(&level, report)))
                .collect();
            self.work(&level, report);
            for worker in workers {
                if let Err(panic) = worker.join() {
                    std::panic::resume_unwind(panic);
                }
            }
        });
        let stop = level
            .stop
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        (level.done.into_inner() as u64, stop)
    }

    fn work(&self, level: &Level<'_>, report: &(dyn Fn(&Progress) + Sync)) {
        let mut batch = self.store.batch();
        self.work_with(&mut batch, level, report);
        self.store.flush(&mut batch);
    }

    fn work_with(&self, batch: &mut Batch, level: &Level<'_>, report: &(dyn Fn(&Progress) + Sync)) {
        let (mut rows, mut numbers) = (Vec::new(), Vec::new());
        let mut row = vec![0; self.store.width()];
        while !level.stopped.load(Ordering::Relaxed) {
            let next = level.next.fetch_add(1, Ordering::Relaxed);
            let Some(stretch) = level.stretches.get(next) else {
                return;
            };
            self.store.read(*stretch, &mut rows, &mut numbers);
            let mut transitions = 0;
            for (state, number) in rows.chunks(self.store.width()).zip(&numbers) {
                match self.expand(state, *number, &mut row, batch) {
                    Ok(found) => transitions += found,
                    Err(stop) => {
                        let mut first = level.stop.lock().unwrap_or_else(PoisonError::into_inner);
                        first.get_or_insert(stop);
                        level.stopped.store(true, Ordering::Relaxed);
                        return;
                    }
                }
            }
            level.done.fetch_add(transitions, Ordering::Relaxed);
            self.look_around(level, report);
        }
    }

    /// Reports progress, and ends the search at its limits.
    fn look_around(&self, level: &Level<'_>, report: &(dyn Fn(&Progress) + Sync)) {
        let Ok(mut looked) = self.looked.try_lock() else {
            return;
        };
        let (at, reported) = *looked;
        if at.elapsed() < LOOK {
            return;
        }
        let progress = self.progress(self.transitions + level.done.load(Ordering::Relaxed) as u64);
        let now = Instant::now();
        let due = now.duration_since(reported) >= REPORT;
        *looked = (now, if due { now } else { reported });
        if due {
            report(&progress);
        }
        let reached = |limit: Option<u64>, value| limit.is_some_and(|most| value > most);
        let full = reached(self.options.memory, progress.bytes)
            || reached(self.options.max_states, progress.states);
        if full {
            let mut first = level.stop.lock().unwrap_or_else(PoisonError::into_inner);
            first.get_or_insert(Stop::Limit);
            level.stopped.store(true, Ordering::Relaxed);
        }
    }

    /// Enters all successors of a state, and says how many transitions there are.
    fn expand(
        &self,
        state: &[u64],
        number: Number,
        row: &mut [u64],
        batch: &mut Batch,
    ) -> Result<usize, Stop> {
        loop {
            let missing = {
                let model = self.read_model();
                let bounds = *model.bounds();
                if local_words(&bounds) + model.messages().words() > self.store.width() {
                    return Err(Stop::Widen);
                }
                let state = unpack(state, &bounds);
                let mut transitions = 0;
                let result = successors(&model, &state, &mut |_, next| {
                    transitions += 1;
                    let (next, stands_for) = model.permutations().canonical(&model, next);
                    pack_into(&next, &bounds, row);
                    self.store.insert(batch, row, number, stands_for);
                });
                let found = |taken, what, links| {
                    Stop::Found(Box::new(Found {
                        state,
                        taken,
                        what,
                        links,
                    }))
                };
                match result {
                    Ok(()) => {
                        let recovered = self.recovery.check(&state.locals, || model.rafts(&state));
                        recovered.map_err(|DeadEnd { what, links }| found(None, what, links))?;
                        return Ok(transitions);
                    }
                    Err(Interrupt::Violation { taken, what }) => {
                        return Err(found(Some(taken), what, None));
                    }
                    Err(Interrupt::Missing { local, choice }) => (state, local, choice),
                }
            };
            let (state, local, choice) = missing;
            let mut model = self.model.write().unwrap_or_else(PoisonError::into_inner);
            if let Err(failure) = model.fill(local, choice) {
                let taken = Taken {
                    node: model.key(local).me,
                    choice,
                    crashed_after: None,
                };
                return Err(match violation(&failure) {
                    Some(what) => Stop::Found(Box::new(Found {
                        state,
                        taken: Some(taken),
                        what,
                        links: None,
                    })),
                    None => Stop::TooManyMessages,
                });
            }
        }
    }
}

/// The networks on which recoveries are tried besides that of all links.
fn networks(bounds: &Bounds, options: &Options) -> Result<Vec<Links>, ExploreError> {
    let Some(network) = options.network else {
        return Ok(Vec::new());
    };
    let nodes = bounds.nodes;
    let links = network.links(nodes);
    if links.is_empty() {
        return Err(ExploreError::Network { network, nodes });
    }
    Ok(links)
}

/// How a search ended before its box did.
#[derive(Debug)]
pub(super) enum SearchEnd {
    Found(Box<Found>),
    TooManyMessages,
}

/// How many words the local states take in a row: two to a word.
pub(super) fn local_words(bounds: &Bounds) -> usize {
    bounds.nodes.div_ceil(2)
}

fn pack_into(state: &Global, bounds: &Bounds, row: &mut [u64]) {
    let locals = local_words(bounds);
    for (word, pair) in row.iter_mut().zip(state.locals.chunks(2)).take(locals) {
        *word = u64::from(pair[0]) | u64::from(pair[1]) << 32;
    }
    let words = row.len() - locals;
    row[locals..].copy_from_slice(&state.sent[..words]);
}

pub(super) fn pack(state: &Global, bounds: &Bounds, width: usize) -> Vec<u64> {
    let mut row = vec![0; width];
    pack_into(state, bounds, &mut row);
    row
}

pub(super) fn unpack(row: &[u64], bounds: &Bounds) -> Global {
    let locals = local_words(bounds);
    let mut state = Global {
        locals: [0; Bounds::MAX_NODES],
        sent: [0; MAX_WORDS],
    };
    for (pair, word) in state.locals.chunks_mut(2).zip(&row[..locals]) {
        pair[0] = *word as u32;
        pair[1] = (*word >> 32) as u32;
    }
    state.sent[..row.len() - locals].copy_from_slice(&row[locals..]);
    state
}
