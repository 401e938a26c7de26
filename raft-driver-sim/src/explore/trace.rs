//! The way to a violation: found again from the states on it, printed, written to a file and replayed.

use core::fmt;

use raft_core::{Message, Timer};
use serde::{Deserialize, Serialize};

use super::ExploreError;
use super::bounds::Bounds;
use super::history::{Interrupt, Taken, successors};
use super::key::{Key, KeyRole};
use super::links::Links;
use super::messages::Envelope;
use super::model::{Choice, Model};
use super::recovery::Recovery;
use super::run::{Run, Took};
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

    /// A way of these steps.
    pub(super) fn of(
        bounds: Bounds,
        steps: Vec<Step>,
        violation: String,
        links: Option<Links>,
    ) -> Trace {
        Trace {
            bounds,
            steps,
            violation,
            links,
        }
    }

    /// The links that work in the end, if not all do.
    pub(super) fn links(&self) -> Option<Links> {
        self.links
    }

    pub(super) fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// What is looked for in the last state.
    pub(super) fn recovery(&self) -> Recovery {
        Recovery::new(true, self.links.into_iter().collect())
    }

    /// Takes the steps once more, with the same checks.
    ///
    /// # Errors
    ///
    /// [`ReplayError`] if the box is none, or a step of the trace is not possible.
    pub fn replay(&self) -> Result<Replayed, ReplayError> {
        let mut run = Run::new(self.bounds).map_err(ReplayError::Box)?;
        let mut lines = Vec::new();
        for (index, step) in self.steps.iter().enumerate() {
            let (keys, sent) = (run.keys().to_vec(), run.sent().len());
            let number = index + 1;
            match run.take(step) {
                Err(what) => {
                    lines.push(format!("{number:>3}. {step}"));
                    return Ok(Replayed {
                        lines,
                        violation: Some(what),
                    });
                }
                Ok(Took::Impossible) => return Err(ReplayError::Impossible { step: number }),
                Ok(Took::Nothing | Took::Something(_)) => {
                    let changed = changes(&keys, &run, sent);
                    lines.push(format!("{number:>3}. {step}{changed}"));
                }
            }
        }
        let dead_end = self.recovery().try_all(&run.rafts()).err();
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

/// What a step changed, for a reader: the nodes' states were `before`, and `sent` messages had been sent.
fn changes(before: &[Key], run: &Run, sent: usize) -> String {
    let mut text = String::new();
    for (node, (before, after)) in before.iter().zip(run.keys()).enumerate() {
        if before != after {
            text += &format!("\n       node {node}: {}", Short(after));
        }
    }
    for Envelope { from, to, message } in &run.sent()[sent..] {
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
