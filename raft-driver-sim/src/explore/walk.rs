//! Random walks go where the search cannot: more nodes, more terms, more rounds, longer ways. The steps and their checks are those of
//! the search; which of them are taken is drawn from a seed.
//!
//! A walk is made of stints, each with a generator of its own, so that it is the same with any number of threads. A stint lives one life after
//! the other: nodes that never ran take steps until they have taken [`LIFE`], or nothing has changed for long. Each life has a mood, which says how
//! often timers run out, messages arrive late or again, and nodes crash: what is rare in one is common in another. Now and then, and when it ends, every node
//! must be able to recover the cluster, also on links that are drawn.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use raft_core::Timer;

use super::ExploreError;
use super::bounds::Bounds;
use super::links::Links;
use super::recovery::{DeadEnd, Recovery};
use super::run::{Run, Took};
use super::shrink::shrink;
use super::trace::{Step, Trace, What};
use crate::rng::{Random, Stream};

/// How many steps a stint takes.
const STINT: u64 = 20_000;
/// How many steps a life lasts at the most.
const LIFE: usize = 1000;
/// After how many draws in a row that change nothing it is over.
const STUCK: usize = 200;
/// After one of how many changes recoveries are tried.
const RECOVER: u64 = 128;
/// How many of the latest messages to a node are recent.
const RECENT: u64 = 8;

/// How far a walk goes.
#[derive(Clone, Copy, Debug)]
pub struct Walk {
    /// How many steps are taken.
    pub steps: u64,
    /// What decides which. The same seed takes the same steps, with any number of threads.
    pub seed: u64,
    /// How many threads walk.
    pub threads: usize,
    /// Whether every node must be able to recover the cluster from where a life ends.
    pub dead_ends: bool,
}

/// What a walk came to.
#[derive(Clone, Debug, Default)]
pub struct Walked {
    /// Steps taken and checked, those that changed nothing included.
    pub steps: u64,
    /// Of these, those that changed something.
    pub changes: u64,
    /// How often the cluster began anew.
    pub lives: u64,
    /// How many elections were won.
    pub elections: u64,
    /// How many rounds were confirmed.
    pub confirmations: u64,
    /// How many crashes there were.
    pub crashes: u64,
    /// How many recoveries were tried.
    pub recoveries: u64,
    /// The highest term that any node reached.
    pub term: u64,
    /// How long it took.
    pub elapsed: Duration,
    /// A way to a broken invariant, without the steps that it does not need.
    pub violation: Option<Trace>,
}

/// Walks in the box. `progress` is told now and then, from any thread, how many steps have been taken.
///
/// # Errors
///
/// [`ExploreError`] if the box is none.
pub fn walk(
    bounds: Bounds,
    walk: Walk,
    progress: &(dyn Fn(u64, Duration) + Sync),
) -> Result<Walked, ExploreError> {
    let first = Run::new(bounds)?;
    let walker = Walker {
        bounds,
        walk,
        first,
        next: AtomicU64::new(0),
        found: Mutex::new(None),
        sum: Mutex::default(),
        began: Instant::now(),
        reported: Mutex::new(Instant::now()),
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (1..walk.threads.max(1))
            .map(|_| scope.spawn(|| walker.work(progress)))
            .collect();
        walker.work(progress);
        for worker in workers {
            if let Err(panic) = worker.join() {
                std::panic::resume_unwind(panic);
            }
        }
    });
    let elapsed = walker.began.elapsed();
    let inner = |found: Mutex<_>| found.into_inner().unwrap_or_else(PoisonError::into_inner);
    let found: Option<(u64, Trace)> = inner(walker.found);
    let sum = walker.sum.into_inner();
    Ok(Walked {
        elapsed,
        violation: found.map(|(_, trace)| shrink(trace)),
        ..sum.unwrap_or_else(PoisonError::into_inner)
    })
}

/// What the threads share.
struct Walker {
    bounds: Bounds,
    walk: Walk,
    first: Run,
    /// The number of the next stint.
    next: AtomicU64,
    /// The first stint that found a violation, and the way to it.
    found: Mutex<Option<(u64, Trace)>>,
    sum: Mutex<Walked>,
    began: Instant,
    reported: Mutex<Instant>,
}

