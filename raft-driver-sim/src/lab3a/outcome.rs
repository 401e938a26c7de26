//! What came of a test.

use core::fmt;
use core::time::Duration;

use raft_core::{NodeId, Term};
use serde::{Serialize, Serializer};

use super::{HEARTBEATS_A_SECOND, LEADER_WITHIN, Test};
use crate::checker::Violation;
use crate::time::Time;

/// A test that was run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// The test.
    pub test: Test,
    /// Its seed.
    pub seed: u64,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
    /// The simulated time that it took.
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub time: Duration,
    /// How many servers took part.
    pub peers: usize,
    /// Requests sent, lost ones included.
    pub rpcs: u64,
    /// Bytes on the wire: of requests sent and of responses that arrived.
    pub bytes: u64,
    /// What sealing would add at the least: [`SEAL_BYTES`](super::SEAL_BYTES) for each message counted in `bytes`.
    pub seal_bytes: u64,
    /// Log entries committed. There are none in 3A.
    pub commits: u64,
    /// The highest term that any server came to.
    pub terms: u64,
    /// How many leaders were cut off.
    pub leaders_lost: u64,
    /// Terms beyond one and one for each lost leader: elections that ended without a leader (split votes),
    /// or that nothing called for.
    pub excess_terms: u64,
    /// How long it took to have a leader, the first time and after each loss, from when a majority could communicate.
    #[serde(rename = "seconds_to_leader", serialize_with = "all_seconds")]
    pub to_leader: Vec<Duration>,
}

impl Outcome {
    /// Whether it passed.
    pub fn passed(&self) -> bool {
        self.failure.is_none()
    }
}

/// As the lab prints it, in two lines.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Test (3A): {} ...", self.test.title())?;
        match &self.failure {
            None => write!(
                f,
                "  ... Passed --  {:4.1}  {} {:4} {:7} {:4}",
                self.time.as_secs_f64(),
                self.peers,
                self.rpcs,
                self.bytes,
                self.commits
            ),
            Some(failure) => write!(f, "  ... FAILED -- {failure}"),
        }
    }
}

/// Why a test failed.
#[derive(Clone, Debug, PartialEq)]
pub enum Failure {
    /// "Expected one leader, got none": nobody led after ten looks, some five seconds.
    NoLeader,
    /// It took longer than five seconds to have a leader.
    LateLeader {
        /// How long.
        after: Duration,
    },
    /// Two connected servers lead in one term.
    TwoLeaders {
        /// The term.
        term: Term,
    },
    /// A server leads that can reach no majority.
    UnexpectedLeader {
        /// The server.
        leader: NodeId,
    },
    /// "Servers disagree on term."
    TermsDisagree,
    /// Nobody was elected: the term is still 0.
    TermZero,
    /// "Term changed even though there were no failures", of which the lab only warns.
    TermChanged {
        /// From this one.
        from: Term,
        /// To this one.
        to: Term,
    },
    /// A leader sent more than ten rounds of heartbeats in a second.
    TooManyHeartbeats {
        /// The leader.
        leader: NodeId,
        /// The beginning of that second.
        since: Time,
    },
    /// An invariant does not hold.
    Violation(Violation),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::NoLeader => f.write_str("expected one leader, got none"),
            Failure::LateLeader { after } => {
                write!(f, "a leader after {after:?}, {LEADER_WITHIN:?} are allowed")
            }
            Failure::TwoLeaders { term } => write!(f, "term {term} has two leaders"),
            Failure::UnexpectedLeader { leader } => write!(
                f,
                "expected no leader among connected servers, but {leader} claims to be leader"
            ),
            Failure::TermsDisagree => f.write_str("servers disagree on term"),
            Failure::TermZero => f.write_str("the term is 0, but should be at least 1"),
            Failure::TermChanged { from, to } => write!(
                f,
                "the term changed from {from} to {to} even though there were no failures"
            ),
            Failure::TooManyHeartbeats { leader, since } => write!(
                f,
                "{leader} sent more than {HEARTBEATS_A_SECOND} rounds of heartbeats in the second from {since} s on"
            ),
            Failure::Violation(violation) => write!(f, "{violation}"),
        }
    }
}

impl core::error::Error for Failure {}

impl Serialize for Failure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl From<Violation> for Failure {
    fn from(violation: Violation) -> Self {
        Failure::Violation(violation)
    }
}

fn seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

fn all_seconds<S: Serializer>(durations: &[Duration], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(durations.iter().map(Duration::as_secs_f64))
}
