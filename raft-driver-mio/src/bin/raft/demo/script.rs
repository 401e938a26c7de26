//! What to do next when nobody holds the keys: kill the leader, wait, start it again. Pure.

use std::time::Duration;

use raft_core::RoleKind;

use super::journal;
use super::ledger::{Ledger, Process};

/// What is known of one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sight {
    /// The process that runs now, or ran last.
    pub(crate) process: Process,
    /// Whether it runs.
    pub(crate) alive: bool,
    /// What it last said of itself, if anything.
    pub(crate) view: Option<View>,
}

/// What a node says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct View {
    /// When it was asked, by the boot clock.
    pub(crate) asked: Duration,
    pub(crate) role: RoleKind,
    pub(crate) term: u64,
    pub(crate) leader: Option<u64>,
    /// Whether it leads and holds a lease.
    pub(crate) active: bool,
}

/// What is to be done now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Nothing yet.
    Wait,
    /// The cluster is whole: for the reader's eyes.
    Whole { leader: u64, term: u64 },
    /// Kill this process.
    Kill(Process),
    /// Start this dead node again.
    Restart(u64),
    /// All was done.
    Done,
    /// It cannot go on; why.
    Failed(String),
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Until all nodes run and follow one leader that holds a lease.
    Settling,
    /// Until the moment to kill the leader.
    Poised {
        leader: Process,
        term: u64,
        at: Duration,
    },
    /// Until the dead leader has a successor, or cannot have one without the dead node.
    Bereft { dead: u64 },
    /// For ever.
    Over,
}

/// A run of kills.
#[derive(Debug)]
pub(crate) struct Script {
    kills: usize,
    /// How long a phase may last.
    patience: Duration,
    phase: Phase,
    entered: Duration,
}

impl Script {
    /// `kills` failovers, each phase of which may last `patience`.
    pub(crate) fn new(kills: usize, patience: Duration, now: Duration) -> Self {
        Script {
            kills,
            patience,
            phase: Phase::Settling,
            entered: now,
        }
    }

    /// What is to be done at `now`. `calm`: how long to leave a whole cluster alone before the next kill.
    pub(crate) fn next(
        &mut self,
        now: Duration,
        nodes: &[Sight],
        ledger: &Ledger,
        calm: impl FnOnce() -> Duration,
    ) -> Step {
        if let Some(problem) = ledger.problems().first() {
            return self.over(Step::Failed(problem.clone()), now);
        }
        let step = match self.phase {
            Phase::Settling => match whole(nodes, ledger, self.entered) {
                Ok(_) if ledger.failovers().len() >= self.kills => {
                    return self.over(Step::Done, now);
                }
                Ok((leader, term)) => {
                    let at = now + calm();
                    self.enter(Phase::Poised { leader, term, at }, now);
                    Step::Whole {
                        leader: leader.node,
                        term,
                    }
                }
                Err(missing) => self.wait(now, || missing),
            },
            Phase::Poised { leader, term, at } => {
                if ledger.leader() != Some((leader, term)) {
                    self.enter(Phase::Settling, now);
                    Step::Wait
                } else if now < at {
                    Step::Wait
                } else {
                    self.enter(Phase::Bereft { dead: leader.node }, now);
                    Step::Kill(leader)
                }
            }
            Phase::Bereft { dead } => {
                if ledger.open().is_none() || !ledger.has_majority() {
                    self.enter(Phase::Settling, now);
                    Step::Restart(dead)
                } else {
                    self.wait(now, || "no successor".to_owned())
                }
            }
            Phase::Over => Step::Wait,
        };
        match step {
            Step::Failed(_) => self.over(step, now),
            step => step,
        }
    }

    /// When it has something to do even if nothing happens.
    pub(crate) fn due(&self) -> Option<Duration> {
        match self.phase {
            Phase::Poised { at, .. } => Some(at),
            Phase::Settling | Phase::Bereft { .. } | Phase::Over => None,
        }
    }

    fn enter(&mut self, phase: Phase, now: Duration) {
        self.phase = phase;
        self.entered = now;
    }

    fn over(&mut self, step: Step, now: Duration) -> Step {
        self.enter(Phase::Over, now);
        step
    }

