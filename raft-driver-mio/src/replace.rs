//! What may change while a node runs: its keys, and where its peers are.

use raft_core::NodeId;
use tracing::info;

use crate::error::ReplaceError;
use crate::key::Keyring;
use crate::node::Node;
use crate::resolve::Resolver;
use crate::settings::{PeerAddress, check_peer};

impl Node {
    pub(crate) fn replace_keys(&mut self, keys: Keyring) {
        let seals_with = keys.first().id;
        let opens: Vec<_> = keys.ids().map(|id| id.to_string()).collect();
        info!(
            event = "keys_replaced",
            node = self.id.0,
            seals_with,
            opens = opens.join(",")
        );
        self.transport.replace_keys(Some(keys));
    }

    /// Takes new addresses for all peers, or for none if one of them will not do.
    pub(crate) fn replace_addresses(
        &mut self,
        peers: &[(NodeId, PeerAddress)],
    ) -> Result<(), ReplaceError> {
        let mut ids: Vec<NodeId> = peers.iter().map(|(id, _)| *id).collect();
        ids.sort_unstable();
        if !self.peers.iter().map(|peer| peer.id).eq(ids) {
            return Err(ReplaceError::OtherPeers);
        }
        for (id, address) in peers {
            if let PeerAddress::Address(address) = address {
                check_peer(*id, *address, self.listen).map_err(ReplaceError::Address)?;
            }
        }
        let named =
            |(_, address): &(NodeId, PeerAddress)| matches!(address, PeerAddress::Name { .. });
        if self.resolver.is_none() && peers.iter().any(named) {
            let resolver = Resolver::start(self.waker.clone());
            self.resolver = Some(resolver.map_err(ReplaceError::Thread)?);
        }
        for (id, address) in peers {
            let listen = self.listen;
            let Some(peer) = self.peers.get_mut(*id) else {
                continue;
            };
            if peer.move_to(address, listen) {
                let (node, peer, name) = (self.id.0, id.0, address.to_string());
                info!(event = "address_replaced", node, peer, name);
                self.send(*id, None);
            }
        }
        self.resolve_names();
        Ok(())
    }
}
