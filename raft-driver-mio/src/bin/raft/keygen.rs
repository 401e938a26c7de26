//! `raft keygen`: a new key file.

use std::path::PathBuf;
use std::process::ExitCode;

use raft_driver_mio::Keyring;

/// Makes a key file for the nodes of a cluster.
///
/// Copy the file to every host, readable by nobody else, and name it with --key-file.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status:
  0  done
  1  the file exists, or cannot be written
  2  a wrong option

Example:
  raft keygen /etc/raft/key

To change the key while the members run, make one with an id that the old one does not have,
and copy it to every host:
  raft keygen --id 2 /etc/raft/key.2
Then, each step on all hosts before the next, with a SIGHUP to each member after it:
  cd /etc/raft && cp -p key key.1
  1. cat key.1 key.2 > key       # the old one seals, both open
  2. cat key.2 key.1 > key       # the new one seals, both open
  3. cat key.2 > key             # the old one is gone
The log says keys_replaced, or reload_failed and why.")]
pub(crate) struct Args {
    /// The file to make, with mode 0600. It must not exist
    file: PathBuf,
    /// The key's id, 0 to 255. Keys that are in one file have ids of their own
    #[arg(long, value_name = "N", default_value_t = 1)]
    id: u8,
}

pub(crate) fn run(args: Args) -> ExitCode {
    match Keyring::write_new_with_id(&args.file, args.id) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            crate::complain("keygen", error);
            ExitCode::FAILURE
        }
    }
}
