//! What happened, told to people.

use std::time::Duration;

use raft_core::RoleKind;
use raft_driver_mio::Status;

use super::ledger::Failover;
use super::line::News;
use super::rates::Rate;
use super::timing::ms;

/// How an entry is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// A node goes its way.
    Plain,
    /// What the demo or its user did to a node.
    Deed,
    /// A leader is there.
    Good,
    /// Something went wrong.
    Bad,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// When, by the boot clock.
    pub(crate) at: Duration,
    /// To which node, if to one.
    pub(crate) node: Option<u64>,
    pub(crate) tone: Tone,
    pub(crate) text: String,
}

impl Entry {
    /// The entry as a line. `start`: when the demo began.
    pub(crate) fn line(&self, start: Duration) -> String {
        let seconds = self.at.saturating_sub(start).as_secs_f64();
        match self.node {
            Some(node) => format!("{seconds:8.3}  node {node}  {}", self.text),
            None => format!("{seconds:8.3}  {}", self.text),
        }
    }
}

/// A role's name.
pub(crate) const fn name(role: RoleKind) -> &'static str {
    match role {
        RoleKind::Follower => "follower",
        RoleKind::PreCandidate => "pre-candidate",
        RoleKind::Candidate => "candidate",
        RoleKind::Leader => "leader",
    }
}

/// A node's news for people. `None`: another line says it already.
pub(crate) fn tell(node: u64, news: &News) -> Option<(Tone, String)> {
    Some(match news {
        News::Ready { term } => (Tone::Plain, format!("takes part, in term {term}")),
        News::Transition {
            role,
            term,
            leader,
            reason,
        } => {
            if reason.as_deref() == Some("leader_silent") {
                return Some((
                    Tone::Plain,
                    format!("presumes the leader of term {term} lost"),
                ));
            }
            let reason = reason
                .as_ref()
                .map(|reason| format!(" ({})", reason.replace('_', " ")));
            let reason = reason.unwrap_or_default();
            let role = role.replace('_', "-");
            match (role.as_str(), leader) {
                ("leader", _) => return None,
                // It led itself, and gave up.
                ("follower", Some(leader)) if *leader == node => return None,
                ("follower", Some(leader)) => (
                    Tone::Plain,
                    format!("follows node {leader} in term {term}{reason}"),
                ),
                ("follower", None) => (
                    Tone::Plain,
                    format!("follower without a leader, term {term}{reason}"),
                ),
                (role, _) => (Tone::Plain, format!("{role}, term {term}{reason}")),
            }
        }
        News::LeadershipGained { term } => (Tone::Good, format!("wins term {term}")),
        News::Active { term } => (
            Tone::Good,
            format!("is confirmed: the lease of term {term}"),
        ),
        News::LeadershipLost { term, reason } => {
            let reason = reason
                .as_ref()
                .map(|reason| format!(": {}", reason.replace('_', " ")));
            (
                Tone::Bad,
                format!(
                    "leads no longer in term {term}{}",
                    reason.unwrap_or_default()
                ),
            )
        }
    })
}

/// How a node is doing, for people.
pub(crate) fn tell_status(status: &Status, rate: Option<Rate>) -> String {
    let mut text = format!("{} in term {}", name(status.role), status.term.0);
    if status.active {
        text += &format!(
            ", lease for another {:.3} s",
            status.lease_remaining_seconds
        );
    }
    text += &format!(", round {}", status.round.0);
    if let Some(Rate { datagrams, bytes }) = rate {
        text += &format!(", {datagrams:.0} datagrams and {bytes:.0} bytes a second");
    }
    text
}

/// A failover that ended, for people.
pub(crate) fn tell_failover(failover: &Failover) -> String {
    let waited = match failover.without_majority {
        Duration::ZERO => String::new(),
        waited => format!(", {} of it without a majority", ms(waited)),
    };
    format!(
        "no leader for {}{waited} (won after {})",
        ms(failover.to_active),
        ms(failover.to_gained)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transition(role: &str, leader: Option<u64>, reason: &str) -> Option<String> {
        let news = News::Transition {
            role: role.to_owned(),
            term: 4,
            leader,
            reason: Some(reason.to_owned()),
        };
        tell(1, &news).map(|(_, text)| text)
    }

    #[test]
    fn transitions_read_as_english() {
        let pre_vote = transition("pre_candidate", None, "election_timeout");
        assert_eq!(
            pre_vote.unwrap(),
            "pre-candidate, term 4 (election timeout)"
        );
        let follows = transition("follower", Some(2), "heartbeat");
        assert_eq!(follows.unwrap(), "follows node 2 in term 4 (heartbeat)");
        let lost = transition("follower", Some(2), "leader_silent");
        assert_eq!(lost.unwrap(), "presumes the leader of term 4 lost");
        assert_eq!(
            transition("follower", Some(1), "quorum_lost"),
            None,
            "leadership_lost says so"
        );
        assert_eq!(
            transition("leader", Some(1), "election_won"),
            None,
            "leadership_gained says so"
        );
    }

    #[test]
    fn an_entry_is_a_line() {
        let entry = Entry {
            at: Duration::from_millis(61_500),
            node: Some(3),
            tone: Tone::Plain,
            text: "wins term 4".to_owned(),
        };
        assert_eq!(
            entry.line(Duration::from_secs(60)),
            "   1.500  node 3  wins term 4"
        );
    }
}
