//! Where the keys of `--key-file` come from.

use std::path::{Path, PathBuf};

use raft_driver_mio::Keyring;

/// Reads a key file, or a credential of systemd: a service manager expands its directory's name on a
/// command line, and nobody does in a file.
pub(crate) fn read(path: &Path) -> Result<Keyring, String> {
    const DIRECTORY: &str = "CREDENTIALS_DIRECTORY";
    let directory = std::env::var_os(DIRECTORY).map(PathBuf::from);
    let name = match (path.strip_prefix(format!("${DIRECTORY}")), &directory) {
        (Ok(name), Some(_)) => Some(name),
        (Ok(_), None) => {
            return Err(format!(
                "key-file: {}: there is no {DIRECTORY} in the environment: have systemd set it with LoadCredential=, \
                 or give the path of a key file",
                path.display()
            ));
        }
        (Err(_), Some(directory)) => path.strip_prefix(directory).ok(),
        (Err(_), None) => None,
    };
    let keys = match (name, &directory) {
        (Some(name), Some(directory)) => Keyring::read_credential(&directory.join(name)),
        _ => Keyring::read(path),
    };
    keys.map_err(|error| error.to_string())
}
