//! What a line of text can be told.

use core::fmt;

use crate::scenario::ScenarioError;

/// Why a line was not obeyed, or a scenario not begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlayError(String);

impl fmt::Display for PlayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for PlayError {}

impl From<ScenarioError> for PlayError {
    fn from(error: ScenarioError) -> Self {
        PlayError(error.to_string())
    }
}

pub(super) fn wrong<T>(what: String) -> Result<T, PlayError> {
    Err(PlayError(what))
}
