//! The pictures in the documentation are those of the code as it is, and a timeline tells what a run did.

use std::path::Path;

use raft_core::{MessageKind, RoleKind};
use raft_driver_sim::scenario::Scenario;
use raft_driver_sim::timeline::{Lane, Reign, Timeline};

/// Set to draw the pictures anew.
const UPDATE: &str = "RAFT_SIM_UPDATE_PICTURES";

/// The scenarios whose pictures are checked in.
const DRAWN: [&str; 7] = [
    "election",
    "leader-crash",
    "heartbeats-too-slow",
    "heartbeats-postpone",
    "heartbeats-do-not-postpone",
    "lab3a-postponed",
    "lab3a-not-postponed",
];

fn timeline(name: &str) -> (Timeline, Scenario) {
    let scenario = Scenario::named(name).unwrap_or_else(|error| panic!("{error}"));
    let command = format!("raft-sim run --scenario {name} --seed {}", scenario.seed);
    (
        Timeline::new(&scenario.record(scenario.seed, &command)),
        scenario,
    )
}

fn leaders(timeline: &Timeline) -> Vec<(u64, u64)> {
    let reigns = |lane: &Lane| {
        let node = lane.node.0;
        let led = lane
            .roles
            .iter()
            .filter(|reign| reign.role == RoleKind::Leader);
        led.map(move |reign| (reign.term, node)).collect::<Vec<_>>()
    };
    let mut leaders: Vec<(u64, u64)> = timeline.lanes.iter().flat_map(reigns).collect();
    leaders.sort_unstable();
    leaders
}

#[test]
fn the_pictures_are_those_of_this_code() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/pictures");
    for name in DRAWN {
        let (timeline, scenario) = timeline(name);
        let drawn = timeline.svg(scenario.picture.clone());
        let file = directory.join(format!("{name}.svg"));
        if std::env::var_os(UPDATE).is_some() {
            std::fs::write(&file, &drawn).expect("the directory is there");
        }
        let kept = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(
            kept == drawn,
            "{} is not what this code draws: look at what changed, and draw it anew with {UPDATE}=1 \
             cargo test -p raft-driver-sim --test pictures",
            file.display()
        );
    }
}

#[test]
fn what_postpones_elections_and_what_does_not_can_be_told_from_the_timelines() {
    let count = |name| leaders(&timeline(name).0).len();
    assert_eq!(count("heartbeats-postpone"), 1);
    assert_eq!(count("lab3a-postponed"), 1);
    assert!(count("heartbeats-too-slow") >= 4);
    assert!(count("heartbeats-do-not-postpone") >= 4);
    assert!(count("lab3a-not-postponed") >= 8);
}

#[test]
fn a_leader_that_crashes_ends_its_line_its_timers_and_its_lease_and_loses_what_is_sent_to_it() {
    let (timeline, _) = timeline("leader-crash");
    let leaders = leaders(&timeline);
    let ((first, old), (second, new)) = (leaders[0], leaders[1]);
    assert!(first < second && old != new, "{leaders:?}");
    let crash = 1_000_000_000;
    let back = 1_900_000_000;
    let lane = timeline
        .lanes
        .iter()
        .find(|lane| lane.node.0 == old)
        .expect("a lane");
    assert!(
        lane.roles
            .iter()
            .any(|reign| reign.span.to == crash && reign.role == RoleKind::Leader)
    );
    assert!(
        lane.roles
            .iter()
            .all(|reign| reign.span.to <= crash || reign.span.from >= back)
    );
    assert!(
        lane.timers
            .iter()
            .all(|bar| bar.span.to <= crash || bar.span.from >= back)
    );
    assert_eq!(lane.leases.last().map(|span| span.to), Some(crash));
    let missed = timeline.messages.iter().filter(|message| {
        let arrived = message
            .ends
            .is_some_and(|ends| (crash..back).contains(&ends));
        message.to.0 == old && arrived
    });
    assert!(missed.clone().count() > 4 && missed.clone().all(|message| message.lost));
    let why: Vec<&str> = timeline
        .moments
        .iter()
        .filter_map(|moment| Some(moment.change.as_ref()?.reason.as_str()))
        .collect();
    assert!(
        why.iter().any(|reason| reason.contains("silent for T")),
        "{why:?}"
    );
    assert_eq!(timeline.header.notes.len(), 2);
}

