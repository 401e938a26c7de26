//! The graph of a box, written for comparison with a specification: one JSON object a line.
//!
//! The first line is the box; then come the states, `{"state", "nodes", "sent"}`; then the transitions,
//! `{"from", "to", "node", "what", "crashed_after"}`. The first state is the one whose nodes have done nothing and in
//! which nothing was sent. For a comparison state by state, search without symmetry and
//! without forgetting.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::json;

use super::history::{Interrupt, Taken, successors};
use super::key::Key;
use super::messages::{Envelope, members};
use super::model::Model;
use super::search::{Search, pack, unpack};
use super::symmetry::Global;
use super::trace::describe;

#[derive(Serialize)]
struct State<'a> {
    state: u64,
    nodes: Vec<&'a Key>,
    sent: Vec<Envelope>,
}

/// Writes all states that were found, and all transitions between them.
pub(super) fn dump(search: &Search, out: &mut dyn Write) -> io::Result<()> {
    let mut model = search
        .model
        .write()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let bounds = *model.bounds();
    writeln!(out, "{}", json!({ "box": bounds }))?;
    let (mut rows, mut numbers) = (Vec::new(), Vec::new());
    let width = search.store.width();
    for stretch in search.store.everything(1000) {
        search.store.read(stretch, &mut rows, &mut numbers);
        for (row, number) in rows.chunks(width).zip(&numbers) {
            let state = describe_state(&model, number.0, &unpack(row, &bounds));
            writeln!(out, "{}", serde_json::to_string(&state)?)?;
        }
    }
    for stretch in search.store.everything(1000) {
        search.store.read(stretch, &mut rows, &mut numbers);
        for (row, number) in rows.chunks(width).zip(&numbers) {
            for (taken, next) in transitions(&mut model, &unpack(row, &bounds)) {
                let (next, _) = model.permutations().canonical(&model, &next);
                let to = search.store.find(&pack(&next, &bounds, width));
                let step = describe(&model, &taken);
                let line = json!({
                    "from": number.0,
                    "to": to.map(|number| number.0),
                    "node": step.node,
                    "what": step.what,
                    "crashed_after": step.crashed_after,
                });
                writeln!(out, "{line}")?;
            }
        }
    }
    Ok(())
}

fn describe_state<'a>(model: &'a Model, number: u64, state: &Global) -> State<'a> {
    State {
        state: number,
        nodes: state.locals[..model.bounds().nodes]
            .iter()
            .map(|local| model.key(*local))
            .collect(),
        sent: members(&state.sent)
            .map(|message| model.messages().get(message))
            .collect(),
    }
}

/// The transitions of a state; of one that a search found nothing of, as many as can be taken.
fn transitions(model: &mut Model, state: &Global) -> Vec<(Taken, Global)> {
    loop {
        let mut found = Vec::new();
        let result = successors(model, state, &mut |taken, next| found.push((taken, *next)));
        match result {
            Err(Interrupt::Missing { local, choice }) if model.fill(local, choice).is_ok() => {}
            Ok(()) | Err(_) => return found,
        }
    }
}
