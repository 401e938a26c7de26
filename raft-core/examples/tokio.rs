//! tokio: three nodes, each a task with a UDP socket on loopback and a state file. The leader is killed, and another is
//! elected.
//!
//! `cargo run -p raft-core --example tokio --features wire`

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use getrandom::SysRng;
use raft_core::{
    Action, Config, Event, HardState, LogPosition, Next, Node, NodeId, Options, Term, wire,
};
use rand_core::UnwrapErr;
use tokio::net::UdpSocket;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::time::{Instant, timeout, timeout_at};

const PATIENCE: Duration = Duration::from_secs(60);

struct Host {
    id: NodeId,
    addresses: BTreeMap<NodeId, SocketAddr>,
    socket: UdpSocket,
    state_file: PathBuf,
}

async fn run(host: Host, leaders: UnboundedSender<(NodeId, Term)>) -> io::Result<()> {
    let voters: Vec<NodeId> = host.addresses.keys().copied().collect();
    let config = Config::new(host.id, &voters, Options::default()).map_err(io::Error::other)?;
    // Only an explicit first start begins like this.
    let disk = HardState::first_boot();
    let mut node = Node::restore(config, disk, LogPosition::default(), UnwrapErr(SysRng))
        .map_err(io::Error::other)?;
    loop {
        match node.next(Instant::now) {
            Next::CarryOut(action) => match action {
                Action::Persist(state) => {
                    // Not on a thread that runs tasks, and done before the next action.
                    let path = host.state_file.clone();
                    tokio::task::spawn_blocking(move || save(&path, &state)).await??;
                }
                Action::Send { to, message } => {
                    let mut buffer = [0; wire::MAX_LEN];
                    let datagram = wire::encode(&message, &mut buffer);
                    // What cannot be sent is lost, as on any network.
                    let _ = host.socket.try_send_to(datagram, host.addresses[&to]);
                }
                Action::LeadershipConfirmed { term, .. } => {
                    let _ = leaders.send((host.id, term));
                }
                Action::LeadershipGained { .. } | Action::LeadershipLost { .. } => {}
                Action::Report(_) | Action::StartRound { .. } => {}
                Action::SetTimer { .. } | Action::CancelTimer(_) => {}
            },
            Next::Wait(until) => {
                let until = until.unwrap_or_else(|| Instant::now() + PATIENCE);
                if let Ok(event) = timeout_at(until, receive(&host)).await {
                    node.step(event?);
                }
            }
        }
    }
}

/// The next message. On loopback an address is taken for its owner; on a network, authenticate datagrams.
async fn receive(host: &Host) -> io::Result<Event> {
    let mut buffer = [0; wire::MAX_LEN + 1];
    loop {
        let (length, source) = host.socket.recv_from(&mut buffer).await?;
        let from = host
            .addresses
            .iter()
            .find(|(_, address)| **address == source);
        if let (Some((&from, _)), Ok(message)) = (from, wire::decode(&buffer[..length])) {
            return Ok(Event::Receive { from, message });
        }
    }
}

/// Replaces the state: what a crash leaves is the old or the new one, whole.
fn save(path: &Path, state: &HardState) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = File::create(&new)?;
    serde_json::to_writer(&mut file, state)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    let directory = path.parent().unwrap_or(Path::new("."));
    File::open(directory)?.sync_all()
}

async fn next_leader(
    leaders: &mut UnboundedReceiver<(NodeId, Term)>,
    after: Term,
) -> Result<(NodeId, Term), Box<dyn Error>> {
    loop {
        let heard = timeout(PATIENCE, leaders.recv()).await?;
        let (leader, term) = heard.ok_or("all nodes ended")?;
        if term > after {
            println!("node {leader} leads in term {term}");
            return Ok((leader, term));
        }
    }
}

async fn elect_twice(directory: &Path) -> Result<(), Box<dyn Error>> {
    let mut sockets = BTreeMap::new();
    let mut addresses = BTreeMap::new();
    for id in [NodeId(1), NodeId(2), NodeId(3)] {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        addresses.insert(id, socket.local_addr()?);
        sockets.insert(id, socket);
    }
    let (announce, mut leaders) = mpsc::unbounded_channel();
    let mut tasks = BTreeMap::new();
    for (id, socket) in sockets {
        let host = Host {
            id,
            addresses: addresses.clone(),
            socket,
            state_file: directory.join(format!("node-{id}.json")),
        };
        tasks.insert(id, tokio::spawn(run(host, announce.clone())));
    }
    let (first, term) = next_leader(&mut leaders, Term(0)).await?;
    tasks[&first].abort();
    println!("node {first} is killed");
    next_leader(&mut leaders, term).await?;
    Ok(())
}

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_io()
        .enable_time()
        .build()?;
    runtime.block_on(elect_twice(directory.path()))
}
