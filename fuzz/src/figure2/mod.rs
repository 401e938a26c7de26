//! Plain nodes beside a model of Figure 2: in any schedule of a cluster, the code and the model must say and be the same.
//!
//! Any message ever sent may be delivered, any number of times; any timer that is set may run out; a node crashes after any
//! number of its actions and comes back from its disk. The model takes the same events. It knows no rounds: that a heartbeat is
//! repeated, and whether one is answered, it is not asked.

mod model;

use core::time::Duration;
use std::collections::BTreeMap;

use arbitrary::Arbitrary;
use raft_core::{
    Action, Actions, Config, Event, HardState, LogIndex, LogPosition, Message, NodeId, Options,
    Protocol, Raft, Role, Term, Timer,
};

use raft_driver_sim::timeline::{Header, Recording};
use raft_driver_sim::{Fault, Happening, Observer};

use self::model::{Id, Is, Log, Rpc, Server};
use crate::picture;
use crate::random::SplitMix;

/// There is no time in a schedule, so a picture has an event a millisecond.
const PACE: Duration = Duration::from_millis(1);
/// The operations of an input that count.
const MOST: usize = 1_000;

/// A run: the size of the cluster, and what happens to it.
#[derive(Debug, Arbitrary)]
pub struct Run {
    nodes: u8,
    operations: Vec<Operation>,
}

#[derive(Clone, Copy, Debug, Arbitrary)]
enum Operation {
    /// A message arrives, counted from the latest that was sent.
    Deliver {
        age: u16,
        crash: Option<u8>,
    },
    /// A timer that is set runs out.
    Fire {
        node: u8,
        timer: u8,
        crash: Option<u8>,
    },
    /// A node crashes between two steps.
    Crash(u8),
    LogTail {
        node: u8,
        term: u8,
        index: u8,
    },
}

/// A node twice: as it ships, and as Figure 2 has it.
struct Pair {
    raft: Raft<SplitMix>,
    disk: HardState,
    model: Server,
}

struct Cluster<O> {
    pairs: Vec<Pair>,
    sent: Vec<(Id, Id, Message)>,
    leaders: BTreeMap<u64, Id>,
    now: Duration,
    observer: O,
}

impl Run {
    /// Runs it.
    ///
    /// # Panics
    ///
    /// Where the two differ.
    pub fn check(self) {
        self.run(());
    }

    /// Runs it and records what the code does, for a picture.
    pub fn record(self) -> Recording {
        let header = Header::of_config(&config(1, self.nodes()));
        picture::record(header, |sketch| {
            self.run(sketch);
            Ok(())
        })
    }

    fn nodes(&self) -> u64 {
        u64::from(self.nodes % 5) + 1
    }

    fn run<O: Observer>(&self, observer: O) {
        let mut cluster = Cluster::new(self.nodes(), observer);
        for operation in self.operations.iter().take(MOST) {
            cluster.apply(*operation);
        }
    }
}

impl<O: Observer> Cluster<O> {
    fn new(nodes: u64, observer: O) -> Self {
        let pair = |id| {
            let (raft, _) = restore(id, nodes, HardState::first_boot(), LogPosition::default());
            let (disk, model) = (HardState::first_boot(), Server::new(id, nodes));
            Pair { raft, disk, model }
        };
        let mut cluster = Cluster {
            pairs: (1..=nodes).map(pair).collect(),
            sent: Vec::new(),
            leaders: BTreeMap::new(),
            now: Duration::ZERO,
            observer,
        };
        for index in 0..cluster.pairs.len() {
            cluster.observe_state(index);
        }
        cluster
    }

    fn observe(&mut self, index: usize, happening: Happening<'_>) {
        let id = NodeId(self.pairs[index].model.id);
        self.observer
            .observe(picture::time(self.now), id, happening);
    }

    fn observe_state(&mut self, index: usize) {
        let Pair { raft, model, .. } = &self.pairs[index];
        let state = Happening::State(raft.state());
        self.observer
            .observe(picture::time(self.now), NodeId(model.id), state);
    }

