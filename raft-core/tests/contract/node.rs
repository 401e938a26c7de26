//! Properties of one node, whatever happens to it.

use std::collections::BTreeMap;

use core::time::Duration;

use raft_core::{
    Action, Event, HardState, Message, Part, Report, Role, RoleKind, State, Term, Timer,
};

use super::any::{self, Choice, check, event, is_plain};
use crate::common::{HEARTBEAT, Node, T};

/// Steps a fresh node through a run, and shows each step: the node before it, the event, the actions, the node
/// after it.
fn run(setup: u8, choices: &[Choice], mut look: impl FnMut(&Node, Event, &[Action], &Node)) {
    let mut node = any::node(setup, 7);
    for choice in choices {
        let event = event(&node, *choice);
        let before = node.clone();
        let actions = node.step(event);
        look(&before, event, &actions, &node);
    }
}

#[test]
fn no_event_panics_or_breaks_an_invariant() {
    fn property(setup: u8, choices: Vec<Choice>) {
        run(setup, &choices, |_, _, _, after| {
            assert_eq!(after.raft.state().check(after.raft.config()), Ok(()));
        });
    }
    check(2_000, 150, property as fn(u8, Vec<Choice>));
}

#[test]
fn the_runs_reach_every_role_and_its_transitions() {
    let mut reached = BTreeMap::new();
    let mut rng = crate::common::SplitMix(1);
    for setup in 0..200u64 {
        let choices: Vec<Choice> = (0..150)
            .map(|_| rand_core::Rng::next_u64(&mut rng).to_le_bytes())
            .map(|bytes| (bytes[0], bytes[1], bytes[2], bytes[3]))
            .collect();
        run(setup as u8, &choices, |_, _, actions, _| {
            for reason in crate::common::actions::transitions(actions) {
                *reached.entry(format!("{reason:?}")).or_insert(0) += 1;
            }
        });
    }
    assert_eq!(reached.len(), 12, "{reached:?}");
}

/// Whether what a message says holds once `disk` is on the disk.
fn rests_on(
    disk: &HardState,
    me: raft_core::NodeId,
    to: raft_core::NodeId,
    message: &Message,
) -> bool {
    let in_term = |term: Term| disk.current_term == term;
    let voted_for = |id| disk.voted_for == Some(id);
    match message {
        Message::RequestVote(m) => in_term(m.term) && voted_for(me),
        Message::RequestVoteResponse(m) => in_term(m.term) && (!m.vote_granted || voted_for(to)),
        Message::AppendEntries(m) => in_term(m.term) && voted_for(me),
        Message::AppendEntriesResponse(m) => {
            let promised = m.success && disk.election_timeout.is_zero();
            in_term(m.term) && !promised
        }
        Message::RequestPreVote(m) => disk.current_term.next() == Some(m.prospective_term),
        Message::RequestPreVoteResponse(m) => in_term(m.term),
        Message::TimeoutNow(m) => in_term(m.term) && voted_for(me),
    }
}

#[test]
fn what_a_send_rests_on_is_persisted_before_it() {
    fn property(setup: u8, choices: Vec<Choice>) {
        run(setup, &choices, |before, _, actions, after| {
            let me = after.raft.config().id();
            let mut disk = before.disk;
            for action in actions {
                match action {
                    Action::Persist(state) => disk = *state,
                    Action::Send { to, message } => {
                        let plain_answer =
                            is_plain(after) && matches!(message, Message::AppendEntriesResponse(_));
                        let holds = rests_on(&disk, me, *to, message);
                        assert!(holds || plain_answer, "{disk:?}: {action:?}");
                    }
                    Action::LeadershipGained { term, .. } => {
                        assert_eq!((disk.current_term, disk.voted_for), (*term, Some(me)));
                    }
                    _ => {}
                }
            }
            assert_eq!(disk, after.raft.state().hard_state());
        });
    }
    check(1_000, 150, property as fn(u8, Vec<Choice>));
}

#[test]
fn the_term_never_falls_and_a_vote_never_changes_in_it() {
    fn property(setup: u8, choices: Vec<Choice>) {
        run(setup, &choices, |before, _, _, after| {
            assert!(after.term() >= before.term());
            if after.term() == before.term() && before.vote().is_some() {
                assert_eq!(after.vote(), before.vote());
            }
        });
    }
    check(1_000, 150, property as fn(u8, Vec<Choice>));
}

#[test]
fn the_same_events_lead_to_the_same_actions() {
    fn property(setup: u8, choices: Vec<Choice>) {
        let mut twin = any::node(setup, 7);
        run(setup, &choices, |_, event, actions, after| {
            assert_eq!(&*twin.step(event), actions);
            assert_eq!(twin.raft.state(), after.raft.state());
        });
    }
    check(500, 150, property as fn(u8, Vec<Choice>));
}