    fn wait(&self, now: Duration, missing: impl FnOnce() -> String) -> Step {
        if now.saturating_sub(self.entered) < self.patience {
            return Step::Wait;
        }
        Step::Failed(format!(
            "after {} s: {}",
            self.patience.as_secs(),
            missing()
        ))
    }
}

/// The one leader that all nodes agree on, by what they said after `since`; or what is missing.
fn whole(nodes: &[Sight], ledger: &Ledger, since: Duration) -> Result<(Process, u64), String> {
    let (leader, term) = ledger.leader().ok_or("no leader")?;
    if ledger.open().is_some() {
        return Err("no successor".to_owned());
    }
    for node in nodes {
        let id = node.process.node;
        if !node.alive {
            return Err(format!("node {id} does not run"));
        }
        let view = node
            .view
            .filter(|view| view.asked >= since)
            .ok_or_else(|| format!("node {id} does not answer"))?;
        let follows = if node.process == leader {
            view.role == RoleKind::Leader && view.active
        } else {
            view.role == RoleKind::Follower && view.leader == Some(leader.node)
        };
        if view.term != term || !follows {
            return Err(format!(
                "node {id} is {} in term {}, though node {} leads term {term}",
                journal::name(view.role),
                view.term,
                leader.node
            ));
        }
    }
    Ok((leader, term))
}

