//! The list.

use core::time::Duration;

use super::{Best, Pathology, Stage};
use crate::network::Conditions;
use crate::rng::Chance;
use crate::settings::Settings;

fn usual(_: &mut Settings) {}

fn lossy(settings: &mut Settings) {
    let loss = Chance::percent(30);
    settings.requests = settings.requests.with_loss(loss);
    settings.responses = settings.requests;
}

fn lossy_with_many_heartbeats(settings: &mut Settings) {
    lossy(settings);
    settings.options.heartbeat_interval = settings.options.election_timeout / 10;
}

/// Nothing but the order of what happens tells one node from another.
fn alike(settings: &mut Settings) {
    let delay = Duration::from_millis(5);
    settings.same_draws = true;
    *settings = settings
        .clone()
        .with_conditions(Conditions::delay(delay..=delay));
}

/// Does something once, when the fault begins.
macro_rules! at_once {
    (|$stage:ident| $body:expr) => {
        |$stage: &mut Stage, passed: Duration| {
            if passed.is_zero() {
                $body;
            }
        }
    };
}

/// Whether the phase of this length that runs now is the first, the third, and so on.
fn is_odd_phase(passed: Duration, length: Duration) -> bool {
    (passed.as_millis() / length.as_millis()).is_multiple_of(2)
}

const MS: Duration = Duration::from_millis(1);

/// All of them.
pub const ALL: [Pathology; 19] = [
    Pathology {
        id: "S1",
        title: "a follower is cut off for 10 s and returns",
        nodes: 3,
        best: Best::UNDISTURBED,
        settings: usual,
        act: |stage, passed| match passed.as_millis() {
            0 => stage.isolate(2),
            10_000 => stage.heal_all(),
            _ => {}
        },
    },
    Pathology {
        id: "S2",
        title: "0, 1 and 2 reach each other, 3 only 1, 4 only 0 (Howard and Abraham)",
        nodes: 5,
        best: Best::UNDISTURBED,
        settings: usual,
        act: at_once!(|stage| stage.links(&[(0, 1), (0, 2), (1, 2), (3, 1), (4, 0)])),
    },
    Pathology {
        id: "S3",
        title: "the leader reaches only 1; 1, 2 and 3 reach each other; 4 is dead (Howard and Abraham)",
        nodes: 5,
        best: Best::REPLACED,
        settings: usual,
        act: at_once!(|stage| {
            stage.links(&[(0, 1), (1, 2), (1, 3), (2, 3)]);
            stage.crash(4);
        }),
    },
    Pathology {
        id: "S4",
        title: "a chain 0-1-2 (Cloudflare, November 2020)",
        nodes: 3,
        best: Best::UNDISTURBED,
        settings: usual,
        act: at_once!(|stage| stage.links(&[(0, 1), (1, 2)])),
    },
    Pathology {
        id: "S5",
        title: "a star around 1",
        nodes: 5,
        best: Best::REPLACED,
        settings: usual,
        act: at_once!(|stage| stage.links(&[(1, 0), (1, 2), (1, 3), (1, 4)])),
    },
    Pathology {
        id: "S6",
        title: "a star around 1, and the leader reaches nobody",
        nodes: 5,
        best: Best::REPLACED,
        settings: usual,
        act: at_once!(|stage| stage.links(&[(1, 2), (1, 3), (1, 4)])),
    },
    Pathology {
        id: "S6b",
        title: "the same, and the log of 1 is behind: no Raft can elect",
        nodes: 5,
        best: Best::LEADERLESS,
        settings: usual,
        act: at_once!(|stage| {
            stage.leave_behind(1);
            stage.links(&[(1, 2), (1, 3), (1, 4)]);
        }),
    },
    Pathology {
        id: "S7",
        title: "the leader can send, but hears nobody",
        nodes: 3,
        best: Best::REPLACED,
        settings: usual,
        act: at_once!(|stage| {
            stage.cut_one_way(1, 0);
            stage.cut_one_way(2, 0);
        }),
    },
    Pathology {
        id: "S8",
        title: "the leader hears the others, but cannot send",
        nodes: 3,
        best: Best::REPLACED,
        settings: usual,
        act: at_once!(|stage| {
            stage.cut_one_way(0, 1);
            stage.cut_one_way(0, 2);
        }),
    },
    Pathology {
        id: "S9",
        title: "a follower can send, but hears nobody",
        nodes: 3,
        best: Best::UNDISTURBED,
        settings: usual,
        act: at_once!(|stage| {
            stage.cut_one_way(0, 2);
            stage.cut_one_way(1, 2);
        }),
    },
    Pathology {
        id: "S11",
        title: "what the leader sends to 2 is lost",
        nodes: 3,
        best: Best::UNDISTURBED,
        settings: usual,
        act: at_once!(|stage| stage.cut_one_way(0, 2)),
    },
    Pathology {
        id: "S12",
        title: "the link between 0 and 2 comes and goes every 200 ms",
        nodes: 3,
        best: Best::UNDISTURBED,
        settings: usual,
        act: |stage, passed| {
            let whole = !is_odd_phase(passed, 200 * MS);
            stage.set_link(0, 2, whole);
        },
    },
    Pathology {
        id: "S13a",
        title: "the clock of a follower is three times as fast",
        nodes: 3,
        best: Best::UNDISTURBED,
        settings: usual,
        act: at_once!(|stage| stage.clock(1, 3_000_000)),
    },
    Pathology {
        id: "S13b",
        title: "the clock of the leader is four times as slow",
        nodes: 3,
        best: Best::REPLACED,
        settings: usual,
        act: at_once!(|stage| stage.clock(0, 250_000)),
    },
    Pathology {
        id: "S14",
        title: "the leader stands still for 400 ms every 2 s",
        nodes: 3,
        best: Best::REPLACED,
        settings: usual,
        act: |stage, passed| match passed.as_millis() % 2_000 {
            0 => stage.stand_still(0, true),
            400 => stage.stand_still(0, false),
            _ => {}
        },
    },
    Pathology {
        id: "S16b",
        title: "four nodes fall apart into two and two",
        nodes: 4,
        best: Best::LEADERLESS,
        settings: usual,
        act: at_once!(|stage| stage.links(&[(0, 1), (2, 3)])),
    },
    Pathology {
        id: "S20",
        title: "the leader dies; all draw the same timeouts, all messages take as long",
        nodes: 3,
        best: Best {
            terms: f64::INFINITY,
            ..Best::LEADERLESS
        },
        settings: alike,
        act: at_once!(|stage| stage.crash(0)),
    },
    Pathology {
        id: "S22",
        title: "30 % of all messages are lost",
        nodes: 5,
        best: Best::UNDISTURBED,
        settings: lossy,
        act: |_, _| {},
    },
    Pathology {
        id: "S22'",
        title: "the same with a heartbeat every T/10",
        nodes: 5,
        best: Best::UNDISTURBED,
        settings: lossy_with_many_heartbeats,
        act: |_, _| {},
    },
];
