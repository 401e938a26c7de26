//! What a demo comes to: the table of failovers, the JSON object, the verdict.

use std::fmt::{self, Write as _};
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::cluster::Plan;
use super::ledger::{Blow, Failover, Ledger};
use super::run::End;
use super::timing::{Implied, median, ms};

/// The result of a demo, as `--json` prints it; docs/demo.md tells its fields. Durations are in seconds.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    schema: u32,
    /// Whether every failover ended with exactly one leader, in a higher term, and no two processes ever led in one term.
    ok: bool,
    /// What went wrong; empty if `ok`.
    problems: Vec<Problem>,
    nodes: usize,
    heartbeat_seconds: f64,
    election_timeout_seconds: f64,
    /// From the start of the demo to the first confirmed leader.
    first_leader_seconds: Option<f64>,
    failovers: Vec<FailoverRow>,
    /// From the kill to the election won.
    to_gained: Option<Summary>,
    /// From the kill to the first confirmation by a majority: how long there was no leader.
    to_active: Option<Summary>,
    /// What the timers make a failover take on average.
    implied: ImpliedRow,
    /// The median time from the kill to the confirmation, less the time in which no majority ran, over the implied time.
    ratio: Option<f64>,
    /// Every term that was won, ascending.
    leaders: Vec<LeaderRow>,
}

#[derive(Debug, Serialize)]
struct FailoverRow {
    /// `killed`, `paused` or `cut off`.
    cause: &'static str,
    old_leader: u64,
    old_term: u64,
    new_leader: u64,
    new_term: u64,
    to_gained_seconds: f64,
    to_active_seconds: f64,
    without_majority_seconds: f64,
}

#[derive(Debug, Serialize)]
struct Summary {
    median_seconds: f64,
    worst_seconds: f64,
}

#[derive(Debug, Serialize)]
struct ImpliedRow {
    seconds: f64,
    timers_seconds: f64,
    round_trip_seconds: f64,
    sync_seconds: f64,
}

#[derive(Debug, Serialize)]
struct LeaderRow {
    term: u64,
    node: u64,
    /// The nth start of that node, from 0.
    start: u32,
    /// Whether a majority ever confirmed it.
    active: bool,
}

/// What keeps a demo from being a success.
#[derive(Debug)]
enum Problem {
    /// Something that must not happen.
    Wrong(String),
    /// Something that the demo's end came before.
    Incomplete(String),
}

impl Problem {
    fn text(&self) -> &str {
        match self {
            Problem::Wrong(text) | Problem::Incomplete(text) => text,
        }
    }
}

impl Serialize for Problem {
    /// The text alone.
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.text())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Wrong(text) => write!(f, "WRONG: {text}"),
            Problem::Incomplete(text) => write!(f, "incomplete: {text}"),
        }
    }
}

impl Report {
    /// Sums up. `began`: when the demo began, by the clock of the ledger.
    pub(crate) fn new(
        plan: &Plan,
        ledger: &Ledger,
        end: &End,
        implied: &Implied,
        began: Duration,
    ) -> Report {
        let problems = problems(ledger, end);
        let kills = || {
            ledger
                .failovers()
                .iter()
                .filter(|failover| failover.blow == Blow::Killed)
        };
        let run =
            kills().map(|failover| failover.to_active.saturating_sub(failover.without_majority));
        let total = implied.total();
        Report {
            schema: 1,
            ok: problems.is_empty(),
            problems,
            nodes: plan.nodes,
            heartbeat_seconds: plan.heartbeat.as_secs_f64(),
            election_timeout_seconds: plan.election_timeout.as_secs_f64(),
            first_leader_seconds: ledger
                .reigns()
                .find_map(|reign| reign.active)
                .map(|active| active.saturating_sub(began).as_secs_f64()),
            failovers: ledger.failovers().iter().map(FailoverRow::new).collect(),
            to_gained: Summary::new(kills().map(|failover| failover.to_gained)),
            to_active: Summary::new(kills().map(|failover| failover.to_active)),
            implied: ImpliedRow {
                seconds: total.as_secs_f64(),
                timers_seconds: implied.timers.as_secs_f64(),
                round_trip_seconds: implied.round_trip.as_secs_f64(),
                sync_seconds: implied.sync.as_secs_f64(),
            },
            ratio: median(run).map(|run| run.as_secs_f64() / total.as_secs_f64()),
            leaders: ledger
                .reigns()
                .map(|reign| LeaderRow {
                    term: reign.term,
                    node: reign.process.node,
                    start: reign.process.start,
                    active: reign.active.is_some(),
                })
                .collect(),
        }
    }

    /// Whether all was as it must be.
    pub(crate) fn ok(&self) -> bool {
        self.ok
    }

