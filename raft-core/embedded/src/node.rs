//! The loop of a node: what the core asks for, on this board.

use core::cell::Cell;

use embassy_futures::select::{Either, select};
use embassy_sync::blocking_mutex::Mutex;
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use raft_core::{Action, Config, Event, HardState, LogPosition, Next, Node, Round, Term, wire};
use rand_core::SeedableRng;
use rand_pcg::Pcg32;

use crate::network::Network;
use crate::timer;

/// What outlives a loss of power. Yours is a page of flash memory; [`run`] goes on when it is written.
pub(crate) type Flash = Mutex<CriticalSectionRawMutex, Cell<HardState>>;

/// Runs a node until it is dropped, which is a loss of power. `confirmed` hears of each round that a majority answered.
pub(crate) async fn run(
    config: Config,
    flash: &Flash,
    seed: u64,
    network: impl Network,
    confirmed: impl Fn(Term, Round),
) {
    let rng = Pcg32::seed_from_u64(seed);
    let state = flash.lock(Cell::get);
    let mut node = Node::restore(config, state, LogPosition::default(), rng)
        .expect("a state that a node wrote");
    loop {
        match node.next(timer::now) {
            Next::CarryOut(action) => match action {
                Action::Persist(state) => flash.lock(|flash| flash.set(state)),
                Action::Send { to, message } => {
                    let mut buffer = [0; wire::MAX_LEN];
                    network.send(to, wire::encode(&message, &mut buffer));
                }
                Action::LeadershipConfirmed { term, round } => confirmed(term, round),
                Action::LeadershipGained { .. } | Action::LeadershipLost { .. } => {}
                Action::Report(_) | Action::StartRound { .. } => {}
                Action::SetTimer { .. } | Action::CancelTimer(_) => {}
            },
            Next::Wait(until) => {
                let came = select(network.receive(), timer::wait_until(until)).await;
                if let Either::First((from, datagram)) = came
                    && let Ok(message) = wire::decode(&datagram)
                {
                    node.step(Event::Receive { from, message });
                }
            }
        }
    }
}
