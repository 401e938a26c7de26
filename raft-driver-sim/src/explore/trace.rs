//! The way to a violation: found again from the states on it, printed, written to a file and replayed.

use core::fmt;

use raft_core::{Message, Timer};
use serde::{Deserialize, Serialize};

use super::ExploreError;
use super::bounds::Bounds;
use super::history::{Interrupt, Taken, successors, take, violation};
use super::key::{Key, KeyRole};
use super::links::Links;
use super::messages::{Envelope, members};
use super::model::{Choice, Model};
use super::recovery::Recovery;
use super::search::{Found, Search, pack, unpack};
use super::store::Number;
use super::symmetry::Global;

/// What happened to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum What {
    Crash,
    TimerFired { timer: Timer },
    Transfer { to: u8 },
    Pause,
    Resume,
    Receive { from: u8, message: Message },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Step {
    pub(super) node: u8,
    pub(super) what: What,
    /// How many of the step's actions were carried out before the node crashed and was restored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) crashed_after: Option<usize>,
}

/// A way from the first state to a violation. It is written as JSON (serde), read back and replayed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    bounds: Bounds,
    steps: Vec<Step>,
    violation: String,
    /// The links that work once the steps are taken, if not all do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    links: Option<Links>,
}

/// What came of a replay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// A line for each step.
    pub lines: Vec<String>,
    /// The invariant that was broken, if one was.
    pub violation: Option<String>,
}

impl Trace {
    /// The box.
    pub fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// How many steps it takes.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether the first state is a violation already.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The broken invariant.
    pub fn violation(&self) -> &str {
        &self.violation
    }

    /// The way to what a search found. States are kept under the names that sort first, so the way is walked
    /// once more with names that stay, and those are chosen so that they end as those of the violation.
    pub(super) fn to(search: &Search, found: &Found) -> Trace {
        let mut model = search
            .model
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let bounds = *model.bounds();
        let mut state = *model.initial();
        let mut steps = Vec::new();
        for next in way(search, &model, &found.state).iter().skip(1) {
            let Some((taken, reached)) = step_to(&mut model, &state, next) else {
                break;
            };
            steps.push(describe(&model, &taken));
            state = reached;
        }
        // In the names under which the violation was seen: in what order a node asks the others depends on them.
        let permutations = model.permutations();
        let back = (0..permutations.count())
            .find(|p| permutations.renamed(&model, *p, &state) == found.state)
            .map_or(permutations.image(0), |p| permutations.image(p));
        let mut steps: Vec<Step> = steps.iter().map(|step| step.renamed(back)).collect();
        steps.extend(found.taken.map(|taken| describe(&model, &taken)));
        let mut trace = Trace {
            bounds,
            steps,
            violation: found.what.clone(),
            links: found.links,
        };
        if let Ok(Replayed {
            violation: Some(what),
            ..
        }) = trace.replay()
        {
            trace.violation = what;
        }
        trace
    }

    /// Takes the steps once more, with the same checks.
    ///
    /// # Errors
    ///
    /// [`ReplayError`] if the box is none, or a step of the trace is not possible.
    pub fn replay(&self) -> Result<Replayed, ReplayError> {
        // Nothing is forgotten, so that the trace of any search can be replayed.
        let mut model = Model::new(self.bounds, false, false).map_err(ReplayError::Box)?;
        let mut state = *model.initial();
        let mut lines = Vec::new();
        for (index, step) in self.steps.iter().enumerate() {
            let impossible = ReplayError::Impossible { step: index + 1 };
            let choice = choose(&mut model, &state, step).ok_or(impossible.clone())?;
            let node = usize::from(step.node);
            let local = *state.locals.get(node).ok_or(impossible.clone())?;
            let mut reached = None;
            let broken = match model.fill(local, choice) {
                Err(failure) => violation(&failure),
                Ok(()) => {
                    let result = take(&model, &state, node, choice, &mut |taken, next| {
                        if taken.crashed_after == step.crashed_after {
                            reached = Some(*next);
                        }
                    });
                    match result {
                        Err(Interrupt::Violation { what, .. }) => Some(what),
                        Ok(()) | Err(Interrupt::Missing { .. }) => None,
                    }
                }
            };
            if let Some(what) = broken {
                lines.push(format!("{:>3}. {step}", index + 1));
                return Ok(Replayed {
                    lines,
                    violation: Some(what),
                });
            }
            let next = reached.ok_or(impossible)?;
            lines.push(format!(
                "{:>3}. {step}{}",
                index + 1,
                changes(&model, &state, &next)
            ));
            state = next;
        }
        let recovery = Recovery::new(true, self.links.into_iter().collect());
        let dead_end = recovery.try_all(&model.rafts(&state)).err();
        Ok(Replayed {
            lines,
            violation: dead_end.map(|dead_end| dead_end.what),
        })
    }
}

impl Step {
    /// The same after node i became node `image[i]`.
    fn renamed(&self, image: &[u8]) -> Step {
        let name = |node: u8| image[usize::from(node)];
        let what = match self.what {
            What::Transfer { to } => What::Transfer { to: name(to) },
            What::Receive { from, message } => What::Receive {
                from: name(from),
                message,
            },
            What::Crash | What::TimerFired { .. } | What::Pause | What::Resume => self.what,
        };
        Step {
            node: name(self.node),
            what,
            ..*self
        }
    }
}

