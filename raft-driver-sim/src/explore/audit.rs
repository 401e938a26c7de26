//! Whether what was [forgotten](super::dead) could be forgotten: the argument there is about the core as it should be, and what is
//! explored may not be that core. So, once a search has ended, the steps that it never took are taken.
//!
//! Of every local state that was found and every message, together or not:
//!
//! - a message that the receiver calls dead changes nothing and brings no answer;
//! - one that it calls dead if the sender agrees brings no more than a refusal;
//! - and what is dead stays dead, in every step from one local state to another.
//!
//! So a message that was forgotten would have changed nothing at any time after. This asks more than it must: some of these messages
//! never meet these states. For the core as it is, it holds nevertheless.

use raft_core::Message;

use super::dead::Dead;
use super::local::{Local, Outcome};
use super::messages::Envelope;
use super::model::{Choice, Failure, Model};

/// Checks all local states that were found. The error names a message that makes a difference.
pub(super) fn audit(model: &Model) -> Result<(), String> {
    for number in 0..model.len() as u32 {
        let (dead, me) = (model.dead(number), model.key(number).me);
        for message in 0..model.messages().len() {
            if model.messages().get(message).to == me {
                check_effect(model, number, message, dead)?;
            }
        }
        for next in model.next(number) {
            if let Some(message) = dead.woken(model.dead(next)) {
                return Err(format!(
                    "{} is forgotten in {:?}, and matters again in {:?}",
                    show(&model.messages().get(message)),
                    model.key(number),
                    model.key(next)
                ));
            }
        }
    }
    Ok(())
}

/// Delivers a message to a local state that may make nothing of it.
fn check_effect(model: &Model, number: u32, message: usize, dead: &Dead) -> Result<(), String> {
    let envelope = model.messages().get(message);
    let certain = dead.is_dead(message);
    if !certain && !dead.if_sender_agrees(message) {
        return Ok(());
    }
    let choice = Choice::Deliver(message as u32);
    let outcomes = match model.run(number, choice) {
        Ok(outcomes) => outcomes,
        Err(Failure::Broken(broken)) => return Err(broken.0),
        Err(Failure::TooManyMessages) => Vec::new(),
    };
    let answer = |sent: &(u8, Message)| sent.0 == envelope.from && !certain && is_refusal(&sent.1);
    let before = model.local(number);
    if outcomes
        .iter()
        .all(|outcome| is_same(before, outcome) && outcome.sent.iter().all(answer))
    {
        return Ok(());
    }
    Err(format!(
        "{} makes a difference in {:?}",
        show(&envelope),
        model.key(number)
    ))
}

fn is_same(before: &Local, outcome: &Outcome) -> bool {
    // A crash amid a step is one that could have come before it.
    outcome.crashed_after.is_some() || outcome.local.key() == before.key()
}

fn is_refusal(message: &Message) -> bool {
    match message {
        Message::RequestVoteResponse(response) => !response.vote_granted,
        Message::RequestPreVoteResponse(response) => !response.vote_granted,
        Message::AppendEntriesResponse(response) => !response.success,
        _ => false,
    }
}

fn show(envelope: &Envelope) -> String {
    let Envelope { from, to, message } = envelope;
    format!("{message:?} from {from} to {to}")
}
