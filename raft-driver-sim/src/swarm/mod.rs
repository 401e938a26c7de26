//! Random worlds with random faults: each seed draws a cluster, a network, and the faults that befall it.
//!
//! Not every seed has every kind of fault ("swarm testing"): a run without partitions goes deeper into crashes than one
//! with everything. The checker looks on all the time. In the end all faults stop, and a leader must come within a [bound
//! that follows from the timing](Swarm::recovery_bound), and stay.
//!
//! A run is data: what its seed drew is a list of [`Step`]s, which can be written to a file, run again, and made
//! [shorter](Swarm::shrink) as long as it fails.

mod bound;
mod deed;
mod draw;
mod shrink;
#[cfg(test)]
mod tests;

pub use deed::{Deed, Step};
pub use shrink::Shrunk;

use core::fmt;
use core::time::Duration;

use raft_core::{ConfigError, NodeId, Protocol};
use serde::{Deserialize, Serialize};

use crate::checker::Violation;
use crate::network::Conditions;
use crate::observer::Observer;
use crate::rng::Chance;
use crate::settings::Settings;
use crate::stats::Stats;
use crate::time::Time;
use crate::timeline::{Header, Recorder, Recording};
use crate::world::World;

/// How late a straggler may be, in election timeouts.
const STRAGGLE: u32 = 10;
/// How long the leader must stay when the faults are over, in election timeouts.
const STAY: u32 = 10;
/// The most nodes that a seed draws.
const MOST_NODES: u64 = 9;

/// A run that is still to be made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swarm {
    /// What the network, the disks and the timers draw from.
    pub seed: u64,
    /// The world. Its network and its disks are those of the time of faults.
    pub settings: Settings,
    /// What happens, in the order of time.
    pub steps: Vec<Step>,
    /// How long faults go on, in simulated time.
    pub duration: Duration,
}

/// What came of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Calm {
    /// How long all nodes took to follow one leader, from when the faults were over and what they left had gone.
    pub recovered_after: Duration,
    /// How long the whole run took, in simulated time.
    pub simulated: Duration,
    /// Counters of the whole run.
    pub stats: Stats,
}

/// Why a run failed.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// An invariant does not hold.
    Violation(Violation),
    /// The faults are over, and not all nodes follow one leader.
    NoLeader {
        /// How long it was waited for.
        within: Duration,
        /// The command that repeats the run.
        replay: String,
    },
    /// The faults are over, and the leader did not stay, or holds no lease.
    LeaderLeft {
        /// The leader.
        leader: NodeId,
        /// The command that repeats the run.
        replay: String,
    },
}

impl Failure {
    /// Whether both are failures of one kind: of one invariant, if of any.
    pub fn is_like(&self, other: &Failure) -> bool {
        match (self, other) {
            (Failure::Violation(a), Failure::Violation(b)) => a.invariant == b.invariant,
            (Failure::NoLeader { .. }, Failure::NoLeader { .. })
            | (Failure::LeaderLeft { .. }, Failure::LeaderLeft { .. }) => true,
            (Failure::Violation(_) | Failure::NoLeader { .. } | Failure::LeaderLeft { .. }, _) => {
                false
            }
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Violation(violation) => write!(f, "{violation}"),
            Failure::NoLeader { within, replay } => write!(
                f,
                "all faults are over, and the nodes follow no leader within {within:?}; to repeat it: {replay}"
            ),
            Failure::LeaderLeft { leader, replay } => write!(
                f,
                "all faults are over, and the leader {leader} did not stay; to repeat it: {replay}"
            ),
        }
    }
}

impl core::error::Error for Failure {}

impl From<Violation> for Failure {
    fn from(violation: Violation) -> Self {
        Failure::Violation(violation)
    }
}

impl Swarm {
    /// The run of a seed.
    pub fn new(seed: u64) -> Self {
        draw::draw(seed, None)
    }

    /// The run of a seed with so many nodes, whatever the seed would have drawn.
    pub fn with_nodes(seed: u64, nodes: usize) -> Self {
        draw::draw(seed, Some(nodes))
    }

    /// Whether a world can be made of it: those of a seed can; one that was read from a file may not.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] if no node can have its settings.
    pub fn check(&self) -> Result<(), ConfigError> {
        World::new(&self.settings, self.seed).map(drop)
    }

    /// Runs it.
    ///
    /// # Errors
    ///
    /// [`Failure`]: an invariant is violated, or no leader comes and stays when the faults are over.
    ///
    /// # Panics
    ///
    /// If no world can be made of it ([`Swarm::check`]).
    pub fn run(&self) -> Result<Calm, Failure> {
        self.run_observed(()).0
    }

