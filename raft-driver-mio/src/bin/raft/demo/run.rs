//! A demo under way: takes what the nodes say, and does to them what the script or the user wants.

use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use rustix::process::Signal;

use super::cluster::{Cluster, Node, Plan, StartError};
use super::control::{Answer, Reply};
use super::journal::{Entry, Tone, tell, tell_failover, tell_status};
use super::ledger::{Blow, Ledger, Process};
use super::line::{Line, News};
use super::script::{Script, Sight, Step};
use super::timing::median;
use super::{Event, now};

/// How often the nodes are asked for their status.
const POLL: Duration = Duration::from_millis(100);
/// How often a start is tried with other ports.
const ATTEMPTS: u32 = 5;

/// How a demo ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The script did all it was to do.
    Done,
    /// The user had enough.
    Quit,
    /// It could not go on; why.
    Failed(String),
    /// By a signal, whose name this is.
    Interrupted(&'static str),
}

/// A demo under way. Dropped, nothing is left of it.
#[derive(Debug)]
pub(crate) struct Demo {
    pub(crate) plan: Plan,
    pub(crate) cluster: Cluster,
    pub(crate) ledger: Ledger,
    /// When it began, by the boot clock.
    pub(crate) began: Duration,
    /// What happened, oldest first.
    pub(crate) journal: Vec<Entry>,
    /// How it ended, once it has.
    pub(crate) end: Option<End>,
    script: Option<Script>,
    /// How long a whole cluster is left alone at least before the next kill.
    calm: Duration,
    sender: Sender<Event>,
    events: Receiver<Event>,
    /// How long nodes took to make their state durable.
    syncs: Vec<Duration>,
    next_poll: Duration,
    /// Whether all nodes have taken part once: from then on a port is theirs.
    begun: bool,
    attempts: u32,
    /// Processes of earlier starts belong to an attempt that was given up.
    first_start: u32,
}

impl Demo {
    /// Starts the nodes. `kills`: how often the script kills the leader; `None` leaves it to the user.
    pub(crate) fn start(
        plan: Plan,
        kills: Option<usize>,
        calm: Duration,
        program: PathBuf,
        (sender, events): (Sender<Event>, Receiver<Event>),
    ) -> Result<Demo, StartError> {
        let began = now();
        let patience = Duration::from_secs(30) + plan.election_timeout * 30;
        let mut demo = Demo {
            plan,
            cluster: Cluster::prepare(plan, program, sender.clone())?,
            ledger: Ledger::new(plan.nodes),
            began,
            journal: Vec::new(),
            end: None,
            script: kills.map(|kills| Script::new(kills, patience, began)),
            calm,
            sender,
            events,
            syncs: Vec::new(),
            next_poll: began,
            begun: false,
            attempts: 1,
            first_start: 0,
        };
        demo.start_all()?;
        Ok(demo)
    }

    fn start_all(&mut self) -> Result<(), StartError> {
        for id in (1..).take(self.plan.nodes) {
            self.cluster.start(id, true)?;
        }
        let directory = self.cluster.directory().display().to_string();
        self.note(
            None,
            Tone::Deed,
            format!(
                "{} nodes started, their state in {directory}",
                self.plan.nodes
            ),
        );
        Ok(())
    }

    /// Waits for something to happen, until `longest` from now, and deals with all that did.
    pub(crate) fn turn(&mut self, longest: Duration) {
        let mut until = (now() + longest).min(self.next_poll);
        if let Some(due) = self.script.as_ref().and_then(Script::due) {
            until = until.min(due);
        }
        match self.events.recv_timeout(until.saturating_sub(now())) {
            Ok(event) => self.handle(event),
            // We hold a sender: the channel is never disconnected.
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
        self.drain();
        let time = now();
        if time >= self.next_poll {
            self.cluster.nodes.iter_mut().for_each(Node::poll);
            self.next_poll = time + POLL;
        }
        self.follow_script();
    }

    /// Deals with all that has happened so far.
    fn drain(&mut self) {
        while let Ok(event) = self.events.try_recv() {
            self.handle(event);
        }
    }

    /// Kills all nodes, so that everything that they ever said is known, and says how it ended.
    pub(crate) fn finish(&mut self, end: End) -> End {
        self.measure_syncs();
        for node in &mut self.cluster.nodes {
            if let Some(mut running) = node.running.take() {
                let _ = running.kill();
            }
        }
        self.drain();
        self.end.get_or_insert(end).clone()
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Line(process, _) | Event::Ended(process) if process.start < self.first_start => {
            }
            Event::Line(process, line) => self.heard(process, line),
            Event::Ended(process) => self.ended(process),
            Event::Answer(process, answer) => self.answered(process, answer),
            Event::Signal(name) => {
                self.end.get_or_insert(End::Interrupted(name));
            }
        }
    }

