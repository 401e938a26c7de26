//! What a file of options, or one of its options, can be told.

use std::path::PathBuf;
use std::{fmt, io};

/// What is wrong with an option, in a file or by itself, and what to write instead. The text begins with the option's
/// name where the reader cannot know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OptionError {
    line: Option<usize>,
    message: String,
}

impl OptionError {
    pub(super) fn of(message: String) -> OptionError {
        OptionError {
            line: None,
            message,
        }
    }

    pub(super) fn of_toml(error: &toml::de::Error, text: &str) -> OptionError {
        let before = error.span().and_then(|span| text.get(..span.start));
        OptionError {
            line: before.map(|before| before.matches('\n').count() + 1),
            message: error.to_string(),
        }
    }

    /// The line of the text in which it is wrong, from 1, if it is in one alone. The text of the error names it, too.
    pub fn line(&self) -> Option<usize> {
        self.line
    }
}

impl fmt::Display for OptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for OptionError {}

/// Why there is no [`File`](super::File) to be had from a path.
#[derive(Debug)]
#[non_exhaustive]
pub enum FileError {
    /// It cannot be read, or is no text.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Something in it is wrong.
    Content {
        /// The file.
        path: PathBuf,
        /// What it is.
        error: OptionError,
    },
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FileError::Unreadable { path, source } => {
                let remedy = match source.kind() {
                    io::ErrorKind::InvalidData => "write it as UTF-8 text",
                    _ => "give a file that is there and that you may read",
                };
                write!(f, "config: {}: {source}: {remedy}", path.display())
            }
            FileError::Content { path, error } => write!(f, "{}: {error}", path.display()),
        }
    }
}

impl std::error::Error for FileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            FileError::Unreadable { source, .. } => Some(source),
            FileError::Content { error, .. } => Some(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::super::File;
    use super::*;

    #[test]
    fn an_error_of_the_text_knows_its_line() {
        let error = File::parse("id = 1\ncolour = \"red\"\n").expect_err("no such key");
        assert_eq!(error.line(), Some(2));
        assert!(error.to_string().contains("colour"), "{error}");
        let error = File::parse("id = 1\n[[node]]\nid = 1\naddress = \"10.0.0.1:7400\"\n")
            .expect_err("an id of its own and a table");
        assert_eq!(error.line(), None);
    }

    #[test]
    fn an_error_of_a_file_names_it_and_has_its_reason() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("raft.toml");
        let absent = File::read(&path).expect_err("nothing there");
        assert!(matches!(absent, FileError::Unreadable { .. }), "{absent:?}");
        std::fs::write(&path, "colour = 1").expect("a file");
        let wrong = File::read(&path).expect_err("no such key");
        assert!(matches!(wrong, FileError::Content { .. }), "{wrong:?}");
        for error in [absent, wrong] {
            let source = error.source().expect("a reason").to_string();
            let text = error.to_string();
            assert!(
                text.contains(&path.display().to_string()) && text.contains(&source),
                "{text}"
            );
        }
    }
}
