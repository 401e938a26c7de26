//! The file of a scenario.

use core::time::Duration;

use raft_core::{Config, NodeId, Options, Protocol};
use serde::Deserialize;

use super::{Deed, Run, Scenario, ScenarioError, window, words};
use crate::disk::DiskOptions;
use crate::lab3a::{Lab, Network, Test};
use crate::network::Conditions;
use crate::rng::Chance;
use crate::settings::{Heartbeats, Postponing, Settings};
use crate::time::nanos;

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    title: String,
    #[serde(default)]
    about: String,
    #[serde(default = "one")]
    seed: u64,
    picture: Option<String>,
    #[serde(default)]
    lab3a: Option<LabTest>,
    nodes: Option<usize>,
    duration: Option<String>,
    #[serde(default)]
    protocol: Rules,
    heartbeat: Option<String>,
    election_timeout: Option<String>,
    #[serde(default = "yes")]
    postponing: bool,
    heartbeats_stretched: Option<u32>,
    #[serde(default)]
    network: NetworkTable,
    disk: Option<String>,
    #[serde(default)]
    script: Vec<String>,
}

const fn one() -> u64 {
    1
}
const fn yes() -> bool {
    true
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Rules {
    #[default]
    Standard,
    Plain,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum LabTest {
    Initial,
    Reelection,
    Many,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct NetworkTable {
    delay: Option<String>,
    loss: Option<String>,
    duplication: Option<String>,
    straggling: Option<String>,
    straggler_delay: Option<String>,
}

impl File {
    const fn protocol(&self) -> Protocol {
        match self.protocol {
            Rules::Standard => Protocol::Standard,
            Rules::Plain => Protocol::Plain,
        }
    }

    const fn postponing(&self) -> Postponing {
        if self.postponing {
            Postponing::On
        } else {
            Postponing::Off
        }
    }
}

pub(super) fn parse(text: &str) -> Result<Scenario, String> {
    let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
    let (run, end) = match file.lab3a {
        Some(test) => (lab(&file, test)?, u64::MAX),
        None => script(&file)?,
    };
    let picture = match &file.picture {
        None => 0..end,
        Some(text) => window(text).map_err(at("picture"))?,
    };
    Ok(Scenario {
        title: file.title,
        about: file.about,
        seed: file.seed,
        picture,
        run,
    })
}

fn lab(file: &File, test: LabTest) -> Result<Run, String> {
    if file.nodes.is_some() || file.duration.is_some() || !file.script.is_empty() {
        return Err(
            "lab3a: a test of the lab has its own nodes, duration and script: leave those out"
                .to_owned(),
        );
    }
    let lab = Lab {
        network: Network::Reliable,
        protocol: file.protocol(),
        postponing: file.postponing(),
    };
    let test = match test {
        LabTest::Initial => Test::Initial,
        LabTest::Reelection => Test::Reelection,
        LabTest::Many => Test::Many,
    };
    Ok(Run::Lab(lab, test))
}

fn script(file: &File) -> Result<(Run, u64), String> {
    let settings = Box::new(settings(file)?);
    let duration = file.duration.as_deref();
    let duration =
        duration.ok_or("duration: it is missing: write how long the run takes, as in \"5s\"")?;
    let duration = words::duration(duration).map_err(at("duration"))?;
    let lines = file.script.iter();
    let script = lines
        .map(|line| script_line(line, settings.nodes))
        .collect::<Result<Vec<_>, String>>()?;
    if let Some(pair) = script.windows(2).find(|pair| pair[0].0 > pair[1].0) {
        let late = &pair[1].2;
        return Err(format!(
            "script: `{late}` comes too late: write the lines in order of time"
        ));
    }
    let run = Run::Script {
        settings,
        duration,
        script,
    };
    Ok((run, nanos(duration)))
}

fn settings(file: &File) -> Result<Settings, String> {
    let mut options = Options {
        protocol: file.protocol(),
        ..Options::default()
    };
    if let Some(text) = &file.heartbeat {
        options.heartbeat_interval = words::duration(text).map_err(at("heartbeat"))?;
    }
    if let Some(text) = &file.election_timeout {
        options.election_timeout = words::duration(text).map_err(at("election-timeout"))?;
    }
    let conditions = conditions(&file.network)?;
    let mut disk = DiskOptions::default();
    if let Some(text) = &file.disk {
        let range = words::range(text).map_err(at("disk"))?;
        (disk.sync_min, disk.sync_max) = (*range.start(), *range.end());
    }
    let nodes = file.nodes.unwrap_or(3);
    let most = Config::MAX_VOTERS;
    if !(1..=most).contains(&nodes) {
        return Err(format!("nodes: {nodes} is not between 1 and {most}"));
    }
    Config::new(NodeId(0), &[NodeId(0)], options).map_err(|error| error.to_string())?;
    let heartbeats = Heartbeats {
        stretched: file.heartbeats_stretched.unwrap_or(1),
    };
    if !(1..=1_000).contains(&heartbeats.stretched) {
        return Err("heartbeats-stretched: write 1 to 1000".to_owned());
    }
    let settings = Settings {
        nodes,
        options,
        disk,
        postponing: file.postponing(),
        heartbeats,
        ..Settings::default()
    };
    Ok(settings.with_conditions(conditions))
}

fn conditions(network: &NetworkTable) -> Result<Conditions, String> {
    let mut conditions = Conditions::default();
    if let Some(text) = &network.delay {
        conditions = Conditions::delay(words::range(text).map_err(at("network.delay"))?);
    }
    let chance = |text: &Option<String>, key: &'static str| match text {
        Some(text) => words::chance(text).map_err(at(key)),
        None => Ok(Chance::NEVER),
    };
    conditions = conditions
        .with_loss(chance(&network.loss, "network.loss")?)
        .with_duplication(chance(&network.duplication, "network.duplication")?);
    match (&network.straggling, &network.straggler_delay) {
        (None, None) => {}
        (Some(_), Some(delay)) => {
            let delay = words::duration(delay).map_err(at("network.straggler-delay"))?;
            let chance = chance(&network.straggling, "network.straggling")?;
            conditions = conditions.with_stragglers(chance, delay);
        }
        (Some(_), None) | (None, Some(_)) => {
            return Err("network: straggling and straggler-delay come together".to_owned());
        }
    }
    Ok(conditions)
}

/// `1.5s crash leader`.
fn script_line(line: &str, nodes: usize) -> Result<(Duration, Deed, String), String> {
    let (time, deed) = line.trim().split_once(' ').unwrap_or((line, ""));
    let time = words::duration(time).map_err(at("script"))?;
    let words = deed.trim();
    let deed: Deed = words.parse().map_err(at("script"))?;
    if let Some(node) = deed.nodes().into_iter().find(|node| node.0 >= nodes as u64) {
        return Err(format!(
            "script: `{line}`: there is no node {node}: they are 0 to {}",
            nodes - 1
        ));
    }
    Ok((time, deed, words.to_owned()))
}

fn at(key: &'static str) -> impl Fn(ScenarioError) -> String {
    move |error| format!("{key}: {error}")
}
