//! From a recording to what is drawn.

use std::collections::BTreeMap;

use raft_core::{Action, Event, Message, NodeId, Report, RoleKind, State, Timer};

use super::lease::Held;
use super::messages::Messages;
use super::record::{Record, Recording, What};
use super::words::{self, FIELDS};
use super::{Bar, Change, Cut, Lane, Moment, Reign, Span, Timeline};
use crate::observer::Fault;
use crate::settings::Heartbeats;
use crate::time::nanos;

/// What is known of a node while the records are read.
#[derive(Default)]
struct Tracked {
    role: Option<(RoleKind, u64, u64)>,
    timers: [Option<Bar>; 3],
    lease: Held,
    writing: Option<u64>,
    paused: Option<u64>,
    /// Millionths.
    clock_rate: Option<u32>,
    /// Whether the latest event may put an election off.
    may_postpone: bool,
    moment: Option<usize>,
    told: Option<Vec<String>>,
}

struct Builder<'a> {
    recording: &'a Recording,
    lanes: Vec<Lane>,
    tracked: Vec<Tracked>,
    messages: Messages,
    cut_since: BTreeMap<(NodeId, NodeId), u64>,
    cuts: Vec<Cut>,
    moments: Vec<Moment>,
}

impl Timeline {
    /// What a picture of this recording shows.
    pub fn new(recording: &Recording) -> Self {
        let voters = &recording.header.voters;
        let mut builder = Builder {
            recording,
            lanes: voters.iter().copied().map(lane).collect(),
            tracked: voters.iter().map(|_| Tracked::default()).collect(),
            messages: Messages::default(),
            cut_since: BTreeMap::new(),
            cuts: Vec::new(),
            moments: Vec::new(),
        };
        for record in &recording.records {
            if let Some(index) = voters.iter().position(|voter| *voter == record.node) {
                builder.take(index, record);
            }
        }
        builder.finish()
    }
}

const fn lane(node: NodeId) -> Lane {
    Lane {
        node,
        traced: false,
        roles: Vec::new(),
        timers: Vec::new(),
        leases: Vec::new(),
        writes: Vec::new(),
        pauses: Vec::new(),
    }
}

