//! Runs hooks one after the other, by the node's latest state.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant as StdInstant};

use raft_core::{NodeId, Term};
use raft_driver_mio::{Handle, Instant, View};
use tracing::{error, info, warn};

use super::run::{Outcome, run};
use super::{Hook, Programs};
use crate::facts::{Facts, Occasion};
use crate::restarts::Restarts;
use crate::tallies;

/// How long there is nothing to do, if nothing is due.
const LONG: Duration = Duration::from_secs(3600);

enum Event {
    /// The node's state changed.
    Changed,
    /// The node is to end.
    Stop,
}

/// The hooks of a node that runs.
pub(crate) struct Hooks {
    events: Sender<Event>,
    thread: JoinHandle<bool>,
}

impl Hooks {
    /// What stops the node, when its hooks have run.
    pub(crate) fn stopper(&self) -> impl Fn() + Send + 'static {
        let events = self.events.clone();
        move || {
            let _ = events.send(Event::Stop);
        }
    }

    /// Waits for the last hook. False if what was started under the leadership may go on.
    pub(crate) fn join(self) -> bool {
        self.thread.join().unwrap_or(false)
    }
}

/// What the hooks have been told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Something may go on that was started under a leadership that is over.
    Dirty,
    Clear,
    Leading(Term),
}

struct Worker {
    handle: Handle,
    facts: Facts,
    programs: Programs,
    events: Receiver<Event>,
    state: State,
    /// Whether the node was told that it may campaign.
    fit: bool,
    stopping: bool,
    shutting_down: bool,
    /// Waits after a failed `on_leader`, while another node may lead.
    after_failure: Restarts,
    /// Waits between attempts of `on_follower`.
    cleaning: Restarts,
    /// What `on_change` was last told.
    told: Option<(Occasion, Term, Option<NodeId>)>,
}

/// Runs the hooks of a node from now on, on a thread of their own.
pub(crate) fn start(handle: &Handle, facts: Facts, programs: Programs) -> Hooks {
    let (sender, events) = channel();
    let (mut states, changed) = (handle.subscribe(), sender.clone());
    thread::spawn(move || {
        while states.wait_changed(Duration::MAX).is_some() && changed.send(Event::Changed).is_ok() {
        }
    });
    let dirty = programs.on_follower.is_some();
    if dirty {
        // Until what an earlier run left is cleared. The part in which a node that was just started cannot campaign
        // has begun only now.
        let _ = handle.set_fit(false);
    }
    let worker = Worker {
        handle: handle.clone(),
        facts,
        programs,
        events,
        state: if dirty { State::Dirty } else { State::Clear },
        fit: !dirty,
        stopping: false,
        shutting_down: false,
        after_failure: Restarts::default(),
        cleaning: Restarts::default(),
        told: None,
    };
    Hooks {
        events: sender,
        thread: thread::spawn(move || worker.serve()),
    }
}

impl Worker {
    fn serve(mut self) -> bool {
        loop {
            self.take_events(Duration::ZERO);
            let view = self.handle.view();
            let entitled = self.entitled(&view);
            if let State::Leading(term) = self.state
                && entitled != Some(term)
            {
                self.state = State::Dirty;
            }
            let over = view.stopped || self.stopping;
            match self.state {
                State::Dirty if !self.cleaning.waiting() || self.cleaning.over() || over => {
                    self.clean(&view);
                    if self.state == State::Dirty && over {
                        // The others must not take what runs here for stopped.
                        self.handle.abort();
                        return false;
                    }
                    continue;
                }
                State::Clear => self.when_clear(&view, entitled),
                State::Dirty | State::Leading(_) => {}
            }
            if self.state == State::Dirty && !self.cleaning.waiting() {
                continue;
            }
            if view.stopped {
                return true;
            }
            if !self.tell_change() {
                let patience = self.patience();
                self.take_events(patience);
            }
        }
    }

    /// The term in which `on_leader` has a reason to run.
    fn entitled(&self, view: &View) -> Option<Term> {
        let leadership = view.leadership?;
        let free = view.hand_over.is_none() && !self.stopping && !self.after_failure.waiting();
        let (term, _) = self.handle.active()?;
        // Once its confirmation is in the view, so that what is told is no older than the lease.
        (free && leadership.confirmed && term == leadership.term).then_some(term)
    }

    fn when_clear(&mut self, view: &View, entitled: Option<Term>) {
        self.after_failure.over();
        self.set_fit(!self.after_failure.waiting());
        if view.stopped || self.shutting_down {
            return;
        }
        if self.stopping {
            self.shutting_down = true;
            self.tell(Occasion::Stopping, view);
            self.handle.shutdown();
        } else if view.hand_over.is_some() || self.after_failure.waiting() {
            // Refused, there is nobody to hand over to, or nothing. While a node that hangs is waited for, no hook has
            // anything to do: all is clear.
            if view.leadership.is_some() {
                let _ = self.handle.hand_over(None);
            }
        } else if let Some(term) = entitled {
            self.lead(term, view);
        }
    }

    /// Lets the node campaign, or no longer.
    fn set_fit(&mut self, fit: bool) {
        if self.fit != fit {
            self.fit = fit;
            let _ = self.handle.set_fit(fit);
        }
    }

