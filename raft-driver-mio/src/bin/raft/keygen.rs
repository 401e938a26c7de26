//! `raft keygen`: a new key file.

use std::path::PathBuf;
use std::process::ExitCode;

use raft_driver_mio::Keyring;

/// Makes a key file for the nodes of a cluster.
///
/// Copy the file to every host, readable by nobody else, and name it with --key-file.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  raft keygen /etc/raft/key")]
pub(crate) struct Args {
    /// The file to make, with mode 0600. It must not exist
    file: PathBuf,
}

pub(crate) fn run(args: Args) -> ExitCode {
    match Keyring::write_new(&args.file) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            crate::complain("keygen", error);
            ExitCode::FAILURE
        }
    }
}