    /// One JSON object, indented.
    pub(crate) fn json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self)
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = self.write(&mut text);
        text
    }

    /// What the sums are of, where that is not all of the table: what was paused or cut off does not count.
    fn counted(&self) -> &'static str {
        let killed = |row: &FailoverRow| row.cause == Blow::Killed.name();
        if self.failovers.iter().all(killed) {
            ""
        } else {
            " of kills"
        }
    }

    fn write(&self, text: &mut String) -> fmt::Result {
        let seconds = |seconds: f64| ms(Duration::from_secs_f64(seconds));
        if let Some(first) = self.first_leader_seconds {
            writeln!(text, "first leader after {}", seconds(first))?;
        }
        if !self.failovers.is_empty() {
            writeln!(text)?;
            writeln!(
                text,
                "  # | leader was  | successor   |  to won | to confirmed"
            )?;
            writeln!(
                text,
                "----+-------------+-------------+---------+-------------"
            )?;
        }
        for (number, row) in (1..).zip(&self.failovers) {
            let leader = |node: u64, term: u64| format!("{node} (term {term})");
            write!(
                text,
                "{number:3} | {:11} | {:11} | {:>7} | {:>12}",
                leader(row.old_leader, row.old_term),
                leader(row.new_leader, row.new_term),
                seconds(row.to_gained_seconds),
                seconds(row.to_active_seconds),
            )?;
            if row.cause != Blow::Killed.name() {
                write!(text, "  ({})", row.cause)?;
            }
            writeln!(text)?;
        }
        self.write_sums(text)?;
        match self.problems.as_slice() {
            [] => writeln!(text, "ok: {} terms, one leader in each", self.leaders.len()),
            problems => problems
                .iter()
                .try_for_each(|problem| writeln!(text, "{problem}")),
        }
    }

    fn write_sums(&self, text: &mut String) -> fmt::Result {
        let seconds = |seconds: f64| ms(Duration::from_secs_f64(seconds));
        if let (Some(gained), Some(active)) = (&self.to_gained, &self.to_active) {
            let of = |what: &str| format!("{what}{}", self.counted());
            let line = |what: &str, gained: f64, active: f64| {
                format!(
                    "    | {what:25} | {:>7} | {:>12}",
                    seconds(gained),
                    seconds(active)
                )
            };
            writeln!(
                text,
                "----+---------------------------+---------+-------------"
            )?;
            writeln!(
                text,
                "{}",
                line(&of("median"), gained.median_seconds, active.median_seconds)
            )?;
            writeln!(
                text,
                "{}",
                line(&of("worst"), gained.worst_seconds, active.worst_seconds)
            )?;
        }
        if let Some(ratio) = self.ratio {
            writeln!(
                text,
                "\nthe timing implies {} on average: timers {},\na round trip on loopback {}, a sync of the disk {};",
                seconds(self.implied.seconds),
                seconds(self.implied.timers_seconds),
                seconds(self.implied.round_trip_seconds),
                seconds(self.implied.sync_seconds),
            )?;
            writeln!(
                text,
                "the median{} is {ratio:.2} times that",
                self.counted()
            )?;
        }
        Ok(())
    }
}

impl FailoverRow {
    fn new(failover: &Failover) -> FailoverRow {
        FailoverRow {
            cause: failover.blow.name(),
            old_leader: failover.old_leader,
            old_term: failover.old_term,
            new_leader: failover.new_leader,
            new_term: failover.new_term,
            to_gained_seconds: failover.to_gained.as_secs_f64(),
            to_active_seconds: failover.to_active.as_secs_f64(),
            without_majority_seconds: failover.without_majority.as_secs_f64(),
        }
    }
}

impl Summary {
    fn new(values: impl Iterator<Item = Duration> + Clone) -> Option<Summary> {
        Some(Summary {
            median_seconds: median(values.clone())?.as_secs_f64(),
            worst_seconds: values.max()?.as_secs_f64(),
        })
    }
}

