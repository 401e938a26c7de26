//! A running node: the loop, and the actions that it carries out.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Duration;

use getrandom::SysRng;
use mio::net::UdpSocket;
use mio::{Events, Poll, Token, Waker};
use raft_core::{Action, Actions, Config, Deadlines, Event, NodeId, Raft, RoleKind, Term, Timer};
use rand_core::UnwrapErr;
use tracing::info;

use crate::clock::Instant;
use crate::control::Control;
use crate::counters::Counters;
use crate::error::{NodeError, TransferError};
use crate::frame::Transport;
use crate::handle::Command;
use crate::handover::{Asked, End, Held};
use crate::names::snake_case;
use crate::peers::Peers;
use crate::preference::Preference;
use crate::resolve::Resolver;
use crate::shared::{Leadership, Shared};
use crate::store::Store;
use crate::trace::Trace;

pub(crate) const SOCKET: Token = Token(0);
pub(crate) const WAKER: Token = Token(1);
/// This and all above.
pub(crate) const CONTROL: Token = Token(2);

/// How many commands are obeyed before timers are looked at again.
const COMMANDS_A_TURN: usize = 64;

/// A node, all of it owned by its thread.
pub(crate) struct Node {
    pub(crate) id: NodeId,
    pub(crate) cluster: String,
    pub(crate) listen: SocketAddr,
    pub(crate) config: Config,
    pub(crate) raft: Raft<UnwrapErr<SysRng>>,
    pub(crate) deadlines: Deadlines<Instant>,
    pub(crate) shared: Arc<Shared>,
    /// What others were last told.
    pub(crate) published: Option<(RoleKind, Term, Option<NodeId>)>,
    pub(crate) transport: Transport,
    pub(crate) socket: UdpSocket,
    /// Whether there may be datagrams to read.
    pub(crate) readable: bool,
    pub(crate) peers: Peers,
    pub(crate) resolver: Option<Resolver>,
    /// What a resolver that is started later wakes the node with.
    pub(crate) waker: Arc<Waker>,
    pub(crate) control: Option<Control>,
    pub(crate) commands: Receiver<Command>,
    /// Whether there may be more of them.
    pub(crate) commanded: bool,
    pub(crate) poll: Poll,
    pub(crate) counters: Counters,
    pub(crate) next_chores: Instant,
    /// Whether the latest chores renewed our challenge.
    pub(crate) renewed: bool,
    pub(crate) isolated: bool,
    /// What became of the transfer that the current step was asked for.
    pub(crate) transfer: Option<Result<NodeId, TransferError>>,
    /// A transfer that was asked for and waits for the host to stop its work.
    pub(crate) asked: Option<Asked>,
    pub(crate) stop_timeout: Option<Duration>,
    /// How long a new leader waits before it may start anything.
    pub(crate) takeover_wait: Duration,
    pub(crate) held: Held,
    pub(crate) preference: Preference,
    /// When the node ends at the latest, once it was told to.
    pub(crate) end: Option<End>,
    pub(crate) started: Instant,
    pub(crate) trace: Option<Trace>,
    /// It holds the lock, so it is dropped last: who gets the lock finds the socket's port free, and the control
    /// socket that it makes is not removed by us.
    pub(crate) store: Store,
}

impl Node {
    /// Runs the node to its end. `restored` are the actions of its restore.
    pub(crate) fn run(mut self, restored: Actions) -> Result<(), NodeError> {
        let (term, listen) = (self.raft.state().current_term().0, self.listen);
        info!(event = "ready", node = self.id.0, term, listen = %listen);
        if let Some(trace) = &mut self.trace {
            trace.started(self.raft.state());
        }
        self.carry_out(restored)?;
        self.do_chores();
        let mut events = Events::with_capacity(64);
        while !self.ended() {
            match self.poll.poll(&mut events, Some(self.patience())) {
                Err(error) if error.kind() != ErrorKind::Interrupted => {
                    return Err(NodeError::Poll(error));
                }
                Ok(()) | Err(_) => {}
            }
            for event in &events {
                match event.token() {
                    SOCKET => self.readable = true,
                    WAKER => {}
                    _ => self
                        .control
                        .iter_mut()
                        .for_each(|control| control.ready(event)),
                }
            }
            let began = Instant::now();
            // First what is due: a flood of datagrams stops neither heartbeats nor the end of an election.
            self.serve_timers()?;
            self.serve_datagrams()?;
            self.serve_commands()?;
            self.serve_control()?;
            self.serve_resolver();
            let took = Instant::now().saturating_duration_since(began);
            self.counters.turns.add(took);
        }
        if let Some(trace) = &mut self.trace {
            trace.stopped();
        }
        info!(event = "stopped", node = self.id.0);
        Ok(())
    }

    fn serve_timers(&mut self) -> Result<(), NodeError> {
        for _ in Timer::ALL {
            let Some(event) = self.deadlines.expire(Instant::now()) else {
                break;
            };
            self.step(event)?;
        }
        self.hand_over_at_the_latest()?;
        if self.next_chores <= Instant::now() {
            self.do_chores();
            self.give_way()?;
        }
        Ok(())
    }

    /// How long there is nothing to do but to wait.
    fn patience(&self) -> Duration {
        let asked = self.control.as_ref().is_some_and(Control::has_more);
        if self.readable || self.commanded || asked {
            return Duration::ZERO;
        }
        let mut next = self.next_chores;
        if let Some(due) = self.deadlines.earliest() {
            next = next.min(due);
        }
        if let Some(latest) = self.hand_over_due() {
            next = next.min(latest);
        }
        next.saturating_duration_since(Instant::now())
    }

