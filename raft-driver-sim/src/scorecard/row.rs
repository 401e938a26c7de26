//! A row of the card: one cluster on one network.

use core::fmt;

use serde::Serialize;

use super::Cell;

/// The cells of one cluster on one network.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The cluster and the network.
    pub title: String,
    /// Whether the network loses messages.
    pub is_lossy: bool,
    /// The figures.
    pub cells: Vec<Cell>,
}

impl Row {
    /// The cell of a name.
    pub fn cell(&self, name: &str) -> Option<&Cell> {
        self.cells.iter().find(|cell| cell.name == name)
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  {}", self.title)?;
        for cell in &self.cells {
            write!(f, "\n    {:<36} {:>9}", cell.name, cell)?;
        }
        Ok(())
    }
}
