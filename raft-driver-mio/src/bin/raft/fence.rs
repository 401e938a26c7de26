//! `raft fence`: a program runs only if no younger leader has come before it.

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use raft_driver_mio::duration;
use rustix::io::{FdFlags, fcntl_setfd};

/// The term is older than the highest that was seen.
const STALE: u8 = 76;
/// EX_TEMPFAIL of sysexits.h: the lock is another's.
const BUSY: u8 = 75;
/// As env(1) and timeout(1) have it.
const FAILED: u8 = 125;
const NOT_EXECUTABLE: u8 = 126;
const NOT_FOUND: u8 = 127;

/// What a file begins with.
const MAGIC: &str = "raft-fence 1";
/// How long to wait before the lock is tried again.
const RETRY: Duration = Duration::from_millis(10);

/// Runs CMD only if the term is not older than the highest that FILE has seen: fencing for what cannot check a token itself.
///
/// The term is that of RAFT_TERM, which raft exec and the hooks of raft node set. A higher one than FILE has seen is recorded, and
/// durable, before CMD starts. From then on no CMD of an older term starts; and because FILE stays locked while CMD runs, none
/// of an older term is still running then either. So whatever is only written through `raft fence` with this FILE is
/// written in the order of the terms, even if a leader was stopped between looking at its lease and writing.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
CMD takes the place of raft, so signals reach it and its exit status is its own. The lock is on FILE.lock, by flock(2): what CMD
starts and leaves behind keeps it until it ends too, unless it closes the descriptor. Do not remove FILE.lock while a CMD runs: the
next one would not wait for it. If FILE is a symbolic link, lock and record are those of what it leads to. A CMD that hangs keeps those of younger
terms waiting: stop it, or give --wait. FILE must be on the host of all who use it, or on a file system whose locks
all of them see. Who writes around `raft fence` is not kept from anything.

Exit status:
  75   --wait is over, and another CMD still runs
  76   the term is older than one that was seen: CMD was not started
  125  raft itself failed, or a wrong option; FILE that is damaged is left as it is
  126  CMD cannot be executed
  127  CMD is not found
  else that of CMD

Example:
  raft fence --state /srv/billing/fence -- psql -c 'update job set owner = 1'")]
pub(crate) struct Args {
    /// The file that keeps the highest term. It is made at its first use; its directory must be there
    #[arg(long, value_name = "FILE")]
    state: PathBuf,
    /// The term, in place of RAFT_TERM
    #[arg(long, value_name = "TERM", env = "RAFT_TERM", hide_env_values = true)]
    term: Option<String>,
    /// How long another CMD is waited for at the most [default: for ever]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    wait: Option<Duration>,
    /// The program to run, and its arguments. No shell reads them
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<OsString>,
}

pub(crate) fn run(args: Args) -> ExitCode {
    let Error(error, status) = fence(&args);
    crate::complain("fence", error);
    ExitCode::from(status)
}

/// What is wrong, and the exit status.
struct Error(String, u8);

/// Returns only if CMD does not run.
fn fence(args: &Args) -> Error {
    let lock = match pass(args) {
        Ok(lock) => lock,
        Err(error) => return error,
    };
    // It is CMD's from now on, and held for as long as CMD lives.
    if let Err(error) = fcntl_setfd(&lock, FdFlags::empty()) {
        return Error(format!("the lock cannot be handed on: {error}"), FAILED);
    }
    let (program, arguments) = match args.command.split_first() {
        Some((program, arguments)) => (program.as_os_str(), arguments),
        None => return Error("there is no CMD".to_owned(), FAILED),
    };
    let error = Command::new(program).args(arguments).exec();
    let status = match error.kind() {
        ErrorKind::NotFound => NOT_FOUND,
        _ => NOT_EXECUTABLE,
    };
    Error(format!("{}: {error}", program.display()), status)
}

/// Takes the lock, and records the term.
fn pass(args: &Args) -> Result<File, Error> {
    let failed = |error: String| Error(error, FAILED);
    let text = args.term.as_deref().ok_or_else(|| {
        failed(
            "RAFT_TERM: it is not set: run this under raft exec or a hook of raft node, or give --term"
                .to_owned(),
        )
    })?;
    let term = text.parse::<u64>().ok().filter(|term| *term > 0);
    let term = term.ok_or_else(|| {
        failed(format!(
            "RAFT_TERM: `{text}` is no term: it is a decimal number above 0"
        ))
    })?;
    let in_file = |error: &dyn fmt::Display| failed(format!("{}: {error}", args.state.display()));
    let place = |error: io::Error| {
        let (state, remedy) = (
            args.state.display(),
            "give a file in a directory that is there and that you may write",
        );
        failed(format!("state: {state}: {error}: {remedy}"))
    };
    let state = resolve(&args.state).map_err(place)?;
    if state.is_dir() {
        return Err(place(ErrorKind::IsADirectory.into()));
    }
    let lock = lock(&state, args.wait)?;
    let highest = read(&state).map_err(|error| in_file(&error))?;
    if highest.is_some_and(|highest| term < highest) {
        let highest = highest.unwrap_or_default();
        return Err(Error(
            format!(
                "{}: term {term} is older than {highest}, which was seen: there is a younger leader",
                args.state.display()
            ),
            STALE,
        ));
    }
    // Written again even if it is the same: whoever recorded it may not have lived to make it durable.
    record(&state, term).map_err(|error| in_file(&error))?;
    Ok(lock)
}

