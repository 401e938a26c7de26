//! Random worlds with random faults: each seed draws a cluster, a network, and the kinds of fault that befall it.
//!
//! Not every seed has every fault ("swarm testing"): a run without partitions goes deeper into crashes than one
//! with everything. The checker looks on all the time. In the end all faults stop, and a leader must come and stay.

use core::fmt;
use core::time::Duration;

use raft_core::{LogIndex, LogPosition, NodeId, Options, Protocol};

use crate::checker::Violation;
use crate::clock::ClockRate;
use crate::disk::{DiskOptions, Syncing};
use crate::network::Conditions;
use crate::observer::Observer;
use crate::rng::{Chance, Random, Stream};
use crate::settings::Settings;
use crate::stats::Stats;
use crate::time::nanos;
use crate::timeline::{Header, Recorder, Recording};
use crate::world::World;

/// How late a straggler may be, in election timeouts.
const STRAGGLE: u32 = 10;
/// How long after the last straggler all nodes must follow one leader, in election timeouts: five
/// elections in a row may fail.
const RECOVER: u32 = 20;
/// How long that leader must then stay, in election timeouts.
const STAY: u32 = 10;

/// What may befall a node or a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Crash,
    Kill,
    CrashBetweenActions,
    Restart,
    StandStill,
    StandStillBetweenActions,
    GoOn,
    CutOneWay,
    Isolate,
    Partition,
    Heal,
    Transfer,
    MoveLog,
    KeepFromCampaigning,
    ClockRate,
    WildClock,
    SlowDisk,
}

/// The kinds that a seed may lack. What ends faults (restart, go on, heal) every seed has.
const OPTIONAL: [Kind; 14] = [
    Kind::Crash,
    Kind::Kill,
    Kind::CrashBetweenActions,
    Kind::StandStill,
    Kind::StandStillBetweenActions,
    Kind::CutOneWay,
    Kind::Isolate,
    Kind::Partition,
    Kind::Transfer,
    Kind::MoveLog,
    Kind::KeepFromCampaigning,
    Kind::ClockRate,
    Kind::WildClock,
    Kind::SlowDisk,
];

/// A run that is still to be made: all of it follows from the seed.
#[derive(Clone, Debug)]
pub struct Swarm {
    /// The world. Its network and its disks are those of the time of faults.
    pub settings: Settings,
    /// How long faults go on, in simulated time.
    pub duration: Duration,
    seed: u64,
    kinds: Vec<Kind>,
    /// The longest time between two faults.
    pause: Duration,
    random: Random,
}