impl Builder<'_> {
    fn take(&mut self, index: usize, record: &Record) {
        let (t, node) = (record.t, record.node);
        self.lanes[index].traced = true;
        match &record.what {
            What::Started {} => {
                self.moment(index, t, "starts".to_owned());
            }
            What::Event(event) => {
                self.moment(index, t, words::event(event));
                self.event(index, t, event);
            }
            What::Action(action) => self.action(index, t, action),
            What::Synced {} => {
                self.say(index, "the write is on the disk".to_owned());
                let since = self.tracked[index].writing.take();
                let from = since.unwrap_or(t);
                self.lanes[index].writes.push(Span { from, to: t });
            }
            What::InFlight {
                to,
                message,
                arrives,
            } => {
                let envelope = (node, *to, *message);
                self.messages.arrives(envelope, t, *arrives);
            }
            What::Lost { to, message } => self.messages.lost((node, *to, *message), t),
            What::Fault(fault) => {
                self.moment(index, t, words::fault(fault));
                self.fault(index, t, *fault);
            }
            What::Dropped { count } => {
                self.moment(index, t, format!("{count} records are missing here"));
            }
            What::Stopped {} => {
                self.moment(index, t, "stops".to_owned());
                self.ends(index, t);
            }
        }
        if let Some(state) = &record.state {
            self.state(index, t, state);
        }
    }

    fn moment(&mut self, index: usize, t: u64, what: String) {
        self.tracked[index].moment = Some(self.moments.len());
        self.moments.push(Moment {
            t,
            node: self.lanes[index].node,
            what,
            kind: None,
            change: None,
            actions: Vec::new(),
            state: None,
        });
    }

    /// Adds a line to what came of the node's latest event.
    fn say(&mut self, index: usize, line: String) {
        if let Some(moment) = self.tracked[index].moment {
            self.moments[moment].actions.push(line);
        }
    }

    fn event(&mut self, index: usize, t: u64, event: &Event) {
        let node = self.lanes[index].node;
        self.tracked[index].may_postpone = false;
        match event {
            Event::Receive { from, message } => {
                self.tracked[index].may_postpone =
                    matches!(message, Message::AppendEntries(_) | Message::RequestVote(_));
                let taken = self.moments.len() - 1;
                self.moments[taken].kind = Some(message.kind());
                self.messages
                    .taken((*from, node, *message), t, taken as u32);
            }
            Event::TimerFired { timer, .. } => self.end_timer(index, t, *timer, true),
            Event::TransferLeadership { .. }
            | Event::LogTailMoved(_)
            | Event::Pause
            | Event::Resume => {}
        }
    }

    fn action(&mut self, index: usize, t: u64, action: &Action) {
        self.say(index, words::action(action));
        match *action {
            Action::Send { to, message } => {
                let envelope = (self.lanes[index].node, to, message);
                self.messages.send(envelope, t);
            }
            Action::Persist(_) => {
                // Where writes take no time nothing says that they are done.
                if let Some(from) = self.tracked[index].writing.replace(t) {
                    self.lanes[index].writes.push(Span { from, to: from });
                }
            }
            Action::SetTimer { .. } => self.set_timer(index, t, *action),
            Action::CancelTimer(timer) => self.end_timer(index, t, timer, false),
            Action::Report(Report::Transition {
                role,
                term,
                leader,
                reason,
            }) => {
                if let Some(moment) = self.tracked[index].moment {
                    self.moments[moment].change = Some(Change {
                        role,
                        term: term.0,
                        leader,
                        reason: reason.to_string(),
                    });
                }
            }
            Action::LeadershipGained { .. }
            | Action::LeadershipLost { .. }
            | Action::LeadershipConfirmed { .. }
            | Action::StartRound { .. } => {
                let rate = self.tracked[index].clock_rate.unwrap_or(1_000_000);
                let length = self.recording.header.lease;
                let length = length.map(|length| stretch(length, rate));
                let lane = &mut self.lanes[index].leases;
                self.tracked[index].lease.take(t, action, length, lane);
            }
            Action::Report(_) => {}
        }
    }

    fn set_timer(&mut self, index: usize, t: u64, action: Action) {
        let header = &self.recording.header;
        let stretched = header.heartbeats_stretched;
        let Action::SetTimer { timer, after, .. } = Heartbeats { stretched }.stretch(action) else {
            return;
        };
        let tracked = &self.tracked[index];
        let runs = tracked.timers[timer.index()].is_some();
        let disobeys = !header.postponing && tracked.may_postpone;
        if disobeys && runs && timer == Timer::Election {
            return;
        }
        let rate = tracked.clock_rate.unwrap_or(1_000_000);
        let due = t.saturating_add(stretch(nanos(after), rate));
        self.end_timer(index, t, timer, false);
        self.tracked[index].timers[timer.index()] = Some(Bar {
            span: Span { from: t, to: t },
            due,
            timer,
            fired: false,
        });
    }

    fn end_timer(&mut self, index: usize, t: u64, timer: Timer, fired: bool) {
        if let Some(mut bar) = self.tracked[index].timers[timer.index()].take() {
            bar.span.to = t;
            bar.fired = fired;
            self.lanes[index].timers.push(bar);
        }
    }

    fn state(&mut self, index: usize, t: u64, state: &State) {
        let role = state.role().kind();
        let term = state.current_term().0;
        let tracked = &mut self.tracked[index];
        let same = tracked
            .role
            .is_some_and(|(now, then, _)| (now, then) == (role, term));
        if !same {
            end_reign(
                &mut self.lanes[index],
                tracked.role.replace((role, term, t)),
                t,
            );
        }
        let told = words::state(state, &self.recording.header.voters);
        if let Some(moment) = tracked.moment
            && tracked.told.as_ref() != Some(&told)
        {
            self.moments[moment].state = Some(told.clone());
            tracked.told = Some(told);
        }
    }

    fn fault(&mut self, index: usize, t: u64, fault: Fault) {
        let node = self.lanes[index].node;
        match fault {
            Fault::Crash | Fault::Kill => self.ends(index, t),
            Fault::Restart => {}
            Fault::Pause => self.tracked[index].paused = Some(t),
            Fault::Resume => {
                if let Some(from) = self.tracked[index].paused.take() {
                    self.lanes[index].pauses.push(Span { from, to: t });
                }
            }
            Fault::ClockRate(rate) => {
                self.tracked[index].clock_rate = Some(rate.as_millionths());
            }
            Fault::Cut { to } => {
                self.cut_since.entry((node, to)).or_insert(t);
            }
            Fault::Heal { to } => self.heal(node, to, t),
            Fault::ClockLeap(_) | Fault::LogTail(_) => {}
        }
    }

    fn heal(&mut self, sender: NodeId, receiver: NodeId, t: u64) {
        if let Some(from) = self.cut_since.remove(&(sender, receiver)) {
            let span = Span { from, to: t };
            self.cuts.push(Cut {
                span,
                sender,
                receiver,
            });
        }
    }

    /// The node's process is no more.
    fn ends(&mut self, index: usize, t: u64) {
        for timer in Timer::ALL {
            self.end_timer(index, t, timer, false);
        }
        let tracked = &mut self.tracked[index];
        let lane = &mut self.lanes[index];
        end_reign(lane, tracked.role.take(), t);
        tracked.lease.end(t, &mut lane.leases);
        if let Some(from) = tracked.paused.take() {
            lane.pauses.push(Span { from, to: t });
        }
        if let Some(from) = tracked.writing.take() {
            lane.writes.push(Span { from, to: from });
        }
        tracked.told = None;
    }

    fn finish(mut self) -> Timeline {
        let end = self.recording.end();
        for index in 0..self.lanes.len() {
            self.ends(index, end);
            self.lanes[index].timers.sort_by_key(|bar| bar.span.from);
            self.lanes[index].writes.sort_by_key(|span| span.from);
        }
        for ((from, to), _) in self.cut_since.clone() {
            self.heal(from, to, end);
        }
        self.cuts.sort_by_key(|cut| cut.span.from);
        Timeline {
            header: self.recording.header.clone(),
            end,
            lanes: self.lanes,
            messages: self.messages.finish(),
            cuts: self.cuts,
            moments: self.moments,
            fields: FIELDS,
        }
    }
}

fn end_reign(lane: &mut Lane, reign: Option<(RoleKind, u64, u64)>, t: u64) {
    if let Some((role, term, from)) = reign
        && from < t
    {
        let span = Span { from, to: t };
        lane.roles.push(Reign { span, role, term });
    }
}

/// How long a clock of this rate takes to show so many nanoseconds.
fn stretch(nanos: u64, rate: u32) -> u64 {
    match rate {
        1_000_000 => nanos,
        0 => u64::MAX / 4,
        rate => {
            (u128::from(nanos) * 1_000_000 / u128::from(rate)).min(u128::from(u64::MAX / 4)) as u64
        }
    }
}