    fn heard(&mut self, process: Process, text: String) {
        let line = Line::parse(&text);
        if let Some(node) = self.cluster.current(process) {
            node.wrote(text);
            if let Some(Line {
                news: News::Ready { .. },
                ..
            }) = line
            {
                node.ready = true;
            }
        }
        let Some(line) = line else { return };
        let failovers = self.ledger.failovers().len();
        self.ledger.line(process, &line);
        self.begun |= self.cluster.nodes.iter().all(|node| node.ready);
        if let Some((tone, text)) = tell(process.node, &line.news) {
            self.journal.push(Entry {
                at: line.since,
                node: Some(process.node),
                tone,
                text,
            });
        }
        if let Some(failover) = self.ledger.failovers().get(failovers) {
            let text = tell_failover(failover);
            self.note(None, Tone::Good, text);
        }
    }

    fn ended(&mut self, process: Process) {
        let at = now();
        let taken = self.cluster.current(process).map(|node| {
            let running = node.running.take();
            let (why, port_was_taken) = (node.last_word().to_owned(), node.port_was_taken());
            node.gone();
            (running, why, port_was_taken)
        });
        // One that we killed is not there any more.
        if let Some((Some(mut running), why, port_was_taken)) = taken {
            let status = running.wait();
            if port_was_taken && !self.begun && self.attempts < ATTEMPTS && self.end.is_none() {
                self.begin_again();
            } else if self.script.is_none() && status.as_ref().is_ok_and(by_hand) {
                self.ledger.strike(process, Blow::Killed, at);
                let text = "was ended from elsewhere".to_owned();
                self.note_at(at, Some(process.node), Tone::Deed, text);
            } else {
                let status =
                    status.map_or_else(|error| error.to_string(), |status| status.to_string());
                let text = format!("ended by itself ({status}): {why}");
                self.ledger.problem(format!("node {} {text}", process.node));
                self.note_at(at, Some(process.node), Tone::Bad, text);
            }
        }
        self.ledger.ended(process);
    }

    /// A port that was free a moment ago is not: all nodes start again, with other ports and fresh state.
    fn begin_again(&mut self) {
        self.attempts += 1;
        self.note(
            None,
            Tone::Bad,
            "a port was taken meanwhile: once more, with others".to_owned(),
        );
        let program = self.cluster.program().to_owned();
        let again = Cluster::prepare(self.plan, program, self.sender.clone());
        let begun = again.and_then(|mut cluster| {
            // The numbers of starts go on: what the former processes said is not the new ones'.
            let last_start = self
                .cluster
                .nodes
                .iter()
                .map(|node| node.process.start)
                .max();
            self.first_start = last_start.map_or(0, |last| last + 1);
            for node in &mut cluster.nodes {
                node.process.start = self.first_start;
            }
            self.cluster = cluster;
            self.ledger = Ledger::new(self.plan.nodes);
            self.start_all()
        });
        if let Err(error) = begun {
            self.ledger.problem(error.to_string());
        }
    }

