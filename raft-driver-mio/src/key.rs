//! Key files: the pre-shared keys that datagrams are sealed with.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use chacha20poly1305::{Key, KeyInit, XChaCha20Poly1305};
use zeroize::{Zeroize, Zeroizing};

const KEY_LEN: usize = 32;
/// More than eight keys and a page of comments need.
const MAX_FILE_LEN: u64 = 16 * 1024;

/// The keys of a cluster, which its nodes share. The first seals, all open. They are wiped from
/// memory when the keyring is dropped.
///
/// # Key files
///
/// A key file is text, one key a line, `ID:KEY`: a decimal id from 0 to 255, a colon, and 32 random
/// bytes as 64 hexadecimal digits. Blank lines and lines that begin with `#` are skipped. It holds
/// 1 to [`Keyring::MAX_KEYS`] keys with distinct ids, and nobody but its owner may have access to
/// it (mode 0600 or stricter).
///
/// ```text
/// # raft key file: ID:KEY, one a line. The first seals, all open.
/// 1:5f0c…
/// ```
///
/// # Changing keys
///
/// A datagram names the id of its key. Keys change without a gap in three steps, each finished on
/// all nodes before the next begins: add the new key under an id of its own as the *last* line;
/// move it to the *first* line; remove the old one. A running node takes new keys by
/// [`Handle::replace_keys`](crate::Handle::replace_keys), the program `raft` on SIGHUP.
#[derive(Clone)]
pub struct Keyring {
    first: SealingKey,
    others: Vec<SealingKey>,
}

/// One key, ready for use. The cipher wipes its key when it is dropped.
#[derive(Clone)]
pub(crate) struct SealingKey {
    pub(crate) id: u8,
    pub(crate) cipher: XChaCha20Poly1305,
}

impl Keyring {
    /// The most keys that a key file may hold.
    pub const MAX_KEYS: usize = 8;

    /// Reads a [key file](Keyring#key-files).
    ///
    /// # Errors
    ///
    /// [`KeyError`] when the file cannot be read, when others than its owner have access to it, or
    /// when a line of it is no key. It names the file and the line and never shows what the line
    /// holds.
    pub fn read(path: &Path) -> Result<Keyring, KeyError> {
        Self::read_private(path, 0o077)
    }

    /// Reads a key file that is a credential of systemd. It belongs to root, and the service reads it through an access
    /// control list, which shows as a group that may read (mode 0440).
    ///
    /// # Errors
    ///
    /// As [`read`](Keyring::read).
    pub fn read_credential(path: &Path) -> Result<Keyring, KeyError> {
        Self::read_private(path, 0o037)
    }

