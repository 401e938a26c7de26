//! Making a failing run short: fewer faults, fewer nodes, less time.

use core::time::Duration;

use super::{Failure, Step, Swarm};
use crate::disk::DiskOptions;
use crate::rng::Chance;
use crate::settings::Settings;
use crate::time::Time;

/// How many runs the search for a shorter one may take.
const MOST_RUNS: u32 = 4_000;
/// How many seeds are tried for a world that has become another one.
const SEEDS: u64 = 16;

/// A short run that fails like a longer one.
#[derive(Clone, Debug, PartialEq)]
pub struct Shrunk {
    /// The run.
    pub swarm: Swarm,
    /// Why it fails.
    pub failure: Failure,
    /// How many runs it took to find it.
    pub runs: u32,
}

impl Swarm {
    /// Looks for a shorter run that fails in the same way. `failure` is that of this run.
    ///
    /// It tries to leave out what happens after the failure, then steps in ever smaller groups, nodes, and each fault of the
    /// network and the disks; then to let what is left happen sooner. What still fails is kept, until nothing more can go.
    pub fn shrink(&self, failure: &Failure) -> Shrunk {
        let mut search = Search {
            best: self.clone(),
            failure: failure.clone(),
            runs: 0,
        };
        search.end_at_failure();
        loop {
            let before = search.best.clone();
            search.fewer_steps();
            search.fewer_nodes();
            search.simpler_world();
            search.shorter();
            search.end_at_failure();
            if search.best == before || search.runs >= MOST_RUNS {
                break;
            }
        }
        Shrunk {
            swarm: search.best,
            failure: search.failure,
            runs: search.runs,
        }
    }
}

struct Search {
    best: Swarm,
    failure: Failure,
    runs: u32,
}

impl Search {
    /// Runs another one, and keeps it if it fails in the same way.
    fn keeps(&mut self, swarm: Swarm) -> bool {
        if self.runs >= MOST_RUNS || swarm == self.best || swarm.check().is_err() {
            return false;
        }
        self.runs += 1;
        match swarm.run() {
            Err(failure) if failure.is_like(&self.failure) => {
                self.best = swarm;
                self.failure = failure;
                true
            }
            Ok(_) | Err(_) => false,
        }
    }

    /// A violation ends the run: what would come after it is of no interest.
    fn end_at_failure(&mut self) {
        let Failure::Violation(violation) = &self.failure else {
            return;
        };
        let duration = violation.time - Time::default();
        let mut swarm = self.best.clone();
        swarm.steps.retain(|step| step.at <= duration);
        swarm.duration = swarm.duration.min(duration);
        self.keeps(swarm);
    }

    /// Leaves out steps: half of them, a quarter, and so on to single ones.
    fn fewer_steps(&mut self) {
        let mut group = self.best.steps.len();
        while group > 0 {
            let mut begin = 0;
            while begin < self.best.steps.len() {
                let mut swarm = self.best.clone();
                let end = (begin + group).min(swarm.steps.len());
                swarm.steps.drain(begin..end);
                if !self.keeps(swarm) {
                    begin += group;
                }
            }
            group /= 2;
        }
    }

    /// Leaves out the last node, while it can. Other nodes draw other numbers in a world that lacks one, so some seeds are tried.
    fn fewer_nodes(&mut self) {
        while self.best.settings.nodes > 1 {
            let nodes = self.best.settings.nodes - 1;
            let mut swarm = self.best.clone();
            swarm.settings.nodes = nodes;
            swarm
                .settings
                .witnesses
                .retain(|node| node.0 < nodes as u64);
            swarm.steps = swarm
                .steps
                .iter()
                .filter_map(|Step { at, deed }| {
                    let deed = deed.among(nodes)?;
                    Some(Step { at: *at, deed })
                })
                .collect();
            if !self.keeps_with_some_seed(&swarm) {
                return;
            }
        }
    }

    fn keeps_with_some_seed(&mut self, swarm: &Swarm) -> bool {
        let seeds = std::iter::once(swarm.seed).chain(1..=SEEDS);
        for seed in seeds {
            let swarm = Swarm {
                seed,
                ..swarm.clone()
            };
            if self.keeps(swarm) {
                return true;
            }
        }
        false
    }

    /// Leaves out one fault of the network and of the disks after the other.
    fn simpler_world(&mut self) {
        let simpler: [fn(&mut Settings); 6] = [
            |settings| settings.witnesses.clear(),
            |settings| settings.requests.loss = Chance::NEVER,
            |settings| settings.requests.duplication = Chance::NEVER,
            |settings| settings.requests.straggling = Chance::NEVER,
            |settings| settings.disk = DiskOptions::default(),
            |settings| settings.options.lease = None,
        ];
        for simplify in simpler {
            let mut swarm = self.best.clone();
            simplify(&mut swarm.settings);
            swarm.settings.responses = swarm.settings.requests;
            if swarm.settings != self.best.settings {
                self.keeps_with_some_seed(&swarm);
            }
        }
    }

    /// Lets steps happen sooner after the one before: at once, or after half the time; and the end likewise.
    fn shorter(&mut self) {
        for index in 0..=self.best.steps.len() {
            for share in [0, 1, 2] {
                let swarm = sooner(&self.best, index, share);
                if self.keeps(swarm) {
                    break;
                }
            }
        }
    }
}

/// The same with `share` quarters of the time before step number `index`, or before the end.
fn sooner(swarm: &Swarm, index: usize, share: u32) -> Swarm {
    let mut swarm = swarm.clone();
    let before = index
        .checked_sub(1)
        .map_or(Duration::ZERO, |index| swarm.steps[index].at);
    let at = swarm
        .steps
        .get(index)
        .map_or(swarm.duration, |step| step.at);
    let gap = at.saturating_sub(before);
    let less = gap - gap / 4 * share;
    for step in &mut swarm.steps[index..] {
        step.at = step.at.saturating_sub(less);
    }
    swarm.duration = swarm.duration.saturating_sub(less);
    swarm
}