    fn answered(&mut self, process: Process, Answer { asked, reply }: Answer) {
        let Some(node) = self
            .cluster
            .current(process)
            .filter(|node| node.running.is_some())
        else {
            return;
        };
        let result = match reply {
            Reply::Status(Ok(status)) => {
                node.answered(asked, status);
                return;
            }
            Reply::Isolated(on, Ok(())) => {
                node.cut_off = on;
                return self.isolated(process, on, asked);
            }
            Reply::Status(Err(error)) => {
                node.unanswered();
                error
            }
            Reply::Isolated(_, Err(error)) => error,
        };
        // A node that is paused was asked just before. And once is enough for one and the same trouble.
        let text = result.to_string();
        if !node.paused && self.journal.last().is_none_or(|last| last.text != text) {
            self.note(Some(process.node), Tone::Bad, text);
        }
    }

    fn isolated(&mut self, process: Process, on: bool, at: Duration) {
        if on {
            self.ledger.strike(process, Blow::CutOff, at);
            self.note_at(
                at,
                Some(process.node),
                Tone::Deed,
                "is cut off from the others".into(),
            );
        } else {
            self.ledger.recovered(process);
            self.note_at(
                at,
                Some(process.node),
                Tone::Deed,
                "is connected again".into(),
            );
        }
    }

    fn follow_script(&mut self) {
        let Some(script) = self.script.as_mut().filter(|_| self.end.is_none()) else {
            return;
        };
        let nodes: Vec<Sight> = self.cluster.nodes.iter().map(Node::sight).collect();
        let (calm, heartbeat) = (self.calm, self.plan.heartbeat);
        match script.next(now(), &nodes, &self.ledger, || calm + up_to(heartbeat)) {
            Step::Wait => {}
            Step::Whole { leader, term } => {
                self.measure_syncs();
                self.note(
                    None,
                    Tone::Plain,
                    format!("all nodes agree on node {leader} in term {term}"),
                );
            }
            Step::Kill(process) => self.kill(process.node),
            Step::Restart(id) => self.restart(id),
            Step::Done => {
                self.tell_status();
                self.end = Some(End::Done);
            }
            Step::Failed(why) => self.end = Some(End::Failed(why)),
        }
    }

    /// Notes how each node is doing.
    fn tell_status(&mut self) {
        let nodes = self.cluster.nodes.iter();
        let told = nodes.filter_map(|node| {
            let (_, status) = node.status.as_ref()?;
            Some((node.id, tell_status(status, node.rates.rate())))
        });
        for (id, text) in told.collect::<Vec<_>>() {
            self.note(Some(id), Tone::Plain, text);
        }
    }

    /// Notes what the last sync of each node took.
    fn measure_syncs(&mut self) {
        let syncs = self
            .cluster
            .nodes
            .iter()
            .filter_map(|node| Some(node.status.as_ref()?.1.sync_seconds));
        let measured = syncs.filter(|sync| sync.count > 0);
        self.syncs
            .extend(measured.filter_map(|sync| Duration::try_from_secs_f64(sync.last).ok()));
    }

    /// The median time that a node took to make its state durable; zero if none was measured.
    pub(crate) fn sync(&self) -> Duration {
        median(self.syncs.iter().copied()).unwrap_or_default()
    }

    pub(super) fn note(&mut self, node: Option<u64>, tone: Tone, text: String) {
        self.note_at(now(), node, tone, text);
    }

    pub(super) fn note_at(&mut self, at: Duration, node: Option<u64>, tone: Tone, text: String) {
        self.journal.push(Entry {
            at,
            node,
            tone,
            text,
        });
    }
}

/// Whether somebody ended the node with SIGKILL, or with a signal that it obeys: those who see process numbers may
/// well use them.
fn by_hand(status: &ExitStatus) -> bool {
    status.success() || status.signal() == Some(Signal::KILL.as_raw())
}

