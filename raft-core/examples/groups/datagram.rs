//! Many messages in a datagram: each with the number of its group and its length before it.

use raft_core::{Message, wire};

/// What an Ethernet frame carries without being taken apart, less IPv6's and UDP's headers.
pub(crate) const ROOM: usize = 1_452;
const HEADER: usize = 5;

/// Adds a message to a datagram, or says that there is no room for it.
#[must_use]
pub(crate) fn push(datagram: &mut Vec<u8>, group: u32, message: &Message) -> bool {
    let mut buffer = [0; wire::MAX_LEN];
    let bytes = wire::encode(message, &mut buffer);
    let fits = datagram.len() + HEADER + bytes.len() <= ROOM;
    if fits {
        datagram.extend(group.to_le_bytes());
        datagram.push(bytes.len() as u8);
        datagram.extend(bytes);
    }
    fits
}

/// The messages of a datagram, up to the first that is none.
pub(crate) fn messages(mut datagram: &[u8]) -> impl Iterator<Item = (u32, Message)> {
    std::iter::from_fn(move || {
        let (header, rest) = datagram.split_first_chunk::<HEADER>()?;
        let [a, b, c, d, length] = *header;
        let (bytes, rest) = rest.split_at_checked(usize::from(length))?;
        datagram = rest;
        Some((u32::from_le_bytes([a, b, c, d]), wire::decode(bytes).ok()?))
    })
}
