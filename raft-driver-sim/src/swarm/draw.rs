//! What a seed draws.

use core::time::Duration;

use raft_core::{LogIndex, NodeId, Options, Protocol};

use super::{Deed, MOST_NODES, STRAGGLE, Step, Swarm};
use crate::clock::ClockRate;
use crate::disk::{DiskOptions, Syncing};
use crate::network::Conditions;
use crate::rng::{Chance, Random, Stream};
use crate::settings::Settings;
use crate::time::nanos;

/// How long faults go on, in election timeouts.
const FAULTY: u32 = 120;

/// The kinds of deeds.
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

/// What ends faults, every seed has.
const ALWAYS: [Kind; 5] = [
    Kind::Restart,
    Kind::GoOn,
    Kind::Heal,
    Kind::Restart,
    Kind::Heal,
];

/// The kinds that a seed may lack.
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

pub(super) fn draw(seed: u64, nodes: Option<usize>) -> Swarm {
    let mut random = Random::new(seed, Stream::Script);
    let drawn = random.between(1, MOST_NODES) as usize;
    let settings = draw_settings(&mut random, seed, nodes, drawn);
    let t = settings.options.election_timeout;
    // The longest time between two deeds.
    let pause = between(&mut random, t / 10, t * 4);
    let mut kinds = ALWAYS.to_vec();
    kinds.extend(
        OPTIONAL
            .iter()
            .filter(|_| random.chance(Chance::percent(50))),
    );
    let duration = t * FAULTY;
    let mut steps = Vec::new();
    let mut at = between(&mut random, Duration::ZERO, pause);
    while at < duration {
        let kind = kinds[random.below(kinds.len() as u64) as usize];
        if let Some(deed) = draw_deed(&mut random, kind, &settings) {
            steps.push(Step { at, deed });
        }
        at += between(&mut random, Duration::ZERO, pause);
    }
    Swarm {
        seed,
        settings,
        steps,
        duration,
    }
}

fn draw_deed(random: &mut Random, kind: Kind, settings: &Settings) -> Option<Deed> {
    let nodes = settings.nodes as u64;
    let half = Chance::percent(50);
    let draw_node = |random: &mut Random| NodeId(random.below(nodes));
    let draw_nodes = |random: &mut Random| -> Vec<NodeId> {
        (0..nodes)
            .filter(|_| random.chance(half))
            .map(NodeId)
            .collect()
    };
    let node = draw_node(random);
    let actions = random.below(12) as u32;
    Some(match kind {
        Kind::Crash => Deed::Crash(node),
        Kind::Kill => Deed::Kill(node),
        Kind::CrashBetweenActions => Deed::CrashAfterActions(node, actions),
        Kind::Restart => Deed::Restart(draw_nodes(random)),
        Kind::StandStill => Deed::StandStill(node),
        Kind::StandStillBetweenActions => Deed::StandStillAfterActions(node, actions),
        Kind::GoOn => Deed::GoOn(draw_nodes(random)),
        Kind::CutOneWay => Deed::CutOneWay(node, draw_node(random)),
        Kind::Isolate => Deed::Isolate(node),
        Kind::Partition => Deed::Partition(draw_nodes(random)),
        Kind::Heal => Deed::Heal,
        Kind::Transfer => Deed::Transfer {
            to: random.chance(half).then(|| draw_node(random)),
            stopped: random.chance(half),
        },
        // A log grows, but not that of a witness: it could become one that nobody who campaigns can match.
        Kind::MoveLog => {
            let index = LogIndex(1 + random.below(3));
            let is_witness = settings.witnesses.contains(&node);
            return (!is_witness).then_some(Deed::MoveLog(node, index));
        }
        Kind::KeepFromCampaigning if random.chance(half) => Deed::KeepFromCampaigning(node),
        Kind::KeepFromCampaigning => Deed::LetCampaign,
        Kind::ClockRate => {
            let rate = random.between(990_000, 1_010_000) as u32;
            Deed::SetClockRate(node, ClockRate::millionths(rate))
        }
        Kind::WildClock => {
            let rate = random.below(4_000_000) as u32;
            Deed::SetClockRate(node, ClockRate::millionths(rate))
        }
        Kind::SlowDisk => {
            let t = settings.options.election_timeout;
            Deed::SlowDisk(node, between(random, Duration::ZERO, t * 2))
        }
    })
}

fn between(random: &mut Random, from: Duration, to: Duration) -> Duration {
    Duration::from_nanos(random.between(nanos(from), nanos(to)))
}

fn draw_settings(random: &mut Random, seed: u64, asked: Option<usize>, drawn: usize) -> Settings {
    let nodes = asked.unwrap_or(drawn);
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
    let mut conditions = Conditions::delay(slowest / 10..=slowest)
        .with_loss(faulty(random, 30))
        .with_duplication(faulty(random, 20));
    // Without stragglers the faults are over at once, and what they left is seen.
    if random.chance(Chance::percent(50)) {
        conditions = conditions.with_stragglers(faulty(random, 10), t * STRAGGLE);
    }
    let syncing = if random.chance(Chance::percent(50)) {
        Syncing::Blocks
    } else {
        Syncing::Pipelines
    };
    let sync_max = [Duration::ZERO, t / 50, t / 5][random.below(3) as usize];
    let nodes_asked = asked.map(|nodes| format!(" --nodes {nodes}"));
    Settings {
        nodes,
        options,
        witnesses,
        disk: DiskOptions {
            sync_min: Duration::ZERO,
            sync_max,
            syncing,
        },
        replay: Some(format!(
            "raft-sim swarm --seed {seed}{}",
            nodes_asked.unwrap_or_default()
        )),
        ..Settings::default()
    }
    .with_conditions(conditions)
}