/// What keeps a demo from being a success.
fn problems(ledger: &Ledger, end: &End) -> Vec<Problem> {
    let known = ledger.problems();
    let mut problems: Vec<_> = known.iter().cloned().map(Problem::Wrong).collect();
    match end {
        End::Failed(why) if !known.contains(why) => problems.push(Problem::Wrong(why.clone())),
        End::Interrupted(signal) => {
            problems.push(Problem::Incomplete(format!("interrupted by {signal}")));
        }
        End::Failed(_) | End::Done | End::Quit => {}
    }
    if let Some(open) = ledger.open() {
        problems.push(Problem::Incomplete(format!(
            "node {} of term {} was {} and had no successor yet",
            open.process.node,
            open.term,
            open.blow.name()
        )));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::super::ledger::Process;
    use super::super::line::{Line, News};
    use super::*;

    const PLAN: Plan = Plan {
        nodes: 2,
        heartbeat: Duration::from_millis(50),
        election_timeout: Duration::from_millis(500),
    };

    /// Two nodes; the leader of term 1 is killed, is back 100 ms later, and the other leads term 3.
    fn ledger() -> Ledger {
        let mut ledger = Ledger::new(2);
        let process = |node, start| Process { node, start };
        let mut say = |process, at, news| {
            if let News::Transition { .. } = news {
                return ledger.strike(process, Blow::Killed, Duration::from_millis(at));
            }
            ledger.line(
                process,
                &Line {
                    since: Duration::from_millis(at),
                    news,
                },
            );
        };
        let killed = News::Transition {
            role: String::new(),
            term: 0,
            leader: None,
            reason: None,
        };
        say(process(1, 0), 0, News::Ready { term: 0 });
        say(process(2, 0), 0, News::Ready { term: 0 });
        say(process(1, 0), 799, News::LeadershipGained { term: 1 });
        say(process(1, 0), 800, News::Active { term: 1 });
        say(process(1, 0), 1000, killed);
        say(process(1, 1), 1100, News::Ready { term: 1 });
        say(process(2, 0), 1600, News::LeadershipGained { term: 3 });
        say(process(2, 0), 1625, News::Active { term: 3 });
        ledger
    }

    fn report(ledger: &Ledger, end: &End) -> Report {
        let implied = Implied::new(
            2,
            PLAN.heartbeat,
            Duration::from_secs(1),
            Duration::ZERO,
            Duration::ZERO,
        );
        Report::new(&PLAN, ledger, end, &implied, Duration::from_millis(100))
    }

    #[test]
    fn the_object_holds_what_was_measured() {
        let report = report(&ledger(), &End::Done);
        assert!(report.ok());
        let json: serde_json::Value = serde_json::from_str(&report.json().unwrap()).unwrap();
        assert_eq!(json["schema"], 1);
        assert_eq!(json["ok"], true);
        assert_eq!(json["first_leader_seconds"], 0.7);
        assert_eq!(json["failovers"][0]["new_term"], 3);
        assert_eq!(json["to_active"]["median_seconds"], 0.625);
        assert_eq!(json["to_gained"]["worst_seconds"], 0.6);
        // 525 ms with a majority, where 1,320.8 ms were implied.
        assert_eq!(
            json["ratio"].as_f64().map(|ratio| (ratio * 1e4).round()),
            Some(3975.0)
        );
        assert_eq!(json["leaders"][1]["node"], 2);
    }

    #[test]
    fn the_table_ends_with_the_verdict() {
        let text = report(&ledger(), &End::Done).text();
        assert!(
            text.contains("  1 | 1 (term 1)  | 2 (term 3)  |  600 ms |       625 ms\n"),
            "{text}"
        );
        assert!(
            text.ends_with("ok: 2 terms, one leader in each\n"),
            "{text}"
        );
    }

    #[test]
    fn the_sums_say_that_only_kills_count() {
        let mut ledger = ledger();
        let text = report(&ledger, &End::Done).text();
        assert!(
            text.contains("| median  ") && text.contains("the median is"),
            "{text}"
        );

        let ms = Duration::from_millis;
        ledger.strike(Process { node: 2, start: 0 }, Blow::Paused, ms(2000));
        for (at, news) in [
            (2600, News::LeadershipGained { term: 4 }),
            (2650, News::Active { term: 4 }),
        ] {
            let line = Line {
                since: ms(at),
                news,
            };
            ledger.line(Process { node: 1, start: 1 }, &line);
        }
        let text = report(&ledger, &End::Done).text();
        for part in [
            "(paused)",
            "| median of kills  ",
            "| worst of kills  ",
            "the median of kills is",
        ] {
            assert!(text.contains(part), "{text} lacks {part}");
        }
    }

    #[test]
    fn whatever_went_wrong_is_a_failure_that_says_so() {
        let wrong = |ledger: &Ledger, end: End, problem: &str| {
            let report = report(ledger, &end);
            assert!(!report.ok(), "{problem}");
            assert!(report.text().contains(problem), "{}", report.text());
        };
        let good = ledger();
        wrong(
            &good,
            End::Interrupted("SIGINT"),
            "\nincomplete: interrupted by SIGINT\n",
        );
        wrong(
            &good,
            End::Failed("after 30 s: no leader".into()),
            "\nWRONG: after 30 s: no leader\n",
        );
        assert!(report(&good, &End::Quit).ok());

        let mut open = ledger();
        open.strike(
            Process { node: 2, start: 0 },
            Blow::Paused,
            Duration::from_secs(2),
        );
        wrong(
            &open,
            End::Quit,
            "\nincomplete: node 2 of term 3 was paused and had no successor yet\n",
        );

        let mut two = ledger();
        let line = Line {
            since: Duration::from_secs(2),
            news: News::LeadershipGained { term: 3 },
        };
        two.line(Process { node: 1, start: 1 }, &line);
        wrong(&two, End::Done, "two leaders in term 3");
    }
}
