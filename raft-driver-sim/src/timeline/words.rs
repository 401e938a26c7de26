//! Events, actions and states in words.

use raft_core::{Action, Cause, Event, Message, NodeId, Report, Role, RoleKind, State, Timer};

use crate::clock::ClockRate;
use crate::observer::Fault;
use crate::trace::write_message;

/// The names of what [`state`] tells.
pub(super) const FIELDS: &[&str] = &[
    "role",
    "term",
    "voted for",
    "leader",
    "round",
    "granted by",
    "rounds answered",
    "confirmed round",
    "check-quorum set at round",
    "last to answer",
    "transfer to",
    "last log entry",
    "pre-vote question",
    "promises silence for",
    "may campaign",
];

/// All that a node knows, in the order of [`FIELDS`].
pub(super) fn state(state: &State, voters: &[NodeId]) -> Vec<String> {
    let none = || "–".to_owned();
    let node = |node: Option<NodeId>| node.map_or_else(none, |node| node.to_string());
    let granted = |set: raft_core::VoterSet| {
        let names = voters.iter().enumerate();
        let names = names.filter(|(index, _)| set.contains(*index));
        let names: Vec<String> = names.map(|(_, voter)| voter.to_string()).collect();
        names.join(", ")
    };
    let (mut role, mut votes) = (state.role().kind().to_string(), none());
    // What a leader alone has.
    let [
        mut answered,
        mut confirmed,
        mut armed,
        mut last_to_answer,
        mut transfer,
    ] = [none(), none(), none(), none(), none()];
    match state.role() {
        Role::Follower(_) if state.in_part_one() => role += ", the leader may be alive",
        Role::Follower(_) => role += ", the leader is presumed lost",
        Role::PreCandidate(asks) => {
            votes = granted(asks.granted);
            role += if asks.stood_back {
                ", stood back for a rival"
            } else {
                ""
            };
        }
        Role::Candidate(asks) => {
            votes = granted(asks.granted);
            let asked = matches!(asks.cause, Cause::Transfer { .. });
            role += if asked {
                ", asked to by the leader"
            } else {
                ""
            };
        }
        Role::Leader(leader) => {
            let rounds = voters.iter().zip(&leader.answered);
            let rounds: Vec<String> = rounds
                .map(|(voter, round)| format!("{voter}: {round}"))
                .collect();
            answered = rounds.join(", ");
            confirmed = leader.confirmed.to_string();
            armed = leader.armed_at.to_string();
            last_to_answer = node(leader.last_to_answer);
            transfer = node(leader.transfer.map(|transfer| transfer.to));
        }
    }
    let last = state.last_log();
    vec![
        role,
        state.current_term().to_string(),
        node(state.voted_for()),
        node(state.leader()),
        state.round().to_string(),
        votes,
        answered,
        confirmed,
        armed,
        last_to_answer,
        transfer,
        format!("{} in term {}", last.index, last.term),
        format!("{:x}", state.pre_vote_nonce()),
        format!("{:?}", state.hard_state().election_timeout),
        if state.paused() { "no" } else { "yes" }.to_owned(),
    ]
}

pub(super) const fn timer_name(timer: Timer) -> &'static str {
    match timer {
        Timer::Election => "election timer",
        Timer::Heartbeat => "heartbeat timer",
        Timer::Repeat => "repeat timer",
    }
}

pub(super) fn event(event: &Event) -> String {
    match event {
        Event::Receive { from, message: m } => format!("receives from {from}: {}", message(m)),
        Event::TimerFired { timer, .. } => format!("{} runs out", timer_name(*timer)),
        Event::TransferLeadership { to, stopped } => {
            let to = to.map_or_else(
                || "whoever answered last".to_owned(),
                |to| format!("node {to}"),
            );
            let stopped = if *stopped { ", all work stopped" } else { "" };
            format!("is asked to hand its leadership to {to}{stopped}")
        }
        Event::LogTailMoved(last) => {
            format!("its log ends at entry {} of term {}", last.index, last.term)
        }
        Event::Pause => "is asked not to campaign".to_owned(),
        Event::Resume => "may campaign again".to_owned(),
    }
}

