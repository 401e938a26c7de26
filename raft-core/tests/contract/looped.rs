//! A node with its timers and its lease does what the loop of the crate's documentation does.

use core::time::Duration;
use std::cell::Cell;

use raft_core::{
    Action, Config, Deadlines, Event, HardState, Lease, LogPosition, Next, Node, NodeId, Options,
    Raft, Term, Timer,
};

use super::any::{self, Choice, check, event};
use crate::common::{SplitMix, T};

/// The loop, written out. What it carries out is listed.
struct Model {
    node: crate::common::Node,
    deadlines: Deadlines<Duration>,
    lease: Lease<Duration>,
}

impl Model {
    fn carry_out(&mut self, event: Event, now: Duration, done: &mut Vec<Action>) {
        for action in self.node.raft.step(event) {
            self.deadlines.carry_out(&action, now);
            self.lease.carry_out(&action, || now);
            done.push(action);
        }
    }

    fn expire(&mut self, now: Duration, done: &mut Vec<Action>) {
        while let Some(event) = self.deadlines.expire(now) {
            self.carry_out(event, now, done);
        }
    }
}

/// All that `node` has to do at `now`, and the moment until which it then waits.
fn drain(
    node: &mut Node<SplitMix, Duration>,
    now: Duration,
    done: &mut Vec<Action>,
) -> Option<Duration> {
    loop {
        match node.next(|| now) {
            Next::CarryOut(action) => done.push(action),
            Next::Wait(until) => return until,
        }
    }
}

fn config(n: u64) -> Config {
    let voters: Vec<NodeId> = (1..=n).map(NodeId).collect();
    Config::new(NodeId(1), &voters, Options::default()).unwrap()
}

fn restored(n: u64) -> Node<SplitMix, Duration> {
    let (disk, log) = (HardState::first_boot(), LogPosition::default());
    Node::restore(config(n), disk, log, SplitMix(7)).unwrap()
}

#[test]
fn a_node_with_its_timers_does_what_the_loop_does() {
    fn property(setup: u8, choices: Vec<Choice>) {
        let config = any::node(setup, 0).raft.config().clone();
        let (disk, log) = (HardState::first_boot(), LogPosition::default());
        let (raft, actions) = Raft::restore(config.clone(), disk, log, SplitMix(7)).unwrap();
        let mut model = Model {
            node: any::node(setup, 0),
            deadlines: Deadlines::new(),
            lease: Lease::new(config.lease()),
        };
        model.node.raft = raft;
        let mut expected = Vec::new();
        for action in actions {
            model.deadlines.carry_out(&action, Duration::ZERO);
            expected.push(action);
        }
        let mut node = Node::restore(config, disk, log, SplitMix(7)).unwrap();
        let (mut now, mut done) = (Duration::ZERO, Vec::new());
        for choice in choices {
            let until = drain(&mut node, now, &mut done);
            model.expire(now, &mut expected);
            assert_eq!(until, model.deadlines.earliest());
            assert_eq!(node.lease(), &model.lease);
            assert_eq!(node.raft().state(), model.node.raft.state());
            // Every third time nothing comes until a timer is due, or a little longer.
            if choice.0 % 3 == 0 {
                now = until.unwrap_or(now).max(now) + T / 100 * u32::from(choice.1 % 4);
            } else {
                let event = event(&model.node, choice);
                node.step(event);
                model.carry_out(event, now, &mut expected);
            }
        }
        drain(&mut node, now, &mut done);
        model.expire(now, &mut expected);
        assert_eq!(done, expected);
    }
    check(1_000, 100, property as fn(u8, Vec<Choice>));
}

#[test]
fn due_timers_come_before_the_next_message() {
    let mut node = restored(3);
    let until = drain(&mut node, Duration::ZERO, &mut Vec::new()).unwrap();
    node.step(Event::Resume);
    let mut done = Vec::new();
    drain(&mut node, until, &mut done);
    let set = |action: &Action| matches!(action, Action::SetTimer { timer, .. } if *timer == Timer::Election);
    assert!(done.iter().any(set), "{done:?}");
}

#[test]
fn the_events_of_a_batch_are_answered_in_order() {
    let mut node = restored(1);
    let until = drain(&mut node, Duration::ZERO, &mut Vec::new()).unwrap();
    let last = drain(&mut node, until, &mut Vec::new()).unwrap();
    let mut done = Vec::new();
    drain(&mut node, last, &mut done);
    assert_eq!(node.raft().state().current_term(), Term(1));
    let transfer = |to| Event::TransferLeadership {
        to: Some(NodeId(to)),
        stopped: true,
    };
    node.step(transfer(8));
    node.step(transfer(9));
    let mut reports = Vec::new();
    drain(&mut node, last, &mut reports);
    let raft = |event| {
        let mut raft = node.raft().clone();
        raft.step(event).to_vec()
    };
    assert_eq!(reports, [raft(transfer(8)), raft(transfer(9))].concat());
}

#[test]
fn the_lease_follows_what_was_carried_out_and_not_the_state() {
    let mut node = restored(1);
    let now = Cell::new(Duration::ZERO);
    loop {
        let ahead = node.raft().state().current_term() == Term(1);
        match node.next(|| now.get()) {
            Next::CarryOut(Action::LeadershipConfirmed { term, .. }) => {
                assert_eq!(node.lease().valid_at(now.get()), Some(term));
                return;
            }
            Next::CarryOut(_) => assert_eq!(node.lease().valid_at(now.get()), None),
            Next::Wait(until) => {
                assert!(!ahead, "it waits with a lease that it did not take");
                now.set(until.unwrap());
            }
        }
    }
}
