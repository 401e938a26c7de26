//! Several nodes' traces as one.

use std::collections::{HashMap, HashSet, VecDeque};

use raft_core::{Action, Event, Message, NodeId};

use super::record::{Record, Recording, RecordingError, What};
use crate::observer::Fault;

/// Puts the traces of the nodes of one cluster on one clock: the time of day of each node's start, corrected so that no message
/// arrives before it was sent. Several traces of one node are its starts, one after the other.
///
/// # Errors
///
/// What is missing, or does not fit.
pub fn merge(recordings: Vec<Recording>) -> Result<Recording, RecordingError> {
    let recordings = match <[Recording; 1]>::try_from(recordings) {
        Ok([alone]) => return Ok(alone),
        Err(several) => several,
    };
    let mut starts = Vec::new();
    for (index, recording) in recordings.into_iter().enumerate() {
        let header = &recording.header;
        let (Some(node), Some(unix_time)) = (header.node, header.unix_time) else {
            return Err(RecordingError::of(format!(
                "trace {}: it is of no single node with a time of day, so it cannot be merged with others: view it alone",
                index + 1
            )));
        };
        starts.push((unix_time, node, recording));
    }
    starts.sort_by_key(|(unix_time, ..)| *unix_time);
    let Some((began, _, first)) = starts.first() else {
        return Err(RecordingError::of("there is no trace"));
    };
    let mut header = first.header.clone();
    let began = *began;
    let mut voters: Vec<NodeId> = header.voters.clone();
    let mut records = Vec::new();
    let mut end = 0;
    let last_start: HashMap<NodeId, u64> = starts.iter().map(|start| (start.1, start.0)).collect();
    for (unix_time, node, recording) in &starts {
        let other = &recording.header.voters;
        voters.extend(other.iter().filter(|voter| !header.voters.contains(voter)));
        let since = unix_time - began;
        let moved = recording.records.iter().cloned().map(|record| Record {
            t: record.t.saturating_add(since),
            ..record
        });
        records.extend(moved);
        let ended = recording.end().saturating_add(since);
        end = end.max(ended);
        let stopped = recording
            .records
            .last()
            .is_some_and(|last| last.what == What::Stopped {});
        if !stopped && last_start[node] > *unix_time {
            records.push(Record {
                t: ended,
                node: *node,
                what: What::Fault(Fault::Kill),
                state: None,
            });
        }
    }
    if voters.iter().collect::<HashSet<_>>().len() > raft_core::Config::MAX_VOTERS {
        return Err(RecordingError::of(
            "the traces name too many voters: they are not of one cluster",
        ));
    }
    voters.sort_unstable();
    voters.dedup();
    records.sort_by_key(|record| record.t);
    correct(&mut records, &voters);
    header.voters = voters;
    header.node = None;
    header.end = Some(end.max(records.last().map_or(0, |record| record.t)));
    Ok(Recording { header, records })
}

/// Moves the nodes' clocks against each other until no message arrives before it was sent.
fn correct(records: &mut [Record], voters: &[NodeId]) {
    let delays = least_delays(records);
    // What a node's clock is put back by, from 0: the longest chain of messages that came too early.
    let mut back: HashMap<NodeId, i128> = voters.iter().map(|voter| (*voter, 0)).collect();
    for _ in voters {
        for ((from, to), delay) in &delays {
            // A message takes a nanosecond at the least, so that it comes after its sending also in the order of records.
            let limit = back[to] + delay - 1;
            let sender = back.entry(*from).or_default();
            *sender = (*sender).min(limit);
        }
    }
    let earliest = back.values().copied().min().unwrap_or(0);
    for record in records.iter_mut() {
        let forward = back.get(&record.node).map_or(0, |back| back - earliest);
        record.t = record.t.saturating_add(u64::try_from(forward).unwrap_or(0));
    }
    records.sort_by_key(|record| record.t);
}

/// The shortest time that a message seems to have taken on each link. It is negative where clocks differ by more than that.
fn least_delays(records: &[Record]) -> HashMap<(NodeId, NodeId), i128> {
    let mut sent: HashMap<(NodeId, NodeId, Message), VecDeque<u64>> = HashMap::new();
    for record in records {
        if let What::Action(Action::Send { to, message }) = record.what {
            let queue = sent.entry((record.node, to, message)).or_default();
            queue.push_back(record.t);
        }
    }
    let mut least = HashMap::new();
    for record in records {
        if let What::Event(Event::Receive { from, message }) = record.what
            && let Some(queue) = sent.get_mut(&(from, record.node, message))
            && let Some(at) = queue.pop_front()
        {
            let took = i128::from(record.t) - i128::from(at);
            let least = least.entry((from, record.node)).or_insert(took);
            *least = took.min(*least);
        }
    }
    least
}

#[cfg(test)]
mod tests {
    use raft_core::{Protocol, Term, TimeoutNow};

    use super::super::record::{Header, TRACE_VERSION};
    use super::*;

    fn recording(node: u64, unix_time: u64, records: Vec<(u64, What)>) -> Recording {
        let node = NodeId(node);
        let header = Header {
            raft_trace: TRACE_VERSION,
            voters: vec![NodeId(1), NodeId(2)],
            node: Some(node),
            title: None,
            seed: None,
            command: None,
            election_timeout: 1,
            heartbeat_interval: 1,
            lease: None,
            protocol: Protocol::Standard,
            postponing: true,
            heartbeats_stretched: 1,
            unix_time: Some(unix_time),
            end: None,
            failure: None,
            notes: Vec::new(),
        };
        let record = |(t, what)| Record {
            t,
            node,
            what,
            state: None,
        };
        let records = records.into_iter().map(record).collect();
        Recording { header, records }
    }

    const MESSAGE: Message = Message::TimeoutNow(TimeoutNow {
        term: Term(1),
        stopped: false,
    });

    #[test]
    fn clocks_are_moved_until_no_message_arrives_before_it_was_sent() {
        let send = What::Action(Action::Send {
            to: NodeId(2),
            message: MESSAGE,
        });
        let receive = What::Event(Event::Receive {
            from: NodeId(1),
            message: MESSAGE,
        });
        // By its clock node 2 starts 50 later, and has the message 40 before it was sent.
        let merged = merge(vec![
            recording(1, 1_000, vec![(100, send)]),
            recording(2, 1_050, vec![(10, receive)]),
        ])
        .expect("they fit");
        let times: Vec<(u64, u64)> = merged.records.iter().map(|r| (r.node.0, r.t)).collect();
        assert_eq!(times, [(1, 100), (2, 101)]);
    }

    #[test]
    fn a_node_that_starts_again_without_having_stopped_was_killed() {
        let started = || What::Started {};
        let merged = merge(vec![
            recording(1, 500, vec![(0, started())]),
            recording(1, 0, vec![(0, started()), (70, What::Synced {})]),
        ])
        .expect("they fit");
        let killed = merged
            .records
            .iter()
            .find(|r| r.what == What::Fault(Fault::Kill));
        assert_eq!(killed.map(|record| record.t), Some(70));
        assert_eq!(merged.header.end, Some(500));
    }

    #[test]
    fn a_trace_of_a_world_merges_with_no_other() {
        let mut world = recording(1, 0, Vec::new());
        world.header.node = None;
        let error = merge(vec![world, recording(2, 0, Vec::new())]).expect_err("no single node");
        assert!(
            error.to_string().contains("trace 1") && error.to_string().contains("alone"),
            "{error}"
        );
    }
}