#[test]
fn every_message_that_is_taken_was_sent_and_arrived_before() {
    for name in ["lossy", "bridge", "slow-disk", "lab3a-not-postponed"] {
        let (timeline, _) = timeline(name);
        let mut taken = 0;
        for message in &timeline.messages {
            let Some(moment) = message.taken else {
                continue;
            };
            let moment = &timeline.moments[moment as usize];
            assert_eq!(
                (moment.node, moment.kind),
                (message.to, Some(message.kind)),
                "{name}"
            );
            assert!(
                message
                    .ends
                    .is_some_and(|ends| message.sent <= ends && ends <= moment.t),
                "{name}"
            );
            assert!(!message.lost, "{name}");
            taken += 1;
        }
        let received = timeline
            .moments
            .iter()
            .filter(|moment| moment.kind.is_some());
        assert_eq!(taken, received.count(), "{name}");
    }
}

#[test]
fn a_cut_in_one_direction_is_one_and_its_answers_are_lost() {
    let (timeline, _) = timeline("one-way-cut");
    assert_eq!(timeline.cuts.len(), 2);
    let answers = timeline.messages.iter().filter(|message| {
        let deaf = timeline
            .cuts
            .iter()
            .any(|cut| (cut.sender, cut.receiver) == (message.from, message.to));
        message.kind == MessageKind::AppendEntriesResponse && deaf && message.sent > 1_000_000_000
    });
    let early: Vec<bool> = answers.take(4).map(|message| message.lost).collect();
    assert_eq!(early, [true; 4]);
}

#[test]
fn the_page_says_where_it_comes_from_and_asks_no_network_for_anything() {
    let (timeline, _) = timeline("leader-crash");
    let page = timeline.page();
    assert!(page.contains("raft-sim run --scenario leader-crash --seed 7"));
    assert!(!page.contains("{{"), "a place was left unfilled");
    for fetched in [
        "src=",
        "href=\"http",
        "@import",
        "url(http",
        "fetch(",
        "XMLHttpRequest",
    ] {
        assert!(!page.contains(fetched), "{fetched}");
    }
    let data = page
        .split("id=\"data\">")
        .nth(1)
        .and_then(|rest| rest.split("</script>").next());
    let data: serde_json::Value = serde_json::from_str(data.expect("data")).expect("JSON");
    assert_eq!(data["header"]["seed"], 7);
    assert_eq!(
        data["moments"].as_array().map(Vec::len),
        Some(timeline.moments.len())
    );
}

/// Who leads at a time, in nanoseconds, in the highest term.
fn leads_at(timeline: &Timeline, t: u64) -> Option<u64> {
    let reigns = |lane: &Lane| {
        let node = lane.node.0;
        let now = |reign: &&Reign| {
            reign.role == RoleKind::Leader && (reign.span.from..reign.span.to).contains(&t)
        };
        let led = lane.roles.iter().filter(now);
        led.map(move |reign| (reign.term, node)).collect::<Vec<_>>()
    };
    let leaders = timeline.lanes.iter().flat_map(reigns);
    leaders.max().map(|(_, node)| node)
}

#[test]
fn the_bad_networks_are_what_they_say() {
    const S: u64 = 1_000_000_000;
    let led = |name, t| leads_at(&timeline(name).0, t);
    assert_eq!(led("bridge", 6 * S - 1), Some(2));
    assert!(matches!(led("chain", 6 * S - 1), Some(1..=3)));
    for (name, before, after) in [
        ("mute-leader", 2 * S, 4 * S),
        ("one-way-cut", S, 4 * S),
        ("minority-leader", 2 * S, 5 * S),
        ("slow-disk", 5 * S / 2, 6 * S),
        ("hand-over", S, 2 * S),
    ] {
        let (first, second) = (led(name, before - 1), led(name, after - 1));
        assert!(first.is_some() && second.is_some(), "{name}");
        assert_ne!(first, second, "{name}");
    }
    let returning = |name| leaders(&timeline(name).0).len();
    assert_eq!(returning("returning-node"), 1);
    assert!(returning("returning-node-plain") > 1);
}