impl Walker {
    /// Takes one stint after the other. Those before one that found a violation are all finished, so that the first is found.
    fn work(&self, progress: &(dyn Fn(u64, Duration) + Sync)) {
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let begins = number.saturating_mul(STINT);
            if begins >= self.walk.steps || self.lock(&self.found).is_some() {
                return;
            }
            let mut stint = Stint {
                walker: self,
                random: Random::new(self.walk.seed, Stream::Walk { stint: number }),
                left: STINT.min(self.walk.steps - begins),
                walked: Walked::default(),
            };
            let found = stint.run();
            let mut sum = self.lock(&self.sum);
            sum.add(&stint.walked);
            let taken = sum.steps;
            drop(sum);
            if let Err(trace) = found {
                let mut first = self.lock(&self.found);
                if first.as_ref().is_none_or(|(earlier, _)| number < *earlier) {
                    *first = Some((number, *trace));
                }
                return;
            }
            let mut reported = self.lock(&self.reported);
            if reported.elapsed() >= Duration::from_secs(1) {
                *reported = Instant::now();
                drop(reported);
                progress(taken, self.began.elapsed());
            }
        }
    }

    fn lock<'a, T>(&self, mutex: &'a Mutex<T>) -> std::sync::MutexGuard<'a, T> {
        mutex.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Walked {
    fn add(&mut self, more: &Walked) {
        self.steps += more.steps;
        self.changes += more.changes;
        self.lives += more.lives;
        self.elections += more.elections;
        self.confirmations += more.confirmations;
        self.crashes += more.crashes;
        self.recoveries += more.recoveries;
        self.term = self.term.max(more.term);
    }
}

struct Stint<'a> {
    walker: &'a Walker,
    random: Random,
    left: u64,
    walked: Walked,
}

impl Stint<'_> {
    fn run(&mut self) -> Result<(), Box<Trace>> {
        while self.left > 0 {
            self.live()?;
        }
        Ok(())
    }

    /// One life, from nodes that never ran.
    fn live(&mut self) -> Result<(), Box<Trace>> {
        let bounds = self.walker.bounds;
        let mood = Mood::draw(&mut self.random, &bounds);
        let mut run = self.walker.first.clone();
        let mut arrived = vec![0; bounds.nodes];
        let mut steps: Vec<Step> = Vec::new();
        let mut idle = 0;
        self.walked.lives += 1;
        while self.left > 0 && steps.len() < LIFE && idle < STUCK {
            idle += 1;
            let Some(step) = mood.step(&mut self.random, &run, &mut arrived) else {
                continue;
            };
            let took = run.take(&step);
            if took != Ok(Took::Impossible) {
                self.left -= 1;
                self.walked.steps += 1;
            }
            match took {
                Ok(Took::Impossible | Took::Nothing) => continue,
                Ok(Took::Something(notes)) => {
                    idle = 0;
                    self.walked.changes += 1;
                    self.walked.elections += u64::from(notes.gained.is_some());
                    self.walked.confirmations += u64::from(notes.confirmed.is_some());
                    self.walked.crashes += u64::from(step.crashed_after.is_some());
                    steps.push(step);
                    if self.random.below(RECOVER) == 0 {
                        self.recover(&run, &steps)?;
                    }
                }
                Err(what) => {
                    steps.push(step);
                    return Err(Box::new(Trace::of(bounds, steps, what, None)));
                }
            }
        }
        let terms = run.keys().iter().map(|key| key.term);
        self.walked.term = terms.fold(self.walked.term, u64::max);
        self.recover(&run, &steps)
    }

    /// Has every node recover the cluster, on all links and on some.
    fn recover(&mut self, run: &Run, steps: &[Step]) -> Result<(), Box<Trace>> {
        if !self.walker.walk.dead_ends {
            return Ok(());
        }
        let nodes = self.walker.bounds.nodes;
        let share = self.random.between(1, 3);
        let links = Links::where_links(nodes, |_, _| self.random.below(4) < share);
        let electable = |links: &Links| (0..nodes).any(|node| links.reaches_majority(node, nodes));
        let recovery = Recovery::new(true, Some(links).filter(electable).into_iter().collect());
        let tried = recovery.try_all(&run.rafts());
        let counts = recovery.counts();
        self.walked.recoveries += counts.rounds.iter().chain(&counts.turns).sum::<u64>();
        tried.map_err(|DeadEnd { what, links }| {
            Box::new(Trace::of(self.walker.bounds, steps.to_vec(), what, links))
        })
    }
}

