//! The `[[node]]` table of a file that is the same on all hosts, and which of its nodes runs here.

use std::net::SocketAddr;

use raft_core::NodeId;
use serde::Deserialize;

use super::{File, OptionError};
use crate::PeerAddress;

/// One voter of the cluster, in a file for all hosts.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Node {
    /// Its number.
    pub id: u64,
    /// Where the others reach it: `HOST:PORT`.
    pub address: String,
    /// The name of its host, by which it finds itself.
    pub host: Option<String>,
    /// Where it listens, if not at its address.
    #[serde(default, deserialize_with = "super::optional_address")]
    pub listen: Option<SocketAddr>,
    /// Whether it votes and never leads.
    #[serde(default)]
    pub witness: bool,
}

impl File {
    /// Checks the table of nodes, if there is one, and that nothing else says what it says.
    pub(super) fn check_nodes(&self) -> Result<(), OptionError> {
        if self.node.is_empty() {
            return Ok(());
        }
        let ones_own = [
            ("id", self.id.is_some()),
            ("listen", self.listen.is_some()),
            ("peer", !self.peer.is_empty()),
            ("witness", self.witness),
        ];
        if let Some((name, _)) = ones_own.iter().find(|(_, given)| *given) {
            return Err(OptionError::of(format!(
                "{name}: the file has a [[node]] table and is for all hosts: say there what is one node's own"
            )));
        }
        check(&self.node)
    }

    /// The id of the node in the table that runs on `host`: the one with that id if one is given, or else the
    /// one whose `host` this is, in full or by its first label.
    ///
    /// # Errors
    ///
    /// There is none; the error names those that there are.
    pub fn pick(&self, id: Option<u64>, host: &str) -> Result<u64, OptionError> {
        pick(&self.node, id, host).map(|node| node.id)
    }

    /// Puts what the table says of the node `id` where a file of this node's own has it, but for the address to
    /// listen on if another was given.
    ///
    /// # Errors
    ///
    /// The table does not say where the node listens, or names no such node.
    pub fn narrow(&mut self, id: u64, listen: Option<SocketAddr>) -> Result<(), OptionError> {
        let me = pick(&self.node, Some(id), "")?;
        self.listen = match listen {
            Some(listen) => Some(listen),
            None => Some(me.listen()?),
        };
        (self.id, self.witness) = (Some(me.id), me.witness);
        let others = self.node.iter().filter(|node| node.id != id);
        self.peer = others
            .map(|node| format!("{}={}", node.id, node.address))
            .collect();
        Ok(())
    }
}

impl Node {
    fn peer(&self) -> Result<(NodeId, PeerAddress), OptionError> {
        let id = NodeId(self.id);
        match self.address.parse() {
            Ok(address) => Ok((id, address)),
            Err(error) => Err(OptionError::of(format!(
                "node: node {id}: address: {error}"
            ))),
        }
    }

    fn listen(&self) -> Result<SocketAddr, OptionError> {
        match (self.listen, self.peer()?) {
            (Some(listen), _) | (None, (_, PeerAddress::Address(listen))) => Ok(listen),
            (None, (id, PeerAddress::Name { port, .. })) => Err(OptionError::of(format!(
                "node: node {id}: its address is a host name, on which it cannot listen: give it \
                 `listen = \"ADDRESS:{port}\"` as well"
            ))),
        }
    }
}

/// Checks what must hold between the nodes, whichever of them runs here.
fn check(nodes: &[Node]) -> Result<(), OptionError> {
    for (index, node) in nodes.iter().enumerate() {
        node.peer()?;
        for other in nodes.iter().take(index) {
            if other.id == node.id {
                return Err(OptionError::of(format!(
                    "node: two have the id {}: give each a number of its own",
                    node.id
                )));
            }
            let same = |host: &String| {
                let host = host.to_ascii_lowercase();
                other.host.as_ref().map(|host| host.to_ascii_lowercase()) == Some(host)
            };
            if let Some(host) = node.host.as_ref().filter(|host| same(host)) {
                let (one, two) = (other.id, node.id);
                return Err(OptionError::of(format!(
                    "node: nodes {one} and {two} have the same host, {host}: leave `host` out and choose with --id"
                )));
            }
        }
    }
    Ok(())
}

