//! The rules of the paper's Figure 2 that elections rest on, and nothing else: no pre-vote, no leases, no rounds, no timers.
//!
//! Written from the paper, apart from `raft-core`, in the paper's words and order. One sentence is ours: a server that knows
//! the leader of its term votes for nobody else in it.

use std::collections::BTreeSet;

/// The number of a server, from 1.
pub(super) type Id = u64;

/// Where a log ends.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Log {
    pub(super) last_index: u64,
    pub(super) last_term: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Is {
    Follower,
    Candidate,
    Leader,
}

/// RPCs and their results, one way each. A heartbeat's result decides no election.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rpc {
    RequestVote {
        term: u64,
        last_log_index: u64,
        last_log_term: u64,
    },
    RequestVoteResult {
        term: u64,
        vote_granted: bool,
    },
    AppendEntries {
        term: u64,
    },
    AppendEntriesResult {
        term: u64,
    },
}

impl Rpc {
    fn term(self) -> u64 {
        match self {
            Rpc::RequestVote { term, .. }
            | Rpc::RequestVoteResult { term, .. }
            | Rpc::AppendEntries { term }
            | Rpc::AppendEntriesResult { term } => term,
        }
    }
}

/// A server, and whom it sends what.
#[derive(Clone, Debug)]
pub(super) struct Server {
    pub(super) id: Id,
    servers: u64,
    // "Updated on stable storage before responding to RPCs."
    pub(super) current_term: u64,
    pub(super) voted_for: Option<Id>,
    pub(super) log: Log,
    // Volatile.
    pub(super) is: Is,
    pub(super) votes: BTreeSet<Id>,
    pub(super) leader: Option<Id>,
}

impl Server {
    pub(super) fn new(id: Id, servers: u64) -> Server {
        Server {
            id,
            servers,
            current_term: 0,
            voted_for: None,
            log: Log::default(),
            is: Is::Follower,
            votes: BTreeSet::new(),
            leader: None,
        }
    }

    /// "When servers start up, they begin as followers."
    pub(super) fn restart(&mut self) {
        self.is = Is::Follower;
        self.votes.clear();
        self.leader = None;
    }

    pub(super) fn receive(&mut self, from: Id, rpc: Rpc) -> Vec<(Id, Rpc)> {
        // "If RPC request or response contains term T > currentTerm: set currentTerm = T, convert to follower."
        if rpc.term() > self.current_term {
            self.current_term = rpc.term();
            self.voted_for = None;
            self.restart();
        }
        match rpc {
            Rpc::RequestVote {
                term,
                last_log_index,
                last_log_term,
            } => {
                let vote_granted = self.grants(from, term, last_log_index, last_log_term);
                if vote_granted {
                    self.voted_for = Some(from);
                }
                let term = self.current_term;
                vec![(from, Rpc::RequestVoteResult { term, vote_granted })]
            }
            Rpc::RequestVoteResult { term, vote_granted } => {
                let counts = self.is == Is::Candidate && term == self.current_term && vote_granted;
                if counts {
                    self.votes.insert(from);
                }
                self.lead_if_elected()
            }
            Rpc::AppendEntries { term } => {
                // "If AppendEntries RPC received from new leader: convert to follower."
                if term == self.current_term {
                    self.is = Is::Follower;
                    self.votes.clear();
                    self.leader = Some(from);
                }
                let term = self.current_term;
                vec![(from, Rpc::AppendEntriesResult { term })]
            }
            Rpc::AppendEntriesResult { .. } => Vec::new(),
        }
    }

    /// "1. Reply false if term < currentTerm. 2. If votedFor is null or candidateId, and candidate's log is at least as
    /// up-to-date as receiver's log, grant vote."
    fn grants(&self, candidate: Id, term: u64, last_index: u64, last_term: u64) -> bool {
        if term < self.current_term {
            return false;
        }
        if self.voted_for.is_some_and(|id| id != candidate) {
            return false;
        }
        if self.leader.is_some_and(|id| id != candidate) {
            return false;
        }
        // "If the logs have last entries with different terms, then the log with the later term is more up-to-date.
        // If the logs end with the same term, then whichever log is longer is more up-to-date."
        if last_term != self.log.last_term {
            last_term > self.log.last_term
        } else {
            last_index >= self.log.last_index
        }
    }

    /// "On conversion to candidate, start election: increment currentTerm, vote for self, reset election timer, send
    /// RequestVote RPCs to all other servers."
    pub(super) fn election_timeout_elapses(&mut self) -> Vec<(Id, Rpc)> {
        self.current_term += 1;
        self.voted_for = Some(self.id);
        self.is = Is::Candidate;
        self.votes = BTreeSet::from([self.id]);
        self.leader = None;
        if self.servers == 1 {
            return self.lead_if_elected();
        }
        self.send_to_others(Rpc::RequestVote {
            term: self.current_term,
            last_log_index: self.log.last_index,
            last_log_term: self.log.last_term,
        })
    }

    /// "If votes received from majority of servers: become leader." "Upon election: send initial empty AppendEntries RPCs."
    fn lead_if_elected(&mut self) -> Vec<(Id, Rpc)> {
        if self.is != Is::Candidate || 2 * self.votes.len() as u64 <= self.servers {
            return Vec::new();
        }
        self.is = Is::Leader;
        self.leader = Some(self.id);
        self.send_heartbeats()
    }

    /// "Repeat during idle periods to prevent election timeouts."
    pub(super) fn send_heartbeats(&self) -> Vec<(Id, Rpc)> {
        self.send_to_others(Rpc::AppendEntries {
            term: self.current_term,
        })
    }

    fn send_to_others(&self, rpc: Rpc) -> Vec<(Id, Rpc)> {
        let others = (1..=self.servers).filter(|id| *id != self.id);
        others.map(|id| (id, rpc)).collect()
    }
}
