//! The configuration file: any text is read or refused, and what is read makes sense.
//!
//! What the file says in words of its own (peers, durations) can be written down and read again; the file for all hosts
//! makes one for each of its nodes.

use core::time::Duration;

use raft_core::{Config, NodeId, Options};
use raft_driver_mio::config_file::{File, parse_peer};
use raft_driver_mio::duration;

/// Checks a text.
///
/// # Panics
///
/// At what must not be.
pub fn check(text: &str) {
    match File::parse(text) {
        Ok(file) if file.node.is_empty() => one_node(&file),
        Ok(file) => all_hosts(&file),
        Err(error) => {
            assert!(
                !error.to_string().trim().is_empty(),
                "an error that says nothing"
            );
            let lines = text.lines().count().max(1);
            assert!(
                error
                    .line()
                    .is_none_or(|line| (1..=lines + 1).contains(&line))
            );
        }
    }
}

fn one_node(file: &File) {
    let mut voters = vec![NodeId(file.id.unwrap_or(1))];
    for peer in &file.peer {
        match parse_peer(peer) {
            Ok((id, address)) => {
                let again = parse_peer(&format!("{id}={address}"));
                assert_eq!(again, Ok((id, address)));
                voters.push(id);
            }
            Err(error) => assert!(error.to_string().starts_with("peer: "), "{error}"),
        }
    }
    for duration in [file.heartbeat, file.election_timeout]
        .into_iter()
        .flatten()
    {
        read_again(duration);
    }
    let defaults = Options::default();
    let options = Options {
        heartbeat_interval: file.heartbeat.unwrap_or(defaults.heartbeat_interval),
        election_timeout: file.election_timeout.unwrap_or(defaults.election_timeout),
        witness: file.witness,
        ..defaults
    };
    if let Err(error) = Config::new(voters[0], &voters, options) {
        assert!(
            error.to_string().contains(": "),
            "an error that names nothing: {error}"
        );
    }
}

/// Beyond 104 days a duration is not exact to the nanosecond.
fn read_again(duration: Duration) {
    let nanos = duration.as_nanos();
    if nanos < 1 << 53 {
        let text = format!("{}.{:03}us", nanos / 1_000, nanos % 1_000);
        assert_eq!(duration::parse(&text), Ok(duration), "{text}");
    }
}

fn all_hosts(file: &File) {
    for node in &file.node {
        assert_eq!(file.pick(Some(node.id), ""), Ok(node.id));
        let mut narrowed = file.clone();
        if narrowed.narrow(node.id, None).is_ok() {
            assert_eq!(narrowed.id, Some(node.id));
            assert!(narrowed.listen.is_some());
            assert_eq!(narrowed.peer.len(), file.node.len() - 1);
            one_node(&narrowed);
        }
    }
}
