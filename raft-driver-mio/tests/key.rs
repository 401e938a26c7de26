//! Key files.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use raft_driver_mio::{KeyError, Keyring, LineProblem};

const SECRET: &str = "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF";

struct KeyFile {
    _directory: tempfile::TempDir,
    path: PathBuf,
}

fn key_file(text: &str, mode: u32) -> KeyFile {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("key");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    KeyFile {
        _directory: directory,
        path,
    }
}

/// The error that a file is refused with. It names the file and shows no key.
fn refused(text: &str, mode: u32) -> KeyError {
    let file = key_file(text, mode);
    let error = Keyring::read(&file.path).unwrap_err();
    for shown in [error.to_string(), format!("{error:?}")] {
        assert!(shown.contains(file.path.to_str().unwrap()), "{shown}");
        assert!(!shown.contains(&SECRET[..8]), "{shown}");
        assert!(!shown.contains(&SECRET[56..]), "{shown}");
    }
    error
}

fn line_refused(text: &str) -> (usize, LineProblem) {
    match refused(text, 0o600) {
        KeyError::Line { line, problem, .. } => (line, problem),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_new_key_file_is_the_owners_alone_and_can_be_read() {
    let directory = tempfile::tempdir().unwrap();
    let [one, two] = ["one", "two"].map(|name| directory.path().join(name));
    Keyring::write_new(&one).unwrap();
    Keyring::write_new(&two).unwrap();
    let mode = fs::metadata(&one).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    let keyring = Keyring::read(&one).unwrap();
    assert_eq!(
        format!("{keyring:?}"),
        "Keyring { seals_with: 1, opens_with_too: [] }"
    );
    assert_ne!(fs::read(&one).unwrap(), fs::read(&two).unwrap());
}

#[test]
fn a_key_file_is_never_overwritten() {
    let file = key_file("not a key", 0o644);
    let error = Keyring::write_new(&file.path).unwrap_err();
    assert!(matches!(error, KeyError::Exists { .. }), "{error:?}");
    assert!(error.to_string().contains(file.path.to_str().unwrap()));
    assert_eq!(fs::read(&file.path).unwrap(), b"not a key");
}

#[test]
fn a_key_file_that_cannot_be_made_or_read_is_named() {
    let nowhere = Path::new("/nonexistent/key");
    for error in [
        Keyring::write_new(nowhere).unwrap_err(),
        Keyring::read(nowhere).unwrap_err(),
    ] {
        assert!(matches!(error, KeyError::Io { .. }), "{error:?}");
        assert!(error.to_string().contains("/nonexistent/key"), "{error}");
    }
}

#[test]
fn comments_blank_lines_and_case_do_not_matter() {
    let file = key_file(
        &format!(
            "# two keys\n\n  7:{SECRET}\r\n# old\n255 : {}\n",
            SECRET.to_lowercase()
        ),
        0o400,
    );
    assert_eq!(
        format!("{:?}", Keyring::read(&file.path).unwrap()),
        "Keyring { seals_with: 7, opens_with_too: [255] }"
    );
}

#[test]
fn others_must_not_have_access() {
    let text = format!("1:{SECRET}\n");
    for mode in [0o640, 0o604, 0o610, 0o601, 0o620, 0o602, 0o644, 0o777] {
        let error = refused(&text, mode);
        assert!(error.to_string().contains("chmod 600"), "{error}");
        assert!(matches!(error, KeyError::Permissions { mode: found, .. } if found == mode));
    }
    for mode in [0o600, 0o400] {
        Keyring::read(&key_file(&text, mode).path).unwrap();
    }
}

#[test]
fn a_directory_is_no_key_file_whatever_its_mode() {
    let directory = tempfile::tempdir().unwrap();
    for mode in [0o755, 0o700] {
        fs::set_permissions(&directory, Permissions::from_mode(mode)).unwrap();
        let error = Keyring::read(directory.path()).unwrap_err();
        assert!(matches!(error, KeyError::NoFile { .. }), "{error}");
        let words = error.to_string();
        assert!(
            words.contains(directory.path().to_str().unwrap()),
            "{words}"
        );
        assert!(!words.contains("chmod"), "{words}");
    }
}

#[test]
fn each_mistake_is_named_with_its_line() {
    assert_eq!(line_refused(SECRET), (1, LineProblem::NoColon));
    for id in ["256", "-1", "", "one"] {
        let text = format!("# ids\n{id}:{SECRET}");
        assert_eq!(line_refused(&text), (2, LineProblem::Id));
    }
    let twice = format!("1:{SECRET}\n\n1:{SECRET}");
    assert_eq!(line_refused(&twice), (3, LineProblem::RepeatedId { id: 1 }));
    for (text, digits) in [
        (format!("1:{SECRET}0"), 65),
        (format!("1:{}", &SECRET[1..]), 63),
        ("1:".to_owned(), 0),
    ] {
        assert_eq!(line_refused(&text), (1, LineProblem::Length { digits }));
    }
    for bad in ["g", "+", " ", "_"] {
        let text = format!("1:{}{bad}{}", &SECRET[..31], &SECRET[32..]);
        assert_eq!(line_refused(&text), (1, LineProblem::NotHexadecimal));
    }
    // 64 bytes, but not 64 digits.
    let text = format!("1:é{}", &SECRET[2..]);
    assert_eq!(line_refused(&text), (1, LineProblem::NotHexadecimal));
}

#[test]
fn eight_keys_are_enough() {
    let lines =
        |count: usize| -> String { (0..count).map(|id| format!("{id}:{SECRET}\n")).collect() };
    Keyring::read(&key_file(&lines(Keyring::MAX_KEYS), 0o600).path).unwrap();
    assert_eq!(
        line_refused(&lines(Keyring::MAX_KEYS + 1)),
        (9, LineProblem::TooMany)
    );
}

#[test]
fn what_is_no_key_file_is_refused() {
    assert!(matches!(refused("", 0o600), KeyError::NoKey { .. }));
    assert!(matches!(refused("# none\n", 0o600), KeyError::NoKey { .. }));
    let long = "#".repeat(20_000);
    assert!(matches!(refused(&long, 0o600), KeyError::TooLong { .. }));
    let file = key_file("", 0o600);
    fs::write(&file.path, [b'1', b':', 0xff]).unwrap();
    assert!(matches!(
        Keyring::read(&file.path),
        Err(KeyError::Io { .. })
    ));
}