/// A random duration below `bound`: the leader dies at any moment between two heartbeats.
fn up_to(bound: Duration) -> Duration {
    // Without randomness the middle is as good a moment as any.
    let random = getrandom::u32().unwrap_or(1 << 31);
    bound.mul_f64(f64::from(random) / (f64::from(u32::MAX) + 1.0))
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::sync::mpsc::channel;

    use tempfile::TempDir;

    use super::*;

    const PLAN: Plan = Plan {
        nodes: 2,
        heartbeat: Duration::from_millis(50),
        election_timeout: Duration::from_millis(500),
    };

    /// A program that does what `script` says in the place of a node.
    fn node_that(script: &str) -> (TempDir, PathBuf) {
        let directory = TempDir::new().unwrap();
        let program = directory.path().join("node");
        // Written by another process: one that a thread of ours starts meanwhile must not hold the file open.
        let written = Command::new("sh")
            .args([
                "-c",
                r#"printf '#!/bin/sh\n%s\n' "$1" > "$0" && chmod +x "$0""#,
            ])
            .arg(&program)
            .arg(script)
            .status();
        assert!(written.unwrap().success());
        (directory, program)
    }

    fn start(program: PathBuf, kills: Option<usize>) -> Demo {
        Demo::start(PLAN, kills, Duration::ZERO, program, channel()).unwrap()
    }

    const READY: &str = "echo since=1 event=ready term=0 >&2; exec cat";

    #[test]
    fn a_port_that_was_taken_meanwhile_is_replaced() {
        let refuse = r#"mkdir "$0.first" 2>/dev/null && echo 'Address already in use (os error 98)' >&2 && exit 1"#;
        let (_directory, program) = node_that(&format!("{refuse}\n{READY}"));
        let mut demo = start(program, None);
        let first = demo.cluster.directory().to_owned();
        while !demo.begun {
            demo.turn(Duration::from_secs(1));
        }
        assert_eq!(demo.attempts, 2);
        assert!(!first.exists(), "what was given up is removed");
        assert!(demo.ledger.has_majority());
        for start in [0, 1] {
            // Terms begin anew, too: what the former node 1 said is not the present one's.
            let line = "since=1 event=leadership_gained term=1".to_owned();
            demo.handle(Event::Line(Process { node: 1, start }, line));
        }
        assert_eq!(demo.ledger.problems(), <[String; 0]>::default());
    }

    #[test]
    fn ports_that_are_always_taken_end_it() {
        let (_directory, program) =
            node_that("echo 'Address already in use (os error 98)' >&2; exit 1");
        let mut demo = start(program, Some(1));
        while demo.end.is_none() {
            demo.turn(Duration::from_secs(1));
        }
        assert_eq!(demo.attempts, ATTEMPTS);
        assert!(
            matches!(demo.end, Some(End::Failed(why)) if why.contains("Address already in use"))
        );
    }

    #[test]
    fn a_node_that_ends_by_itself_is_a_problem_that_quotes_it() {
        for status in [78, 0] {
            let (_directory, program) = node_that(&format!("echo no good >&2; exit {status}"));
            let mut demo = start(program, Some(1));
            while demo.end.is_none() {
                demo.turn(Duration::from_secs(1));
            }
            let end = demo.finish(End::Done);
            let why = format!("(exit status: {status}): no good");
            assert!(matches!(end, End::Failed(problem) if problem.ends_with(&why)));
        }
    }

    #[test]
    fn a_node_that_the_user_ends_is_none() {
        let (_directory, program) = node_that(READY);
        let mut demo = start(program, None);
        while !demo.begun {
            demo.turn(Duration::from_secs(1));
        }
        let process = demo.cluster.nodes[0].process;
        let lead = Line {
            since: now(),
            news: News::LeadershipGained { term: 1 },
        };
        demo.ledger.line(process, &lead);
        let pid = demo.cluster.nodes[0].running.as_ref().unwrap().pid();
        let killed = Command::new("sh")
            .args(["-c", &format!("kill -9 {pid}")])
            .status();
        assert!(killed.unwrap().success());
        while demo.cluster.nodes[0].running.is_some() {
            demo.turn(Duration::from_secs(1));
        }
        assert!(demo.ledger.problems().is_empty() && demo.ledger.leader().is_none());
        assert_eq!(demo.ledger.open().unwrap().process, process);
        assert!(demo.end.is_none());
        demo.restart(1);
        assert_eq!(demo.cluster.nodes[0].process.start, process.start + 1);
    }
}
