//! The options of `raft exec` that are about the program.

use std::time::Duration;

use raft_driver_mio::config_file::File;
use raft_driver_mio::duration;
use signal_hook::consts::SIGTERM;

use super::signals::{self, List};

/// How long a program may take to end, if nothing else is said.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

// No doc comment: clap would take it for the description of the subcommand.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct ProgramOptions {
    /// How long CMD may take to end after --stop-signal, before SIGKILL, in an orderly hand-over [default: 10s]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, env = "RAFT_STOP_TIMEOUT", hide_env_values = true)]
    stop_timeout: Option<Duration>,
    /// The signal that asks CMD to end [default: TERM]
    #[arg(long, value_name = "SIGNAL", value_parser = signals::parse, env = "RAFT_STOP_SIGNAL", hide_env_values = true)]
    stop_signal: Option<i32>,
    /// The signals that are passed on to CMD, with commas between: some of HUP, QUIT, USR1 and USR2, or
    /// `none` [default: QUIT,USR1,USR2]
    #[arg(long, value_name = "SIGNALS", value_parser = signals::parse_list, env = "RAFT_FORWARD", hide_env_values = true)]
    forward: Option<List>,
    /// How long CMD may take to end after SIGTERM when the lease is lost, before SIGKILL; it needs a --kill-delay that is
    /// longer by what the lease leaves of --election-timeout [default: 0s, SIGKILL at once]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, env = "RAFT_GRACE", hide_env_values = true)]
    grace: Option<Duration>,
    /// Stay in the cluster when CMD ends by itself, and start it again when this member leads again
    #[arg(
        long,
        conflicts_with = "once",
        env = "RAFT_RESTART",
        hide_env_values = true
    )]
    restart: bool,
    /// End, with status 75, when CMD was ended because its leadership is lost or given up, or its keeper is lost
    #[arg(long, env = "RAFT_ONCE", hide_env_values = true)]
    once: bool,
}

/// How the program is to be treated.
#[derive(Clone, Debug)]
pub(crate) struct Wishes {
    pub(crate) stop_timeout: Duration,
    pub(crate) stop_signal: i32,
    pub(crate) grace: Duration,
    pub(crate) forward: List,
    pub(crate) restart: bool,
    pub(crate) once: bool,
}

impl Default for Wishes {
    fn default() -> Wishes {
        Wishes {
            stop_timeout: STOP_TIMEOUT,
            stop_signal: SIGTERM,
            grace: Duration::ZERO,
            forward: List::default(),
            restart: false,
            once: false,
        }
    }
}

impl ProgramOptions {
    /// What the command line says, and what the file says where it does not.
    pub(crate) fn wishes(self, file: &File) -> Result<Wishes, String> {
        let named = |name: &str, error: String| format!("{name}: {error}");
        let default = Wishes::default();
        let (restart, once) = match (self.restart, self.once) {
            // Either on the command line is meant to win.
            (false, false) => (file.restart, file.once),
            given => given,
        };
        if restart && once {
            return Err("restart: `once` is set as well: leave one of the two out".to_owned());
        }
        let read_signal =
            |text: &String| signals::parse(text).map_err(|error| named("stop-signal", error));
        let read_list =
            |text: &String| signals::parse_list(text).map_err(|error| named("forward", error));
        let stop_signal = match (self.stop_signal, &file.stop_signal) {
            (Some(signal), _) => signal,
            (None, Some(text)) => read_signal(text)?,
            (None, None) => default.stop_signal,
        };
        let forward = match (self.forward, &file.forward) {
            (Some(list), _) => list,
            (None, Some(text)) => read_list(text)?,
            (None, None) => default.forward,
        };
        let stop_timeout = self.stop_timeout.or(file.stop_timeout);
        Ok(Wishes {
            stop_timeout: stop_timeout.unwrap_or(default.stop_timeout),
            stop_signal,
            grace: self.grace.or(file.grace).unwrap_or(default.grace),
            forward,
            restart,
            once,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_says_what_the_command_line_does_not() {
        let file =
            "stop-timeout = \"3s\"\nstop-signal = \"QUIT\"\nforward = \"none\"\nonce = true\n";
        let file = File::parse(file).expect("options");
        let wishes = ProgramOptions::default().wishes(&file).expect("wishes");
        assert_eq!(wishes.stop_timeout, Duration::from_secs(3));
        assert_eq!(wishes.stop_signal, signal_hook::consts::SIGQUIT);
        assert!(wishes.once && !wishes.restart);
        let given = ProgramOptions {
            stop_signal: Some(SIGTERM),
            restart: true,
            ..ProgramOptions::default()
        };
        let wishes = given.wishes(&file).expect("wishes");
        assert_eq!(wishes.stop_signal, SIGTERM);
        assert!(wishes.restart && !wishes.once);
        let wrong = File::parse("stop-signal = \"KILL\"").expect("options");
        let error = ProgramOptions::default()
            .wishes(&wrong)
            .expect_err("no such signal");
        assert!(error.starts_with("stop-signal: `KILL`"), "{error}");
    }
}
