//! `raft check-config`: whether a configuration is right, and what follows from it.

use std::process::ExitCode;
use std::time::Duration;

use raft_core::{
    AppendEntries, AppendEntriesResponse, Config, LogIndex, LogPosition, Message, NodeId, Round,
    Term,
};
use raft_driver_mio::duration;
use raft_driver_mio::{
    Identity, Settings, StartError, TimingDigest, Transport, kill_budget, takeover_wait,
};

use crate::allowance;
use crate::config::{self, Given};
use crate::demo::timing::{Implied, ms};
use crate::member::{self, EX_CONFIG};
use crate::options::Options;
use crate::target::{self, Failure};

/// Checks a configuration as raft node would, starts nothing, and prints what follows from it.
///
/// Of a file for all hosts, one with a table of nodes, every node is checked, on whatever host this is. The key file is
/// read if one is given. Neither the state nor the network is touched.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status:
  0   it is right
  2   a wrong option
  78  it is wrong: what, where and what to do is said on standard error

Example:
  raft check-config --config /etc/raft/cluster.toml

The file, the same on all hosts:
  cluster = \"billing\"
  state-dir = \"/var/lib/raft\"
  key-file = \"/etc/raft/key\"
  election-timeout = \"500ms\"

  [[node]]
  id = 1
  address = \"10.0.0.1:7400\"   # where the others reach it
  host = \"host1\"              # runs here if this is the host's name and there is no --id
  [[node]]
  id = 2
  address = \"10.0.0.2:7400\"
  host = \"host2\"
  [[node]]
  id = 3
  address = \"host3.example:7400\"
  listen = \"10.0.0.3:7400\"    # where it listens, if that is not its address
  witness = true              # it votes and never leads")]
pub(crate) struct Args {
    #[command(flatten)]
    options: Options,
    /// As raft exec has it: how long CMD may take to end after SIGTERM when the lease is lost [default: 0s]
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, env = "RAFT_GRACE", hide_env_values = true)]
    grace: Option<Duration>,
}

pub(crate) fn run(args: Args) -> ExitCode {
    let checked = check(&args.options, args.grace).map_err(|error| Failure(error, EX_CONFIG));
    let printed = checked.map(|text| {
        target::print(&text);
        0
    });
    target::exit("check-config", printed)
}

fn check(options: &Options, grace: Option<Duration>) -> Result<String, String> {
    let all = config::nodes(options)?;
    let one = |id| {
        let options = Options {
            id,
            ..options.clone()
        };
        let Given { settings, file, .. } = config::read(options)?;
        let checked = settings.validate().map_err(StartError::Settings);
        let config = checked.map_err(|error| member::explain(&error))?;
        let grace = grace.or(file.grace).unwrap_or_default();
        allowance::after_grace(&config, settings.kill_delay, grace)?;
        Ok::<_, String>((settings, config))
    };
    let mut text = String::new();
    let mut first = None;
    if all.is_empty() {
        first = Some(one(options.id)?);
    } else if let Some(id) = options.id.filter(|id| !all.contains(id)) {
        // The error names those that there are.
        one(Some(id))?;
    }
    for id in all {
        let checked = one(Some(id)).map_err(|error| format!("node {id}: {error}"))?;
        first.get_or_insert(checked);
    }
    if let Some((settings, config)) = first {
        text += &describe(&settings, &config);
    }
    Ok(text)
}

/// What follows from the configuration, for people.
fn describe(settings: &Settings, config: &Config) -> String {
    let voters = config.voters().len();
    let survives = voters - config.majority();
    let (t, lease) = (
        config.election_timeout(),
        config.lease().unwrap_or_default(),
    );
    let wait = takeover_wait(config, settings.kill_delay);
    let mut lines = vec![
        (
            "cluster",
            format!(
                "{}, {voters} voters, of which {survives} may fail",
                settings.cluster
            ),
        ),
        (
            "datagrams",
            if settings.keys.is_some() {
                "sealed".to_owned()
            } else {
                "not sealed: there is no key".to_owned()
            },
        ),
        ("heartbeat", ms(config.heartbeat_interval())),
        ("election timeout", ms(t)),
        (
            "lease",
            format!(
                "{}: a leader that is cut off is not active after that",
                ms(lease)
            ),
        ),
        (
            "kill budget",
            format!(
                "{}: what it ran may take that long to die without anybody's waiting for it",
                ms(kill_budget(config))
            ),
        ),
        ("kill delay", kill_delay(settings.kill_delay, wait)),
        ("failover", failover(settings, config, wait)),
        (
            "hand-over",
            "at once: a round trip and two syncs, and the time that the program takes to stop"
                .to_owned(),
        ),
    ];
    if voters > 1 {
        lines.extend(bandwidth(settings, config));
    }
    let line = |(name, value): (&str, String)| format!("{name:18}{value}\n");
    lines.into_iter().map(line).collect()
}

/// What the kill delay has a new leader wait.
fn kill_delay(given: Duration, wait: Duration) -> String {
    match (given, wait) {
        (Duration::ZERO, _) => "none but the kill budget".to_owned(),
        (given, Duration::ZERO) => format!("{}: it fits into the kill budget", ms(given)),
        (given, wait) => format!(
            "{}: a new leader starts nothing for {} after a crash; that is part of the failover below",
            ms(given),
            ms(wait)
        ),
    }
}