/// Where FILE is if it is a symbolic link, or is to be: all names of one file share its lock and its record.
fn resolve(file: &Path) -> io::Result<PathBuf> {
    let mut path = file.to_owned();
    loop {
        match fs::canonicalize(&path) {
            // A link may lead to what is not made yet. One that leads to itself is another error.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            known => return known,
        }
        match fs::read_link(&path) {
            Ok(target) => path = directory(&path).join(target),
            Err(_) => {
                let name = path.file_name().unwrap_or_default();
                return Ok(fs::canonicalize(directory(&path))?.join(name));
            }
        }
    }
}

fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// Locks FILE.lock, beside FILE, which is replaced whenever it changes.
fn lock(state: &Path, wait: Option<Duration>) -> Result<File, Error> {
    let mut path = state.as_os_str().to_owned();
    path.push(".lock");
    let path = PathBuf::from(path);
    let failed = |error: io::Error| {
        let error = format!(
            "state: {}: {error}: it must be a file that you may write",
            path.display()
        );
        Error(error, FAILED)
    };
    let began = Instant::now();
    loop {
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(false);
        let file = file.open(&path).map_err(failed)?;
        match wait {
            None => file.lock().map_err(failed)?,
            Some(wait) => lock_within(&file, wait, began).map_err(|error| match error {
                TryLockError::Error(error) => failed(error),
                TryLockError::WouldBlock => {
                    let error = format!("{}: another CMD still runs", path.display());
                    Error(error, BUSY)
                }
            })?,
        }
        if is_at(&file, &path).map_err(failed)? {
            return Ok(file);
        }
    }
}

/// Waits for the lock until `wait` has passed since it `began`.
fn lock_within(file: &File, wait: Duration, began: Instant) -> Result<(), TryLockError> {
    loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if began.elapsed() < wait => {
                std::thread::sleep(RETRY.min(wait.saturating_sub(began.elapsed())));
            }
            done => return done,
        }
    }
}

/// Whether the file is still what its path names: one that was removed while it was waited for keeps nobody out.
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let opened = file.metadata()?;
    match fs::metadata(path) {
        Ok(named) => Ok((opened.dev(), opened.ino()) == (named.dev(), named.ino())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// The highest term that was seen; none if there is no file.
fn read(path: &Path) -> Result<Option<u64>, String> {
    match fs::read(path) {
        Ok(bytes) => parse(&bytes).map(Some).ok_or_else(|| {
            "this is no file of `raft fence`, or it is damaged: restore it from a copy that is no older, or, if \
             surely nothing of an earlier leader runs any more, remove it"
                .to_owned()
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

/// A file: what it begins with, the term, and the checksum of both.
fn format(term: u64) -> String {
    let text = format!("{MAGIC} {term}");
    format!("{text} {:08x}\n", crc32fast::hash(text.as_bytes()))
}

fn parse(bytes: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(bytes).ok()?;
    let term = text.strip_prefix(MAGIC)?.split(' ').nth(1)?.parse().ok()?;
    (format(term) == text).then_some(term)
}

/// Puts another file in the place of the one that is there, durably.
fn record(path: &Path, term: u64) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let directory = directory(path);
    // Who could read the old one can read the new one.
    let mode = match fs::metadata(path) {
        Ok(metadata) => metadata.permissions(),
        Err(_) => fs::Permissions::from_mode(0o644),
    };
    let mut file = tempfile::Builder::new()
        .prefix(".raft-fence-")
        .permissions(mode)
        .tempfile_in(directory)?;
    file.write_all(format(term).as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        for term in [1, 42, u64::MAX] {
            assert_eq!(parse(format(term).as_bytes()), Some(term));
        }
        assert_eq!(format(7), "raft-fence 1 7 210328b9\n");
    }

    #[test]
    fn whatever_is_changed_is_seen() {
        let good = format(42).into_bytes();
        for index in 0..good.len() {
            let mut bad = good.clone();
            bad[index] ^= 1;
            assert_eq!(parse(&bad), None, "{:?}", String::from_utf8_lossy(&bad));
            assert_eq!(parse(&good[..index]), None);
        }
        assert_eq!(parse(&[&good[..], b"\n"].concat()), None);
        assert_eq!(parse(b"raft-fence 2 42 00000000\n"), None);
    }
}
