//! The 3A suite of MIT 6.5840 (leader election) in simulated time.
//!
//! The three tests take the steps of the lab's `test_test.go` on its network, `labrpc`, as far as a network of one-way messages can:
//!
//! - A request and its response are messages. A request to or from a disconnected server is lost; so is a response
//!   whose server was disconnected when it answered. What the lab's caller would be told of that (`false`, up to 7 seconds
//!   later) is not told to anybody: the core does not ask.
//! - The reliable network has no delay in the lab, but for what goroutines and encoding take; here a message takes
//!   20 to 100 µs ([`Network::Reliable`]). Two candidates split the vote if they begin within a round trip of
//!   each other, so a network that is ten times slower has ten times as many split votes. The unreliable one ([`Network::Unreliable`]) delays requests by another 0 to 26 ms and loses
//!   a tenth of them and a tenth of the responses.
//!   On the unreliable one a test looks at the terms of the servers for up to T until they agree: a server that missed
//!   both the request for its vote and the first heartbeat learns its leader from a later one.
//! - The setting is a heartbeat of 100 ms, the most that the lab allows, and T = 300 ms.
//!
//! The limits are the lab's: a leader within five seconds, one leader a term, at most ten rounds of heartbeats a second. That
//! the term does not change without failures, of which the lab only warns, is a limit here too. And the
//! checker of invariants looks at every step.
//!
//! A test counts what the lab counts: requests sent (RPCs), lost ones included, and bytes, here those of
//! [`raft_core::wire`]: of requests when they are sent, of responses when they arrive. An envelope is not
//! counted; the lab's bytes are those of Go's gob encoding, which describes each type again in each message.

mod compare;
mod harness;
mod outcome;
mod recorder;
mod suite;
mod summary;

use core::time::Duration;

use raft_core::{Options, Protocol};
use serde::Serialize;

use crate::network::Conditions;
use crate::observer::Observer;
use crate::rng::Chance;
use crate::settings::{Postponing, Settings};
use crate::time::Time;
use crate::timeline::{Header, Recorder, Recording};

pub use compare::{Comparison, Row, Variant};
pub use outcome::{Failure, Outcome};
pub use summary::{Distribution, FailedRun, Summary};

/// The time between two rounds of heartbeats: ten a second.
pub const HEARTBEAT: Duration = Duration::from_millis(100);
/// T, the election timeout.
pub const ELECTION_TIMEOUT: Duration = Duration::from_millis(300);
/// A leader must be there within this time of the old one's failure, if a majority can communicate.
pub const LEADER_WITHIN: Duration = Duration::from_secs(5);
/// How many rounds of heartbeats a leader may begin in a second.
pub const HEARTBEATS_A_SECOND: usize = 10;
/// What a sealed datagram adds at the least to each message that is counted: a nonce of 24 bytes and a tag of 16
/// (XChaCha20-Poly1305). The driver's frame comes on top.
pub const SEAL_BYTES: u64 = 40;

/// The tests of the suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Test {
    /// `TestInitialElection3A`: a leader is elected and stays.
    Initial,
    /// `TestReElection3A`: leaders are cut off and return.
    Reelection,
    /// `TestManyElections3A`: up to three of seven servers are cut off, nine times.
    Many,
}

impl Test {
    /// All tests, in the lab's order.
    pub const ALL: [Test; 3] = [Test::Initial, Test::Reelection, Test::Many];

    /// What the lab calls it.
    pub const fn title(self) -> &'static str {
        match self {
            Test::Initial => "initial election",
            Test::Reelection => "election after network failure",
            Test::Many => "multiple elections",
        }
    }

    /// How `raft-sim lab3a --test` calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Test::Initial => "initial",
            Test::Reelection => "reelection",
            Test::Many => "many",
        }
    }

    /// How many servers it takes.
    pub const fn peers(self) -> usize {
        match self {
            Test::Initial | Test::Reelection => 3,
            Test::Many => 7,
        }
    }
}

/// The lab's two networks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Network {
    /// Nothing is lost. A message takes 20 to 100 µs.
    #[default]
    Reliable,
    /// Requests are delayed by another 0 to 26 ms; a tenth of the requests and a tenth of the responses are lost.
    Unreliable,
}

impl Network {
    /// How requests and responses travel.
    fn conditions(self) -> [Conditions; 2] {
        let [least, most] = [Duration::from_micros(20), Duration::from_micros(100)];
        let reliable = Conditions::delay(least..=most);
        match self {
            Network::Reliable => [reliable; 2],
            Network::Unreliable => {
                let delayed = Conditions::delay(least..=most + Duration::from_millis(26));
                [delayed, reliable].map(|conditions| conditions.with_loss(Chance::percent(10)))
            }
        }
    }
}

/// What the suite runs with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lab {
    /// The network. Default: reliable.
    pub network: Network,
    /// The protocol. Default: [`Protocol::Standard`].
    pub protocol: Protocol,
    /// Whether heartbeats and votes postpone elections. Default: they do.
    pub postponing: Postponing,
}

impl Default for Lab {
    fn default() -> Self {
        Lab {
            network: Network::Reliable,
            protocol: Protocol::Standard,
            postponing: Postponing::On,
        }
    }
}

impl Lab {
    /// Runs a test.
    pub fn run(&self, test: Test, seed: u64) -> Outcome {
        self.run_observed(test, seed, ()).0
    }

    /// Runs a test while somebody looks on, and gives the observer back.
    pub fn run_observed<O: Observer>(&self, test: Test, seed: u64, observer: O) -> (Outcome, O) {
        suite::run(self, test, seed, observer)
    }

    /// Runs a test and records everything that happens.
    pub fn record(&self, test: Test, seed: u64) -> Recording {
        let (outcome, recorder) = self.run_observed(test, seed, Recorder::default());
        let end = Time::default() + outcome.time;
        let mut recording = recorder.finish(Header::of(&self.settings(test, seed), seed), end);
        recording.header.title = Some(format!("Lab 3A: {}", test.title()));
        recording.header.failure = outcome.failure.map(|failure| failure.to_string());
        recording
    }

    /// The command that repeats a run.
    pub fn replay(&self, test: Test, seed: u64) -> String {
        let network = match self.network {
            Network::Reliable => "",
            Network::Unreliable => " --unreliable",
        };
        format!(
            "raft-sim lab3a --test {} --seed {seed}{network}",
            test.name()
        )
    }

    fn settings(&self, test: Test, seed: u64) -> Settings {
        let [requests, responses] = self.network.conditions();
        Settings {
            nodes: test.peers(),
            options: Options {
                heartbeat_interval: HEARTBEAT,
                election_timeout: ELECTION_TIMEOUT,
                protocol: self.protocol,
                ..Options::default()
            },
            requests,
            responses,
            postponing: self.postponing,
            meter: true,
            replay: Some(self.replay(test, seed)),
            ..Settings::default()
        }
    }
}
