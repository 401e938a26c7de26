//! The supervisor: has the program run while this member leads, and only then.

use std::ffi::OsString;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant as StdInstant};

use raft_core::{NodeId, Term};
use raft_driver_mio::{Handle, Instant};
use rustix::process::Pid;
use signal_hook::consts::{SIGHUP, SIGINT, SIGKILL, SIGTERM};
use signal_hook::iterator::Signals;
use tracing::{error, info, warn};

use super::events::{Event, LONG, SharedLink, extend, hand_over, listen, lock, nanoseconds, watch};
use super::link::Keeper;
use super::options::Wishes;
use super::orders::{End, Notice, Order};
use super::{FAILED, LEADERSHIP_LOST, slay};
use crate::aside::Aside;
use crate::facts::{Facts, Occasion};
use crate::member::{Member, Refusal};
use crate::restarts::Restarts;
use crate::{systemd, tallies};

/// How long the keeper may take to say that a program has ended, beyond the time that the program has, while the
/// lease lasts.
const KEEPER_PATIENCE: Duration = Duration::from_secs(1);
/// The least time between two starts of a keeper.
const KEEPER_INTERVAL: Duration = Duration::from_secs(1);

/// What the supervisor was asked to do.
pub(crate) struct Plan {
    /// How long the program may take to be dead after SIGKILL, when the lease is lost.
    pub(crate) allowance: Duration,
    pub(crate) wishes: Wishes,
    pub(crate) command: Vec<OsString>,
    /// Children of this process that are none of the program's.
    pub(crate) spared: Vec<Pid>,
    pub(crate) facts: Facts,
}

/// The program while it runs, as far as is known here.
struct Run {
    term: Term,
    began: StdInstant,
    /// Its process group.
    pid: Option<Pid>,
    /// Whether it was asked to end.
    stopping: bool,
    /// Whether it was told that the lease is over.
    lost: bool,
    /// When the keeper is no longer trusted to end it.
    overdue: Option<StdInstant>,
}

/// The end of the member, once it is decided.
struct Ending {
    status: u8,
    /// The signal that asked for it.
    signal: Option<i32>,
    /// Whether the node was told.
    shutting_down: bool,
}

struct Supervisor {
    handle: Handle,
    node: NodeId,
    plan: Plan,
    events: Sender<Event>,
    keeper: Option<Keeper>,
    /// How many keepers there were.
    keepers: u64,
    keeper_started: StdInstant,
    link: SharedLink,
    run: Option<Run>,
    restarts: Restarts,
    reload: Aside,
    hand_over: Aside,
    /// Whether the node was asked to hand over and has not answered.
    handing_over: bool,
    ending: Option<Ending>,
}

/// Runs to the end of the member, and returns the exit status.
pub(crate) fn run(member: Member, signals: Signals, plan: Plan) -> Result<u8, Refusal> {
    // The log is dropped last, so that all of it is written.
    let Member {
        handle,
        reload,
        log: _log,
    } = member;
    let (events, heard) = channel();
    let hand_over = hand_over(&handle, &events).map_err(|error| Refusal {
        error: format!("a thread: {error}"),
        status: FAILED,
    })?;
    let link = SharedLink::default();
    watch(&handle, &events);
    listen(signals, &events);
    extend(&handle, &link);
    let mut supervisor = Supervisor {
        node: handle.id(),
        handle,
        plan,
        events,
        keeper: None,
        keepers: 0,
        keeper_started: StdInstant::now(),
        link,
        run: None,
        restarts: Restarts::default(),
        reload,
        hand_over,
        handing_over: false,
        ending: None,
    };
    supervisor.start_keeper();
    supervisor.serve(&heard)
}

impl Supervisor {
    fn serve(&mut self, heard: &Receiver<Event>) -> Result<u8, Refusal> {
        loop {
            if let Some(end) = self.advance() {
                return end;
            }
            let event = match heard.recv_timeout(self.patience()) {
                Ok(event) => event,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => Event::Changed,
            };
            match event {
                Event::Changed => {}
                Event::HandedOver => self.handing_over = false,
                Event::Signal(signal) => {
                    if let Some(status) = self.on_signal(signal) {
                        return Ok(status);
                    }
                }
                Event::Keeper(number, notice) if number == self.keepers => match notice {
                    Some(Notice::Started { pid }) => self.started(pid),
                    Some(Notice::Ended(end)) => self.ended(end),
                    None => self.keeper_gone(),
                },
                Event::Keeper(..) => {}
            }
        }
    }