/// The line of an action; none for what the picture shows in another way.
pub(super) fn action(action: &Action) -> String {
    match action {
        Action::Persist(hard) => {
            let vote = hard.voted_for;
            let vote = vote.map_or_else(|| "nobody".to_owned(), |vote| vote.to_string());
            format!(
                "writes to disk: term {}, vote for {vote}",
                hard.current_term
            )
        }
        Action::Send { to, message: m } => format!("sends to {to}: {}", message(m)),
        Action::SetTimer { timer, after, .. } => {
            format!(
                "sets the {} to {:.1} ms",
                timer_name(*timer),
                after.as_secs_f64() * 1e3
            )
        }
        Action::CancelTimer(timer) => format!("clears the {}", timer_name(*timer)),
        Action::LeadershipGained {
            term,
            predecessor_stopped,
        } => {
            let stopped = match predecessor_stopped {
                true => "; the leader before has stopped its work",
                false => "",
            };
            format!("leads in term {term}{stopped}")
        }
        Action::StartRound { round, .. } => format!("begins round {round}"),
        Action::LeadershipConfirmed { round, .. } => {
            format!("a majority has answered round {round}: the lease is extended")
        }
        Action::LeadershipLost { term, reason } => {
            format!("leads no longer in term {term}: {reason}")
        }
        Action::Report(report) => self::report(report),
    }
}

fn report(report: &Report) -> String {
    match report {
        Report::Transition {
            role,
            term,
            leader,
            reason,
        } => {
            let leader = leader.map_or_else(String::new, |leader| format!(", following {leader}"));
            let leader = if *role == RoleKind::Leader {
                String::new()
            } else {
                leader
            };
            format!("is {role} in term {term}{leader}: {reason}")
        }
        Report::VoteGranted { candidate, term } => {
            format!("votes for {candidate} in term {term}")
        }
        Report::VoteRefused {
            candidate,
            term,
            pre_vote,
            reason,
        } => {
            let vote = if *pre_vote { "pre-vote" } else { "vote" };
            format!("refuses {candidate} its {vote} for term {term}: {reason}")
        }
        Report::StoodBack { rival } => {
            format!("stands back for {rival}, and asks for pre-votes again later")
        }
        Report::TimeoutNowRefused { from, reason } => {
            format!("does not take over from {from}: {reason}")
        }
        Report::NoCampaign { reason } => {
            format!("does not campaign: {reason}")
        }
        Report::TransferStarted { to } => format!("hands over to {to}; its lease is over"),
        Report::TransferRefused { reason } => {
            format!("does not hand over: {reason}")
        }
        Report::LeaseTooLong { leader } => {
            format!("does not answer {leader}: its lease is too long for this node")
        }
        Report::Dropped { from, kind, reason } => {
            format!("drops the {kind} of {from}: {reason}")
        }
    }
}

pub(super) fn fault(fault: &Fault) -> String {
    match fault {
        Fault::Crash => "crashes: what is not on its disk is gone".to_owned(),
        Fault::Kill => "is killed".to_owned(),
        Fault::Restart => "restarts from its disk".to_owned(),
        Fault::Pause => "stands still".to_owned(),
        Fault::Resume => "goes on".to_owned(),
        Fault::ClockRate(ClockRate::STOPPED) => "its clock stops".to_owned(),
        Fault::ClockRate(rate) => {
            let percent = f64::from(rate.as_millionths()) / 1e4;
            format!("its clock runs at {percent} %")
        }
        Fault::ClockLeap(by) => format!("its clock leaps by {by:?}"),
        Fault::Cut { to } => format!("is no longer heard by {to}"),
        Fault::Heal { to } => format!("is heard by {to} again"),
        Fault::LogTail(last) => {
            format!("its log ends at entry {} of term {}", last.index, last.term)
        }
    }
}

/// A message as the text traces write it.
pub(crate) fn message(message: &Message) -> String {
    let mut text = Vec::new();
    // Writing to memory does not fail.
    let _ = write_message(&mut text, message);
    String::from_utf8(text).unwrap_or_default()
}
