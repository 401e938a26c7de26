//! The explorer's reductions, checked against the search without them.

use std::collections::HashSet;

use super::audit::audit;
use super::bounds::Bounds;
use super::history::{Interrupt, successors};
use super::local::Outcome;
use super::model::{Choice, Model};
use super::search::{Search, unpack};
use super::symmetry::Global;
use super::{Options, explore};

/// All that a state leads to, under `view`, other than what it looks like itself.
fn futures(
    model: &mut Model,
    state: &Global,
    view: impl Fn(&Model, &Global) -> Global,
) -> HashSet<Global> {
    loop {
        let mut seen = HashSet::new();
        let result = successors(model, state, &mut |_, next| {
            seen.insert(view(model, next));
        });
        match result {
            Ok(()) => {
                seen.remove(&view(model, state));
                return seen;
            }
            Err(Interrupt::Missing { local, choice }) => {
                model.fill(local, choice).expect("no step is wrong");
            }
            Err(Interrupt::Violation { what, .. }) => panic!("{what}"),
        }
    }
}

/// All states of a box.
fn states(bounds: Bounds, options: Options) -> (Model, Vec<Global>) {
    let mut search = Search::new(bounds, options).expect("the box can be searched");
    assert!(search.run(&|_| {}).expect("nothing is violated"));
    let mut states = Vec::new();
    let (mut rows, mut numbers) = (Vec::new(), Vec::new());
    for stretch in search.store.everything(1000) {
        search.store.read(stretch, &mut rows, &mut numbers);
        let width = search.store.width();
        states.extend(rows.chunks(width).map(|row| unpack(row, &bounds)));
    }
    (search.model.into_inner().expect("no thread failed"), states)
}

// What is forgotten must make no difference: a state leads to the same as the state without its dead messages.
#[test]
fn a_state_and_the_state_without_its_dead_messages_have_the_same_future() {
    for bounds in [
        Bounds::plain(2, 2),
        Bounds::plain(3, 1),
        Bounds::standard(2, 1),
    ] {
        let full = Options {
            symmetry: false,
            forget: false,
            ..Options::default()
        };
        let (mut model, all) = states(bounds, full);
        let living = |model: &Model, state: &Global| {
            let mut living = *state;
            model.bury(&mut living);
            living
        };
        let mut images = HashSet::new();
        for state in &all {
            let image = living(&model, state);
            images.insert(image);
            let expected = futures(&mut model, &image, living);
            assert_eq!(futures(&mut model, state, living), expected, "{bounds}");
        }
        let forgetting = Options {
            forget: true,
            ..full
        };
        let report = explore(bounds, forgetting, &|_| {}).expect("the box can be searched");
        assert_eq!(images.len() as u64, report.states, "{bounds}");
        assert!(images.len() < all.len());
    }
}

// The audit must see a message that is forgotten and matters, at once or later.
#[test]
fn the_audit_sees_what_should_not_have_been_forgotten() {
    let (mut model, _) = states(Bounds::standard(3, 1), Options::default());
    assert_eq!(audit(&model), Ok(()));
    let alive = |model: &Model, number: u32| {
        let to_it = |message: &usize| model.messages().get(*message).to == model.key(number).me;
        let living = |message: &usize| !model.dead(number).is_dead(*message);
        let matters = |message: &usize| {
            let outcomes = model.run(number, Choice::Deliver(*message as u32));
            outcomes.is_ok_and(|outcomes| {
                let changes = |outcome: &Outcome| outcome.local.key() != *model.key(number);
                outcomes.iter().any(changes)
            })
        };
        let mut messages = 0..model.messages().len();
        messages.find(|message| to_it(message) && living(message) && matters(message))
    };
    let numbers = 0..model.len() as u32;
    let found = numbers.filter_map(|number| Some((number, alive(&model, number)?)));
    let found: Vec<(u32, usize)> = found.collect();
    assert!(found.len() > 10);
    for (number, message) in found {
        let as_it_is = model.dead(number).clone();
        model.dead_mut(number).declare(message);
        let seen = audit(&model).expect_err("the message matters");
        assert!(seen.contains(" makes a difference in ") || seen.contains(" matters again in "));
        *model.dead_mut(number) = as_it_is;
    }
    assert_eq!(audit(&model), Ok(()));
}
