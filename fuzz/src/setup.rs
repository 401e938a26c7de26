//! How a node is set up that is alone with its input.

use raft_core::{Config, NodeId, Options, Protocol};

/// Node 1 of so many voters.
pub(crate) fn config(voters: u64, plain: bool, witness: bool) -> Config {
    let voters: Vec<NodeId> = (1..=voters).map(NodeId).collect();
    let options = Options {
        protocol: if plain {
            Protocol::Plain
        } else {
            Protocol::Standard
        },
        witness,
        ..Options::default()
    };
    Config::new(NodeId(1), &voters, options).expect("a valid configuration")
}