/// How long nothing is active after a crash, `wait` being what the new leader waits.
fn failover(settings: &Settings, config: &Config, wait: Duration) -> String {
    let (voters, heartbeat, t) = (
        config.voters().len(),
        config.heartbeat_interval(),
        config.election_timeout(),
    );
    let crash = Implied::new(voters, heartbeat, t, Duration::ZERO, Duration::ZERO);
    let usual = if settings.prefer.is_empty() {
        format!("{} on average", ms(crash.timers + wait))
    } else {
        // Who campaigns first depends on who of them runs.
        format!("at least {}", ms(t - heartbeat + wait))
    };
    format!(
        "after a crash of the leader {usual}, {} at the most if no vote is split; two round trips and two syncs of a \
         disk come on top",
        ms(t * 2 + wait)
    )
}

/// What the heartbeats take, with headers, while nothing fails.
fn bandwidth(settings: &Settings, config: &Config) -> [(&'static str, String); 2] {
    let (heartbeat, answer) = sizes(settings, config);
    // A datagram's headers: UDP's 8 bytes, and IPv4's 20 or IPv6's 40.
    let ipv4 = settings
        .listen
        .address()
        .is_ok_and(|listen| listen.is_ipv4());
    let headers = if ipv4 { 28 } else { 48 };
    let rounds = 1.0 / config.heartbeat_interval().as_secs_f64();
    let peers = (config.voters().len() - 1) as f64;
    let say = |peers: f64, bytes: usize| {
        let datagrams = rounds * peers;
        let bytes = datagrams * (bytes + headers) as f64;
        format!("{datagrams:.0} datagrams/s, {}", per_second(bytes))
    };
    [
        (
            "leader",
            format!(
                "sends {}, receives {}",
                say(peers, heartbeat),
                say(peers, answer)
            ),
        ),
        (
            "follower",
            format!(
                "sends {}, receives {}",
                say(1.0, answer),
                say(1.0, heartbeat)
            ),
        ),
    ]
}

fn per_second(bytes: f64) -> String {
    if bytes >= 1e6 {
        format!("{:.1} MB/s", bytes / 1e6)
    } else {
        format!("{:.1} kB/s", bytes / 1e3)
    }
}

/// The bytes of a heartbeat and of its answer, in an old cluster: numbers grow longer with the years.
fn sizes(settings: &Settings, config: &Config) -> (usize, usize) {
    let peers: Vec<NodeId> = config.peers().collect();
    let Some(to) = peers.iter().max() else {
        return (0, 0);
    };
    let identity = Identity {
        cluster: settings.cluster.clone(),
        id: config.id(),
        timing: TimingDigest::of(config),
    };
    // The bytes matter to nobody but for their number.
    let mut transport = Transport::new(identity, &peers, settings.keys.clone(), |_| {});
    let (term, round) = (Term(10_000), Round(1_000_000_000));
    let heartbeat = AppendEntries {
        term,
        prev_log: LogPosition::default(),
        leader_commit: LogIndex::default(),
        round,
        lease: config.lease().unwrap_or_default(),
    };
    let answer = AppendEntriesResponse {
        term,
        success: true,
        round,
        can_campaign: true,
    };
    let mut size = |message| transport.seal(*to, Some(&message)).len();
    (
        size(Message::AppendEntries(heartbeat)),
        size(Message::AppendEntriesResponse(answer)),
    )
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    fn settings(heartbeat: u64) -> (Settings, Config) {
        let address = |port| SocketAddr::from(([127, 0, 0, 1], port));
        let mut settings = Settings::new("billing", NodeId(1), address(7400), "/nonexistent");
        settings.peers = [2, 3]
            .map(|id| (NodeId(id), address(7400 + id as u16).into()))
            .to_vec();
        settings.options.heartbeat_interval = Duration::from_millis(heartbeat);
        let config = settings.validate().expect("right");
        (settings, config)
    }

    #[test]
    fn the_figures_are_those_of_the_frames_and_of_the_timers() {
        let (settings, config) = settings(50);
        let (heartbeat, answer) = sizes(&settings, &config);
        // The published sizes without seal: young 49 and 42, old and with a log 62 and 46.
        assert!((49..=62).contains(&heartbeat), "{heartbeat}");
        assert!((42..=46).contains(&answer), "{answer}");
        let text = describe(&settings, &config);
        let bytes = 40 * (heartbeat + 28);
        for part in [
            "billing, 3 voters, of which 1 may fail".to_owned(),
            "lease             400 ms".to_owned(),
            "kill budget       90.1 ms".to_owned(),
            "leader 642 ms on average, 1000 ms at the most".to_owned(),
            format!("sends 40 datagrams/s, {}", per_second(bytes as f64)),
        ] {
            assert!(text.contains(&part), "{text} lacks {part}");
        }
    }

    #[test]
    fn what_a_kill_delay_costs_is_part_of_the_failover() {
        let (mut settings, config) = settings(50);
        settings.kill_delay = Duration::from_millis(90);
        let text = describe(&settings, &config);
        for part in ["90.0 ms: it fits", "leader 642 ms on average, 1000 ms"] {
            assert!(text.contains(part), "{text} lacks {part}");
        }
        settings.kill_delay = Duration::from_secs(5);
        // 5.4 s * 101 / 99 - 500 ms.
        for part in [
            "5000 ms: a new leader starts nothing for 5009 ms",
            "leader 5651 ms on average, 6009 ms at the most",
        ] {
            let text = describe(&settings, &config);
            assert!(text.contains(part), "{text} lacks {part}");
        }
        settings.prefer = vec![NodeId(2)];
        let text = describe(&settings, &config);
        assert!(text.contains("leader at least 5459 ms, 6009 ms"), "{text}");
    }

    #[test]
    fn twice_the_heartbeats_are_twice_the_datagrams() {
        let (settings, config) = settings(25);
        assert!(describe(&settings, &config).contains("sends 80 datagrams/s"));
    }
}
