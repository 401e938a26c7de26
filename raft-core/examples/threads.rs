//! Bare threads and std's channels: three nodes, each on a thread of its own. Twice the leader is killed, and who was
//! killed before comes back from what its disk held, without which the third election has no majority.
//!
//! `cargo run -p raft-core --example threads`

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use getrandom::SysRng;
use raft_core::{
    Action, Config, Event, HardState, LogPosition, Message, Next, Node, NodeId, Options, Term,
};
use rand_core::UnwrapErr;

const VOTERS: [NodeId; 3] = [NodeId(1), NodeId(2), NodeId(3)];

enum Input {
    Message { from: NodeId, message: Message },
    Kill,
}

/// What outlives a killed node: its disk, and the network that still delivers to it.
struct Host {
    id: NodeId,
    disk: HardState,
    inbox: Receiver<Input>,
}

type Outboxes = BTreeMap<NodeId, Sender<Input>>;

fn run(mut host: Host, outboxes: &Outboxes, leaders: &Sender<(NodeId, Term)>) -> Host {
    let config = Config::new(host.id, &VOTERS, Options::default()).expect("three voters");
    let rng = UnwrapErr(SysRng);
    let mut node = Node::restore(config, host.disk, LogPosition::default(), rng)
        .expect("a state that a node wrote");
    loop {
        match node.next(Instant::now) {
            Next::CarryOut(action) => match action {
                // It outlives the node, not this program. Yours writes a file and syncs it.
                Action::Persist(state) => host.disk = state,
                Action::Send { to, message } => {
                    let from = host.id;
                    // Who is gone hears nothing, as on any network.
                    let _ = outboxes[&to].send(Input::Message { from, message });
                }
                Action::LeadershipConfirmed { term, .. } => {
                    let _ = leaders.send((host.id, term));
                }
                Action::LeadershipGained { .. } | Action::LeadershipLost { .. } => {}
                Action::Report(_) | Action::StartRound { .. } => {}
                Action::SetTimer { .. } | Action::CancelTimer(_) => {}
            },
            Next::Wait(until) => {
                let patience = until.map_or(Duration::MAX, |at| at.duration_since(Instant::now()));
                match host.inbox.recv_timeout(patience) {
                    Ok(Input::Message { from, message }) => {
                        node.step(Event::Receive { from, message });
                    }
                    Ok(Input::Kill) | Err(RecvTimeoutError::Disconnected) => return host,
                    Err(RecvTimeoutError::Timeout) => {}
                }
            }
        }
    }
}

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let (announce, leaders) = mpsc::channel();
    let (outboxes, inboxes): (Vec<_>, Vec<_>) = VOTERS.iter().map(|_| mpsc::channel()).unzip();
    let outboxes: Outboxes = VOTERS.into_iter().zip(outboxes).collect();
    let start = |host| {
        let (outboxes, announce) = (outboxes.clone(), announce.clone());
        thread::spawn(move || run(host, &outboxes, &announce))
    };
    let mut running = BTreeMap::new();
    for (id, inbox) in VOTERS.into_iter().zip(inboxes) {
        // Only an explicit first start begins like this.
        let disk = HardState::first_boot();
        running.insert(id, start(Host { id, disk, inbox }));
    }

    let mut killed = None;
    let mut latest = Term(0);
    for _ in 0..3 {
        let (leader, term) = loop {
            let (leader, term) = leaders.recv_timeout(Duration::from_secs(60))?;
            if term > latest && running.contains_key(&leader) {
                break (leader, term);
            }
        };
        println!("node {leader} leads in term {term}");
        latest = term;
        if let Some(host) = killed.take() {
            let Host { id, disk, .. } = &host;
            println!("node {id} comes back in term {}", disk.current_term);
            running.insert(*id, start(host));
        }
        outboxes[&leader].send(Input::Kill)?;
        let thread = running.remove(&leader).ok_or("it runs")?;
        killed = Some(thread.join().map_err(|_| "a node panicked")?);
        println!("node {leader} is killed");
    }
    Ok(())
}