    /// Does what is to be done now. The end of the member, if that is reached.
    fn advance(&mut self) -> Option<Result<u8, Refusal>> {
        if self.run.is_some() {
            self.oversee();
            return None;
        }
        let view = self.handle.view();
        if view.stopped {
            return Some(self.end());
        }
        if self.handing_over {
            // What it answers decides what comes next.
            return None;
        }
        if let Some(ending) = &mut self.ending {
            if !ending.shutting_down {
                ending.shutting_down = true;
                self.handle.shutdown();
            }
            return None;
        }
        if self.keeper.is_none() && self.keeper_due() <= StdInstant::now() {
            self.start_keeper();
        }
        if self.restarts.over() {
            let _ = self.handle.set_fit(true);
        }
        if view.hand_over.is_some() {
            self.ask_to_hand_over();
        } else if let Some(leadership) = view.leadership
            && leadership.confirmed
            && !self.restarts.waiting()
        {
            self.start_program(leadership.term);
        }
        None
    }

    fn start_program(&mut self, term: Term) {
        // The end first: a lease that is extended in between is passed on later.
        let lease = self.handle.wait_lease(None, Duration::ZERO);
        let active = |_: &_| self.handle.active().is_some_and(|(now, _)| now == term);
        let Some((_, until)) = lease.filter(active) else {
            return;
        };
        let Some(link) = &*lock(&self.link) else {
            return;
        };
        link.give(&Order::Start {
            term: term.0,
            until: nanoseconds(until.since_start()),
            environment: self.plan.facts.environment(
                &self.handle,
                Occasion::Leader(term),
                &self.handle.view(),
            ),
        });
        self.run = Some(Run {
            term,
            began: StdInstant::now(),
            pid: None,
            stopping: false,
            lost: false,
            overdue: None,
        });
    }

    /// Ends the program when it has no right to run any more, or was asked to end.
    fn oversee(&mut self) {
        let Some(run) = &mut self.run else {
            return;
        };
        let now = StdInstant::now();
        let asked = self.ending.is_some() || self.handle.view().hand_over.is_some();
        let leased = |(term, _)| term == run.term;
        let order = if !run.lost && !self.handle.lease().is_some_and(leased) {
            run.lost = true;
            warn!(event = "lease_lost", node = self.node.0, term = run.term.0);
            // Half of what there is for the keeper, half for the system if the keeper does not do it.
            run.overdue = Some(now + self.plan.wishes.grace + self.plan.allowance / 2);
            Some(Order::GiveUp)
        } else if asked && !run.stopping && !run.lost {
            run.stopping = true;
            run.overdue = now.checked_add(self.plan.wishes.stop_timeout + KEEPER_PATIENCE);
            Some(Order::Stop {
                signal: self.plan.wishes.stop_signal,
                timeout: nanoseconds(self.plan.wishes.stop_timeout),
            })
        } else {
            None
        };
        if let (Some(order), Some(link)) = (order, &*lock(&self.link)) {
            link.give(&order);
        }
        if run.overdue.is_some_and(|at| at <= now) {
            run.overdue = None;
            error!(event = "keeper_overdue", node = self.node.0);
            // It takes the program with it.
            self.keeper.iter_mut().for_each(Keeper::kill);
        }
    }

    fn started(&mut self, pid: i32) {
        if let Some(run) = &mut self.run {
            run.pid = Pid::from_raw(pid);
            info!(
                event = "program_started",
                node = self.node.0,
                term = run.term.0,
                pid
            );
        }
    }

    /// The program and all its descendants are dead.
    fn ended(&mut self, end: End) {
        let Some(run) = self.run.take() else {
            return;
        };
        let (node, term) = (self.node.0, run.term.0);
        let status = match end {
            End::Status(status) => {
                info!(event = "program_ended", node, term, status);
                status
            }
            End::LeaseOver => {
                info!(event = "program_killed", node, term);
                return self.leadership_lost();
            }
            End::Failed(error) => {
                error!(event = "program_not_started", node, term, error);
                FAILED
            }
        };
        if run.lost {
            self.leadership_lost();
        } else if run.stopping {
            if self.ending.is_none() {
                self.ask_to_hand_over();
                self.leadership_lost();
            }
        } else if self.plan.wishes.restart {
            tallies::CHILD_RESTARTS.count();
            let pause = self.restarts.next(run.began.elapsed());
            warn!(event = "program_waits", node, seconds = pause.as_secs_f64());
            // Another host may have more luck, and this one is not asked to take over meanwhile. If there is none, this one
            // goes on.
            let _ = self.handle.set_fit(false);
            self.ask_to_hand_over();
        } else {
            self.end_with(status, None);
        }
    }

    /// Never waits for the node: it may wait for its disk for ever.
    fn ask_to_hand_over(&mut self) {
        self.handing_over = true;
        self.hand_over.ask();
    }

