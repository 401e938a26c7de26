//! Three boards with a node each, on one microcontroller: tasks of Embassy's executor, without std. Twice the leader loses
//! its power, and who lost it before comes back from its flash memory, without which the third election has no majority.
//! The heap is a static arena; after its first election no node asks for more of it.
//!
//! `raft-core/embedded/run.sh` runs it in an emulator.

#![no_std]
#![no_main]

mod network;
mod node;
mod timer;

use core::cell::Cell;
use core::sync::atomic::{AtomicUsize, Ordering};

use cortex_m_semihosting::debug::{self, EXIT_SUCCESS};
use cortex_m_semihosting::hprintln;
use embassy_executor::Spawner;
use embassy_futures::select::select;
use embassy_sync::blocking_mutex::Mutex;
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::channel::Channel;
use embassy_sync::signal::Signal;
use embassy_time::{Duration as Ticks, with_timeout};
use embedded_alloc::LlffHeap;
use panic_semihosting as _;
use raft_core::{Config, HardState, NodeId, Options, Round, Term};

use network::{Inbox, Wires};
use node::Flash;

/// Bytes of the arena.
const ARENA: usize = 4 * 1024;
/// Rounds of heartbeats that each leader is given, and after which of them the heap must not grow.
const ROUNDS: Round = Round(50);
const STARTED: Round = Round(10);
const PATIENCE: Ticks = Ticks::from_secs(60);

#[global_allocator]
static HEAP: LlffHeap = LlffHeap::empty();
static MOST_USED: AtomicUsize = AtomicUsize::new(0);

struct Board {
    flash: Flash,
    inbox: Inbox,
    on: Signal<CriticalSectionRawMutex, ()>,
    off: Signal<CriticalSectionRawMutex, ()>,
}

const VOTERS: [NodeId; 3] = [NodeId(1), NodeId(2), NodeId(3)];

static BOARDS: [Board; 3] = [const {
    Board {
        // What it is manufactured with: nothing else begins like this.
        flash: Mutex::new(Cell::new(HardState::first_boot())),
        inbox: Channel::new(),
        on: Signal::new(),
        off: Signal::new(),
    }
}; 3];

static CONFIRMED: Channel<CriticalSectionRawMutex, (NodeId, Term, Round), 8> = Channel::new();

fn board(id: NodeId) -> Option<&'static Board> {
    BOARDS.get(VOTERS.iter().position(|voter| *voter == id)?)
}

/// Runs a node while there is power.
#[embassy_executor::task(pool_size = 3)]
async fn power(id: NodeId, board: &'static Board) {
    let mut starts = 0;
    loop {
        board.on.wait().await;
        let config = Config::new(id, &VOTERS, Options::default()).expect("three voters");
        let inbox = |id| self::board(id).map(|board| &board.inbox);
        // Yours is drawn from the chip's generator of true random numbers. Two nodes with the same would campaign at the
        // same times.
        let seed = id.0 << 32 | starts;
        starts += 1;
        let confirmed = |term, round| {
            MOST_USED.fetch_max(HEAP.used(), Ordering::Relaxed);
            let _ = CONFIRMED.try_send((id, term, round));
        };
        let node = node::run(config, &board.flash, seed, Wires { id, inbox }, confirmed);
        select(node, board.off.wait()).await;
    }
}

/// The next leader, once a majority answered so many rounds of its heartbeats.
async fn leader(after: Term, rounds: Round) -> (NodeId, Term) {
    let heard = async {
        loop {
            let (leader, term, round) = CONFIRMED.receive().await;
            if term > after && round >= rounds {
                return (leader, term);
            }
        }
    };
    with_timeout(PATIENCE, heard).await.expect("a leader")
}

#[embassy_executor::main]
async fn main(spawner: Spawner) {
    // SAFETY: it is the first thing done and done once, and the macro's arena is used by nobody else.
    #[expect(unsafe_code, reason = "an allocator is given its memory once")]
    unsafe {
        embedded_alloc::init!(HEAP, ARENA);
    }
    timer::start(cortex_m::Peripherals::take().expect("taken once").SYST);
    for id in VOTERS {
        let board = board(id).expect("a board a voter");
        spawner.spawn(power(id, board).expect("a task a board"));
        board.on.signal(());
    }

    let mut without_power = None;
    let mut latest = Term(0);
    for _ in 0..3 {
        let (id, term) = leader(latest, Round(1)).await;
        let now = timer::now();
        hprintln!("{:?}: node {} leads in term {}", now, id, term);
        latest = term;
        if let Some(board) = without_power.take() {
            let board: &Board = board;
            let term = board.flash.lock(Cell::get).current_term;
            hprintln!("{:?}: power is back for a node of term {}", now, term);
            board.on.signal(());
        }
        // This leader's, that is to say: after the term before.
        let before = Term(term.0 - 1);
        leader(before, STARTED).await;
        let used = HEAP.used();
        leader(before, ROUNDS).await;
        hprintln!(
            "{:?}: a majority answered {} rounds; {} bytes of heap",
            timer::now(),
            ROUNDS,
            used
        );
        assert_eq!(HEAP.used(), used, "heartbeats took memory");
        let board = board(id).expect("a leader is a voter");
        board.off.signal(());
        hprintln!("{:?}: node {} has no power", timer::now(), id);
        without_power = Some(board);
    }
    hprintln!(
        "of an arena of {} bytes, {} were used at most",
        ARENA,
        MOST_USED.load(Ordering::Relaxed)
    );
    debug::exit(EXIT_SUCCESS);
}