    fn restart(&mut self, index: usize) {
        self.now += PACE / 4;
        self.observe(index, Happening::Fault(Fault::Crash));
        self.pairs[index].restart();
        self.now += PACE / 4;
        self.observe(index, Happening::Fault(Fault::Restart));
        self.observe_state(index);
        self.pairs[index].compare_states("a restart");
    }

    fn apply(&mut self, operation: Operation) {
        self.now += PACE;
        let nodes = self.pairs.len();
        let place = |node: u8| usize::from(node) % nodes;
        match operation {
            Operation::Deliver { age, crash } => {
                let count = self.sent.len();
                if count > 0 {
                    let (from, to, message) = self.sent[count - 1 - usize::from(age) % count];
                    let event = Event::Receive {
                        from: NodeId(from),
                        message,
                    };
                    self.step(to as usize - 1, event, crash);
                }
            }
            Operation::Fire { node, timer, crash } => {
                let index = place(node);
                let timer = Timer::ALL[usize::from(timer) % 3];
                if let Some(number) = self.pairs[index].raft.armed(timer) {
                    self.step(index, Event::TimerFired { timer, number }, crash);
                }
            }
            Operation::Crash(node) => self.restart(place(node)),
            Operation::LogTail { node, term, index } => {
                let index_of_node = place(node);
                let pair = &mut self.pairs[index_of_node];
                let (last_term, last_index) = (u64::from(term % 4), u64::from(index % 4));
                pair.model.log = Log {
                    last_index,
                    last_term,
                };
                let event = Event::LogTailMoved(pair.log());
                let actions = pair.raft.step(event);
                self.observe(index_of_node, Happening::Event(&event));
                self.observe_state(index_of_node);
                assert!(actions.is_empty());
            }
        }
    }

    /// Both take the event, and are compared; then the node crashes, if it does.
    fn step(&mut self, index: usize, event: Event, crash: Option<u8>) {
        self.observe(index, Happening::Event(&event));
        let pair = &mut self.pairs[index];
        let before = pair.model.clone();
        let actions = pair.raft.step(event);
        let carried_out = crash.map_or(usize::MAX, |actions| usize::from(actions % 8));
        self.observe_state(index);
        for action in actions.iter().take(carried_out) {
            self.observe(index, Happening::Action(action));
        }
        let pair = &mut self.pairs[index];
        let said = pair.model_takes(&event);
        pair.compare(&event, &actions, &said);
        for action in actions.iter().take(carried_out) {
            match *action {
                Action::Persist(state) => pair.disk = state,
                Action::Send { to, message } => self.sent.push((pair.model.id, to.0, message)),
                Action::LeadershipGained { term, .. } => {
                    let first = *self.leaders.entry(term.0).or_insert(pair.model.id);
                    assert_eq!(first, pair.model.id, "two leaders in term {term}");
                }
                _ => {}
            }
        }
        if crash.is_some() {
            // What the model would have written by then.
            if carried_out < actions.len() && pair.disk != pair.raft.state().hard_state() {
                pair.model = before;
            }
            self.restart(index);
        }
    }
}

impl Pair {
    fn log(&self) -> LogPosition {
        LogPosition {
            term: Term(self.model.log.last_term),
            index: LogIndex(self.model.log.last_index),
        }
    }

    fn restart(&mut self) {
        let servers = self.raft.config().voters().len() as u64;
        let (raft, actions) = restore(self.model.id, servers, self.disk, self.log());
        assert!(
            !actions
                .iter()
                .any(|action| matches!(action, Action::Send { .. }))
        );
        self.raft = raft;
        self.model.restart();
    }

