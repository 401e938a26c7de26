//! smol: three nodes on one thread, each a future with a UDP socket on loopback. The leader is killed by dropping its
//! future, and another is elected.
//!
//! `cargo run -p raft-core --example smol --features wire`

use std::collections::BTreeMap;
use std::error::Error;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use getrandom::SysRng;
use raft_core::{
    Action, Config, Event, HardState, LogPosition, Next, Node, NodeId, Options, Term, wire,
};
use rand_core::UnwrapErr;
use smol::channel::{self, Receiver, Sender};
use smol::future::or;
use smol::net::UdpSocket;
use smol::{LocalExecutor, Timer};

const PATIENCE: Duration = Duration::from_secs(60);

struct Host {
    id: NodeId,
    addresses: BTreeMap<NodeId, SocketAddr>,
    socket: UdpSocket,
    disk: HardState,
}

async fn run(mut host: Host, leaders: Sender<(NodeId, Term)>) -> io::Result<()> {
    let voters: Vec<NodeId> = host.addresses.keys().copied().collect();
    let config = Config::new(host.id, &voters, Options::default()).map_err(io::Error::other)?;
    let rng = UnwrapErr(SysRng);
    let mut node =
        Node::restore(config, host.disk, LogPosition::default(), rng).map_err(io::Error::other)?;
    loop {
        match node.next(Instant::now) {
            Next::CarryOut(action) => match action {
                // Nobody comes back here. Yours writes a file and syncs it, under `smol::unblock`.
                Action::Persist(state) => host.disk = state,
                Action::Send { to, message } => {
                    let mut buffer = [0; wire::MAX_LEN];
                    let datagram = wire::encode(&message, &mut buffer);
                    // What cannot be sent is lost, as on any network.
                    let _ = host.socket.send_to(datagram, host.addresses[&to]).await;
                }
                Action::LeadershipConfirmed { term, .. } => {
                    let _ = leaders.try_send((host.id, term));
                }
                Action::LeadershipGained { .. } | Action::LeadershipLost { .. } => {}
                Action::Report(_) | Action::StartRound { .. } => {}
                Action::SetTimer { .. } | Action::CancelTimer(_) => {}
            },
            Next::Wait(until) => {
                let due = async {
                    until.map_or_else(Timer::never, Timer::at).await;
                    Ok(None)
                };
                if let Some(event) = or(receive(&host), due).await? {
                    node.step(event);
                }
            }
        }
    }
}

/// The next message. On loopback an address is taken for its owner; on a network, authenticate datagrams.
async fn receive(host: &Host) -> io::Result<Option<Event>> {
    let mut buffer = [0; wire::MAX_LEN + 1];
    let (length, source) = host.socket.recv_from(&mut buffer).await?;
    let from = host
        .addresses
        .iter()
        .find(|(_, address)| **address == source);
    Ok(from
        .zip(wire::decode(&buffer[..length]).ok())
        .map(|((&from, _), message)| Event::Receive { from, message }))
}

async fn next_leader(
    leaders: &Receiver<(NodeId, Term)>,
    after: Term,
) -> Result<(NodeId, Term), Box<dyn Error>> {
    let none = async {
        Timer::after(PATIENCE).await;
        Err("no leader was elected".into())
    };
    let heard = async {
        loop {
            let (leader, term) = leaders.recv().await?;
            if term > after {
                println!("node {leader} leads in term {term}");
                return Ok((leader, term));
            }
        }
    };
    or(heard, none).await
}

async fn elect_twice(executor: &LocalExecutor<'_>) -> Result<(), Box<dyn Error>> {
    let mut sockets = BTreeMap::new();
    let mut addresses = BTreeMap::new();
    for id in [NodeId(1), NodeId(2), NodeId(3)] {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        addresses.insert(id, socket.local_addr()?);
        sockets.insert(id, socket);
    }
    let (announce, leaders) = channel::unbounded();
    let mut tasks = BTreeMap::new();
    for (id, socket) in sockets {
        let host = Host {
            id,
            addresses: addresses.clone(),
            socket,
            // Only an explicit first start begins like this.
            disk: HardState::first_boot(),
        };
        tasks.insert(id, executor.spawn(run(host, announce.clone())));
    }
    let (first, term) = next_leader(&leaders, Term(0)).await?;
    drop(tasks.remove(&first));
    println!("node {first} is killed");
    next_leader(&leaders, term).await?;
    Ok(())
}

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let executor = LocalExecutor::new();
    smol::block_on(executor.run(elect_twice(&executor)))
}
