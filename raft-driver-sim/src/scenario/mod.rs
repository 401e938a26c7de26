//! Scenarios: a small world and a script of what befalls it, in TOML. `docs/scenario-files.md` describes the format.

mod deed;
mod file;
mod words;

use core::fmt;
use core::ops::Range;
use core::time::Duration;

use crate::lab3a::{Lab, Test};
use crate::settings::Settings;
use crate::time::{Time, nanos};
use crate::timeline::{Header, Recorder, Recording};
use crate::world::World;

pub use deed::{Deed, Who};

macro_rules! named {
    ($($name:literal),* $(,)?) => {
        /// The scenarios that come with the program: their names and their files.
        pub const NAMED: &[(&str, &str)] = &[
            $(($name, include_str!(concat!("../../scenarios/", $name, ".toml")))),*
        ];
    };
}

named![
    "election",
    "leader-crash",
    "heartbeats-too-slow",
    "heartbeats-postpone",
    "heartbeats-do-not-postpone",
    "lab3a-postponed",
    "lab3a-not-postponed",
    "bridge",
    "chain",
    "one-way-cut",
    "lossy",
    "mute-leader",
    "minority-leader",
    "hand-over",
    "slow-disk",
    "returning-node-plain",
    "returning-node",
];

/// A world, and what is done to it when.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// What a picture of it is called.
    pub title: String,
    /// What there is to see.
    pub about: String,
    /// The seed if none is asked for.
    pub seed: u64,
    /// What the still picture shows, in nanoseconds.
    pub picture: Range<u64>,
    run: Run,
}

#[derive(Clone, Debug, PartialEq)]
enum Run {
    Script {
        settings: Box<Settings>,
        duration: Duration,
        script: Vec<(Duration, Deed, String)>,
    },
    Lab(Lab, Test),
}

/// What is wrong with a scenario or with a word of one, and how to write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioError(String);

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for ScenarioError {}

impl Scenario {
    /// One of [`NAMED`].
    ///
    /// # Errors
    ///
    /// The names that there are.
    pub fn named(name: &str) -> Result<Self, ScenarioError> {
        match NAMED.iter().find(|(known, _)| *known == name) {
            Some((_, file)) => Self::parse(file),
            None => {
                let names: Vec<&str> = NAMED.iter().map(|(name, _)| *name).collect();
                let names = names.join(", ");
                Err(ScenarioError(format!(
                    "there is no scenario `{name}`: give a file, or one of {names}"
                )))
            }
        }
    }

    /// Reads a file's text.
    ///
    /// # Errors
    ///
    /// The key, what is wrong with its value, and how to write it.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        file::parse(text).map_err(ScenarioError)
    }

    /// Runs it and records everything that happens. `command` is what makes the same run again.
    pub fn record(&self, seed: u64, command: &str) -> Recording {
        let mut recording = match &self.run {
            Run::Lab(lab, test) => lab.record(*test, seed),
            Run::Script {
                settings,
                duration,
                script,
            } => run(settings, seed, *duration, script),
        };
        recording.header.title = Some(self.title.clone());
        recording.header.command = Some(command.to_owned());
        recording
    }

    /// The world before its seed, and the script, each line with its time and its words: none for a test of the lab.
    pub fn script(&self) -> Option<(&Settings, impl Iterator<Item = (Duration, &Deed, &str)>)> {
        match &self.run {
            Run::Lab(..) => None,
            Run::Script {
                settings, script, ..
            } => Some((
                settings,
                script
                    .iter()
                    .map(|(at, deed, words)| (*at, deed, words.as_str())),
            )),
        }
    }
}

/// Reads a duration, such as `50ms` or `1.5s`.
///
/// # Errors
///
/// What is wrong with it, and how to write one.
pub fn duration(text: &str) -> Result<Duration, ScenarioError> {
    words::duration(text)
}

/// Reads a window of time, such as `500ms..2s`, in nanoseconds.
///
/// # Errors
///
/// What is wrong with it, and how to write one.
pub fn window(text: &str) -> Result<Range<u64>, ScenarioError> {
    let range = words::range(text)?;
    Ok(nanos(*range.start())..nanos(*range.end()))
}

fn run(
    settings: &Settings,
    seed: u64,
    duration: Duration,
    script: &[(Duration, Deed, String)],
) -> Recording {
    // The settings were tried when they were read.
    let mut world = World::observed(settings, seed, Recorder::default()).expect("valid settings");
    let begin = Time::default();
    let mut outcome = Ok(());
    for (at, deed, words) in script {
        outcome = outcome.and_then(|()| world.run_until(begin + *at));
        if outcome.is_ok() {
            let now = world.now();
            world.observer_mut().note(now, words.clone());
            deed.perform(&mut world);
        }
    }
    outcome = outcome.and_then(|()| world.run_until(begin + duration));
    let now = world.now();
    let mut recording = world
        .into_observer()
        .finish(Header::of(settings, seed), now);
    recording.header.failure = outcome.err().map(|violation| violation.to_string());
    recording
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_scenario_is_one() {
        for (name, _) in NAMED {
            let scenario = Scenario::named(name).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(
                !scenario.title.is_empty() && !scenario.about.is_empty(),
                "{name}"
            );
        }
    }

    #[test]
    fn an_error_names_the_key_and_the_remedy() {
        let with = |rest: &str| format!("title = \"x\"\nduration = \"1s\"\n{rest}");
        for (text, named) in [
            ("title = \"x\"".to_owned(), "duration: it is missing"),
            (with("colour = \"red\""), "colour"),
            (with("heartbeat = \"5\""), "50ms"),
            (with("heartbeat = \"400ms\""), "heartbeat_interval"),
            (with("nodes = 0"), "between 1 and 64"),
            (with("script = [\"1s crash 3\"]"), "they are 0 to 2"),
            (with("script = [\"1s explode 1\"]"), "crash WHO"),
            (
                with("script = [\"1s heal\", \"500ms heal\"]"),
                "order of time",
            ),
            (with("[network]\nloss = \"120%\""), "network.loss"),
            (with("lab3a = \"many\""), "leave those out"),
        ] {
            let error = Scenario::parse(&text).expect_err(&text);
            assert!(error.to_string().contains(named), "{text}: {error}");
        }
        let error = Scenario::named("nowhere").expect_err("no such name");
        assert!(error.to_string().contains("leader-crash"), "{error}");
    }

    #[test]
    fn the_same_seed_gives_the_same_recording() {
        let scenario = Scenario::named("leader-crash").expect("it is there");
        let one = scenario.record(7, "x");
        assert_eq!(one, scenario.record(7, "x"));
        assert_ne!(one, scenario.record(8, "x"));
        assert!(one.header.failure.is_none());
        let mut written = Vec::new();
        one.write(&mut written).expect("memory");
        assert_eq!(Recording::read(written.as_slice()), Ok(one));
    }
}
