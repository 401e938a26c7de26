//! What a world promises to those who test with it.

use std::time::Duration;

use raft_core::{NodeId, Options, Protocol, Term};
use raft_driver_sim::{
    Chance, ClockRate, Conditions, DiskOptions, Fault, Happening, Invariant, Observer, Postponing,
    Settings, Syncing, Time, Trace, World,
};

const MS: Duration = Duration::from_millis(1);
const S: Duration = Duration::from_secs(1);

fn world(settings: &Settings, seed: u64) -> World {
    World::new(settings, seed).expect("the settings are valid")
}

fn rough() -> Settings {
    Settings {
        nodes: 5,
        disk: DiskOptions {
            sync_max: 20 * MS,
            ..DiskOptions::default()
        },
        ..Settings::default()
    }
    .with_conditions(
        Conditions::delay(MS..=20 * MS)
            .with_loss(Chance::percent(20))
            .with_duplication(Chance::percent(20))
            .with_stragglers(Chance::percent(5), 2 * S),
    )
}

/// A run with everything in it.
fn rough_trace(seed: u64) -> Vec<u8> {
    let mut world = World::observed(&rough(), seed, Trace::new(Vec::new())).expect("valid");
    let run = |world: &mut World<Trace<Vec<u8>>>, time| world.run_for(time).expect("no bug");
    run(&mut world, 3 * S);
    world.set_clock_rate(NodeId(1), ClockRate::millionths(1_009_000));
    world.crash_after_actions(NodeId(2), 5);
    world.cut_one_way(NodeId(0), NodeId(3));
    run(&mut world, 3 * S);
    world.restart(NodeId(2));
    world.pause(NodeId(4));
    run(&mut world, 3 * S);
    world.resume(NodeId(4));
    world.heal_all();
    run(&mut world, 3 * S);
    world.into_observer().finish().expect("writing to memory")
}

#[test]
fn the_same_seed_gives_the_same_trace_byte_for_byte() {
    let first = rough_trace(11);
    assert!(first.len() > 100_000);
    assert!(first == rough_trace(11), "two runs of one seed differ");
    assert!(first != rough_trace(12), "two seeds give one run");
}

#[derive(Default)]
struct FirstCampaign(Option<(Time, NodeId)>);

impl Observer for FirstCampaign {
    fn observe(&mut self, time: Time, node: NodeId, happening: Happening<'_>) {
        if matches!(happening, Happening::Action(raft_core::Action::Send { .. })) {
            self.0.get_or_insert((time, node));
        }
    }
}

#[test]
fn the_network_does_not_disturb_the_timers_of_nodes() {
    let first = |settings: &Settings| {
        let mut world = World::observed(settings, 5, FirstCampaign::default()).expect("valid");
        world.run_for(2 * S).expect("no bug");
        world.observer().0
    };
    let slow = Conditions::delay(MS..=9 * MS).with_loss(Chance::percent(50));
    let calm = Settings::default();
    assert!(first(&calm).is_some());
    assert_eq!(first(&calm), first(&calm.clone().with_conditions(slow)));
}

#[test]
fn a_crash_before_any_action_of_an_election_forgets_no_vote() {
    // Every node in turn crashes before its first, second … action and comes back at once: the checker
    // knows every vote that was ever sent.
    let settings = Settings {
        disk: DiskOptions {
            sync_max: 5 * MS,
            ..DiskOptions::default()
        },
        ..Settings::default()
    };
    for node in [0, 1, 2].map(NodeId) {
        for actions in 0..60 {
            let mut world = world(&settings, 3);
            world.crash_after_actions(node, actions);
            let crashed = world
                .run_until_or(Time::default() + 3 * S, |world| world.state(node).is_none())
                .expect("no bug");
            assert!(crashed, "node {node} never came to action {actions}");
            world.restart(node);
            world.run_for(3 * S).expect("no bug");
            assert!(
                world.agreed_leader().is_some(),
                "node {node}, action {actions}"
            );
        }
    }
}

#[test]
fn a_disk_that_lies_is_found_out() {
    let settings = Settings {
        disk: DiskOptions {
            sync_min: MS,
            sync_max: 5 * MS,
            syncing: Syncing::IsIgnored,
        },
        replay: Some("my-test --seed 1".to_owned()),
        ..Settings::default()
    };
    let mut world = world(&settings, 1);
    let violation = world
        .run_for(2 * S)
        .expect_err("a vote leaves before it is durable");
    assert_eq!(violation.invariant, Invariant::Durability);
    assert!(
        violation
            .to_string()
            .ends_with("(seed 1); to repeat it: my-test --seed 1")
    );
    // The world does not go on.
    let stopped = world.now();
    assert_eq!(world.run_for(S), Err(violation));
    assert_eq!(world.now(), stopped);
}

