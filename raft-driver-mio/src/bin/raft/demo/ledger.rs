//! Who led when, what each failover took, and what must never happen. Pure: it is told everything.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::line::{Line, News};

/// One process: the nth start of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Process {
    /// The node's id.
    pub(crate) node: u64,
    /// 0 for its first start.
    pub(crate) start: u32,
}

/// A term that a process won.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reign {
    pub(crate) process: Process,
    pub(crate) term: u64,
    /// When it won, by the boot clock.
    pub(crate) gained: Duration,
    /// When a majority first confirmed it.
    pub(crate) active: Option<Duration>,
}

/// What was done to a leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blow {
    /// SIGKILL.
    Killed,
    /// SIGSTOP.
    Paused,
    /// None of its datagrams leaves or arrives.
    CutOff,
}

impl Blow {
    /// A word for tables.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Blow::Killed => "killed",
            Blow::Paused => "paused",
            Blow::CutOff => "cut off",
        }
    }
}

/// A leader that was struck, and the one that followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failover {
    pub(crate) blow: Blow,
    pub(crate) old_leader: u64,
    pub(crate) old_term: u64,
    pub(crate) new_leader: u64,
    pub(crate) new_term: u64,
    /// From the blow until the successor won its election.
    pub(crate) to_gained: Duration,
    /// From the blow until a majority had confirmed the successor: what the cluster was without a leader.
    pub(crate) to_active: Duration,
    /// How much of that no majority of the nodes was running, so that nobody could be elected.
    pub(crate) without_majority: Duration,
}

/// A blow that has no successor yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Open {
    pub(crate) blow: Blow,
    pub(crate) process: Process,
    pub(crate) term: u64,
    pub(crate) at: Duration,
    without_majority: Duration,
}

/// The book of a run.
#[derive(Debug)]
pub(crate) struct Ledger {
    voters: usize,
    /// The processes that said they take part and have not ended.
    up: BTreeSet<Process>,
    /// The first to win each term.
    reigns: BTreeMap<u64, Reign>,
    /// The newest term that was won, until it is known to have ended.
    leader: Option<(Process, u64)>,
    open: Option<Open>,
    failovers: Vec<Failover>,
    problems: Vec<String>,
}