#[cfg(test)]
mod tests {
    use super::super::ledger::Blow;
    use super::super::line::{Line, News};
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);
    const CALM: Duration = Duration::from_millis(20);

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    struct Stage {
        script: Script,
        ledger: Ledger,
        nodes: Vec<Sight>,
    }

    impl Stage {
        /// Nodes that run, and none of which has been asked yet.
        fn new(nodes: u64, kills: usize) -> Stage {
            let mut stage = Stage {
                script: Script::new(kills, PATIENCE, ms(0)),
                ledger: Ledger::new(nodes as usize),
                nodes: Vec::new(),
            };
            for node in 1..=nodes {
                let process = Process { node, start: 0 };
                stage.nodes.push(Sight {
                    process,
                    alive: true,
                    view: None,
                });
                stage.say(process, 0, News::Ready { term: 0 });
            }
            stage
        }

        fn say(&mut self, process: Process, at: u64, news: News) {
            self.ledger.line(
                process,
                &Line {
                    since: ms(at),
                    news,
                },
            );
        }

        fn lead(&mut self, process: Process, at: u64, term: u64) {
            self.say(process, at, News::LeadershipGained { term });
            self.say(process, at, News::Active { term });
        }

        /// All nodes were asked at `at`, and follow node `leader`.
        fn agree(&mut self, at: u64, leader: u64, term: u64) {
            for node in &mut self.nodes {
                let leads = node.process.node == leader;
                node.view = Some(View {
                    asked: ms(at),
                    role: if leads {
                        RoleKind::Leader
                    } else {
                        RoleKind::Follower
                    },
                    term,
                    leader: Some(leader),
                    active: leads,
                });
            }
        }

        fn next(&mut self, at: u64) -> Step {
            self.script.next(ms(at), &self.nodes, &self.ledger, || CALM)
        }

        fn start(&self, node: u64) -> Process {
            self.nodes[node as usize - 1].process
        }

        /// What the driver of a script does for [`Step::Kill`] and [`Step::Restart`].
        fn kill(&mut self, process: Process, at: u64) {
            self.ledger.strike(process, Blow::Killed, ms(at));
            let node = &mut self.nodes[process.node as usize - 1];
            (node.alive, node.view) = (false, None);
        }

        fn restart(&mut self, node: u64, at: u64) {
            let sight = &mut self.nodes[node as usize - 1];
            sight.process.start += 1;
            sight.alive = true;
            let process = sight.process;
            self.say(process, at, News::Ready { term: 1 });
        }
    }

    #[test]
    fn a_run_of_three_nodes() {
        let mut stage = Stage::new(3, 1);
        assert_eq!(stage.next(10), Step::Wait, "no leader");
        stage.lead(stage.start(1), 500, 1);
        assert_eq!(stage.next(510), Step::Wait, "nobody was asked");
        stage.agree(520, 1, 1);
        assert_eq!(stage.next(530), Step::Whole { leader: 1, term: 1 });
        assert_eq!(stage.next(549), Step::Wait);
        let victim = stage.start(1);
        assert_eq!(stage.next(550), Step::Kill(victim));
        stage.kill(victim, 550);
        assert_eq!(stage.next(560), Step::Wait, "no successor");
        stage.lead(stage.start(3), 1100, 2);
        assert_eq!(stage.next(1101), Step::Restart(1));
        stage.restart(1, 1110);
        assert_eq!(stage.next(1120), Step::Wait);
        stage.agree(1090, 3, 2);
        assert_eq!(stage.next(1120), Step::Wait, "said before the restart");
        stage.agree(1130, 3, 2);
        assert_eq!(stage.next(1140), Step::Done);
        assert_eq!(stage.next(1150), Step::Wait);
        assert_eq!(stage.ledger.failovers().len(), 1);
    }

    #[test]
    fn without_a_majority_the_dead_node_is_started_again_at_once() {
        for nodes in [1, 2] {
            let mut stage = Stage::new(nodes, 1);
            stage.lead(stage.start(1), 500, 1);
            stage.agree(520, 1, 1);
            assert_eq!(stage.next(530), Step::Whole { leader: 1, term: 1 });
            let victim = stage.start(1);
            assert_eq!(stage.next(600), Step::Kill(victim));
            stage.kill(victim, 600);
            assert_eq!(stage.next(601), Step::Restart(1));
            stage.restart(1, 610);
            assert_eq!(stage.next(620), Step::Wait);
            stage.lead(stage.start(nodes), 1500, 2);
            stage.agree(1510, nodes, 2);
            assert_eq!(stage.next(1520), Step::Done);
        }
    }

    #[test]
    fn no_kills_is_over_once_the_cluster_is_whole() {
        let mut stage = Stage::new(3, 0);
        assert_eq!(stage.next(1), Step::Wait);
        stage.lead(stage.start(2), 500, 1);
        stage.agree(520, 2, 1);
        assert_eq!(stage.next(530), Step::Done);
    }

    #[test]
    fn a_leader_that_changed_before_its_turn_is_spared() {
        let mut stage = Stage::new(3, 1);
        stage.lead(stage.start(1), 500, 1);
        stage.agree(520, 1, 1);
        assert_eq!(stage.next(530), Step::Whole { leader: 1, term: 1 });
        stage.lead(stage.start(2), 540, 2);
        assert_eq!(stage.next(600), Step::Wait);
        stage.agree(610, 2, 2);
        assert_eq!(stage.next(620), Step::Whole { leader: 2, term: 2 });
    }

    #[test]
    fn two_that_say_they_lead_are_not_whole_and_patience_ends() {
        let mut stage = Stage::new(3, 1);
        stage.lead(stage.start(1), 500, 1);
        stage.lead(stage.start(2), 600, 2);
        stage.agree(620, 2, 2);
        let one = stage.nodes[0].view.as_mut().unwrap();
        (one.role, one.term, one.active) = (RoleKind::Leader, 1, true);
        assert_eq!(stage.next(630), Step::Wait);
        assert_eq!(
            stage.next(10_000),
            Step::Failed(
                "after 10 s: node 1 is leader in term 1, though node 2 leads term 2".into()
            )
        );
        assert_eq!(stage.next(10_001), Step::Wait);
    }

    #[test]
    fn a_node_that_stays_away_is_named() {
        let mut stage = Stage::new(3, 1);
        stage.lead(stage.start(1), 500, 1);
        stage.agree(520, 1, 1);
        stage.nodes[1].alive = false;
        let failed = Step::Failed("after 10 s: node 2 does not run".into());
        assert_eq!(stage.next(10_000), failed);
    }

    #[test]
    fn two_leaders_in_a_term_end_the_run_in_any_phase() {
        let mut stage = Stage::new(3, 1);
        stage.lead(stage.start(1), 500, 1);
        stage.say(stage.start(2), 501, News::LeadershipGained { term: 1 });
        assert!(
            matches!(stage.next(502), Step::Failed(why) if why.starts_with("two leaders in term 1"))
        );
    }
}