    /// `refused` are the bits of the mode that nobody may have.
    fn read_private(path: &Path, refused: u32) -> Result<Keyring, KeyError> {
        let io = |source| KeyError::Io {
            action: "read",
            path: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(io)?;
        let metadata = file.metadata().map_err(io)?;
        if !metadata.is_file() {
            return Err(KeyError::NoFile {
                path: path.to_owned(),
            });
        }
        let mode = metadata.permissions().mode() & 0o7777;
        if mode & refused != 0 {
            return Err(KeyError::Permissions {
                path: path.to_owned(),
                mode,
            });
        }
        if metadata.len() > MAX_FILE_LEN {
            return Err(KeyError::TooLong {
                path: path.to_owned(),
            });
        }
        // Reserved at once: a buffer that grows would leave copies of keys behind.
        let mut text = Zeroizing::new(String::with_capacity(MAX_FILE_LEN as usize + 1));
        file.take(MAX_FILE_LEN)
            .read_to_string(&mut text)
            .map_err(io)?;
        Self::parse(path, &text)
    }

    /// Creates a key file with one fresh random key, id 1: [`write_new_with_id`](Keyring::write_new_with_id).
    ///
    /// # Errors
    ///
    /// As [`write_new_with_id`](Keyring::write_new_with_id).
    pub fn write_new(path: &Path) -> Result<(), KeyError> {
        Self::write_new_with_id(path, 1)
    }

    /// Creates a key file with one fresh random key of that id, mode 0600, and waits until it is on
    /// stable storage. Keys that are to be in one file at a time need distinct ids.
    ///
    /// # Errors
    ///
    /// [`KeyError::Exists`] when `path` exists, which is left as it was; [`KeyError::Io`] when it
    /// cannot be written.
    pub fn write_new_with_id(path: &Path, id: u8) -> Result<(), KeyError> {
        let io = |source| KeyError::Io {
            action: "write",
            path: path.to_owned(),
            source,
        };
        let mut key = Zeroizing::new([0; KEY_LEN]);
        getrandom::fill(&mut *key).map_err(|error| io(error.into()))?;
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(|source| match source.kind() {
                io::ErrorKind::AlreadyExists => KeyError::Exists {
                    path: path.to_owned(),
                },
                _ => io(source),
            })?;
        let written = write_key(&mut file, id, &key).and_then(|()| sync_directory_of(path));
        written.map_err(|source| {
            // Half a key file would only be in the way of the next attempt. The first error is
            // the one to report.
            let _ = std::fs::remove_file(path);
            io(source)
        })
    }

    fn parse(path: &Path, text: &str) -> Result<Keyring, KeyError> {
        let mut keys: Vec<SealingKey> = Vec::with_capacity(Self::MAX_KEYS);
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let bad = |problem| KeyError::Line {
                path: path.to_owned(),
                line: index + 1,
                problem,
            };
            let key = parse_line(line).map_err(bad)?;
            if keys.iter().any(|other| other.id == key.id) {
                return Err(bad(LineProblem::RepeatedId { id: key.id }));
            }
            if keys.len() == Self::MAX_KEYS {
                return Err(bad(LineProblem::TooMany));
            }
            keys.push(key);
        }
        let mut keys = keys.into_iter();
        let first = keys.next().ok_or_else(|| KeyError::NoKey {
            path: path.to_owned(),
        })?;
        Ok(Keyring {
            first,
            others: keys.collect(),
        })
    }

    /// The key that seals.
    pub(crate) fn first(&self) -> &SealingKey {
        &self.first
    }

    /// The ids of all keys; the first seals.
    pub(crate) fn ids(&self) -> impl Iterator<Item = u8> {
        std::iter::once(&self.first)
            .chain(&self.others)
            .map(|key| key.id)
    }

    /// The key with this id.
    pub(crate) fn find(&self, id: u8) -> Option<&SealingKey> {
        std::iter::once(&self.first)
            .chain(&self.others)
            .find(|key| key.id == id)
    }
}

impl fmt::Debug for Keyring {
    /// The ids of the keys and nothing more.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let others: Vec<u8> = self.others.iter().map(|key| key.id).collect();
        f.debug_struct("Keyring")
            .field("seals_with", &self.first.id)
            .field("opens_with_too", &others)
            .finish()
    }
}

fn parse_line(line: &str) -> Result<SealingKey, LineProblem> {
    let (id, digits) = line.split_once(':').ok_or(LineProblem::NoColon)?;
    let id = id.trim().parse().map_err(|_| LineProblem::Id)?;
    let digits = digits.trim();
    if digits.len() != 2 * KEY_LEN {
        return Err(LineProblem::Length {
            digits: digits.chars().count(),
        });
    }
    let mut key = Key::default();
    for (byte, pair) in key.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
        *byte = pair
            .iter()
            .try_fold(0, |value, digit| {
                let digit = char::from(*digit).to_digit(16)?;
                u8::try_from(digit).ok().map(|digit| value << 4 | digit)
            })
            .ok_or(LineProblem::NotHexadecimal)?;
    }
    let cipher = XChaCha20Poly1305::new(&key);
    key.as_mut_slice().zeroize();
    Ok(SealingKey { id, cipher })
}

fn write_key(file: &mut File, id: u8, key: &[u8; KEY_LEN]) -> io::Result<()> {
    const COMMENT: &str = "# raft key file: ID:KEY, one a line. The first seals, all open.\n";
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let head = format!("{COMMENT}{id}:");
    // Reserved at once: a buffer that grows would leave parts of the key behind.
    let mut text = Zeroizing::new(Vec::with_capacity(head.len() + 2 * KEY_LEN + 1));
    text.extend_from_slice(head.as_bytes());
    for byte in key {
        text.extend([byte >> 4, byte & 15].map(|digit| DIGITS[usize::from(digit)]));
    }
    text.push(b'\n');
    file.write_all(&text)?;
    file.sync_all()
}