    /// What the model sends.
    fn model_takes(&mut self, event: &Event) -> Vec<(Id, Rpc)> {
        match *event {
            Event::Receive { from, message } => match translate(&message) {
                Some(rpc) => self.model.receive(from.0, rpc),
                None => panic!("plain Raft sends no {message:?}"),
            },
            Event::TimerFired { timer, .. } => match timer {
                Timer::Election => self.model.election_timeout_elapses(),
                Timer::Heartbeat => self.model.send_heartbeats(),
                Timer::Repeat => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    fn compare(&self, event: &Event, actions: &Actions, said: &[(Id, Rpc)]) {
        let asks_again = matches!(
            event,
            Event::TimerFired {
                timer: Timer::Repeat,
                ..
            }
        );
        let says = actions.iter().filter_map(|action| match action {
            Action::Send { to, message } => Some((to.0, translate(message)?)),
            _ => None,
        });
        let decides = |said: &(Id, Rpc)| !matches!(said.1, Rpc::AppendEntriesResult { .. });
        let code: Vec<(Id, Rpc)> = says.filter(decides).collect();
        let model: Vec<(Id, Rpc)> = said.iter().copied().filter(decides).collect();
        if asks_again {
            self.asks_again(&code);
        } else {
            assert_eq!(
                code, model,
                "by {event:?} the code says one thing and Figure 2 another"
            );
        }
        self.compare_states(event);
    }

    /// Whom a candidate asks again has not voted for it.
    fn asks_again(&self, code: &[(Id, Rpc)]) {
        for (to, rpc) in code {
            let asked =
                matches!(rpc, Rpc::RequestVote { term, .. } if *term == self.model.current_term);
            assert!(asked && self.model.is == Is::Candidate && !self.model.votes.contains(to));
        }
    }

    fn compare_states(&self, after: impl core::fmt::Debug) {
        let (state, model) = (self.raft.state(), &self.model);
        let voters = self.raft.config().voters();
        let (is, votes) = match state.role() {
            Role::Follower(_) => (Is::Follower, Vec::new()),
            Role::Candidate(candidate) => {
                let granted = (0..voters.len()).filter(|index| candidate.granted.contains(*index));
                let votes = granted.map(|index| voters[index].0).collect();
                (Is::Candidate, votes)
            }
            Role::Leader(_) => (Is::Leader, Vec::new()),
            Role::PreCandidate(_) => panic!("plain Raft asks for no pre-vote"),
        };
        let code = (
            state.current_term().0,
            state.voted_for().map(|id| id.0),
            state.leader().map(|id| id.0),
            is,
        );
        let figure = (model.current_term, model.voted_for, model.leader, model.is);
        assert_eq!(code, figure, "after {after:?} the code and Figure 2 differ");
        if is == Is::Candidate {
            assert!(model.votes.iter().copied().eq(votes), "votes differ");
        }
        let election = self.raft.armed(Timer::Election).is_some();
        let heartbeat = self.raft.armed(Timer::Heartbeat).is_some();
        let leads = is == Is::Leader;
        assert_eq!(
            (election, heartbeat),
            (!leads, leads),
            "the wrong timers are set"
        );
    }
}

fn config(id: Id, nodes: u64) -> Config {
    let voters: Vec<NodeId> = (1..=nodes).map(NodeId).collect();
    let options = Options {
        protocol: Protocol::Plain,
        ..Options::default()
    };
    Config::new(NodeId(id), &voters, options).expect("a valid configuration")
}

fn restore(id: Id, nodes: u64, disk: HardState, log: LogPosition) -> (Raft<SplitMix>, Actions) {
    Raft::restore(config(id, nodes), disk, log, SplitMix(id))
        .expect("what a node wrote, a node reads")
}

/// A message in the words of Figure 2.
fn translate(message: &Message) -> Option<Rpc> {
    match *message {
        Message::RequestVote(request) => Some(Rpc::RequestVote {
            term: request.term.0,
            last_log_index: request.last_log.index.0,
            last_log_term: request.last_log.term.0,
        }),
        Message::RequestVoteResponse(response) => Some(Rpc::RequestVoteResult {
            term: response.term.0,
            vote_granted: response.vote_granted,
        }),
        Message::AppendEntries(request) => Some(Rpc::AppendEntries {
            term: request.term.0,
        }),
        Message::AppendEntriesResponse(response) => Some(Rpc::AppendEntriesResult {
            term: response.term.0,
        }),
        Message::RequestPreVote(_)
        | Message::RequestPreVoteResponse(_)
        | Message::TimeoutNow(_) => None,
    }
}
