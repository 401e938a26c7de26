//! A violation's trace as a recording, to be drawn.

use raft_core::{Action, Event, NodeId};

use super::ExploreError;
use super::bounds::Bounds;
use super::local::{Broken, Happening, Local, numbered};
use super::trace::{ReplayError, Step, Trace, What};
use crate::observer::Fault;
use crate::timeline::{self, Header, Record, Recording};

/// There is no time in a search, so the steps come at a steady pace: one a millisecond.
const PACE: u64 = 1_000_000;

impl Trace {
    /// The steps, as a world would have been seen to take them. Timers and leases are left out: a search has no
    /// time that they could show.
    ///
    /// # Errors
    ///
    /// [`ReplayError`] if the box is none, or a step of the trace is not possible.
    pub fn record(&self) -> Result<Recording, ReplayError> {
        let bounds = self.bounds();
        let configs = bounds
            .configs()
            .map_err(|error| ReplayError::Box(ExploreError::Bounds(error)))?;
        let config = configs.first().ok_or(ReplayError::Impossible { step: 0 })?;
        let header = Header {
            title: Some(format!("{bounds}: {} steps to a violation", self.len())),
            lease: None,
            end: Some((self.len() as u64 + 1) * PACE),
            failure: Some(self.violation().to_owned()),
            ..Header::of_config(config)
        };
        let mut walk = Walk {
            t: 0,
            records: Vec::new(),
            locals: Vec::new(),
        };
        for config in &configs {
            let local = Local::first(config).map_err(broken)?;
            walk.started(&local);
            walk.locals.push(local);
        }
        for (index, step) in self.steps().iter().enumerate() {
            walk.t = (index as u64 + 1) * PACE;
            // The last step may be the one that is not possible: it violates what is checked there.
            if walk.take(bounds, step).is_none() && index + 1 < self.len() {
                return Err(ReplayError::Impossible { step: index + 1 });
            }
        }
        Ok(Recording {
            header,
            records: walk.records,
        })
    }
}

fn broken(Broken(what): Broken) -> ReplayError {
    ReplayError::Box(ExploreError::Start(what))
}

struct Walk {
    t: u64,
    records: Vec<Record>,
    locals: Vec<Local>,
}

impl Walk {
    fn push(&mut self, node: NodeId, what: timeline::What) {
        let t = self.t;
        self.records.push(Record {
            t,
            node,
            what,
            state: None,
        });
    }

    fn started(&mut self, local: &Local) {
        let state = local.raft.state().clone();
        let (t, node) = (self.t, local.raft.config().id());
        let what = timeline::What::Started {};
        self.records.push(Record {
            t,
            node,
            what,
            state: Some(state),
        });
    }

    /// None if the step cannot be taken, or breaks an invariant.
    fn take(&mut self, bounds: &Bounds, step: &Step) -> Option<()> {
        let local = self.locals.get(usize::from(step.node))?.clone();
        let node = local.raft.config().id();
        let (happening, seen) = match step.what {
            What::Crash => (Happening::Crash, None),
            What::TimerFired { timer } => both(local.fire(timer)?),
            What::Transfer { to } => {
                let to = Some(NodeId(u64::from(to)));
                both(Event::TransferLeadership { to, stopped: false })
            }
            What::Pause => both(Event::Pause),
            What::Resume => both(Event::Resume),
            What::Receive { from, message } => {
                let from = NodeId(u64::from(from));
                let arrival = Happening::Step(local.arrival(from, message));
                (arrival, Some(Event::Receive { from, message }))
            }
        };
        if let (Happening::Step(event), Some(seen)) = (happening, seen) {
            self.step(&local, event, seen, step.crashed_after);
        }
        let outcomes = local.outcomes(happening, bounds).ok()?;
        let crashed = matches!(happening, Happening::Crash) || step.crashed_after.is_some();
        let mut outcomes = outcomes.into_iter();
        let next = outcomes.find(|outcome| {
            matches!(happening, Happening::Crash) || outcome.crashed_after == step.crashed_after
        })?;
        if crashed {
            self.t += PACE / 4;
            self.push(node, timeline::What::Fault(Fault::Crash));
            self.t += PACE / 4;
            self.push(node, timeline::What::Fault(Fault::Restart));
            self.started(&next.local);
        }
        self.locals[usize::from(step.node)] = next.local;
        Some(())
    }

    fn step(&mut self, local: &Local, event: Event, seen: Event, most: Option<usize>) {
        let node = local.raft.config().id();
        let mut raft = local.raft.clone();
        let actions = raft.step(event);
        self.records.push(Record {
            t: self.t,
            node,
            what: timeline::What::Event(seen),
            state: Some(raft.state().clone()),
        });
        for action in actions.iter().take(most.unwrap_or(usize::MAX)) {
            let action = match *action {
                Action::SetTimer { .. } | Action::CancelTimer(_) => continue,
                Action::Send { to, message } => Action::Send {
                    to,
                    message: numbered(message),
                },
                action => action,
            };
            self.push(node, timeline::What::Action(action));
        }
    }
}

const fn both(event: Event) -> (Happening, Option<Event>) {
    (Happening::Step(event), Some(event))
}

#[cfg(test)]
mod tests {
    use raft_core::RoleKind;

    use super::*;
    use crate::timeline::Timeline;

    /// An election of two nodes, as a search would write the way to it down.
    const ELECTED: &str = r#"{"bounds":BOUNDS,"violation":"none really","steps":[
        {"node":0,"what":{"TimerFired":{"timer":"Election"}}},
        {"node":1,"what":{"Receive":{"from":0,"message":{"RequestVote":{"term":1,
            "last_log":{"term":0,"index":0},"leadership_transfer":false}}}}},
        {"node":0,"what":{"Receive":{"from":1,"message":{"RequestVoteResponse":{"term":1,"vote_granted":true}}}}},
        {"node":1,"what":"Crash"}]}"#;

    #[test]
    fn the_steps_of_a_search_are_drawn_as_those_of_a_world() {
        let bounds = Bounds {
            nodes: 2,
            protocol: raft_core::Protocol::Plain,
            transfers: false,
            ..Bounds::default()
        };
        let bounds = serde_json::to_string(&bounds).expect("bounds are JSON");
        let trace: Trace =
            serde_json::from_str(&ELECTED.replace("BOUNDS", &bounds)).expect("a trace");
        let timeline = Timeline::new(&trace.record().expect("the steps are possible"));
        let led = timeline.lanes[0].roles.last().expect("node 0 ran");
        assert_eq!((led.role, led.term), (RoleKind::Leader, 1));
        let taken = timeline
            .messages
            .iter()
            .filter(|arrow| arrow.taken.is_some());
        assert_eq!(taken.count(), 2);
        assert_eq!(timeline.lanes[1].roles.len(), 3, "down between two of them");
    }
}
