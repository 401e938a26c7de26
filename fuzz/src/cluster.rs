//! A cluster of real nodes under any schedule: the simulated world, with an input's bytes in place of its chances.
//!
//! Whatever is sent, on each link, is lost, delayed or repeated as the input says; time passes as it says; nodes crash between
//! any two actions, come back, stand still and go on; leaders are asked to hand over; clocks drift and disks are slow. The world's checker
//! looks at every step and action, leases included. If the input wants it, all faults stop in the end, and a
//! leader must come.

use core::time::Duration;

use arbitrary::Arbitrary;
use raft_core::{LogIndex, LogPosition, NodeId, Options, Protocol};
use raft_driver_sim::timeline::{Header, Recording};
use raft_driver_sim::{
    Chance, ClockRate, Conditions, DiskOptions, Observer, Settings, Syncing, World,
};

use crate::picture;

/// T.
const T: Duration = Duration::from_millis(500);
/// The grain of time.
const GRAIN: Duration = Duration::from_millis(10);
/// How long after the last fault a leader is waited for: many elections in a row may fail, for the
/// input chooses the draws that the timers are.
const PATIENCE: u32 = 100;
/// The operations of an input that count.
const MOST: usize = 200;

/// A run: how the cluster is set up, and what happens to it.
#[derive(Debug, Arbitrary)]
pub struct Run {
    nodes: u8,
    plain: bool,
    longest_lease: bool,
    witnesses: u8,
    seed: u16,
    calm: bool,
    operations: Vec<Operation>,
}

#[derive(Clone, Copy, Debug, Arbitrary)]
enum Operation {
    /// So many grains of time pass.
    Pass(u8),
    /// What one node sends to another fares so from now on.
    Link {
        from: u8,
        to: u8,
        fate: Fate,
    },
    /// What a node sends to anybody, and what is sent to it, fares so from now on.
    Node {
        node: u8,
        fate: Fate,
    },
    /// A node crashes after so many more actions, or at once.
    Crash {
        node: u8,
        after: Option<u8>,
    },
    Kill(u8),
    Restart(u8),
    /// A process stands still after so many more actions.
    StandStill {
        node: u8,
        after: u8,
    },
    GoOn(u8),
    Transfer {
        node: u8,
        to: Option<u8>,
        stopped: bool,
    },
    Pause(u8),
    Resume(u8),
    /// A log grows.
    LogTail {
        node: u8,
        index: u8,
    },
    /// A clock runs faster or slower, by 1 % at the most.
    Clock {
        node: u8,
        rate: u8,
    },
    Disk {
        node: u8,
        grains: u8,
        pipelines: bool,
    },
}

/// What becomes of messages.
#[derive(Clone, Copy, Debug, Arbitrary)]
enum Fate {
    /// They arrive in a moment.
    Fair,
    Lost,
    /// Each arrives so many grains later.
    Late(u8),
    /// Each arrives in a moment, and again within so many grains.
    Repeated(u8),
}

impl Fate {
    fn conditions(self) -> Option<Conditions> {
        let moment = GRAIN / 10;
        let fair = Conditions::delay(moment..=moment);
        match self {
            Fate::Fair => None,
            Fate::Lost => Some(fair.with_loss(Chance::ALWAYS)),
            Fate::Late(grains) => {
                let delay = moment + GRAIN * u32::from(grains);
                Some(Conditions::delay(delay..=delay))
            }
            Fate::Repeated(grains) => {
                let range = moment..=moment + GRAIN * u32::from(grains);
                Some(Conditions::delay(range).with_duplication(Chance::ALWAYS))
            }
        }
    }
}

impl Run {
    /// Runs it.
    ///
    /// # Panics
    ///
    /// At what must not be.
    pub fn check(self) {
        let settings = self.settings();
        let world = World::new(&settings, u64::from(self.seed));
        if let Err(failure) = self.run(&settings, &mut world.expect("valid settings")) {
            panic!("{failure}");
        }
    }

    /// Runs it and records everything that happens, for a picture.
    pub fn record(self) -> Recording {
        let settings = self.settings();
        let seed = u64::from(self.seed);
        picture::record(Header::of(&settings, seed), |sketch| {
            let world = World::observed(&settings, seed, sketch);
            self.run(&settings, &mut world.expect("valid settings"))
        })
    }

