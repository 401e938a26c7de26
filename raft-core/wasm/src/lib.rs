//! One node behind plain functions, which is all that JavaScript needs of it; no bindings are generated.
//!
//! What the host gives: a monotonic clock and random bits. What passes in and out but for numbers are bytes in one buffer: its
//! owner says where it is ([`buffer`]) and how much of it is used ([`length`]), and JavaScript reads and writes it there, in
//! memory that is shared anyway. No pointer is read or written in Rust.

use std::cell::RefCell;
use std::convert::Infallible;
use std::time::Duration;

use raft_core::{Action, Config, Event, HardState, LogPosition, Next, Node, NodeId, Options, wire};
use rand_core::TryRng;

#[link(wasm_import_module = "host")]
unsafe extern "C" {
    /// Milliseconds since some moment, of a clock that never goes back.
    safe fn now() -> f64;
    /// 32 random bits.
    safe fn random() -> u32;
}

/// What [`next`] asks for.
#[repr(u32)]
enum Do {
    /// Wait for a message, at most [`number`] milliseconds, then ask again.
    Wait = 0,
    /// Put the bytes in the buffer on stable storage before you ask again.
    Persist = 1,
    /// Send the bytes in the buffer to node [`number`].
    Send = 2,
    /// Know that this node leads in term [`number`], and that a majority answered it.
    Leads = 3,
    /// Ask again.
    Nothing = 4,
}

const ROOM: usize = 256;

struct Instance {
    node: Option<Node<HostRandom, Duration>>,
    buffer: [u8; ROOM],
    length: usize,
    number: f64,
}

// One instance of the module is one node, and has one thread.
thread_local! {
    static INSTANCE: RefCell<Instance> = const {
        RefCell::new(Instance { node: None, buffer: [0; ROOM], length: 0, number: 0.0 })
    };
}

fn with<T>(work: impl FnOnce(&mut Instance) -> T) -> T {
    INSTANCE.with_borrow_mut(work)
}

/// Where the buffer is; it has room for 256 bytes, and stays there.
#[unsafe(no_mangle)]
pub extern "C" fn buffer() -> usize {
    with(|instance| instance.buffer.as_ptr() as usize)
}

/// How many bytes of the buffer [`next`] has filled.
#[unsafe(no_mangle)]
pub extern "C" fn length() -> usize {
    with(|instance| instance.length)
}

/// The number that belongs to what [`next`] asks for.
#[unsafe(no_mangle)]
pub extern "C" fn number() -> f64 {
    with(|instance| instance.number)
}

/// Starts node `id` of the nodes 1 to `voters`, from the state in the first `length` bytes of the buffer: what
/// was persisted last, or nothing, on an explicit first start. Says whether that can be.
#[unsafe(no_mangle)]
pub extern "C" fn start(id: u32, voters: u32, length: usize) -> bool {
    with(|instance| {
        let state = match instance.buffer.get(..length) {
            Some([]) => Some(HardState::first_boot()),
            Some(bytes) => serde_json::from_slice(bytes).ok(),
            None => None,
        };
        let voters: Vec<NodeId> = (1..=u64::from(voters)).map(NodeId).collect();
        let config = Config::new(NodeId(u64::from(id)), &voters, Options::default()).ok();
        instance.node = state.zip(config).and_then(|(state, config)| {
            Node::restore(config, state, LogPosition::default(), HostRandom).ok()
        });
        instance.node.is_some()
    })
}

/// Takes a message: the first `length` bytes of the buffer, from node `from`. What is no message is dropped.
#[unsafe(no_mangle)]
pub extern "C" fn receive(from: u32, length: usize) {
    with(|instance| {
        let message = instance.buffer.get(..length).map(wire::decode);
        if let (Some(node), Some(Ok(message))) = (&mut instance.node, message) {
            let from = NodeId(u64::from(from));
            node.step(Event::Receive { from, message });
        }
    });
}

/// What to do next: 0 wait, 1 persist, 2 send, 3 know that this node leads, 4 nothing. Ask again once it is done.
#[unsafe(no_mangle)]
pub extern "C" fn next() -> u32 {
    with(|instance| instance.next() as u32)
}

impl Instance {
    fn next(&mut self) -> Do {
        self.length = 0;
        self.number = f64::INFINITY;
        let Some(node) = &mut self.node else {
            return Do::Wait;
        };
        match node.next(clock) {
            Next::CarryOut(action) => match action {
                Action::Persist(state) => {
                    let text = serde_json::to_vec(&state).unwrap_or_default();
                    self.put(&text);
                    Do::Persist
                }
                Action::Send { to, message } => {
                    self.put(wire::encode(&message, &mut [0; wire::MAX_LEN]));
                    self.number = to.0 as f64;
                    Do::Send
                }
                Action::LeadershipConfirmed { term, .. } => {
                    self.number = term.0 as f64;
                    Do::Leads
                }
                Action::LeadershipGained { .. } | Action::LeadershipLost { .. } => Do::Nothing,
                Action::Report(_) | Action::StartRound { .. } => Do::Nothing,
                Action::SetTimer { .. } | Action::CancelTimer(_) => Do::Nothing,
            },
            Next::Wait(until) => {
                if let Some(until) = until {
                    self.number = until.saturating_sub(clock()).as_secs_f64() * 1_000.0;
                }
                Do::Wait
            }
        }
    }

    fn put(&mut self, bytes: &[u8]) {
        if let Some(room) = self.buffer.get_mut(..bytes.len()) {
            room.copy_from_slice(bytes);
            self.length = bytes.len();
        }
    }
}

fn clock() -> Duration {
    Duration::from_secs_f64(now() / 1_000.0)
}

/// The host's generator.
struct HostRandom;

impl TryRng for HostRandom {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(random())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(u64::from(random()) << 32 | u64::from(random()))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.fill_with(|| random() as u8);
        Ok(())
    }
}
