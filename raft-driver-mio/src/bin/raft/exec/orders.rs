//! What the supervisor and the keeper say to each other: one JSON object a line, over a socket.

use serde::{Deserialize, Serialize};

/// From the supervisor. Times are readings of the clock that both share, in nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Order {
    /// Start the program, under a lease that lasts until then.
    Start {
        term: u64,
        until: u64,
        environment: Vec<(String, String)>,
    },
    /// The lease of this term lasts until then.
    Until { term: u64, until: u64 },
    /// The lease is void.
    GiveUp,
    /// Send a signal to the program's group.
    Signal { signal: i32 },
    /// Have the program end: send this signal, and SIGKILL after so many nanoseconds.
    Stop { signal: i32, timeout: u64 },
}

/// From the keeper.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Notice {
    /// The program runs, as this process, which leads its group.
    Started { pid: i32 },
    /// The program and all its descendants are dead, or were not even started.
    Ended(End),
}

/// How the program ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum End {
    /// By itself, or as it was told to: with this exit status, 128+N for signal N.
    Status(u8),
    /// Because the lease was over, if it was started at all.
    LeaseOver,
    /// It could not be started, the system says why.
    Failed(String),
}
