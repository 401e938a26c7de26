//! Known bad networks and machines, each with what the protocol makes of it.
//!
//! T = 150 ms, a heartbeat every T/10 unless a scenario says otherwise, 1 to 10 ms on the way. The fault begins at 2 s. In the names
//! of nodes, 0 is the leader at that time. The checker of invariants looks on in all of them.

mod machines;
mod messages;
mod networks;
mod table;

use std::time::Duration;

use raft_core::{Action, NodeId, Options, Protocol, Term};
use raft_driver_sim::{Conditions, Happening, Observer, Settings, Time, World};

const MS: Duration = Duration::from_millis(1);
const S: Duration = Duration::from_secs(1);
const T: Duration = Duration::from_millis(150);
const SEEDS: std::ops::RangeInclusive<u64> = 1..=3;

/// When a node became leader.
#[derive(Default)]
struct Elections(Vec<Time>);

impl Observer for Elections {
    fn observe(&mut self, time: Time, _: NodeId, happening: Happening<'_>) {
        if matches!(
            happening,
            Happening::Action(Action::LeadershipGained { .. })
        ) {
            self.0.push(time);
        }
    }
}

/// A world at 2 s, with a leader.
struct Scene {
    world: World<Elections>,
    /// The nodes by the names of the scenario: the leader is 0.
    cast: Vec<NodeId>,
    began: Time,
    term: Term,
}

fn settings(nodes: usize, protocol: Protocol) -> Settings {
    Settings {
        nodes,
        options: Options {
            heartbeat_interval: T / 10,
            election_timeout: T,
            protocol,
            ..Options::default()
        },
        ..Settings::default()
    }
    .with_conditions(Conditions::delay(MS..=10 * MS))
}

impl Scene {
    fn new(nodes: usize, seed: u64) -> Self {
        Self::with(&settings(nodes, Protocol::Standard), seed)
    }

    fn with(settings: &Settings, seed: u64) -> Self {
        let mut world =
            World::observed(settings, seed, Elections::default()).expect("valid settings");
        world.run_for(2 * S).expect("no bug");
        let (leader, term) = world.leader().expect("a leader after 2 s");
        let others = world.node_ids().filter(|node| *node != leader);
        Scene {
            cast: std::iter::once(leader).chain(others).collect(),
            began: world.now(),
            term,
            world,
        }
    }

    fn node(&self, name: usize) -> NodeId {
        self.cast[name]
    }

    fn run(&mut self, duration: Duration) {
        self.world
            .run_for(duration)
            .unwrap_or_else(|violation| panic!("{violation}"));
    }

    /// Leaves only these links, each in both directions.
    fn links(&mut self, links: &[(usize, usize)]) {
        self.world.partition(&[]);
        for (a, b) in links {
            self.world.heal(self.cast[*a], self.cast[*b]);
        }
    }

    /// How many leaders were elected since the fault.
    fn changes(&self) -> usize {
        self.elected_since(self.began)
    }

    fn elected_since(&self, time: Time) -> usize {
        self.world
            .observer()
            .0
            .iter()
            .filter(|elected| **elected > time)
            .count()
    }

    fn term_growth(&self) -> u64 {
        self.world.highest_term().0 - self.term.0
    }

    /// Runs for 40 s and tells how many leaders were elected in the second half of it, and whether there was
    /// one with a valid lease all that time.
    fn second_half(&mut self) -> (usize, bool) {
        self.run(20 * S);
        let half = self.world.now();
        let mut led = true;
        for _ in 0..200 {
            self.run(100 * MS);
            let holds = |node: &NodeId| self.world.lease(*node).is_some();
            led &= self.cast.iter().any(holds);
        }
        (self.elected_since(half), led)
    }
}

const STABLE: (usize, bool) = (0, true);
