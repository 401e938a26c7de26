//! The network: a trait that a radio, an Ethernet chip or a bus implements, and wires between the boards here.

use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::channel::Channel;
use heapless::Vec;
use raft_core::{NodeId, wire};

/// A datagram as long as any message.
pub(crate) type Datagram = Vec<u8, { wire::MAX_LEN }>;

/// What a node needs of a network. It may lose, repeat, delay and reorder datagrams, but must know who sent one.
pub(crate) trait Network {
    /// Sends, or loses, a datagram.
    fn send(&self, to: NodeId, datagram: &[u8]);
    /// The next datagram and its sender. One that was dropped before it was done has lost a datagram at the most.
    async fn receive(&self) -> (NodeId, Datagram);
}

/// Where what was sent to a board waits until it is read. What finds it full is lost.
pub(crate) type Inbox = Channel<CriticalSectionRawMutex, (NodeId, Datagram), 8>;

/// A board's end of the wires.
pub(crate) struct Wires {
    /// The board.
    pub(crate) id: NodeId,
    /// Every board's inbox.
    pub(crate) inbox: fn(NodeId) -> Option<&'static Inbox>,
}

impl Network for Wires {
    fn send(&self, to: NodeId, datagram: &[u8]) {
        if let (Some(inbox), Ok(datagram)) = ((self.inbox)(to), Vec::from_slice(datagram)) {
            let _ = inbox.try_send((self.id, datagram));
        }
    }

    async fn receive(&self) -> (NodeId, Datagram) {
        match (self.inbox)(self.id) {
            Some(inbox) => inbox.receive().await,
            None => core::future::pending().await,
        }
    }
}