/// How likely things are, as weights.
struct Mood {
    /// A message that has not arrived yet, in the order of sending.
    next: u64,
    /// One of the latest messages, arrived or not.
    recent: u64,
    /// Any message ever sent.
    any: u64,
    /// The next message is lost, or comes late.
    skip: u64,
    timer: u64,
    /// How often of ten timers of a follower or leader the election timer runs out.
    election: u64,
    crash: u64,
    /// A crash amid a step, of 256 steps.
    torn: u64,
    transfer: u64,
    pause: u64,
}

impl Mood {
    fn draw(random: &mut Random, bounds: &Bounds) -> Mood {
        let mut pick = |weights: &[u64]| weights[random.below(weights.len() as u64) as usize];
        let if_wanted = |wanted: bool, weight: u64| if wanted { weight } else { 0 };
        Mood {
            next: pick(&[20, 60, 100]),
            recent: pick(&[0, 10, 30]),
            any: pick(&[0, 2, 20]),
            skip: pick(&[0, 5, 20]),
            timer: pick(&[5, 15, 40]),
            election: pick(&[1, 3, 7]),
            crash: if_wanted(bounds.crashes, pick(&[0, 1, 5])),
            torn: if_wanted(bounds.crashes, pick(&[0, 4, 20])),
            transfer: if_wanted(bounds.transfers, pick(&[0, 1, 4])),
            pause: if_wanted(bounds.pauses, pick(&[0, 1, 4])),
        }
    }

    /// Draws a step. There is none if what was drawn is not possible.
    fn step(&self, random: &mut Random, run: &Run, arrived: &mut [usize]) -> Option<Step> {
        let node = random.below(arrived.len() as u64) as usize;
        let what = self.what(random, run, node, &mut arrived[node])?;
        let torn = what != What::Crash && random.below(256) < self.torn;
        Some(Step {
            node: node as u8,
            crashed_after: match what {
                What::Crash => Some(0),
                _ => torn.then(|| random.between(1, 6) as usize),
            },
            what,
        })
    }

    fn what(
        &self,
        random: &mut Random,
        run: &Run,
        node: usize,
        arrived: &mut usize,
    ) -> Option<What> {
        let inbox = run.inbox(node);
        let receive = |place: u64| {
            let envelope = run.sent()[*inbox.get(place as usize)?];
            let (from, message) = (envelope.from, envelope.message);
            Some(What::Receive { from, message })
        };
        let len = inbox.len() as u64;
        let weights = [
            self.next,
            self.recent,
            self.any,
            self.skip,
            self.timer,
            self.crash,
            self.transfer,
            self.pause,
        ];
        match draw(random, &weights) {
            0 => {
                *arrived += usize::from(*arrived < inbox.len());
                receive((*arrived as u64).checked_sub(1)?)
            }
            1 => receive(len.checked_sub(1 + random.below(RECENT))?),
            2 => receive(random.below(len)),
            3 => {
                *arrived += usize::from(*arrived < inbox.len());
                None
            }
            4 => {
                let timer = match random.below(10) {
                    election if election < self.election => Timer::Election,
                    other if other % 2 == 0 => Timer::Heartbeat,
                    _ => Timer::Repeat,
                };
                Some(What::TimerFired { timer })
            }
            5 => Some(What::Crash),
            6 => Some(What::Transfer {
                to: random.below(run.keys().len() as u64) as u8,
            }),
            _ if run.keys()[node].paused => Some(What::Resume),
            _ => Some(What::Pause),
        }
    }
}

/// Draws a place by its weight.
fn draw(random: &mut Random, weights: &[u64]) -> usize {
    let mut left = random.below(weights.iter().sum());
    for (place, weight) in weights.iter().enumerate() {
        if left < *weight {
            return place;
        }
        left -= weight;
    }
    0
}
