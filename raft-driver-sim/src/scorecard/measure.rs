//! The four measurements of a cluster: cold start, crash, steady state, needless elections.

use super::arena::Arena;
use super::{Cell, Contender, Node, Row, Sizes};
use crate::rng::{Random, Stream};

/// How long a leader is waited for before the contender counts as stuck, in milliseconds.
const PATIENCE: u64 = 600_000;
/// How long after the first leader anything else begins, in milliseconds.
const SETTLE: u64 = 2_000;
/// The crash comes at any moment between two heartbeats, in milliseconds.
const PHASE: u64 = 100;

pub(super) fn row<C: Contender>(contender: &C, sizes: Sizes, nodes: usize, loss: u32) -> Row {
    let mut cells = failovers(contender, sizes, nodes, loss);
    cells.extend(steady(contender, sizes, nodes, loss));
    cells.extend(spurious(contender, sizes, nodes, loss));
    Row {
        title: format!("{nodes} nodes, {loss} % loss"),
        is_lossy: loss > 0,
        cells,
    }
}

/// A cluster, a while after its first leader; and when that came.
pub(super) fn settled<C: Contender>(
    contender: &C,
    nodes: usize,
    loss: u32,
    seed: u64,
) -> (Arena<C::Node>, u64) {
    let mut arena = Arena::new(contender, nodes, loss, seed);
    arena.step_until(PATIENCE, |arena| arena.leader().is_some());
    let elected = arena.now;
    arena.step_until(SETTLE, |_| false);
    // On a lossy network it may just have lost its leader.
    arena.step_until(PATIENCE, |arena| arena.leader().is_some());
    (arena, elected)
}

struct Failover {
    cold: f64,
    took: f64,
    terms: f64,
    messages: f64,
}

fn failovers<C: Contender>(contender: &C, sizes: Sizes, nodes: usize, loss: u32) -> Vec<Cell> {
    let failovers: Vec<Failover> = (1..=sizes.crashes)
        .map(|seed| failover(contender, nodes, loss, seed))
        .collect();
    let each = |of: fn(&Failover) -> f64| failovers.iter().map(of).collect::<Vec<f64>>();
    let (cold, took) = (each(|one| one.cold), each(|one| one.took));
    let terms = each(|one| one.terms);
    vec![
        Cell::quantile("cold start, median (ms)", &cold, 0.5),
        Cell::quantile("cold start, p99 (ms)", &cold, 0.99),
        Cell::max("cold start, max (ms)", &cold),
        Cell::quantile("crash to leader, median (ms)", &took, 0.5),
        Cell::quantile("crash to leader, p99 (ms)", &took, 0.99),
        Cell::max("crash to leader, max (ms)", &took),
        Cell::mean("terms used, mean", &terms),
        Cell::max("terms used, max", &terms),
        Cell::share(
            "won in one term (%)",
            terms.iter().map(|terms| *terms <= 1.0),
        ),
        Cell::mean("messages, crash to leader", &each(|one| one.messages)),
    ]
}

fn failover<C: Contender>(contender: &C, nodes: usize, loss: u32, seed: u64) -> Failover {
    let (mut arena, cold) = settled(contender, nodes, loss, seed);
    let phase = Random::new(seed, Stream::Script).below(PHASE);
    arena.step_until(phase, |_| false);
    arena.step_until(PATIENCE, |arena| arena.leader().is_some());
    let (leader, term) = arena.leader().unwrap_or_default();
    let (crashed, messages) = (arena.now, arena.messages);
    arena.crash(leader);
    arena.step_until(PATIENCE, |arena| {
        arena.leader().is_some_and(|(_, later)| later > term)
    });
    Failover {
        cold: cold as f64,
        took: (arena.now - crashed) as f64,
        terms: (arena.term() - term) as f64,
        messages: (arena.messages - messages) as f64,
    }
}

fn steady<C: Contender>(contender: &C, sizes: Sizes, nodes: usize, loss: u32) -> [Cell; 2] {
    let per_node_second = (sizes.steady_seconds * nodes as u64) as f64;
    let (messages, bytes): (Vec<f64>, Vec<f64>) = (1..=sizes.steady)
        .map(|seed| {
            let (mut arena, _) = settled(contender, nodes, loss, seed);
            let (messages, bytes) = (arena.messages, arena.bytes);
            arena.step_until(sizes.steady_seconds * 1_000, |_| false);
            (
                (arena.messages - messages) as f64 / per_node_second,
                (arena.bytes - bytes) as f64 / per_node_second,
            )
        })
        .unzip();
    [
        Cell::mean("messages a second and node", &messages),
        Cell::mean("bytes a second and node", &bytes),
    ]
}

fn spurious<C: Contender>(contender: &C, sizes: Sizes, nodes: usize, loss: u32) -> [Cell; 4] {
    let (elections, leaderless): (Vec<f64>, Vec<f64>) = (1..=sizes.spurious)
        .map(|seed| {
            let (mut arena, _) = settled(contender, nodes, loss, seed);
            let before = arena.elections;
            let length = sizes.spurious_seconds * 1_000;
            let mut without = 0_u64;
            for _ in 0..length {
                arena.step();
                without += u64::from(!arena.nodes.iter().flatten().any(Node::leads));
            }
            let elections = (arena.elections - before) as f64;
            (elections, without as f64 * 100.0 / length as f64)
        })
        .unzip();
    [
        Cell::quantile("leader changes, median", &elections, 0.5),
        Cell::mean("leader changes, mean", &elections),
        Cell::max("leader changes, max", &elections),
        Cell::mean("time without a leader (%)", &leaderless),
    ]
}