fn pick<'a>(nodes: &'a [Node], id: Option<u64>, host: &str) -> Result<&'a Node, OptionError> {
    let is_here = |node: &&Node| match id {
        Some(id) => node.id == id,
        None => node.host.as_ref().is_some_and(|name| is_named(host, name)),
    };
    nodes.iter().find(is_here).ok_or_else(|| {
        let named = |node: &Node| match &node.host {
            Some(host) => format!("{} ({host})", node.id),
            None => node.id.to_string(),
        };
        let all: Vec<String> = nodes.iter().map(named).collect();
        let all = all.join(", ");
        OptionError::of(match id {
            Some(id) => format!("id: {id} is none of the nodes in the file: {all}"),
            None => format!(
                "id: no node in the file has the host {host}: give --id, or `host` to one of its nodes: {all}"
            ),
        })
    })
}

/// Whether a host is meant by a name: in full or by its first label, in upper or lower case.
fn is_named(host: &str, name: &str) -> bool {
    let label = host.split('.').next().unwrap_or(host);
    [host, label]
        .iter()
        .any(|host| host.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(text: &str) -> Vec<Node> {
        #[derive(Deserialize)]
        struct File {
            node: Vec<Node>,
        }
        toml::from_str::<File>(text).expect("a table").node
    }

    fn three() -> Vec<Node> {
        nodes(
            "[[node]]\nid = 1\naddress = \"10.0.0.1:7400\"\nhost = \"alpha\"\n\
             [[node]]\nid = 2\naddress = \"10.0.0.2:7400\"\nhost = \"beta.example\"\n\
             [[node]]\nid = 3\naddress = \"gamma.example:7400\"\n",
        )
    }

    #[test]
    fn a_node_is_found_by_its_id_or_else_by_its_host() {
        let nodes = three();
        let pick = |id, host| super::pick(&nodes, id, host).map(|node| node.id);
        assert_eq!(pick(Some(3), "alpha"), Ok(3));
        assert_eq!(pick(None, "alpha"), Ok(1));
        assert_eq!(pick(None, "ALPHA.example"), Ok(1));
        assert_eq!(pick(None, "beta.example"), Ok(2));
        for (id, host, part) in [
            (Some(4), "alpha", "id: 4 is none"),
            (None, "beta", "the host beta: give --id"),
            (None, "delta", "1 (alpha), 2 (beta.example), 3"),
        ] {
            let error = pick(id, host).expect_err(part).to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn a_node_listens_on_its_address_unless_it_says_otherwise() {
        let nodes = three();
        assert_eq!(nodes[0].listen(), Ok("10.0.0.1:7400".parse().unwrap()));
        let error = nodes[2].listen().expect_err("a host name").to_string();
        assert!(error.contains("listen = \"ADDRESS:7400\""), "{error}");
    }

    #[test]
    fn what_two_nodes_share_is_named() {
        assert_eq!(check(&three()), Ok(()));
        let with = |change: fn(&mut Vec<Node>)| {
            let mut nodes = three();
            change(&mut nodes);
            check(&nodes).expect_err("a slip").to_string()
        };
        let error = with(|nodes| nodes[2].id = 1);
        assert!(error.contains("two have the id 1"), "{error}");
        let error = with(|nodes| nodes[2].host = Some("Alpha".to_owned()));
        assert!(
            error.contains("nodes 1 and 3 have the same host, Alpha"),
            "{error}"
        );
        let error = with(|nodes| nodes[1].address = "10.0.0.2".to_owned());
        assert!(
            error.contains("node 2: address: `10.0.0.2` is no address"),
            "{error}"
        );
    }
}
