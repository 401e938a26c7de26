//! A world to play with: it takes lines of text, remembers what was done to it, and goes back by running again.
//!
//! The playground in the browser drives this; nothing in it knows of browsers.

mod error;

use core::time::Duration;

use raft_core::{MessageKind, NodeId, Protocol, RoleKind};
use serde::Serialize;

use crate::checker::Violation;
use crate::scenario::{Deed, NAMED, Scenario, duration};
use crate::settings::Settings;
use crate::time::{Time, nanos};
use crate::timeline::{Header, Record, Recorder, Recording, Timeline, What};
use crate::world::World;

pub use error::PlayError;
use error::wrong;

/// How many nodes there can be: they stand in a circle.
const MAX_NODES: usize = 9;
/// For how long a message that was lost is still told of.
const MOURNED: u64 = 60_000_000;
/// How many records the timeline is drawn from at the most: the latest.
const MAX_RECORDS: usize = 40_000;

/// The world, and what was done to it.
#[derive(Debug)]
pub struct Play {
    settings: Settings,
    seed: u64,
    /// What a scenario brings, and what was done since, in order of time.
    script: Vec<(Duration, Deed, String)>,
    /// How many lines of the script were carried out.
    done: usize,
    world: World<Recorder>,
    records: Vec<Record>,
    flights: Vec<Flight>,
    violation: Option<Violation>,
}

/// A message under way, or just lost.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Flight {
    from: NodeId,
    to: NodeId,
    kind: MessageKind,
    text: String,
    sent: u64,
    arrives: u64,
    lost: bool,
}

/// What the nodes are at this moment.
#[derive(Debug, Serialize)]
struct Look<'a> {
    t: u64,
    seed: u64,
    protocol: Protocol,
    election_timeout: u64,
    nodes: Vec<NodeLook>,
    flights: &'a [Flight],
    /// Sender and receiver of each link that is cut.
    cuts: Vec<(NodeId, NodeId)>,
    delay: [u64; 2],
    /// Millionths.
    loss: u32,
    script: Vec<(u64, &'a str)>,
    done: usize,
    violation: Option<String>,
}

#[derive(Debug, Serialize)]
struct NodeLook {
    node: NodeId,
    runs: bool,
    paused: bool,
    role: Option<RoleKind>,
    term: u64,
    voted_for: Option<NodeId>,
    leader: Option<NodeId>,
    lease: bool,
    /// Who voted, or would vote, for this node.
    granted: Vec<NodeId>,
    /// What is left of its election timer, and how long it was set to.
    timer: Option<[u64; 2]>,
}

impl Play {
    /// A world of a named scenario, with its script.
    ///
    /// # Errors
    ///
    /// There is no such scenario, or it has no script of its own to go on with.
    pub fn new(scenario: &str, seed: u64) -> Result<Self, PlayError> {
        let named = Scenario::named(scenario)?;
        let Some((settings, script)) = named.script() else {
            return wrong(format!(
                "scenario `{scenario}` is a test of the lab, and no world to play with"
            ));
        };
        let mut script: Vec<_> = script.collect();
        script.sort_by_key(|(at, ..)| *at);
        let script = script
            .into_iter()
            .map(|(at, deed, words)| (at, deed.clone(), words.to_owned()))
            .collect();
        Ok(Self::of(settings.clone(), seed, script))
    }

    fn of(settings: Settings, seed: u64, script: Vec<(Duration, Deed, String)>) -> Self {
        // What reaches here was tried before.
        let world = World::observed(&settings, seed, Recorder::default()).expect("valid settings");
        let mut play = Play {
            settings,
            seed,
            script,
            done: 0,
            world,
            records: Vec::new(),
            flights: Vec::new(),
            violation: None,
        };
        play.collect();
        play
    }