/// The states on the way to `last`, as the search kept them.
fn way(search: &Search, model: &Model, last: &Global) -> Vec<Global> {
    let bounds = model.bounds();
    let row = pack(last, bounds, search.store.width());
    let mut number = search.store.find(&row).unwrap_or(Number(0));
    let mut way = Vec::new();
    loop {
        let (row, from) = search.store.get(number);
        let state = unpack(&row, bounds);
        way.push(state);
        if state == *model.initial() {
            way.reverse();
            return way;
        }
        number = from;
    }
}

/// The transition from a state to one that is `wanted` but for names.
fn step_to(model: &mut Model, state: &Global, wanted: &Global) -> Option<(Taken, Global)> {
    loop {
        let mut found = None;
        let result = successors(model, state, &mut |taken, next| {
            if found.is_none() && model.permutations().canonical(model, next).0 == *wanted {
                found = Some((taken, *next));
            }
        });
        match result {
            Err(Interrupt::Missing { local, choice }) => model.fill(local, choice).ok()?,
            Ok(()) | Err(Interrupt::Violation { .. }) => return found,
        }
    }
}

/// A transition in words of nodes and messages.
pub(super) fn describe(model: &Model, taken: &Taken) -> Step {
    let what = match taken.choice {
        Choice::Crash => What::Crash,
        Choice::Fire(timer) => What::TimerFired { timer },
        Choice::Transfer(to) => What::Transfer { to },
        Choice::Pause => What::Pause,
        Choice::Resume => What::Resume,
        Choice::Deliver(number) => {
            let Envelope { from, message, .. } = model.messages().get(number as usize);
            What::Receive { from, message }
        }
    };
    Step {
        node: taken.node,
        what,
        crashed_after: taken.crashed_after,
    }
}

/// The choice that a step of a trace names, if the state allows it.
fn choose(model: &mut Model, state: &Global, step: &Step) -> Option<Choice> {
    let nodes = model.bounds().nodes as u8;
    let choice = match step.what {
        What::Crash => Choice::Crash,
        What::TimerFired { timer } => Choice::Fire(timer),
        What::Transfer { to } => Choice::Transfer(to),
        What::Pause => Choice::Pause,
        What::Resume => Choice::Resume,
        What::Receive { from, message } => {
            let to = step.node;
            let sent = members(&state.sent)
                .find(|number| model.messages().get(*number) == Envelope { from, to, message })?;
            return Some(Choice::Deliver(sent as u32));
        }
    };
    let local = *state.locals.get(usize::from(step.node))?;
    (step.node < nodes && model.own(local).contains(&choice)).then_some(choice)
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node {} ", self.node)?;
        match self.what {
            What::Crash => return f.write_str("crashes and restarts"),
            What::TimerFired { timer } => write!(f, "{timer:?} timer fires")?,
            What::Transfer { to } => write!(f, "is asked to hand over to {to}")?,
            What::Pause => f.write_str("is paused")?,
            What::Resume => f.write_str("is resumed")?,
            What::Receive { from, message } => write!(f, "receives from {from}: {message:?}")?,
        }
        match self.crashed_after {
            Some(actions) => write!(f, "; crashes after {actions} actions and restarts"),
            None => Ok(()),
        }
    }
}

/// What a step changed, for a reader.
fn changes(model: &Model, before: &Global, after: &Global) -> String {
    let mut text = String::new();
    for node in 0..model.bounds().nodes {
        if before.locals[node] != after.locals[node] {
            text += &format!(
                "\n       node {node}: {}",
                Short(model.key(after.locals[node]))
            );
        }
    }
    for message in members(&after.sent).filter(|message| !before.has_sent(*message)) {
        let Envelope { from, to, message } = model.messages().get(message);
        text += &format!("\n       sent {from} to {to}: {message:?}");
    }
    text
}

struct Short<'a>(&'a Key);

impl fmt::Display for Short<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.0;
        write!(f, "term {}", key.term)?;
        if let Some(vote) = key.voted_for {
            write!(f, ", voted for {vote}")?;
        }
        if let Some(leader) = key.leader {
            write!(f, ", leader {leader} at round {}", key.round)?;
        }
        match &key.role {
            KeyRole::Follower { part_one: true } => f.write_str(", follower in part one"),
            KeyRole::Follower { part_one: false } => f.write_str(", follower in part two"),
            role => write!(f, ", {role:?}"),
        }
    }
}

/// Why a trace cannot be replayed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplayError {
    /// The box is none.
    Box(ExploreError),
    /// A step, counted from 1, is not possible after those before it: the trace is of other code.
    Impossible {
        /// The step.
        step: usize,
    },
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReplayError::Box(error) => error.fmt(f),
            ReplayError::Impossible { step } => write!(
                f,
                "step {step} is not possible here: the trace was made by other code"
            ),
        }
    }
}

impl core::error::Error for ReplayError {}