#[test]
fn a_driver_that_does_not_postpone_elections_breaks_the_promise_that_leases_rest_on() {
    let settings = Settings {
        postponing: Postponing::Off,
        ..Settings::default()
    };
    let found = (1..=20).find_map(|seed| {
        let mut world = world(&settings, seed);
        world.run_for(20 * S).err()
    });
    let invariant = found.map(|violation| violation.invariant);
    assert!(
        matches!(invariant, Some(Invariant::Stickiness | Invariant::OneLease)),
        "{invariant:?}"
    );
}

#[test]
fn a_slow_disk_delays_what_rests_on_it_whether_the_driver_waits_or_pipelines() {
    for syncing in [Syncing::Blocks, Syncing::Pipelines] {
        let mut world = world(&Settings::default(), 4);
        world.run_for(3 * S).expect("no bug");
        let (leader, term) = world.leader().expect("a leader");
        let slow = DiskOptions {
            sync_min: 200 * MS,
            sync_max: 200 * MS,
            syncing,
        };
        for node in world.node_ids() {
            world.set_disk(node, slow);
        }
        world.crash(leader);
        // Neither the candidate's own vote nor the voter's is durable at once: two syncs, one after the other.
        let begin = world.now();
        let two_syncs = 400 * MS;
        let campaign = |world: &World| world.highest_term() > term;
        assert!(world.run_until_or(begin + 2 * S, campaign).expect("no bug"));
        let began = world.now();
        let elected = |world: &World| world.leader().is_some();
        assert!(world.run_until_or(began + 5 * S, elected).expect("no bug"));
        assert!(world.now().since(began) >= two_syncs, "{syncing:?}");
    }
}

#[test]
fn a_node_that_stands_still_takes_its_messages_when_it_goes_on_and_its_lease_ends_meanwhile() {
    let mut world = world(&Settings::default(), 6);
    world.run_for(3 * S).expect("no bug");
    let (leader, term) = world.leader().expect("a leader");
    assert_eq!(world.lease(leader), Some(term));
    world.pause(leader);
    world.run_for(2 * S).expect("no bug");
    assert_eq!(world.lease(leader), None);
    assert_eq!(world.leading(leader), Some(term));
    let (successor, later) = world.leader().expect("a successor");
    assert!(later > term);
    world.resume(leader);
    world.run_for(50 * MS).expect("no bug");
    assert_eq!(world.leading(leader), None);
    assert_eq!(world.agreed_leader(), Some(successor));
}

#[test]
fn a_node_whose_clock_has_stopped_does_not_campaign() {
    let mut world = world(&Settings::default(), 8);
    for node in world.node_ids() {
        world.set_clock_rate(node, ClockRate::STOPPED);
    }
    world.run_for(60 * S).expect("no bug");
    assert_eq!(world.highest_term(), Term(0));
    world.set_clock_rate(NodeId(2), ClockRate::TRUE);
    world.run_for(60 * S).expect("no bug");
    // Alone it asks in vain: the others are still in the first part of their timeouts.
    assert_eq!(world.highest_term(), Term(0));
    world.set_clock_rate(NodeId(0), ClockRate::TRUE);
    world.run_for(2 * S).expect("no bug");
    assert!(world.leader().is_some());
}

#[test]
fn a_cluster_of_one_leads_when_its_vote_is_durable() {
    for protocol in [Protocol::Standard, Protocol::Plain] {
        let settings = Settings {
            nodes: 1,
            options: Options {
                protocol,
                ..Options::default()
            },
            ..Settings::default()
        };
        let mut world = world(&settings, 2);
        world.run_for(3 * S).expect("no bug");
        assert_eq!(world.leader(), Some((NodeId(0), Term(1))));
        assert_eq!(world.durable(NodeId(0)).voted_for, Some(NodeId(0)));
        assert_eq!(world.stats().messages(), 0);
    }
}

#[test]
fn an_observer_sees_what_is_done_to_the_world() {
    struct Faults(Vec<Fault>);
    impl Observer for Faults {
        fn observe(&mut self, _: Time, _: NodeId, happening: Happening<'_>) {
            if let Happening::Fault(fault) = happening {
                self.0.push(fault);
            }
        }
    }
    let mut world = World::observed(&Settings::default(), 1, Faults(Vec::new())).expect("valid");
    world.pause(NodeId(1));
    world.pause(NodeId(1));
    world.resume(NodeId(1));
    world.cut(NodeId(0), NodeId(1));
    world.crash(NodeId(2));
    world.kill(NodeId(2));
    world.restart(NodeId(2));
    world.kill(NodeId(2));
    let expected = [
        Fault::Pause,
        Fault::Resume,
        Fault::Cut { to: NodeId(1) },
        Fault::Cut { to: NodeId(0) },
        Fault::Crash,
        Fault::Restart,
        Fault::Kill,
    ];
    assert_eq!(world.observer().0, expected);
}