/// An action without what the generator decides: durations, and where the nonces began.
fn without_randomness(action: &Action, first_nonce: u64) -> Action {
    let mut action = *action;
    match &mut action {
        Action::SetTimer { after, .. } => *after = Duration::ZERO,
        Action::Send {
            message: Message::RequestPreVote(m),
            ..
        } => m.nonce = m.nonce.wrapping_sub(first_nonce),
        _ => {}
    }
    action
}

#[test]
fn two_generators_change_nothing_but_durations_and_nonces() {
    fn state(
        node: &Node,
    ) -> (
        HardState,
        Role,
        Option<raft_core::NodeId>,
        raft_core::Round,
        bool,
    ) {
        let state: &State = node.raft.state();
        let role = state.role().clone();
        (
            state.hard_state(),
            role,
            state.leader(),
            state.round(),
            state.paused(),
        )
    }
    fn property(setup: u8, choices: Vec<Choice>) {
        let (mut one, mut other) = (any::node(setup, 1), any::node(setup, 2));
        let first = |node: &Node| node.raft.state().pre_vote_nonce();
        let (first_of_one, first_of_other) = (first(&one), first(&other));
        for choice in choices {
            let (event_of_one, event_of_other) = (event(&one, choice), event(&other, choice));
            let (actions, others) = (one.step(event_of_one), other.step(event_of_other));
            let actions = actions.iter().map(|a| without_randomness(a, first_of_one));
            let others = others.iter().map(|a| without_randomness(a, first_of_other));
            assert!(actions.eq(others));
            assert_eq!(state(&one), state(&other));
            let asked = first(&one).wrapping_sub(first_of_one);
            assert_eq!(asked, first(&other).wrapping_sub(first_of_other));
        }
    }
    check(500, 150, property as fn(u8, Vec<Choice>));
}

#[test]
fn timers_are_set_for_what_their_role_says() {
    fn property(setup: u8, choices: Vec<Choice>) {
        run(setup, &choices, |_, event, actions, after| {
            let unstopped = matches!(event, Event::TransferLeadership { stopped: false, .. });
            let waits = unstopped && !is_plain(after);
            let stood_back =
                |action: &Action| matches!(action, Action::Report(Report::StoodBack { .. }));
            let stands_back = actions.iter().any(stood_back);
            for action in actions {
                let Action::SetTimer {
                    timer, after: time, ..
                } = action
                else {
                    continue;
                };
                match timer {
                    Timer::Heartbeat => assert_eq!(*time, HEARTBEAT),
                    Timer::Repeat if waits => assert_eq!(*time, T / 5),
                    Timer::Repeat if stands_back => assert!(*time < T),
                    Timer::Repeat => assert_eq!(*time, HEARTBEAT / 2),
                    Timer::Election => assert!(*time <= 2 * T + HEARTBEAT / 2),
                }
            }
            let armed = |timer| after.raft.armed(timer).is_some();
            let transferring =
                matches!(after.raft.state().role(), Role::Leader(l) if l.transfer.is_some());
            let asks = matches!(after.role(), RoleKind::Candidate | RoleKind::PreCandidate);
            let leads = after.role() == RoleKind::Leader;
            assert_eq!(armed(Timer::Heartbeat), leads && !transferring);
            assert_eq!(armed(Timer::Repeat), asks || transferring);
            if after.in_part_one() || asks || (leads && !is_plain(after)) {
                assert!(armed(Timer::Election));
            }
        });
    }
    check(1_000, 150, property as fn(u8, Vec<Choice>));
}

// Part two, too, ends some day: a node without any timer would be deaf and dumb for ever. Only one that may not campaign
// waits without one.
#[test]
fn a_node_that_may_campaign_always_has_its_election_timer_set() {
    fn property(setup: u8, choices: Vec<Choice>) {
        run(setup, &choices, |_, _, _, after| {
            let idle = after.raft.config().witness() || after.raft.state().paused();
            let leads = after.role() == RoleKind::Leader;
            if !idle && after.term() != u64::MAX && !(leads && is_plain(after)) {
                assert!(after.raft.armed(Timer::Election).is_some());
            }
        });
    }
    check(1_000, 150, property as fn(u8, Vec<Choice>));
}

