//! Starts a member from its options, for whatever subcommand runs it.

use raft_core::ConfigError;
use raft_driver_mio::config_file::File;
use raft_driver_mio::{Handle, Settings, SettingsError, StartError, StoreError};

use crate::aside::Aside;
use crate::config::{self, Given};
use crate::http::Http;
use crate::log::{self, Log};
use crate::options::Options;
use crate::reload::Reload;
use crate::{systemd, variables};

/// The exit status of what only the operator can mend, EX_CONFIG of sysexits.h.
pub(crate) const EX_CONFIG: u8 = 78;

/// A member that runs.
pub(crate) struct Member {
    pub(crate) handle: Handle,
    /// What SIGHUP does.
    pub(crate) reload: Aside,
    /// Written to its end when the member is dropped.
    pub(crate) log: Log,
}

/// Why a member does not start.
pub(crate) struct Refusal {
    pub(crate) error: String,
    /// 1, or [`EX_CONFIG`] if only the operator can mend it.
    pub(crate) status: u8,
}

/// Starts the log and the member. `adapt` sets what the options do not, and is told what the file of --config says.
pub(crate) fn start(
    options: Options,
    adapt: impl FnOnce(&mut Settings, &File) -> Result<(), String>,
) -> Result<Member, Refusal> {
    let refuse = |error, status| Refusal { error, status };
    let given = config::read(options.clone()).map_err(|error| refuse(error, EX_CONFIG))?;
    let reload = Reload::new(options, &given);
    let Given {
        mut settings,
        logging,
        http,
        file,
    } = given;
    adapt(&mut settings, &file).map_err(|error| refuse(error, EX_CONFIG))?;
    let log = log::start(logging).map_err(|error| refuse(format!("a thread: {error}"), 1))?;
    variables::warn_of_unknown(settings.id);
    let unserved = |error| {
        let address = http.map(|at| at.to_string()).unwrap_or_default();
        let error = format!("http: {address} cannot be served: {error}: give a port that is free");
        refuse(error, 1)
    };
    // Before the node, so that a port that is taken leaves nothing behind.
    let bound = http.map(Http::bind).transpose().map_err(unserved)?;
    let cluster = settings.cluster.clone();
    let handle = raft_driver_mio::start(settings)
        .map_err(|error| refuse(explain(&error), status_of(&error)))?;
    if let Some(http) = bound {
        http.serve(handle.clone(), cluster).map_err(unserved)?;
    }
    let threadless = |error| refuse(format!("a thread: {error}"), 1);
    systemd::follow(&handle).map_err(threadless)?;
    let reload = reload.of(&handle).map_err(threadless)?;
    Ok(Member {
        handle,
        reload,
        log,
    })
}

/// The library names its own fields beside our options, or instead of them.
pub(crate) fn explain(error: &StartError) -> String {
    let text = match error {
        StartError::Settings(SettingsError::Core(
            ConfigError::HeartbeatInterval { .. } | ConfigError::ElectionTimeout { .. },
        )) => format!("{error}: choose others with --heartbeat and --election-timeout")
            .replace("heartbeat_interval", "heartbeat")
            .replace("election_timeout", "election timeout"),
        _ => error.to_string(),
    };
    let mut parts = text.split(" (Settings::");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        text + part.split_once(')').map_or("", |(_, rest)| rest)
    })
}

/// Whether the configuration or the state is at fault, which no restart mends, or the moment.
fn status_of(error: &StartError) -> u8 {
    match error {
        StartError::Settings(_)
        | StartError::Restore(_)
        | StartError::Store(
            StoreError::Absent { .. }
            | StoreError::Exists { .. }
            | StoreError::Truncated { .. }
            | StoreError::Damaged { .. }
            | StoreError::Version { .. }
            | StoreError::ImplausibleTerm { .. }
            | StoreError::OtherCluster { .. }
            | StoreError::OtherNode { .. }
            | StoreError::ClusterName { .. },
        ) => EX_CONFIG,
        _ => 1,
    }
}