/// What came of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Calm {
    /// How long after the last fault all nodes followed one leader. It counts from when no straggler was left.
    pub recovered_after: Duration,
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
        let mut random = Random::new(seed, Stream::Script);
        let settings = draw_settings(&mut random, seed);
        let t = settings.options.election_timeout;
        let pause = between(&mut random, t / 10, t * 4);
        let mut kinds = vec![
            Kind::Restart,
            Kind::GoOn,
            Kind::Heal,
            Kind::Restart,
            Kind::Heal,
        ];
        kinds.extend(
            OPTIONAL
                .iter()
                .filter(|_| random.chance(Chance::percent(50))),
        );
        Swarm {
            settings,
            duration: t * 120,
            seed,
            kinds,
            pause,
            random,
        }
    }

    /// Runs it.
    ///
    /// # Errors
    ///
    /// [`Failure`]: an invariant is violated, or no leader comes and stays when the faults are over.
    pub fn run(self) -> Result<Calm, Failure> {
        self.run_observed(()).0
    }

    /// Runs it while somebody looks on, and gives the observer back.
    pub fn run_observed<O: Observer>(mut self, observer: O) -> (Result<Calm, Failure>, O) {
        let mut world = World::observed(&self.settings, self.seed, observer)
            .expect("only valid settings are drawn");
        let calm = self.faults_and_calm(&mut world);
        (calm, world.into_observer())
    }

    /// Runs it and records everything that happens.
    pub fn record(mut self) -> Recording {
        let (settings, seed) = (self.settings.clone(), self.seed);
        let mut world = World::observed(&settings, seed, Recorder::default())
            .expect("only valid settings are drawn");
        let failure = self.faults_and_calm(&mut world).err();
        let now = world.now();
        let mut recording = world
            .into_observer()
            .finish(Header::of(&settings, seed), now);
        recording.header.title = Some(format!("Swarm, seed {seed}"));
        recording.header.failure = failure.map(|failure| failure.to_string());
        recording
    }

    fn faults_and_calm<O: Observer>(&mut self, world: &mut World<O>) -> Result<Calm, Failure> {
        let end = world.now() + self.duration;
        while world.now() < end {
            let pause = between(&mut self.random, Duration::ZERO, self.pause);
            world.run_for(pause)?;
            self.fault(world);
        }
        let t = self.settings.options.election_timeout;
        world.calm(&calm_settings(&self.settings));
        world.run_for(t * STRAGGLE)?;
        let begin = world.now();
        let within = t * RECOVER;
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
            stats: *world.stats(),
        })
    }

    fn fault<O: Observer>(&mut self, world: &mut World<O>) {
        let kind = self.kinds[self.random.below(self.kinds.len() as u64) as usize];
        let node = self.node();
        let actions = self.random.below(12) as u32;
        match kind {
            Kind::Crash => world.crash(node),
            Kind::Kill => world.kill(node),
            Kind::CrashBetweenActions => world.crash_after_actions(node, actions),
            Kind::Restart => self.each_node(world, 50, World::restart),
            Kind::StandStill => world.pause(node),
            Kind::StandStillBetweenActions => world.pause_after_actions(node, actions),
            Kind::GoOn => self.each_node(world, 50, World::resume),
            Kind::CutOneWay => world.cut_one_way(node, self.node()),
            Kind::Isolate => world.isolate(node),
            Kind::Partition => self.partition(world),
            Kind::Heal => world.heal_all(),
            Kind::Transfer => {
                let to = self.random.chance(Chance::percent(50)).then(|| self.node());
                if let Some((leader, _)) = world.leader() {
                    world.transfer_leadership(leader, to, self.random.chance(Chance::percent(50)));
                }
            }
            Kind::MoveLog => self.move_log(world, node),
            Kind::KeepFromCampaigning => {
                if self.random.chance(Chance::percent(50)) {
                    world.keep_from_campaigning(node);
                } else {
                    self.each_node(world, 100, World::let_campaign);
                }
            }
            Kind::ClockRate => {
                let rate = self.random.between(990_000, 1_010_000) as u32;
                world.set_clock_rate(node, ClockRate::millionths(rate));
            }
            Kind::WildClock => {
                let rate = self.random.below(4_000_000) as u32;
                world.set_clock_rate(node, ClockRate::millionths(rate));
            }
            Kind::SlowDisk => {
                let t = self.settings.options.election_timeout;
                let sync_max = between(&mut self.random, Duration::ZERO, t * 2);
                let options = DiskOptions {
                    sync_max,
                    ..self.settings.disk
                };
                world.set_disk(node, options);
            }
        }
    }

    fn node(&mut self) -> NodeId {
        NodeId(self.random.below(self.settings.nodes as u64))
    }

    fn each_node<O: Observer>(
        &mut self,
        world: &mut World<O>,
        percent: u32,
        end: fn(&mut World<O>, NodeId),
    ) {
        for node in world.node_ids() {
            if self.random.chance(Chance::percent(percent)) {
                end(world, node);
            }
        }
    }

    fn partition<O: Observer>(&mut self, world: &mut World<O>) {
        let (left, right): (Vec<NodeId>, Vec<NodeId>) = world
            .node_ids()
            .partition(|_| self.random.chance(Chance::percent(50)));
        world.partition(&[&left, &right]);
    }

    /// A log grows, but not that of a witness: it could become one that nobody who campaigns can match.
    fn move_log<O: Observer>(&mut self, world: &mut World<O>, node: NodeId) {
        if !self.settings.witnesses.contains(&node) {
            let term = world.highest_term();
            let index = LogIndex(1 + self.random.below(3));
            let last_log = LogPosition { term, index }.max(world.last_log(node));
            world.set_log_tail(node, last_log);
        }
    }
}

fn between(random: &mut Random, from: Duration, to: Duration) -> Duration {
    Duration::from_nanos(random.between(nanos(from), nanos(to)))
}

fn draw_settings(random: &mut Random, seed: u64) -> Settings {
    let nodes = random.between(1, 7) as usize;
    let ms = Duration::from_millis;
    let t = between(random, ms(150), ms(3_000));
    let ratio = [3, 5, 10][random.below(3) as usize];
    let protocol = if random.chance(Chance::percent(85)) {
        Protocol::Standard
    } else {
        Protocol::Plain
    };
    let longest_lease = protocol == Protocol::Standard && random.chance(Chance::percent(30));
    let options = Options {
        heartbeat_interval: t / ratio,
        election_timeout: t,
        lease: longest_lease.then_some(t * 99 / 101),
        protocol,
        ..Options::default()
    };
    // At least one node may campaign.
    let witnesses = (1..nodes as u64)
        .filter(|_| random.chance(Chance::percent(15)))
        .map(NodeId)
        .collect();
    let faulty = |random: &mut Random, most: u64| Chance::percent(random.below(most + 1) as u32);
    let slowest = t / [100, 20, 5][random.below(3) as usize];
    let conditions = Conditions::delay(slowest / 10..=slowest)
        .with_loss(faulty(random, 30))
        .with_duplication(faulty(random, 20))
        .with_stragglers(faulty(random, 10), t * STRAGGLE);
    let syncing = if random.chance(Chance::percent(50)) {
        Syncing::Blocks
    } else {
        Syncing::Pipelines
    };
    let sync_max = [Duration::ZERO, t / 50, t / 5][random.below(3) as usize];
    Settings {
        nodes,
        options,
        witnesses,
        disk: DiskOptions {
            sync_min: Duration::ZERO,
            sync_max,
            syncing,
        },
        replay: Some(format!("raft-sim swarm --seed {seed}")),
        ..Settings::default()
    }
    .with_conditions(conditions)
}

/// The same world without faults: nothing is lost, and nothing takes longer than a twentieth of T.
fn calm_settings(settings: &Settings) -> Settings {
    let t = settings.options.election_timeout;
    Settings {
        disk: DiskOptions {
            sync_max: t / 50,
            ..settings.disk
        },
        ..settings.clone()
    }
    .with_conditions(Conditions::delay(t / 200..=t / 20))
}