    fn leadership_lost(&mut self) {
        if self.plan.wishes.once {
            self.end_with(LEADERSHIP_LOST, None);
        }
    }

    fn end_with(&mut self, status: u8, signal: Option<i32>) {
        self.ending.get_or_insert(Ending {
            status,
            signal,
            shutting_down: false,
        });
    }

    /// The node has stopped, and nothing runs.
    fn end(&mut self) -> Result<u8, Refusal> {
        let refusal = |error: String| Refusal {
            error,
            status: FAILED,
        };
        match (self.handle.join(), &self.ending) {
            (Ok(()), Some(ending)) => Ok(ending.status),
            (Ok(()), None) => Err(refusal("the node was stopped".to_owned())),
            (Err(error), _) => Err(refusal(error.to_string())),
        }
    }

    /// The exit status, if the signal ends the process at once.
    fn on_signal(&mut self, signal: i32) -> Option<u8> {
        let killed = u8::try_from(128 + signal).unwrap_or(FAILED);
        match signal {
            SIGTERM | SIGINT => match (&mut self.ending, &self.run) {
                (Some(ending), Some(_)) if ending.signal.is_some() && ending.status == 0 => {
                    ending.status = killed;
                    self.order(&Order::Stop {
                        signal: SIGKILL,
                        timeout: 0,
                    });
                    None
                }
                (Some(ending), _) if ending.signal.is_some() => Some(killed),
                (Some(ending), _) => {
                    ending.signal = Some(signal);
                    None
                }
                (None, _) => {
                    info!(event = "stopping", node = self.node.0, signal);
                    systemd::stopping();
                    self.end_with(0, Some(signal));
                    None
                }
            },
            _ => {
                if signal == SIGHUP {
                    self.reload.ask();
                }
                if self.plan.wishes.forward.contains(signal) {
                    self.order(&Order::Signal { signal });
                }
                None
            }
        }
    }

    fn order(&self, order: &Order) {
        if let (Some(_), Some(link)) = (&self.run, &*lock(&self.link)) {
            link.give(order);
        }
    }

    /// The keeper is gone, and by the system the program with it. Its orphans are our children now.
    fn keeper_gone(&mut self) {
        *lock(&self.link) = None;
        // One that only closed its end, because it was stopped and did not read, still has to go.
        self.keeper.iter_mut().for_each(Keeper::kill);
        self.keeper.iter_mut().for_each(Keeper::wait);
        self.keeper = None;
        let group = self.run.as_ref().and_then(|run| run.pid);
        slay::slay(group, &self.plan.spared, |_, _| {});
        error!(event = "keeper_lost", node = self.node.0);
        // As after a lease that was too short: if this member still leads, the program starts again.
        if self.run.is_some() {
            self.ended(End::LeaseOver);
        }
    }

    fn keeper_due(&self) -> StdInstant {
        match self.keepers {
            0 => self.keeper_started,
            _ => self.keeper_started + KEEPER_INTERVAL,
        }
    }

    fn start_keeper(&mut self) {
        self.keepers += 1;
        self.keeper_started = StdInstant::now();
        let (number, events) = (self.keepers, self.events.clone());
        let heard = move |notice| {
            let _ = events.send(Event::Keeper(number, notice));
        };
        match Keeper::start(&self.plan.command, self.plan.wishes.grace, heard) {
            Ok(keeper) => {
                *lock(&self.link) = Some(keeper.link());
                self.keeper = Some(keeper);
            }
            Err(error) => {
                error!(event = "keeper_not_started", node = self.node.0, %error);
                self.end_with(FAILED, None);
            }
        }
    }

    /// How long there is nothing to do but to wait.
    fn patience(&self) -> Duration {
        let now = StdInstant::now();
        let until = |at: StdInstant| at.saturating_duration_since(now);
        if let Some(run) = &self.run {
            let overdue = run.overdue.map_or(LONG, until);
            // One that ended since it was looked at is looked at again at once.
            let lease = match self.handle.lease() {
                _ if run.lost => LONG,
                Some((_, left)) => left,
                None => Duration::ZERO,
            };
            return lease.min(overdue);
        }
        let may_start = self.handle.view().leadership.map(|leadership| {
            leadership
                .may_start
                .saturating_duration_since(Instant::now())
        });
        let keeper = self.keeper.is_none().then(|| until(self.keeper_due()));
        let due = [may_start, keeper, self.restarts.due().map(until)];
        // A lease that is not there yet, or not any more, begins with a change of the state or soon after.
        match due.into_iter().flatten().min() {
            Some(Duration::ZERO) => self.handle.config().heartbeat_interval(),
            due => due.unwrap_or(LONG),
        }
    }
}