#[test]
fn leadership_is_gained_and_lost_in_turn_and_in_order() {
    fn property(setup: u8, choices: Vec<Choice>) {
        let mut led: Option<Term> = None;
        let (mut started, mut confirmed) = (0, 0);
        run(setup, &choices, |_, _, actions, after| {
            let mut sent_or_persisted = false;
            let first_gained = actions
                .iter()
                .position(|a| matches!(a, Action::LeadershipGained { .. }));
            for (place, action) in actions.iter().enumerate() {
                match *action {
                    Action::Persist(_) => {
                        assert!(first_gained.is_none_or(|gained| place < gained));
                        sent_or_persisted = true;
                    }
                    Action::Send { .. } => sent_or_persisted = true,
                    Action::LeadershipGained { term, .. } => {
                        assert_eq!(led.replace(term), None);
                        (started, confirmed) = (0, 0);
                    }
                    Action::StartRound { term, round } => {
                        assert_eq!(led, Some(term));
                        assert_eq!(round.0, started + 1);
                        started = round.0;
                    }
                    Action::LeadershipConfirmed { term, round } => {
                        assert!(led == Some(term) && !is_plain(after));
                        assert!(round.0 > confirmed && round.0 <= started);
                        confirmed = round.0;
                    }
                    Action::LeadershipLost { term, .. } => {
                        assert!(!sent_or_persisted, "{actions:?}");
                        assert_eq!(led.take(), Some(term));
                    }
                    Action::SetTimer { .. } | Action::CancelTimer(_) | Action::Report(_) => {}
                }
            }
            let leads =
                matches!(after.raft.state().role(), Role::Leader(l) if l.transfer.is_none());
            assert_eq!(led.is_some(), leads);
        });
    }
    check(1_000, 150, property as fn(u8, Vec<Choice>));
}

#[test]
fn a_dropped_message_changes_nothing() {
    fn property(setup: u8, choices: Vec<Choice>) {
        run(setup, &choices, |before, _, actions, after| {
            let dropped = |a: &Action| matches!(a, Action::Report(Report::Dropped { .. }));
            if actions.iter().any(dropped) {
                assert_eq!(actions.len(), 1, "{actions:?}");
                assert_eq!(before.raft.state(), after.raft.state());
            }
        });
    }
    check(1_000, 150, property as fn(u8, Vec<Choice>));
}

// The promise that a lease rests on.
#[test]
fn whoever_promised_a_leader_grants_nobody_before_part_one_has_ended() {
    fn property(setup: u8, choices: Vec<Choice>) {
        run(setup, &choices, |before, event, _, after| {
            if !before.in_part_one() {
                return;
            }
            let sticks = match event {
                Event::Receive { message, .. } => match message {
                    Message::RequestVote(m) => !m.leadership_transfer,
                    Message::RequestPreVote(_) => true,
                    _ => false,
                },
                _ => false,
            };
            if sticks {
                assert_eq!(before.raft.state(), after.raft.state());
            }
            let ended = matches!(
                event,
                Event::TimerFired {
                    timer: Timer::Election,
                    ..
                }
            );
            let asked = matches!(
                event,
                Event::Receive {
                    message: Message::TimeoutNow(_),
                    ..
                }
            );
            let part = match after.raft.state().role() {
                Role::Follower(follower) => Some(follower.part),
                _ => None,
            };
            assert!(part == Some(Part::LeaderAlive) || ended || asked);
        });
    }
    check(1_000, 150, property as fn(u8, Vec<Choice>));
}

/// What a node has said that it can never take back: whom it gave its vote in a term.
#[derive(Default)]
struct Said {
    votes: BTreeMap<Term, raft_core::NodeId>,
}

impl Said {
    fn carry_out(&mut self, me: raft_core::NodeId, action: &Action) {
        let (term, voted_for) = match *action {
            Action::Send {
                to,
                message: Message::RequestVoteResponse(m),
            } if m.vote_granted => (m.term, to),
            Action::Send {
                message: Message::RequestVote(m),
                ..
            } => (m.term, me),
            Action::LeadershipGained { term, .. } => (term, me),
            _ => return,
        };
        let earlier = *self.votes.entry(term).or_insert(voted_for);
        assert_eq!(earlier, voted_for, "two votes in term {term}");
    }
}

// A crash after any prefix of any step's actions, and a restore from what the disk then holds.
#[test]
fn whatever_crashes_there_is_at_most_one_vote_a_term() {
    fn property(setup: u8, choices: Vec<(Choice, u8)>) {
        let mut node = any::node(setup, 7);
        let me = node.raft.config().id();
        let mut said = Said::default();
        for (choice, crash) in choices {
            let disk = node.disk;
            let event = event(&node, choice);
            let actions = node.step(event);
            let crashes = crash < 64;
            let carried_out = if crashes {
                usize::from(crash) % (actions.len() + 1)
            } else {
                actions.len()
            };
            node.disk = disk;
            for action in &actions[..carried_out] {
                said.carry_out(me, action);
                if let Action::Persist(state) = action {
                    node.disk = *state;
                }
            }
            if crashes {
                let term = node.disk.current_term;
                node = node.restarted();
                assert_eq!(node.raft.state().current_term(), term);
                assert!(node.in_part_one() || is_plain(&node));
            }
        }
    }
    check(2_000, 150, property as fn(u8, Vec<(Choice, u8)>));
}