fn sync_directory_of(path: &Path) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(directory)?.sync_all()
}

/// What is wrong with a key file. The text names the file and the remedy and never shows a key.
#[derive(Debug)]
#[non_exhaustive]
pub enum KeyError {
    /// The system refused to read or write the file.
    Io {
        /// What was attempted: `read` or `write`.
        action: &'static str,
        /// The key file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// [`Keyring::write_new`] found the file there.
    Exists {
        /// The key file.
        path: PathBuf,
    },
    /// The path leads to a directory, a pipe or a device.
    NoFile {
        /// The path.
        path: PathBuf,
    },
    /// Others than the file's owner have access to it.
    Permissions {
        /// The key file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file is longer than any key file.
    TooLong {
        /// The key file.
        path: PathBuf,
    },
    /// The file holds no key.
    NoKey {
        /// The key file.
        path: PathBuf,
    },
    /// A line of the file is no key.
    Line {
        /// The key file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: LineProblem,
    },
}

/// What is wrong with a line of a key file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LineProblem {
    /// It is not of the form `ID:KEY`.
    NoColon,
    /// What precedes the colon is no number from 0 to 255.
    Id,
    /// An earlier line has the same id.
    RepeatedId {
        /// The id.
        id: u8,
    },
    /// The key is not 64 digits long.
    Length {
        /// How long it is.
        digits: usize,
    },
    /// The key has a character that is no hexadecimal digit.
    NotHexadecimal,
    /// It is one key more than [`Keyring::MAX_KEYS`].
    TooMany,
}

impl fmt::Display for LineProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LineProblem::NoColon => {
                f.write_str("it has no colon; write ID:KEY, for example as `raft keygen` does")
            }
            LineProblem::Id => {
                f.write_str("what precedes the colon is no key id; use a number from 0 to 255")
            }
            LineProblem::RepeatedId { id } => write!(
                f,
                "an earlier line has the key id {id} too; give each key an id of its own, as `raft keygen --id N` does"
            ),
            LineProblem::Length { digits } => write!(
                f,
                "the key is {digits} characters long; it must be 64 hexadecimal digits"
            ),
            LineProblem::NotHexadecimal => {
                f.write_str("the key has a character that is no hexadecimal digit")
            }
            LineProblem::TooMany => {
                let most = Keyring::MAX_KEYS;
                write!(f, "there are more than {most} keys; remove those of old")
            }
        }
    }
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyError::Io {
                action,
                path,
                source,
            } => {
                let path = path.display();
                let remedy = match *action {
                    "write" => "name a file in a directory that exists and can be written",
                    _ => "give a file that `raft keygen` wrote and that this user may read",
                };
                write!(f, "cannot {action} key file {path}: {source}; {remedy}")
            }
            KeyError::Exists { path } => write!(
                f,
                "key file {} exists and is left as it is; choose another name, or remove it if no node uses it",
                path.display()
            ),
            KeyError::NoFile { path } => write!(
                f,
                "key file {} is no regular file; give the file that `raft keygen` wrote",
                path.display()
            ),
            KeyError::Permissions { path, mode } => {
                let path = path.display();
                write!(
                    f,
                    "key file {path} has mode {mode:04o}, which lets others than its owner in; run: chmod 600 {path}"
                )
            }
            KeyError::TooLong { path } => write!(
                f,
                "key file {} is longer than {MAX_FILE_LEN} bytes; is it a key file? `raft keygen` writes one",
                path.display()
            ),
            KeyError::NoKey { path } => write!(
                f,
                "key file {} holds no key; `raft keygen` writes one",
                path.display()
            ),
            KeyError::Line {
                path,
                line,
                problem,
            } => write!(f, "key file {}, line {line}: {problem}", path.display()),
        }
    }
}

impl std::error::Error for KeyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            KeyError::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