    /// Obeys a line:
    ///
    /// - `advance 10ms`: time goes on;
    /// - `do crash 0`: a [`Deed`], now; what the script still had in store is forgotten, since it was meant for another course;
    /// - `undo`: back to just before the latest deed, without it;
    /// - `back 500ms`: back by so much, and all that was done comes again;
    /// - `rules plain`, `rules standard`, `seed 7`, `nodes 5`: the same deeds at the same times, up to now, with that instead;
    /// - `again`: from the beginning, with the same deeds to come;
    /// - `start NAME SEED`: another scenario.
    ///
    /// # Errors
    ///
    /// What is wrong with the line; nothing has changed then.
    pub fn obey(&mut self, line: &str) -> Result<(), PlayError> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "advance" => {
                let until = self.world.now() + duration(rest)?;
                self.advance(until);
            }
            "do" => self.perform(rest)?,
            "undo" => self.undo(),
            "back" => {
                let now = self.now().saturating_sub(duration(rest)?);
                self.replay(now);
            }
            "again" => self.replay(Duration::ZERO),
            "seed" => {
                let Ok(seed) = rest.parse() else {
                    return wrong(format!("`{rest}` is no seed: it is a number"));
                };
                self.seed = seed;
                self.replay(self.now());
            }
            "rules" => {
                self.settings.options.protocol = match rest {
                    "standard" => Protocol::Standard,
                    "plain" => Protocol::Plain,
                    _ => return wrong(format!("`{rest}` are no rules: standard or plain")),
                };
                self.replay(self.now());
            }
            "nodes" => self.resize(rest)?,
            "start" => {
                let (name, seed) = rest.split_once(' ').unwrap_or((rest, "1"));
                let Ok(seed) = seed.parse() else {
                    return wrong(format!("`{rest}` names no seed: it is a number"));
                };
                *self = Play::new(name, seed)?;
            }
            _ => return wrong(format!("`{line}` is nothing that can be done here")),
        }
        Ok(())
    }

    /// What there is to see at this moment, as JSON.
    pub fn look(&self) -> String {
        let world = &self.world;
        let pairs = world
            .node_ids()
            .flat_map(|from| world.node_ids().map(move |to| (from, to)));
        let (requests, _) = world.conditions();
        let look = Look {
            t: world.now().as_nanos(),
            seed: self.seed,
            protocol: self.settings.options.protocol,
            election_timeout: nanos(self.settings.options.election_timeout),
            nodes: world.node_ids().map(|node| self.look_at(node)).collect(),
            flights: &self.flights,
            cuts: pairs
                .filter(|(from, to)| world.is_cut(*from, *to))
                .collect(),
            delay: [nanos(requests.delay_min), nanos(requests.delay_max)],
            loss: requests.loss.as_millionths(),
            script: self
                .script
                .iter()
                .map(|(at, _, words)| (nanos(*at), words.as_str()))
                .collect(),
            done: self.done,
            violation: self.violation.as_ref().map(ToString::to_string),
        };
        serde_json::to_string(&look).unwrap_or_default()
    }

    /// All that happened so far, as a page's script reads it.
    pub fn timeline(&self) -> String {
        let mut header = Header::of(&self.settings, self.seed);
        header.end = Some(self.world.now().as_nanos());
        let done = self.script.iter().take(self.done);
        header.notes = done
            .map(|(at, _, words)| (nanos(*at), words.clone()))
            .collect();
        let records = self.records.clone();
        Timeline::new(&Recording { header, records }).json()
    }

    /// The scenarios that can be played with, as JSON: pairs of name and title.
    pub fn scenarios() -> String {
        let named = NAMED.iter().filter_map(|(name, _)| {
            let scenario = Scenario::named(name).ok()?;
            let _ = scenario.script()?;
            Some((*name, scenario.title.clone(), scenario.about.clone()))
        });
        serde_json::to_string(&named.collect::<Vec<_>>()).unwrap_or_default()
    }

    fn now(&self) -> Duration {
        self.world.now() - Time::default()
    }

    fn look_at(&self, node: NodeId) -> NodeLook {
        let world = &self.world;
        let state = world.state(node);
        let durable = world.durable(node);
        let granted = state.map(|state| match state.role() {
            raft_core::Role::PreCandidate(asks) => asks.granted,
            raft_core::Role::Candidate(asks) => asks.granted,
            raft_core::Role::Follower(_) | raft_core::Role::Leader(_) => {
                raft_core::VoterSet::default()
            }
        });
        let granted = granted.unwrap_or_default();
        NodeLook {
            node,
            runs: state.is_some(),
            paused: world.is_paused(node),
            role: state.map(|state| state.role().kind()),
            term: state
                .map_or(durable.current_term, |state| state.current_term())
                .0,
            voted_for: state.map_or(durable.voted_for, |state| state.voted_for()),
            leader: state.and_then(|state| state.leader()),
            lease: world.lease(node).is_some(),
            granted: world
                .node_ids()
                .filter(|voter| granted.contains(voter.0 as usize))
                .collect(),
            timer: world
                .election_timer(node)
                .map(|(left, of)| [nanos(left), nanos(of)]),
        }
    }

    /// Lets time pass, with what the script has in store.
    fn advance(&mut self, until: Time) {
        let begin = Time::default();
        while let Some((at, deed, _)) = self.script.get(self.done)
            && begin + *at <= until
        {
            let (at, deed) = (begin + *at, deed.clone());
            self.run(at);
            deed.perform(&mut self.world);
            self.done += 1;
        }
        self.run(until);
        self.collect();
    }

    fn run(&mut self, until: Time) {
        if self.violation.is_none() {
            self.violation = self.world.run_until(until).err();
        }
    }

    fn perform(&mut self, words: &str) -> Result<(), PlayError> {
        let deed: Deed = words.parse()?;
        let most = self.settings.nodes as u64;
        if let Some(node) = deed.nodes().into_iter().find(|node| node.0 >= most) {
            return wrong(format!(
                "there is no node {node}: they are 0 to {}",
                most - 1
            ));
        }
        self.script.truncate(self.done);
        deed.perform(&mut self.world);
        let done = (self.now(), deed, words.to_owned());
        self.script.push(done);
        self.done += 1;
        self.collect();
        Ok(())
    }

    fn undo(&mut self) {
        if self.done == 0 {
            return;
        }
        self.script.truncate(self.done);
        if let Some((at, ..)) = self.script.pop() {
            self.replay(at);
        }
    }

    fn resize(&mut self, count: &str) -> Result<(), PlayError> {
        let nodes = count
            .parse()
            .ok()
            .filter(|nodes| (1..=MAX_NODES).contains(nodes));
        let Some(nodes) = nodes else {
            return wrong(format!("`{count}` nodes do not fit: 1 to {MAX_NODES} do"));
        };
        self.settings.nodes = nodes;
        self.script
            .retain(|(_, deed, _)| deed.nodes().iter().all(|node| node.0 < nodes as u64));
        self.replay(Duration::ZERO);
        Ok(())
    }

    /// Runs again from the beginning up to `now`. The seed and the script decide everything, so it goes as it went.
    fn replay(&mut self, now: Duration) {
        let script = core::mem::take(&mut self.script);
        *self = Self::of(self.settings.clone(), self.seed, script);
        self.advance(Time::default() + now);
    }

    /// Takes what was recorded since, and keeps an eye on what is under way.
    fn collect(&mut self) {
        let now = self.world.now().as_nanos();
        let new = self.world.observer_mut().take();
        for record in &new {
            let (to, message, arrives, lost) = match &record.what {
                What::InFlight {
                    to,
                    message,
                    arrives,
                } => (*to, message, *arrives, false),
                What::Lost { to, message } => (*to, message, record.t + MOURNED, true),
                _ => continue,
            };
            self.flights.push(Flight {
                from: record.node,
                to,
                kind: message.kind(),
                text: crate::timeline::describe(message),
                sent: record.t,
                arrives,
                lost,
            });
        }
        self.flights.retain(|flight| flight.arrives > now);
        self.records.extend(new);
        if self.records.len() > MAX_RECORDS {
            let excess = self.records.len() - MAX_RECORDS / 2;
            self.records.drain(..excess);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(play: &Play) -> serde_json::Value {
        serde_json::from_str(&play.look()).expect("JSON")
    }

    fn leader(play: &Play) -> Option<u64> {
        let look = value(play);
        let nodes = look["nodes"].as_array().expect("nodes");
        let leads = |node: &&serde_json::Value| node["role"] == "Leader" && node["lease"] == true;
        nodes
            .iter()
            .find(leads)
            .and_then(|node| node["node"].as_u64())
    }

    fn obey(play: &mut Play, lines: &[&str]) {
        for line in lines {
            play.obey(line)
                .unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }

    #[test]
    fn a_leader_is_elected_crashes_and_another_is_and_it_is_all_undone() {
        let mut play = Play::new("election", 3).expect("a scenario");
        obey(&mut play, &["advance 2s"]);
        let first = leader(&play).expect("a leader");
        let before = play.look();
        obey(&mut play, &[&format!("do crash {first}"), "advance 2s"]);
        let second = leader(&play).expect("another");
        assert_ne!(first, second);
        obey(&mut play, &["undo"]);
        assert_eq!(play.look(), before, "it is as it was");
        obey(&mut play, &["advance 2s"]);
        assert_eq!(leader(&play), Some(first));
    }

    #[test]
    fn the_way_back_and_the_same_seed_lead_to_the_same_world() {
        let mut play = Play::new("lossy", 5).expect("a scenario");
        obey(
            &mut play,
            &["advance 1s", "do isolate leader", "advance 700ms"],
        );
        let then = play.look();
        obey(&mut play, &["advance 1s", "back 1s"]);
        assert_eq!(play.look(), then);
        obey(&mut play, &["again", "advance 1700ms"]);
        assert_eq!(play.look(), then);
        obey(&mut play, &["seed 6"]);
        assert_ne!(play.look(), then);
    }

    #[test]
    fn the_same_deeds_disturb_plain_raft_and_not_the_other() {
        let mut play = Play::new("returning-node", 1).expect("a scenario");
        let term = |play: &Play| value(play)["nodes"][0]["term"].as_u64().expect("a term");
        obey(&mut play, &["advance 7s"]);
        assert_eq!(term(&play), 1);
        obey(&mut play, &["rules plain"]);
        assert!(term(&play) > 2, "{}", play.look());
        obey(&mut play, &["rules standard"]);
        assert_eq!(term(&play), 1);
    }

    #[test]
    fn whoever_is_asked_to_campaigns_at_once() {
        let mut play = Play::new("election", 3).expect("a scenario");
        obey(&mut play, &["advance 2s"]);
        let follower = (leader(&play).expect("a leader") + 1) % 3;
        obey(&mut play, &[&format!("do campaign {follower}")]);
        let look = value(&play);
        assert_eq!(look["nodes"][follower as usize]["role"], "PreCandidate");
        assert!(
            look["flights"]
                .as_array()
                .is_some_and(|flights| flights.len() >= 2)
        );
        assert_eq!(look["violation"], serde_json::Value::Null);
        obey(&mut play, &["advance 1s"]);
        assert_eq!(value(&play)["violation"], serde_json::Value::Null);
    }

    #[test]
    fn what_makes_no_sense_changes_nothing() {
        let mut play = Play::new("election", 3).expect("a scenario");
        let before = play.look();
        for line in [
            "fly",
            "do crash 7",
            "do explode",
            "nodes 99",
            "rules none",
            "advance 5",
            "start nowhere 1",
            "start lab3a-postponed 1",
            "seed x",
        ] {
            assert!(play.obey(line).is_err(), "{line}");
        }
        obey(&mut play, &["undo"]);
        assert_eq!(play.look(), before);
        assert!(Play::scenarios().contains("returning-node-plain"));
        assert!(play.timeline().contains("\"lanes\""));
    }
}
