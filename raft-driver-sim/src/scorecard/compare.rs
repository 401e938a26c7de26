//! Two cards side by side.

use core::fmt;

use serde::Serialize;

use super::{Card, Cell};

/// What a comparison says of a cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Verdict {
    /// The intervals do not overlap, and ours is the better one.
    Better,
    /// The intervals overlap: with other seeds it might be the other way round.
    Same,
    /// The intervals do not overlap, and theirs is the better one.
    Worse,
}

/// A cell of ours beside one of theirs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Judged {
    /// The cluster and the network.
    pub row: String,
    /// Ours.
    pub ours: Cell,
    /// Theirs.
    pub theirs: Cell,
    /// Which is better.
    pub verdict: Verdict,
    /// How many times ours is better: theirs divided by ours, or the reverse where more is better.
    pub factor: f64,
}

/// Two cards, cell by cell.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Whose cells are ours.
    pub ours: String,
    /// Whose are theirs.
    pub theirs: String,
    /// All cells that both have.
    pub cells: Vec<Judged>,
}

/// Compares two cards, cell by cell.
pub fn compare(ours: &Card, theirs: &Card) -> Comparison {
    let mut cells = Vec::new();
    for (our_row, their_row) in ours.rows.iter().zip(&theirs.rows) {
        for our in &our_row.cells {
            if let Some(their) = their_row.cell(our.name) {
                cells.push(judge(&our_row.title, *our, *their));
            }
        }
    }
    Comparison {
        ours: ours.name.clone(),
        theirs: theirs.name.clone(),
        cells,
    }
}

/// A card of the best cells of several: harder to beat than any one setting.
pub fn best(name: &str, cards: &[Card]) -> Card {
    let rows = match cards {
        [] => Vec::new(),
        [first, others @ ..] => {
            let mut rows = first.rows.clone();
            for row in others.iter().flat_map(|card| &card.rows) {
                let same = rows.iter_mut().find(|best| best.title == row.title);
                for best in same.into_iter().flat_map(|best| &mut best.cells) {
                    if let Some(cell) = row.cell(best.name).filter(|cell| cell.beats(best)) {
                        *best = *cell;
                    }
                }
            }
            rows
        }
    };
    Card {
        name: name.to_owned(),
        rows,
    }
}

fn judge(row: &str, ours: Cell, theirs: Cell) -> Judged {
    let (less, more) = if ours.more_is_better {
        (theirs, ours)
    } else {
        (ours, theirs)
    };
    // `less` is ours if less is better: good is to be below.
    let verdict = if less.high < more.low {
        Verdict::Better
    } else if less.low > more.high {
        Verdict::Worse
    } else {
        Verdict::Same
    };
    let factor = if less.value == more.value {
        1.0
    } else {
        more.value / less.value
    };
    Judged {
        row: row.to_owned(),
        ours,
        theirs,
        verdict,
        factor,
    }
}

impl Comparison {
    /// How many cells have this verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.cells
            .iter()
            .filter(|cell| cell.verdict == verdict)
            .count()
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| cell | {} | {} | times better | |\n|---|--:|--:|--:|---|",
            self.ours, self.theirs
        )?;
        let mut row = "";
        for cell in &self.cells {
            if row != cell.row {
                row = &cell.row;
                writeln!(f, "| **{row}** | | | | |")?;
            }
            let verdict = match cell.verdict {
                Verdict::Better => "better",
                Verdict::Same => "same",
                Verdict::Worse => "worse",
            };
            writeln!(
                f,
                "| {} | {} | {} | {:.2} | {verdict} |",
                cell.ours.name, cell.ours, cell.theirs, cell.factor
            )?;
        }
        write!(
            f,
            "\n{} cells better, {} the same within 95 %, {} worse",
            self.count(Verdict::Better),
            self.count(Verdict::Same),
            self.count(Verdict::Worse)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scorecard::Row;

    fn cell(value: f64, error: f64, more_is_better: bool) -> Cell {
        Cell {
            name: "cell",
            value,
            low: value - error,
            high: value + error,
            more_is_better,
        }
    }

    fn card(cells: &[Cell]) -> Card {
        let row = Row {
            title: "row".to_owned(),
            is_lossy: false,
            cells: cells.to_vec(),
        };
        Card {
            name: "card".to_owned(),
            rows: vec![row],
        }
    }

    #[test]
    fn only_what_is_apart_by_more_than_chance_is_better_or_worse() {
        for (ours, theirs, verdict) in [
            (
                cell(10.0, 1.0, false),
                cell(20.0, 1.0, false),
                Verdict::Better,
            ),
            (cell(10.0, 1.0, true), cell(20.0, 1.0, true), Verdict::Worse),
            (
                cell(20.0, 1.0, false),
                cell(10.0, 1.0, false),
                Verdict::Worse,
            ),
            (
                cell(20.0, 1.0, true),
                cell(10.0, 1.0, true),
                Verdict::Better,
            ),
            (
                cell(10.0, 6.0, false),
                cell(20.0, 6.0, false),
                Verdict::Same,
            ),
        ] {
            let comparison = compare(&card(&[ours]), &card(&[theirs]));
            assert_eq!(comparison.cells[0].verdict, verdict, "{ours:?}, {theirs:?}");
            assert_eq!(comparison.count(verdict), 1);
        }
        let twice = compare(
            &card(&[cell(10.0, 1.0, false)]),
            &card(&[cell(20.0, 1.0, false)]),
        );
        assert_eq!(twice.cells[0].factor, 2.0);
    }

    #[test]
    fn the_best_card_has_the_best_cell_of_each() {
        let fast = card(&[cell(10.0, 0.0, false)]);
        let slow = card(&[cell(20.0, 0.0, false)]);
        for cards in [[fast.clone(), slow.clone()], [slow, fast]] {
            assert_eq!(best("best", &cards).rows[0].cells[0].value, 10.0);
        }
    }
}
