//! What happens in each, as a table.

use core::fmt;

use raft_core::Protocol;
use serde::Serialize;

use super::stage::Stage;
use super::{ALL, Best, Pathology};
use crate::checker::Violation;

/// What a protocol made of a pathology: means over the seeds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Outcome {
    /// In which share of the second half somebody led whom a majority could hear and answer, in percent.
    pub available: f64,
    /// How many leaders were elected after the fault.
    pub changes: f64,
    /// How many of them in the second half.
    pub late_changes: f64,
    /// By how many terms the highest one grew.
    pub terms: f64,
}

impl Outcome {
    /// Plays a pathology with the seeds 1 to `seeds`.
    ///
    /// # Errors
    ///
    /// The first [`Violation`] of an invariant.
    pub fn of(pathology: &Pathology, protocol: Protocol, seeds: u64) -> Result<Self, Violation> {
        let mut settings = pathology.world(protocol);
        settings.replay = Some("raft-sim scenarios".to_owned());
        let mut sum = [0.0; 4];
        for seed in 1..=seeds {
            let seen = Stage::play(pathology, &settings, seed)?;
            sum[0] += seen.available;
            sum[1] += seen.changes as f64;
            sum[2] += seen.late_changes as f64;
            sum[3] += seen.terms as f64;
        }
        let [available, changes, late_changes, terms] = sum.map(|sum| sum / seeds as f64);
        Ok(Outcome {
            available,
            changes,
            late_changes,
            terms,
        })
    }

    /// Whether it is as good as the best that is known.
    pub fn is_as_good_as(&self, best: &Best) -> bool {
        self.available >= best.available
            && self.changes <= best.changes
            && self.late_changes <= best.late_changes
            && self.terms <= best.terms
    }
}

/// A line of the table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// The pathology's number.
    pub id: &'static str,
    /// What is wrong.
    pub title: &'static str,
    /// How many nodes there are.
    pub nodes: usize,
    /// What plain Raft made of it.
    pub plain: Outcome,
    /// What the defaults made of it.
    pub defaults: Outcome,
    /// What is known to be possible.
    pub best: String,
    /// Whether the defaults are as good.
    pub as_good: bool,
}

/// The whole table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Table {
    /// How many seeds each row took.
    pub seeds: u64,
    /// The rows, in the order of [`ALL`].
    pub rows: Vec<Row>,
}

impl Table {
    /// Plays everything with so many seeds.
    ///
    /// # Errors
    ///
    /// The first [`Violation`] of an invariant.
    pub fn play(seeds: u64) -> Result<Table, Violation> {
        let rows = ALL.iter().map(|pathology| {
            let defaults = Outcome::of(pathology, Protocol::Standard, seeds)?;
            Ok(Row {
                id: pathology.id,
                title: pathology.title,
                nodes: pathology.nodes,
                plain: Outcome::of(pathology, Protocol::Plain, seeds)?,
                defaults,
                best: pathology.best.to_string(),
                as_good: defaults.is_as_good_as(&pathology.best),
            })
        });
        Ok(Table {
            seeds,
            rows: rows.collect::<Result<Vec<Row>, Violation>>()?,
        })
    }
}

impl fmt::Display for Best {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self {
            Best::UNDISTURBED => "the leader stays",
            Best::REPLACED => "replaced once",
            _ => "no leader",
        })
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.1} | {:.1} | {:.1} | {:.1}",
            self.available, self.changes, self.late_changes, self.terms
        )
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| | n | | plain: available % | changes | late | terms | defaults: available % | changes | late | terms | best known | as good |\n\
             |---|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|---|---|"
        )?;
        for row in &self.rows {
            let as_good = if row.as_good { "yes" } else { "no" };
            writeln!(
                f,
                "| {} | {} | {} | {} | {} | {} | {as_good} |",
                row.id, row.nodes, row.title, row.plain, row.defaults, row.best
            )?;
        }
        Ok(())
    }
}
