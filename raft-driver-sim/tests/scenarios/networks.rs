//! Networks: links that are cut, one way or both, or come and go.

use raft_core::{LogIndex, LogPosition, Protocol};

use super::{MS, S, SEEDS, STABLE, Scene, settings};

#[test]
fn s1_a_follower_that_was_cut_off_returns_and_disturbs_nobody() {
    let run = |protocol, seed| {
        let mut scene = Scene::with(&settings(3, protocol), seed);
        scene.world.isolate(scene.node(2));
        scene.run(10 * S);
        scene.world.heal_all();
        scene.run(20 * S);
        (scene.changes(), scene.term_growth())
    };
    for seed in SEEDS {
        assert_eq!(run(Protocol::Standard, seed), (0, 0), "seed {seed}");
        let (changes, growth) = run(Protocol::Plain, seed);
        assert!(
            changes >= 1 && growth > 10,
            "plain, seed {seed}: {changes}, {growth}"
        );
    }
}

#[test]
fn s2_howard_1_nodes_at_the_edge_disturb_nobody() {
    let mesh = [(0, 1), (0, 2), (1, 2), (3, 1), (4, 0)];
    for seed in SEEDS {
        let mut scene = Scene::new(5, seed);
        scene.links(&mesh);
        assert_eq!(scene.second_half(), STABLE, "seed {seed}");
        assert_eq!((scene.changes(), scene.term_growth()), (0, 0));
    }
    let mut plain = Scene::with(&settings(5, Protocol::Plain), 1);
    plain.links(&mesh);
    plain.run(60 * S);
    assert!(plain.changes() > 30, "{}", plain.changes());
}

#[test]
fn s3_howard_2_a_leader_that_reaches_only_a_bridge_is_replaced() {
    for seed in SEEDS {
        let mut scene = Scene::new(5, seed);
        scene.links(&[(0, 1), (1, 2), (1, 3), (2, 3)]);
        scene.world.crash(scene.node(4));
        assert_eq!(scene.second_half(), STABLE, "seed {seed}");
        assert_eq!(scene.changes(), 1, "seed {seed}");
    }
}

#[test]
fn s4_a_chain_keeps_its_leader() {
    let chain = [(0, 1), (1, 2)];
    for seed in SEEDS {
        let mut scene = Scene::new(3, seed);
        scene.links(&chain);
        assert_eq!(scene.second_half(), STABLE, "seed {seed}");
        assert_eq!((scene.changes(), scene.term_growth()), (0, 0));
    }
    let mut plain = Scene::with(&settings(3, Protocol::Plain), 1);
    plain.links(&chain);
    plain.run(60 * S);
    assert!(plain.changes() > 60, "{}", plain.changes());
}

#[test]
fn s5_in_a_star_the_hub_takes_over() {
    for seed in SEEDS {
        let mut scene = Scene::new(5, seed);
        scene.links(&[(1, 0), (1, 2), (1, 3), (1, 4)]);
        assert_eq!(scene.second_half(), STABLE, "seed {seed}");
        assert_eq!(
            scene.world.leader().map(|(leader, _)| leader),
            Some(scene.node(1))
        );
    }
}

#[test]
fn s6_the_hub_takes_over_when_the_leader_is_cut_off() {
    for seed in SEEDS {
        let mut scene = Scene::new(5, seed);
        scene.links(&[(1, 2), (1, 3), (1, 4)]);
        assert_eq!(scene.second_half(), STABLE, "seed {seed}");
    }
}

#[test]
fn s6b_a_hub_whose_log_is_behind_cannot_lead_and_no_term_runs_away() {
    for seed in SEEDS {
        let mut scene = Scene::new(5, seed);
        let term = scene.term;
        for name in [0, 2, 3, 4] {
            let index = LogIndex(5);
            scene
                .world
                .set_log_tail(scene.cast[name], LogPosition { term, index });
        }
        scene.links(&[(1, 2), (1, 3), (1, 4)]);
        let (changes, _) = scene.second_half();
        assert_eq!((changes, scene.term_growth()), (0, 0), "seed {seed}");
        assert!(
            scene
                .cast
                .iter()
                .all(|node| scene.world.leading(*node).is_none())
        );
    }
}

