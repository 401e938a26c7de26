//! A world with a leader, which plays node 0.

use core::time::Duration;

use raft_core::{Action, NodeId, Term};

use super::{Pathology, WATCHED};
use crate::checker::Violation;
use crate::observer::{Happening, Observer};
use crate::settings::Settings;
use crate::time::Time;
use crate::timeline::{Header, Recorder, Recording};
use crate::world::World;

/// When the fault begins.
const BEGIN: Duration = Duration::from_secs(2);

/// When nodes became leaders.
#[derive(Debug, Default)]
struct Elections(Vec<Time>);

impl Observer for Elections {
    fn observe(&mut self, time: Time, _: NodeId, happening: Happening<'_>) {
        if let Happening::Action(Action::LeadershipGained { .. }) = happening {
            self.0.push(time);
        }
    }
}

/// A world in which a fault is to begin.
#[derive(Debug)]
pub struct Stage {
    world: World<(Elections, Option<Recorder>)>,
    /// The nodes by their parts: the first leads.
    cast: Vec<NodeId>,
}

/// What a world did from the fault on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) available: f64,
    pub(super) changes: usize,
    pub(super) late_changes: usize,
    pub(super) terms: u64,
}

impl Stage {
    /// The time between two looks at the world, and between two acts of a fault that goes on.
    pub const BEAT: Duration = Duration::from_millis(10);

    fn new(settings: &Settings, seed: u64, recorder: Option<Recorder>) -> Result<Self, Violation> {
        let mut world = World::observed(settings, seed, (Elections::default(), recorder))
            .expect("the settings of the list are valid");
        if settings.same_draws {
            // Somebody must lead before nobody can.
            for node in world.node_ids().skip(1) {
                world.keep_from_campaigning(node);
            }
            world.run_for(BEGIN / 2)?;
            for node in world.node_ids() {
                world.let_campaign(node);
            }
        }
        world.run_until(Time::default() + BEGIN)?;
        // A split vote may have kept it from one until now.
        let leader = loop {
            if let Some((leader, _)) = world.leader() {
                break leader;
            }
            world.run_for(Self::BEAT)?;
        };
        let others = world.node_ids().filter(|node| *node != leader);
        let cast = core::iter::once(leader).chain(others).collect();
        Ok(Stage { world, cast })
    }

    /// Plays a fault.
    pub(super) fn play(
        pathology: &Pathology,
        settings: &Settings,
        seed: u64,
    ) -> Result<Seen, Violation> {
        let mut stage = Stage::new(settings, seed, None)?;
        let (began, term) = (stage.world.now(), stage.highest_term());
        let (mut passed, mut available, mut looks) = (Duration::ZERO, 0_u32, 0_u32);
        while passed < WATCHED {
            (pathology.act)(&mut stage, passed);
            stage.world.run_for(Self::BEAT)?;
            passed += Self::BEAT;
            if passed > WATCHED / 2 {
                looks += 1;
                available += u32::from(stage.is_available());
            }
        }
        let elected_since = |time: Time| {
            let elections = &stage.world.observer().0.0;
            elections.iter().filter(|elected| **elected > time).count()
        };
        Ok(Seen {
            available: f64::from(available) * 100.0 / f64::from(looks),
            changes: elected_since(began),
            late_changes: elected_since(began + WATCHED / 2),
            terms: stage.highest_term().0 - term.0,
        })
    }

    /// Plays a fault for so long and records everything that happens.
    pub(super) fn record(
        pathology: &Pathology,
        settings: &Settings,
        seed: u64,
        watched: Duration,
    ) -> Result<Recording, Violation> {
        let mut stage = Stage::new(settings, seed, Some(Recorder::default()))?;
        let began = stage.world.now();
        let (mut passed, mut outcome) = (Duration::ZERO, Ok(()));
        while passed < watched && outcome.is_ok() {
            (pathology.act)(&mut stage, passed);
            outcome = stage.world.run_for(Self::BEAT);
            passed += Self::BEAT;
        }
        let end = stage.world.now();
        let (_, recorder) = stage.world.into_observer();
        let mut recorder = recorder.unwrap_or_default();
        recorder.note(began, "the fault begins".to_owned());
        let mut recording = recorder.finish(Header::of(settings, seed), end);
        recording.header.failure = outcome.err().map(|violation| violation.to_string());
        Ok(recording)
    }

    /// Whether somebody leads, and is not standing still, whom a majority can hear and answer.
    fn is_available(&self) -> bool {
        let world = &self.world;
        let nodes: Vec<NodeId> = world.node_ids().collect();
        nodes.iter().any(|leader| {
            let answers = |other: &&NodeId| {
                **other == *leader
                    || (world.state(**other).is_some() && world.are_linked(*leader, **other))
            };
            let leads = world.leading(*leader).is_some() && !world.is_paused(*leader);
            leads && nodes.iter().filter(answers).count() > nodes.len() / 2
        })
    }

    fn highest_term(&self) -> Term {
        self.world.highest_term()
    }
}

/// What a fault does to the world. Nodes are named by their parts.
impl Stage {
    fn node(&self, part: usize) -> NodeId {
        self.cast[part]
    }

    pub(super) fn crash(&mut self, part: usize) {
        self.world.crash(self.node(part));
    }

    pub(super) fn isolate(&mut self, part: usize) {
        self.world.isolate(self.node(part));
    }

    pub(super) fn heal_all(&mut self) {
        self.world.heal_all();
    }

    /// Leaves only these links, each in both directions.
    pub(super) fn links(&mut self, links: &[(usize, usize)]) {
        self.world.partition(&[]);
        for (a, b) in links {
            self.world.heal(self.node(*a), self.node(*b));
        }
    }

    /// What one part sends to another is lost.
    pub(super) fn cut_one_way(&mut self, from: usize, to: usize) {
        self.world.cut_one_way(self.node(from), self.node(to));
    }

    pub(super) fn set_link(&mut self, a: usize, b: usize, whole: bool) {
        if whole {
            self.world.heal(self.node(a), self.node(b));
        } else {
            self.world.cut(self.node(a), self.node(b));
        }
    }

    pub(super) fn stand_still(&mut self, part: usize, still: bool) {
        if still {
            self.world.pause(self.node(part));
        } else {
            self.world.resume(self.node(part));
        }
    }

    pub(super) fn clock(&mut self, part: usize, millionths: u32) {
        let rate = crate::clock::ClockRate::millionths(millionths);
        self.world.set_clock_rate(self.node(part), rate);
    }

    /// The logs of all parts but this one are longer than its.
    pub(super) fn leave_behind(&mut self, part: usize) {
        let term = self.highest_term();
        let index = raft_core::LogIndex(5);
        for other in 0..self.cast.len() {
            if other != part {
                let last_log = raft_core::LogPosition { term, index };
                self.world.set_log_tail(self.node(other), last_log);
            }
        }
    }
}