impl Ledger {
    /// An empty book of a cluster of `voters` nodes.
    pub(crate) fn new(voters: usize) -> Self {
        Ledger {
            voters,
            up: BTreeSet::new(),
            reigns: BTreeMap::new(),
            leader: None,
            open: None,
            failovers: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// Takes a line of the log of `process`.
    pub(crate) fn line(&mut self, process: Process, line: &Line) {
        match line.news {
            News::Ready { .. } => self.ready(process, line.since),
            News::LeadershipGained { term } => self.gained(process, term, line.since),
            News::Active { term } => self.active(process, term, line.since),
            News::LeadershipLost { term, .. } => {
                self.leader = self.leader.filter(|leader| *leader != (process, term));
            }
            News::Transition { .. } => {}
        }
    }

    fn ready(&mut self, process: Process, since: Duration) {
        let before = self.has_majority();
        self.up.insert(process);
        if let Some(open) = &mut self.open
            && !before
            && self.up.len() > self.voters / 2
        {
            open.without_majority = since.saturating_sub(open.at);
        }
    }

    fn gained(&mut self, process: Process, term: u64, since: Duration) {
        if let Some(first) = self.reigns.get(&term) {
            self.problems.push(format!(
                "two leaders in term {term}: node {} (start {}) and node {} (start {})",
                first.process.node, first.process.start, process.node, process.start
            ));
            return;
        }
        let newest = self
            .reigns
            .keys()
            .next_back()
            .is_none_or(|last| *last < term);
        self.reigns.insert(
            term,
            Reign {
                process,
                term,
                gained: since,
                active: None,
            },
        );
        if newest {
            self.leader = Some((process, term));
        }
    }

    fn active(&mut self, process: Process, term: u64, since: Duration) {
        let Some(reign) = self
            .reigns
            .get_mut(&term)
            .filter(|reign| reign.process == process)
        else {
            self.problems.push(format!(
                "node {} was confirmed in term {term}, which it never won",
                process.node
            ));
            return;
        };
        reign.active = Some(since);
        let gained = reign.gained;
        let Some(open) = self.open.take_if(|open| term > open.term) else {
            return;
        };
        // A successor that was there before the blow: what was struck no longer led.
        if since <= open.at {
            return;
        }
        self.failovers.push(Failover {
            blow: open.blow,
            old_leader: open.process.node,
            old_term: open.term,
            new_leader: process.node,
            new_term: term,
            to_gained: gained.saturating_sub(open.at),
            to_active: since.saturating_sub(open.at),
            without_majority: open.without_majority,
        });
    }

    /// A process is about to be struck, at `at`.
    pub(crate) fn strike(&mut self, process: Process, blow: Blow, at: Duration) {
        if blow == Blow::Killed {
            self.up.remove(&process);
        }
        if let Some((leader, term)) = self.leader
            && leader == process
            && self.open.is_none()
        {
            self.open = Some(Open {
                blow,
                process,
                term,
                at,
                without_majority: Duration::ZERO,
            });
        }
        if blow == Blow::Killed {
            self.ended(process);
        }
    }

    /// A process that was paused or cut off is back: if nobody has followed it yet, it was no failover.
    pub(crate) fn recovered(&mut self, process: Process) {
        self.open = self
            .open
            .filter(|open| open.process != process || open.blow == Blow::Killed);
    }

    /// A process has ended.
    pub(crate) fn ended(&mut self, process: Process) {
        self.up.remove(&process);
        self.leader = self.leader.filter(|(leader, _)| *leader != process);
    }

    /// Something went wrong that the lines do not show.
    pub(crate) fn problem(&mut self, what: String) {
        self.problems.push(what);
    }

    /// Whether enough nodes take part to elect a leader.
    pub(crate) fn has_majority(&self) -> bool {
        self.up.len() > self.voters / 2
    }

    /// The newest leader and its term, unless it is known to have ended.
    pub(crate) fn leader(&self) -> Option<(Process, u64)> {
        self.leader
    }

    /// The blow whose successor is awaited.
    pub(crate) fn open(&self) -> Option<&Open> {
        self.open.as_ref()
    }

    /// The failovers that ended, oldest first.
    pub(crate) fn failovers(&self) -> &[Failover] {
        &self.failovers
    }

    /// Every term that was won, ascending.
    pub(crate) fn reigns(&self) -> impl Iterator<Item = &Reign> {
        self.reigns.values()
    }

    /// What went wrong; nothing, if all is well.
    pub(crate) fn problems(&self) -> &[String] {
        &self.problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Process = Process { node: 1, start: 0 };
    const A_AGAIN: Process = Process { node: 1, start: 1 };
    const B: Process = Process { node: 2, start: 0 };

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn say(ledger: &mut Ledger, process: Process, at: u64, news: News) {
        ledger.line(
            process,
            &Line {
                since: ms(at),
                news,
            },
        );
    }

    fn lead(ledger: &mut Ledger, process: Process, at: u64, term: u64) {
        say(ledger, process, at, News::LeadershipGained { term });
        say(ledger, process, at + 1, News::Active { term });
    }

    fn three() -> Ledger {
        let mut ledger = Ledger::new(3);
        for node in 1..=3 {
            say(
                &mut ledger,
                Process { node, start: 0 },
                0,
                News::Ready { term: 0 },
            );
        }
        ledger
    }

    #[test]
    fn a_failover_lasts_from_the_blow_to_the_confirmed_successor() {
        let mut ledger = three();
        lead(&mut ledger, A, 100, 1);
        assert_eq!(ledger.leader(), Some((A, 1)));
        ledger.strike(A, Blow::Killed, ms(1000));
        assert_eq!(ledger.leader(), None);
        assert!(ledger.open().is_some());
        lead(&mut ledger, B, 1600, 3);
        assert_eq!(
            ledger.failovers(),
            [Failover {
                blow: Blow::Killed,
                old_leader: 1,
                old_term: 1,
                new_leader: 2,
                new_term: 3,
                to_gained: ms(600),
                to_active: ms(601),
                without_majority: Duration::ZERO,
            }]
        );
        assert!(ledger.open().is_none());
        assert!(ledger.problems().is_empty());
    }

    #[test]
    fn a_successor_that_is_never_confirmed_ends_no_failover() {
        let mut ledger = three();
        lead(&mut ledger, A, 100, 1);
        ledger.strike(A, Blow::Killed, ms(1000));
        say(&mut ledger, B, 1600, News::LeadershipGained { term: 2 });
        assert!(ledger.open().is_some() && ledger.failovers().is_empty());
    }

    #[test]
    fn a_line_that_the_struck_leader_wrote_before_ends_no_failover() {
        let mut ledger = three();
        say(&mut ledger, A, 100, News::LeadershipGained { term: 1 });
        ledger.strike(A, Blow::Killed, ms(102));
        say(&mut ledger, A, 101, News::Active { term: 1 });
        assert!(ledger.open().is_some());
    }

    #[test]
    fn two_processes_in_one_term_are_a_problem_whichever_came_first() {
        let mut ledger = three();
        lead(&mut ledger, B, 200, 2);
        lead(&mut ledger, A, 100, 1);
        assert_eq!(
            ledger.leader(),
            Some((B, 2)),
            "an older term that is heard of late"
        );
        assert!(ledger.problems().is_empty());
        say(
            &mut ledger,
            A_AGAIN,
            300,
            News::LeadershipGained { term: 1 },
        );
        assert_eq!(ledger.problems().len(), 1);
        assert!(
            ledger.problems()[0]
                .starts_with("two leaders in term 1: node 1 (start 0) and node 1 (start 1)")
        );
    }

    #[test]
    fn a_term_that_is_confirmed_but_not_won_is_a_problem() {
        let mut ledger = three();
        say(&mut ledger, A, 100, News::LeadershipGained { term: 1 });
        say(&mut ledger, B, 101, News::Active { term: 1 });
        assert_eq!(ledger.problems().len(), 1);
    }

    #[test]
    fn a_blow_to_a_former_leader_or_a_follower_is_no_failover() {
        let mut ledger = three();
        lead(&mut ledger, A, 100, 1);
        ledger.strike(B, Blow::Killed, ms(1000));
        assert!(ledger.open().is_none(), "a follower");
        ledger.strike(A, Blow::CutOff, ms(1000));
        // The line was on its way when the blow fell.
        lead(&mut ledger, B, 990, 2);
        assert!(ledger.open().is_none() && ledger.failovers().is_empty());
    }

    #[test]
    fn a_leader_that_comes_back_before_anybody_followed_it_is_no_failover() {
        let mut ledger = three();
        lead(&mut ledger, A, 100, 1);
        ledger.strike(A, Blow::Paused, ms(1000));
        ledger.recovered(B);
        assert!(ledger.open().is_some());
        ledger.recovered(A);
        assert!(ledger.open().is_none());
    }

    #[test]
    fn time_without_a_majority_is_told_apart() {
        let mut ledger = Ledger::new(2);
        say(&mut ledger, A, 0, News::Ready { term: 0 });
        say(&mut ledger, B, 0, News::Ready { term: 0 });
        lead(&mut ledger, A, 100, 1);
        ledger.strike(A, Blow::Killed, ms(1000));
        assert!(!ledger.has_majority());
        say(&mut ledger, A_AGAIN, 1030, News::Ready { term: 1 });
        assert!(ledger.has_majority());
        lead(&mut ledger, B, 1600, 2);
        assert_eq!(ledger.failovers()[0].without_majority, ms(30));
        assert_eq!(ledger.failovers()[0].to_gained, ms(600));
    }

    #[test]
    fn a_leader_that_gave_up_or_ended_leads_no_longer() {
        let mut ledger = three();
        lead(&mut ledger, A, 100, 1);
        say(
            &mut ledger,
            A,
            200,
            News::LeadershipLost {
                term: 1,
                reason: None,
            },
        );
        assert_eq!(ledger.leader(), None);
        lead(&mut ledger, B, 300, 2);
        ledger.ended(B);
        assert_eq!(ledger.leader(), None);
        assert_eq!(ledger.reigns().count(), 2);
    }
}
