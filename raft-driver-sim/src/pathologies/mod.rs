//! Known bad networks and machines, each with what plain Raft and the defaults make of it.
//!
//! T = 150 ms, a heartbeat every T/3 unless a row says otherwise, 1 to 10 ms on the way. The fault begins at 2 s, when node 0 leads; the world
//! is watched for a minute from then on, and what it does in the second half of it is counted apart. Ten seeds a row. The numbers S1 to
//! S22 and the best that is known of each are those of a survey of published outages and of what five combinations of pre-vote,
//! stickiness and check-quorum made of them.

mod list;
mod stage;
mod table;

pub use list::ALL;
pub use stage::Stage;
pub use table::{Outcome, Row, Table};

use core::fmt;
use core::time::Duration;

use raft_core::{Options, Protocol};

use crate::checker::Violation;
use crate::network::Conditions;
use crate::settings::Settings;
use crate::timeline::Recording;

/// T of all rows.
pub const ELECTION_TIMEOUT: Duration = Duration::from_millis(150);
/// How long a world is watched from the fault on.
pub const WATCHED: Duration = Duration::from_secs(60);

/// A fault that is known to trouble elections.
#[derive(Clone, Copy, Debug)]
pub struct Pathology {
    /// Its number.
    pub id: &'static str,
    /// What is wrong.
    pub title: &'static str,
    /// How many nodes there are.
    pub nodes: usize,
    /// What the best combination of rules made of it.
    pub best: Best,
    /// What differs from the usual settings.
    pub settings: fn(&mut Settings),
    /// What happens when the fault begins, and every [`Stage::BEAT`] after it.
    pub act: fn(&mut Stage, Duration),
}

/// The best known outcome.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Best {
    /// In which share of the second half somebody leads whom a majority can hear and answer, at least, in percent.
    pub available: f64,
    /// How many leaders are elected after the fault, at most.
    pub changes: f64,
    /// How many of them in the second half, at most.
    pub late_changes: f64,
    /// By how many terms the highest one grows, at most.
    pub terms: f64,
}

impl Best {
    /// The leader stays.
    pub const UNDISTURBED: Best = Best {
        available: 100.0,
        changes: 0.0,
        late_changes: 0.0,
        terms: 0.0,
    };
    /// Another leader comes and stays. (An attempt may fail now and then.)
    pub const REPLACED: Best = Best {
        changes: 1.0,
        terms: 1.5,
        ..Best::UNDISTURBED
    };
    /// Nobody can lead, and no term runs away.
    pub const LEADERLESS: Best = Best {
        available: 0.0,
        ..Best::UNDISTURBED
    };
}

/// For how long a recording goes on from the fault on.
const RECORDED: Duration = Duration::from_secs(12);

/// There is no [`Pathology`] of that number; the text names those that there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownRow(String);

impl fmt::Display for UnknownRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids = ALL.map(|pathology| pathology.id).join(", ");
        write!(f, "there is no row `{}`: they are {ids}", self.0)
    }
}

impl core::error::Error for UnknownRow {}

impl Pathology {
    /// The one of this number.
    ///
    /// # Errors
    ///
    /// The numbers that there are.
    pub fn find(id: &str) -> Result<&'static Pathology, UnknownRow> {
        let found = ALL
            .iter()
            .find(|pathology| pathology.id.eq_ignore_ascii_case(id));
        found.ok_or_else(|| UnknownRow(id.to_owned()))
    }

    /// Records everything that happens until twelve seconds after the fault began.
    ///
    /// # Errors
    ///
    /// The [`Violation`] of an invariant before that; one after it is in the recording.
    pub fn record(&self, protocol: Protocol, seed: u64) -> Result<Recording, Violation> {
        let mut recording = Stage::record(self, &self.world(protocol), seed, RECORDED)?;
        let rules = match protocol {
            Protocol::Standard => "",
            Protocol::Plain => ", in plain Raft",
        };
        recording.header.title = Some(format!("{}: {}{rules}", self.id, self.title));
        Ok(recording)
    }

    /// The world before its seed.
    pub fn world(&self, protocol: Protocol) -> Settings {
        let mut settings = Settings {
            nodes: self.nodes,
            options: Options {
                heartbeat_interval: ELECTION_TIMEOUT / 3,
                election_timeout: ELECTION_TIMEOUT,
                protocol,
                ..Options::default()
            },
            ..Settings::default()
        };
        let ms = Duration::from_millis;
        settings = settings.with_conditions(Conditions::delay(ms(1)..=ms(10)));
        (self.settings)(&mut settings);
        settings
    }
}