    pub(crate) fn step(&mut self, event: Event) -> Result<(), NodeError> {
        self.note_answer(&event);
        let actions = self.raft.step(event);
        if let Some(trace) = &mut self.trace {
            trace.event(&event, self.raft.state());
        }
        self.carry_out(actions)
    }

    fn carry_out(&mut self, actions: Actions) -> Result<(), NodeError> {
        for action in actions {
            // Read anew: a timer that counted from before a slow sync would have run out when what it waits for is sent.
            self.deadlines.carry_out(&action, Instant::now());
            self.shared.carry_out(&action);
            if let Some(trace) = &mut self.trace {
                trace.action(&action);
            }
            match action {
                Action::Persist(state) => {
                    let began = Instant::now();
                    self.store.persist(&state).map_err(NodeError::Persist)?;
                    self.counters
                        .synced(Instant::now().saturating_duration_since(began));
                    if let Some(trace) = &mut self.trace {
                        trace.synced();
                    }
                }
                Action::Send { to, message } => self.send(to, Some(&message)),
                Action::LeadershipGained {
                    term,
                    predecessor_stopped,
                } => {
                    self.gained(term, predecessor_stopped);
                }
                Action::LeadershipConfirmed { term, .. } => self.confirmed(term),
                Action::LeadershipLost { term, reason } => {
                    // At once, before what follows in this step may wait for the disk.
                    self.asked = None;
                    self.shared.update(|view| {
                        view.leadership = None;
                        view.hand_over = None;
                        view.lost = Some((term, reason));
                    });
                    let reason = snake_case(reason);
                    info!(
                        event = "leadership_lost",
                        node = self.id.0,
                        term = term.0,
                        reason
                    );
                }
                Action::Report(report) => self.report(report),
                Action::StartRound { term, round } => {
                    self.peers.round_began(term, round, Instant::now());
                }
                Action::SetTimer { .. } | Action::CancelTimer(_) => {}
            }
        }
        self.publish();
        Ok(())
    }

    fn gained(&mut self, term: Term, predecessor_stopped: bool) {
        info!(
            event = "leadership_gained",
            node = self.id.0,
            term = term.0,
            predecessor_stopped
        );
        self.forget_answers();
        let wait = if predecessor_stopped {
            Duration::ZERO
        } else {
            self.takeover_wait
        };
        let may_start = Instant::now() + wait;
        let leadership = Leadership {
            term,
            predecessor_stopped,
            confirmed: false,
            may_start,
        };
        // As one with the role, so that nobody is told of a leadership in a term that is not its own.
        let id = self.id;
        self.shared.update(|view| {
            view.leadership = Some(leadership);
            (view.role, view.term, view.leader) = (RoleKind::Leader, term, Some(id));
        });
    }

    fn confirmed(&mut self, term: Term) {
        let mut first = false;
        self.shared.update(|view| {
            if let Some(leadership) = &mut view.leadership {
                first = !leadership.confirmed;
                leadership.confirmed = true;
            }
        });
        if first {
            let lease = self.config.lease().unwrap_or_default().as_secs_f64();
            info!(
                event = "lease_gained",
                node = self.id.0,
                term = term.0,
                lease
            );
        }
    }

    /// Tells the others what is durable now: all actions so far are carried out.
    fn publish(&mut self) {
        let state = self.raft.state();
        let leader = self.known_leader();
        let latest = (state.role().kind(), state.current_term(), leader);
        if self.published != Some(latest) {
            self.published = Some(latest);
            self.counters.leader(latest.1, latest.2);
            self.shared
                .update(|view| (view.role, view.term, view.leader) = latest);
        }
    }

    fn serve_commands(&mut self) -> Result<(), NodeError> {
        self.commanded = false;
        for _ in 0..COMMANDS_A_TURN {
            let command = self.commands.try_recv();
            // Looked for after the command was taken: what was told before it counts before it.
            if let Some(position) = self.shared.take_log_tail() {
                self.step(Event::LogTailMoved(position))?;
            }
            match command {
                Ok(command) => self.obey(command)?,
                Err(TryRecvError::Empty) => return Ok(()),
                // Nobody is left who could stop the node, or use it.
                Err(TryRecvError::Disconnected) => return self.obey(Command::Abort),
            }
        }
        self.commanded = true;
        Ok(())
    }

    fn obey(&mut self, command: Command) -> Result<(), NodeError> {
        // One who asked and went away needs no answer, hence the results that are let go.
        match command {
            Command::Status(reply) => {
                let _ = reply.try_send(self.status());
            }
            Command::Transfer { to, reply } => {
                let _ = reply.try_send(self.ask_for_transfer(to)?);
            }
            Command::HandOver { to, reply } => {
                let _ = reply.try_send(self.hand_over(to)?);
            }
            Command::Hold(hold, on) => self.hold(hold, on)?,
            Command::Isolate(on) => self.isolate(on),
            Command::ReplaceKeys { keys, reply } => {
                self.replace_keys(keys);
                let _ = reply.try_send(());
            }
            Command::ReplaceAddresses { peers, reply } => {
                let _ = reply.try_send(self.replace_addresses(&peers));
            }
            Command::Shutdown => self.begin_shutdown()?,
            Command::Abort => self.end = Some(End::Now),
        }
        Ok(())
    }

    pub(crate) fn isolate(&mut self, on: bool) {
        info!(event = "isolated", node = self.id.0, on);
        self.isolated = on;
    }
}
