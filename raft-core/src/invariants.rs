//! What is true of every node after every step, whatever happened before.

use core::fmt;

use crate::config::{Config, Protocol};
use crate::quorum::{VoterSet, confirmed_round};
use crate::role::{Leader, Role};
use crate::state::State;
use crate::types::Term;

/// A broken invariant: a bug of this crate, never of an embedder or a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Violation {
    /// A candidate or leader has not voted for itself.
    NoVoteForItself,
    /// A vote, a leader or a candidacy in term 0.
    ActiveInTermZero,
    /// The votes of a candidate or pre-candidate lack its own, hold a stranger's, or are a majority already.
    Votes,
    /// A node that neither leads nor follows knows a round without a leader, or the reverse.
    RoundWithoutLeader,
    /// A leader does not know itself as the leader of its term, or another node does.
    Leader,
    /// A leader's rounds contradict each other.
    Rounds,
    /// A plain node holds a promise, or is in part one, or has confirmed a round.
    PromiseInPlainRaft,
    /// A stored promise is shorter than the election timeout.
    PromiseTooShort,
    /// A witness or a paused node campaigns.
    CampaignsPaused,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl core::error::Error for Violation {}

impl State {
    /// Checks what must be true of every node that runs under `config`. A debug build does so after every
    /// step, the simulator always.
    ///
    /// # Errors
    ///
    /// The first [`Violation`] found.
    pub fn check(&self, config: &Config) -> Result<(), Violation> {
        let me = Some(config.id);
        let leads = matches!(self.role, Role::Leader(_));
        let in_term_zero = self.hard.current_term == Term(0)
            && (self.hard.voted_for.is_some() || self.leader.is_some());
        ensure(!in_term_zero, Violation::ActiveInTermZero)?;
        ensure(
            self.leader.is_some() == (self.round.0 > 0),
            Violation::RoundWithoutLeader,
        )?;
        self.check_promise(config)?;
        match &self.role {
            Role::Follower(_) => {}
            Role::PreCandidate(pre_candidate) => self.check_votes(config, pre_candidate.granted)?,
            Role::Candidate(candidate) => {
                ensure(self.hard.voted_for == me, Violation::NoVoteForItself)?;
                ensure(self.leader.is_none(), Violation::Leader)?;
                self.check_votes(config, candidate.granted)?;
            }
            Role::Leader(leader) => {
                ensure(self.hard.voted_for == me, Violation::NoVoteForItself)?;
                ensure(self.leader == me, Violation::Leader)?;
                self.check_rounds(config, leader)?;
            }
        }
        // A leader that stepped down in its own term still knows itself as that term's leader.
        let led = self.leader != me || self.hard.voted_for == me;
        ensure(leads || led, Violation::Leader)
    }

    fn check_promise(&self, config: &Config) -> Result<(), Violation> {
        let promise = self.hard.election_timeout;
        match config.protocol {
            Protocol::Standard => ensure(
                promise >= config.election_timeout,
                Violation::PromiseTooShort,
            ),
            Protocol::Plain => ensure(
                promise.is_zero() && !self.in_part_one(),
                Violation::PromiseInPlainRaft,
            ),
        }
    }

    fn check_votes(&self, config: &Config, granted: VoterSet) -> Result<(), Violation> {
        let idle = config.witness || self.paused;
        ensure(!idle, Violation::CampaignsPaused)?;
        let strangers = (config.voters.len()..Config::MAX_VOTERS).any(|i| granted.contains(i));
        let own = granted.contains(usize::from(config.me));
        ensure(
            own && !strangers && !config.is_majority(granted),
            Violation::Votes,
        )
    }

    fn check_rounds(&self, config: &Config, leader: &Leader) -> Result<(), Violation> {
        let answered = &leader.answered;
        let own = answered.get(usize::from(config.me));
        let consistent = answered.len() == config.voters.len()
            && own == Some(&self.round)
            && answered.iter().all(|round| *round <= self.round)
            && leader.armed_at <= self.round
            && leader.confirmed <= confirmed_round(answered, config.majority());
        ensure(consistent, Violation::Rounds)?;
        let plain = config.protocol == Protocol::Plain;
        ensure(
            !plain || leader.confirmed.0 == 0,
            Violation::PromiseInPlainRaft,
        )
    }
}

fn ensure(holds: bool, violation: Violation) -> Result<(), Violation> {
    if holds { Ok(()) } else { Err(violation) }
}