    /// Begins to lead.
    fn lead(&mut self, term: Term, view: &View) {
        // Whatever it does first, it may have done something.
        self.state = State::Dirty;
        match self.run(Hook::Leader, Occasion::Leader(term), view, Some(term)) {
            Outcome::Done => self.state = State::Leading(term),
            Outcome::Interrupted => {}
            Outcome::Failed(_) => {
                self.set_fit(false);
                let wait = self.after_failure.next(Duration::ZERO);
                let (node, seconds) = (self.handle.id().0, wait.as_secs_f64());
                warn!(event = "leadership_given_up", node, term = term.0, seconds);
            }
        }
    }

    /// Clears what runs, or is left.
    fn clean(&mut self, view: &View) {
        let occasion = if view.stopped || self.stopping {
            Occasion::Stopping
        } else {
            self.occasion(view)
        };
        match self.run(Hook::Follower, occasion, view, None) {
            Outcome::Done => self.state = State::Clear,
            Outcome::Interrupted | Outcome::Failed(_) => {
                self.set_fit(false);
                self.cleaning.next(Duration::ZERO);
            }
        }
    }

    /// What `on_change` and `on_follower` are told of.
    fn occasion(&self, view: &View) -> Occasion {
        match (self.state, view.leader) {
            (State::Leading(term), _) => Occasion::Leader(term),
            (_, Some(leader)) if leader != self.handle.id() => Occasion::Follower,
            (_, Some(_) | None) => Occasion::NoLeader,
        }
    }

    /// Tells `on_change` of the latest state, if it does not know it yet. False if there is nothing to tell.
    fn tell_change(&mut self) -> bool {
        let view = self.handle.view();
        let to_be_cleared = self.state == State::Dirty && !self.cleaning.waiting();
        if self.shutting_down || to_be_cleared {
            return false;
        }
        let occasion = self.occasion(&view);
        let leader = view.leader.filter(|_| occasion != Occasion::NoLeader);
        let now = Some((occasion, view.term, leader));
        if self.programs.on_change.is_none() || self.told == now {
            return false;
        }
        let Outcome::Interrupted = self.tell(occasion, &view) else {
            self.told = now;
            return true;
        };
        true
    }

    fn tell(&mut self, occasion: Occasion, view: &View) -> Outcome {
        let while_leading = match self.state {
            State::Leading(term) => Some(term),
            State::Dirty | State::Clear => None,
        };
        self.run(Hook::Change, occasion, view, while_leading)
    }

    /// Runs a hook, if there is one, and kills it if it should run only while this node leads in `while_leading`. It is told of
    /// `view`, in which it was decided that it runs.
    fn run(
        &mut self,
        which: Hook,
        occasion: Occasion,
        view: &View,
        while_leading: Option<Term>,
    ) -> Outcome {
        let Some(program) = self.programs.get(which).cloned() else {
            return Outcome::Done;
        };
        let node = self.handle.id().0;
        let (hook, name) = (program.display().to_string(), occasion.name());
        let term = occasion.term(view).0;
        let mut environment = self.facts.environment(&self.handle, occasion, view);
        environment.push(("RAFT_HOOK".to_owned(), which.name().to_owned()));
        let input = self.facts.json(&self.handle, which.name(), occasion, view);
        info!(
            event = "hook",
            node,
            hook,
            occasion = name,
            term,
            seq = view.seq
        );
        let (mut changes, timeout) = (0, self.programs.timeout);
        let outcome = run(&program, environment, &input, timeout, || {
            changes += self.take_events(Duration::ZERO);
            while_leading.is_some_and(|term| self.entitled(&self.handle.view()) != Some(term))
        });
        match &outcome {
            Outcome::Done => {}
            Outcome::Interrupted => warn!(event = "hook_interrupted", node, hook),
            Outcome::Failed(error) => {
                tallies::HOOK_FAILURES.count();
                error!(event = "hook_failed", node, hook, error);
            }
        }
        if changes > 1 {
            // The next hook is told of the latest state alone.
            info!(event = "hook_changes_merged", node, hook, changes);
        }
        outcome
    }

    /// Takes the events that there are, or the first that comes in that time; returns how many told of a change.
    fn take_events(&mut self, patience: Duration) -> u64 {
        let mut changes = 0;
        let mut event = self.events.recv_timeout(patience).ok();
        while let Some(taken) = event {
            match taken {
                Event::Changed => changes += 1,
                Event::Stop => self.stopping = true,
            }
            event = self.events.try_recv().ok();
        }
        changes
    }

    /// How long there is nothing to do but to wait.
    fn patience(&self) -> Duration {
        let now = StdInstant::now();
        let until = |at: StdInstant| at.saturating_duration_since(now);
        let lease = match self.state {
            // One that ended since it was looked at is looked at again soon.
            State::Leading(_) => Some(self.handle.lease().map_or(Duration::ZERO, |(_, left)| left)),
            State::Clear | State::Dirty => None,
        };
        let may_start = match (self.state, self.handle.view().leadership) {
            (State::Clear, Some(leadership)) => Some(
                leadership
                    .may_start
                    .saturating_duration_since(Instant::now()),
            ),
            _ => None,
        };
        let failure = self.after_failure.due().map(until);
        let cleaning = match self.state {
            State::Dirty => self.cleaning.due().map(until),
            State::Clear | State::Leading(_) => None,
        };
        // What is due already waits for a lease, which comes without a word when it was there before.
        match [lease, may_start, failure, cleaning]
            .into_iter()
            .flatten()
            .min()
        {
            Some(Duration::ZERO) => self.handle.config().heartbeat_interval(),
            due => due.unwrap_or(LONG),
        }
    }
}
