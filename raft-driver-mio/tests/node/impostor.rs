//! Plays a node: its frames are what a real one would send, and what it says is the test's affair.

use raft_driver_mio::raft_core::{Config, Message, NodeId, Options};
use raft_driver_mio::{Identity, Keyring, Opened, TimingDigest, Transport};

/// A run of a node of a cluster of nodes 1, 2 and 3.
pub(crate) struct Impostor(pub(crate) Transport);

impl Impostor {
    pub(crate) fn new(cluster: &str, id: NodeId, options: &Options, keys: Keyring) -> Impostor {
        let voters = [NodeId(1), NodeId(2), NodeId(3)];
        let config = Config::new(id, &voters, *options).expect("a configuration");
        let identity = Identity {
            cluster: cluster.to_owned(),
            id,
            timing: TimingDigest::of(&config),
        };
        let peers: Vec<_> = config.peers().collect();
        let random = |buffer: &mut [u8]| getrandom::fill(buffer).expect("random numbers");
        Impostor(Transport::new(identity, &peers, Some(keys), random))
    }

    pub(crate) fn seal(&mut self, to: NodeId, message: Option<&Message>) -> Vec<u8> {
        self.0.seal(to, message).to_vec()
    }

    /// What a datagram says, and what is to be answered.
    pub(crate) fn open(&mut self, datagram: &[u8]) -> (Option<Message>, Option<Vec<u8>>) {
        match self.0.open(datagram) {
            Opened::Message { message, .. } => (Some(message), None),
            Opened::Stale { answer, .. } => (None, Some(answer.to_vec())),
            Opened::Empty { .. } | Opened::Question { .. } | Opened::Report { .. } => (None, None),
            Opened::Dropped(reason) => panic!("{reason}"),
        }
    }
}