    /// Runs it while somebody looks on, and gives the observer back.
    ///
    /// # Panics
    ///
    /// If no world can be made of it ([`Swarm::check`]).
    pub fn run_observed<O: Observer>(&self, observer: O) -> (Result<Calm, Failure>, O) {
        let mut world =
            World::observed(&self.settings, self.seed, observer).expect("valid settings");
        let calm = self.faults_and_calm(&mut world);
        (calm, world.into_observer())
    }

    /// Runs it and records everything that happens.
    ///
    /// # Panics
    ///
    /// If no world can be made of it ([`Swarm::check`]).
    pub fn record(&self) -> Recording {
        let (settings, seed) = (&self.settings, self.seed);
        let mut world =
            World::observed(settings, seed, Recorder::default()).expect("valid settings");
        let failure = self.faults_and_calm(&mut world).err();
        let now = world.now();
        let mut recording = world
            .into_observer()
            .finish(Header::of(settings, seed), now);
        recording.header.title = Some(format!("Swarm, seed {seed}"));
        recording.header.failure = failure.map(|failure| failure.to_string());
        recording
    }

    fn faults_and_calm<O: Observer>(&self, world: &mut World<O>) -> Result<Calm, Failure> {
        let end = Time::default() + self.duration;
        for step in self
            .steps
            .iter()
            .take_while(|step| step.at <= self.duration)
        {
            world.run_until(Time::default() + step.at)?;
            step.deed.befall(world, &self.settings);
        }
        world.run_until(end)?;
        let t = self.settings.options.election_timeout;
        world.calm(&self.calm_settings());
        world.run_for(self.aftermath())?;
        let begin = world.now();
        let within = self.recovery_bound();
        world.run_until_or(begin + within, |world| world.agreed_leader().is_some())?;
        let replay = || self.settings.replay.clone().unwrap_or_default();
        let Some(leader) = world.agreed_leader() else {
            let replay = replay();
            return Err(Failure::NoLeader { within, replay });
        };
        let recovered_after = world.now() - begin;
        let term = world.leading(leader);
        world.run_for(t * STAY)?;
        let leases = self.settings.options.protocol == Protocol::Standard;
        let stays = world.agreed_leader() == Some(leader) && world.leading(leader) == term;
        if !stays || (leases && world.lease(leader) != term) {
            let replay = replay();
            return Err(Failure::LeaderLeft { leader, replay });
        }
        Ok(Calm {
            recovered_after,
            simulated: world.now() - Time::default(),
            stats: *world.stats(),
        })
    }

    /// How long the faults have an effect when they are over: until nothing is under way that was sent before, no sync of a slow disk
    /// goes on, and a leader's next round has been answered. Before that, a follower that has heard nothing
    /// for almost 2T may still count among those that follow it.
    fn aftermath(&self) -> Duration {
        let calm = self.calm_settings();
        let syncs = self.steps.iter().filter_map(|step| match step.deed {
            Deed::SlowDisk(_, sync_max) => Some(sync_max),
            _ => None,
        });
        let sync = syncs.fold(self.settings.disk.sync_max, Duration::max);
        let round = calm.options.heartbeat_interval + calm.requests.delay_max * 2;
        self.longest_delay().max(sync) + round + calm.disk.sync_max
    }

    /// How long a message may be under way while there are faults.
    fn longest_delay(&self) -> Duration {
        let delay = |conditions: &Conditions| {
            if conditions.straggling == Chance::NEVER {
                conditions.delay_max
            } else {
                conditions.straggler_delay_max
            }
        };
        delay(&self.settings.requests).max(delay(&self.settings.responses))
    }

    /// The same world without faults: nothing is lost, and nothing takes longer than a hundredth of T.
    fn calm_settings(&self) -> Settings {
        let mut settings = self.settings.clone();
        let t = settings.options.election_timeout;
        settings.disk.sync_max = t / 100;
        settings.with_conditions(Conditions::delay(t / 1_000..=t / 100))
    }
}

impl fmt::Display for Swarm {
    /// A line for the world, and one for each step.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Settings {
            nodes,
            options,
            witnesses,
            requests,
            disk,
            ..
        } = &self.settings;
        writeln!(
            f,
            "seed {}: {nodes} nodes, {:?}, T {:?}, heartbeat {:?}, lease {:?}, witnesses {witnesses:?}",
            self.seed,
            options.protocol,
            options.election_timeout,
            options.heartbeat_interval,
            options.lease
        )?;
        writeln!(f, "  network: {requests:?}\n  disks: {disk:?}")?;
        for step in &self.steps {
            writeln!(f, "  {step}")?;
        }
        write!(f, "  at {:?} all faults end", self.duration)
    }
}