    fn run<O: Observer>(&self, settings: &Settings, world: &mut World<O>) -> Result<(), String> {
        for operation in self.operations.iter().take(MOST) {
            apply(world, settings, *operation);
            if let Some(violation) = world.violation() {
                return Err(violation.to_string());
            }
        }
        if self.calm {
            world.calm(settings);
            let end = world.now() + T * PATIENCE;
            let agreed = world.run_until_or(end, |world| world.agreed_leader().is_some());
            if !agreed.map_err(|violation| violation.to_string())? {
                return Err("the faults are over, and no leader comes".to_owned());
            }
        }
        Ok(())
    }

    fn settings(&self) -> Settings {
        let nodes = usize::from(self.nodes % 5) + 1;
        let plain = self.plain;
        let options = Options {
            election_timeout: T,
            heartbeat_interval: T / 10,
            lease: (self.longest_lease && !plain).then_some(T * 99 / 101),
            protocol: if plain {
                Protocol::Plain
            } else {
                Protocol::Standard
            },
            ..Options::default()
        };
        // At least node 0 may campaign.
        let witnesses = (1..nodes as u64).filter(|id| self.witnesses & 1 << id != 0);
        Settings {
            nodes,
            options,
            witnesses: witnesses.map(NodeId).collect(),
            ..Settings::default()
        }
        .with_conditions(Conditions::delay(GRAIN / 10..=GRAIN / 10))
    }
}

fn apply<O: Observer>(world: &mut World<O>, settings: &Settings, operation: Operation) {
    let id = |node: u8| NodeId(u64::from(node) % settings.nodes as u64);
    match operation {
        Operation::Pass(grains) => {
            // A violation stays with the world.
            let _ = world.run_for(GRAIN * u32::from(grains));
        }
        Operation::Link { from, to, fate } => {
            world.set_link_conditions(id(from), id(to), fate.conditions());
        }
        Operation::Node { node, fate } => {
            for other in world.node_ids() {
                world.set_link_conditions(id(node), other, fate.conditions());
                world.set_link_conditions(other, id(node), fate.conditions());
            }
        }
        Operation::Crash { node, after: None } => world.crash(id(node)),
        Operation::Crash {
            node,
            after: Some(actions),
        } => world.crash_after_actions(id(node), u32::from(actions % 16)),
        Operation::Kill(node) => world.kill(id(node)),
        Operation::Restart(node) => world.restart(id(node)),
        Operation::StandStill { node, after } => {
            world.pause_after_actions(id(node), u32::from(after % 16));
        }
        Operation::GoOn(node) => world.resume(id(node)),
        Operation::Transfer { node, to, stopped } => {
            world.transfer_leadership(id(node), to.map(id), stopped);
        }
        Operation::Pause(node) => world.keep_from_campaigning(id(node)),
        Operation::Resume(node) => world.let_campaign(id(node)),
        Operation::LogTail { node, index } => move_log(world, settings, id(node), index),
        Operation::Clock { node, rate } => {
            let rate = 990_000 + u32::from(rate % 21) * 1_000;
            world.set_clock_rate(id(node), ClockRate::millionths(rate));
        }
        Operation::Disk {
            node,
            grains,
            pipelines,
        } => {
            let sync = GRAIN * u32::from(grains);
            let options = DiskOptions {
                sync_min: sync,
                sync_max: sync,
                syncing: if pipelines {
                    Syncing::Pipelines
                } else {
                    Syncing::Blocks
                },
            };
            world.set_disk(id(node), options);
        }
    }
}

/// A log grows, but not that of a witness: it could become one that nobody who campaigns can match.
fn move_log<O: Observer>(world: &mut World<O>, settings: &Settings, node: NodeId, index: u8) {
    if !settings.witnesses.contains(&node) {
        let grown = LogPosition {
            term: world.highest_term(),
            index: LogIndex(u64::from(index % 4)),
        };
        let last_log = grown.max(world.last_log(node));
        world.set_log_tail(node, last_log);
    }
}
