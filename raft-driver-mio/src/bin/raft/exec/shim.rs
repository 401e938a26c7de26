//! The shim: a process that asks to be killed with its parent, and becomes the program.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};

use super::FAILED;
use crate::command::CommandError;

/// Becomes a program that is killed when its parent ends.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The keeper
    parent: i32,
    /// The program and its arguments
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

pub(crate) fn run(args: Args) -> ExitCode {
    if let Err(error) = set_parent_process_death_signal(Some(Signal::KILL)) {
        crate::complain("exec", format!("the system: {error}"));
        return ExitCode::from(FAILED);
    }
    // A parent that ended before this was asked for kills nobody any more.
    if getppid() != Pid::from_raw(args.parent) {
        return ExitCode::from(FAILED);
    }
    let Some((program, arguments)) = args.command.split_first() else {
        return ExitCode::from(FAILED);
    };
    let error = CommandError::new(program, Command::new(program).args(arguments).exec());
    crate::complain("exec", &error);
    ExitCode::from(error.status())
}