#[test]
fn s7_a_deaf_leader_is_replaced() {
    for seed in SEEDS {
        let mut scene = Scene::new(3, seed);
        for other in [1, 2] {
            scene.world.cut_one_way(scene.node(other), scene.node(0));
        }
        assert_eq!(scene.second_half(), STABLE, "seed {seed}");
        assert_eq!(scene.changes(), 1, "seed {seed}");
    }
    // Plain Raft keeps it for ever, though nobody could have its entries committed.
    let mut plain = Scene::with(&settings(3, Protocol::Plain), 1);
    for other in [1, 2] {
        plain.world.cut_one_way(plain.node(other), plain.node(0));
    }
    plain.run(60 * S);
    assert_eq!(plain.changes(), 0);
    assert_eq!(plain.world.leading(plain.node(0)), Some(plain.term));
}

#[test]
fn s8_a_mute_leader_is_replaced() {
    for seed in SEEDS {
        let mut scene = Scene::new(3, seed);
        for other in [1, 2] {
            scene.world.cut_one_way(scene.node(0), scene.node(other));
        }
        assert_eq!(scene.second_half(), STABLE, "seed {seed}");
    }
}

#[test]
fn s9_a_deaf_follower_disturbs_nobody() {
    for seed in SEEDS {
        let mut scene = Scene::new(3, seed);
        for other in [0, 1] {
            scene.world.cut_one_way(scene.node(other), scene.node(2));
        }
        assert_eq!(scene.second_half(), STABLE, "seed {seed}");
        assert_eq!(
            (scene.changes(), scene.term_growth()),
            (0, 0),
            "seed {seed}"
        );
    }
}

#[test]
fn s11_a_follower_that_misses_the_heartbeats_only_disturbs_nobody() {
    for seed in SEEDS {
        let mut scene = Scene::new(3, seed);
        scene.world.cut_one_way(scene.node(0), scene.node(2));
        assert_eq!(scene.second_half(), STABLE, "seed {seed}");
        assert_eq!(
            (scene.changes(), scene.term_growth()),
            (0, 0),
            "seed {seed}"
        );
    }
}

#[test]
fn s12_a_flapping_link_costs_no_election() {
    for (seed, period) in SEEDS.zip([50, 200, 500]) {
        let mut scene = Scene::new(3, seed);
        let (leader, other) = (scene.node(0), scene.node(2));
        while scene.world.now() < scene.began + 30 * S {
            scene.world.cut(leader, other);
            scene.run(period * MS);
            scene.world.heal(leader, other);
            scene.run(period * MS);
        }
        assert_eq!(
            (scene.changes(), scene.term_growth()),
            (0, 0),
            "{period} ms"
        );
    }
}

#[test]
fn s16_an_even_split_has_no_leader_and_no_term_runs_away_and_three_of_four_have_one() {
    for seed in SEEDS {
        let mut scene = Scene::new(4, seed);
        let cast = scene.cast.clone();
        scene.world.partition(&[&cast[..2], &cast[2..]]);
        let (changes, _) = scene.second_half();
        assert_eq!((changes, scene.term_growth()), (0, 0), "seed {seed}");
        assert_eq!(scene.world.leader(), None);
        scene.world.partition(&[&cast[..1], &cast[1..]]);
        scene.run(3 * S / 2);
        let leader = scene.world.leader().map(|(leader, _)| leader);
        assert!(
            leader.is_some_and(|leader| leader != cast[0]),
            "seed {seed}"
        );
        assert!(scene.term_growth() <= 3, "seed {seed}");
    }
}
