//! How long a program may take to end when the lease is lost.

use std::time::Duration;

use raft_core::Config;
use raft_driver_mio::kill_budget;

/// How long the program may take to be dead after SIGKILL, when the lease is lost. An error if `grace`, which comes before that, does not
/// fit into `kill_delay`.
pub(crate) fn after_grace(
    config: &Config,
    kill_delay: Duration,
    grace: Duration,
) -> Result<Duration, String> {
    let budget = kill_budget(config);
    let least = grace.saturating_add(budget);
    if !grace.is_zero() && kill_delay < least {
        return Err(format!(
            "grace: {grace:?} does not fit into the kill delay: give a --kill-delay of at least {least:?}, the same \
             on all members, or a shorter --grace"
        ));
    }
    Ok(budget.max(kill_delay.saturating_sub(grace)))
}
