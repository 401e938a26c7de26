//! Whether there is such a program.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

/// Where programs are looked for without PATH, as execvp(3) has it.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// Why a program cannot be run.
#[derive(Debug)]
pub(crate) struct CommandError {
    program: OsString,
    error: io::Error,
}

impl CommandError {
    pub(crate) fn new(program: &OsStr, error: io::Error) -> CommandError {
        let program = program.to_owned();
        CommandError { program, error }
    }

    /// The exit status, as env(1) has it.
    #[cfg_attr(not(target_os = "linux"), allow(dead_code))] // Only raft exec ends with it.
    pub(crate) fn status(&self) -> u8 {
        match self.error.kind() {
            io::ErrorKind::NotFound => 127,
            _ => 126,
        }
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let program = self.program.display();
        match self.error.kind() {
            io::ErrorKind::NotFound => write!(
                f,
                "{program}: not found: give the path of a program, or the name of one that is in PATH"
            ),
            _ => write!(f, "{program}: it cannot be executed: {}", self.error),
        }
    }
}

/// Looks for a program as execvp(3) does, so that a member without one does not even take part.
pub(crate) fn find(command: &[OsString]) -> Result<(), CommandError> {
    let program = command.first().map_or(OsStr::new(""), OsString::as_os_str);
    let mut reason = io::ErrorKind::NotFound.into();
    for path in candidates(program) {
        match executable(&path) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => reason = error,
        }
    }
    Err(CommandError::new(program, reason))
}

fn candidates(program: &OsStr) -> Vec<PathBuf> {
    if program.is_empty() {
        return Vec::new();
    }
    if program.as_bytes().contains(&b'/') {
        return vec![program.into()];
    }
    let path = env::var_os("PATH").unwrap_or_else(|| DEFAULT_PATH.into());
    env::split_paths(&path)
        .map(|directory| directory.join(program))
        .collect()
}

fn executable(path: &Path) -> io::Result<()> {
    if path.metadata()?.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    Ok(access(path, Access::EXEC_OK)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(program: &str) -> Option<u8> {
        find(&[program.into()]).err().map(|error| error.status())
    }

    #[test]
    fn what_cannot_be_run_is_told_from_what_is_not_there() {
        assert_eq!(status("sh"), None);
        assert_eq!(status("/bin/sh"), None);
        assert_eq!(status(""), Some(127));
        assert_eq!(status("no-such-program"), Some(127));
        assert_eq!(status("/no/such/program"), Some(127));
        assert_eq!(status("/etc/passwd"), Some(126));
        assert_eq!(status("/tmp"), Some(126));
    }
}
