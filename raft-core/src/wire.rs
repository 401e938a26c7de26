//! The codec of messages (feature `wire`): postcard. One place, so that all drivers speak the same bytes.

use core::fmt;

use crate::message::Message;

/// The most bytes that a message takes.
pub const MAX_LEN: usize = 80;

/// Writes a message into `buffer` and returns the bytes that it took. They begin `buffer`, which is best made as
/// `[0; wire::MAX_LEN]`.
pub fn encode<'a>(message: &Message, buffer: &'a mut [u8; MAX_LEN]) -> &'a [u8] {
    match postcard::to_slice(message, buffer) {
        Ok(bytes) => bytes,
        // The longest message, all of its numbers at their maximum, fits: a test encodes it.
        Err(_) => &[],
    }
}

/// Reads a message, which must fill `bytes`.
///
/// # Errors
///
/// [`Malformed`] when `bytes` are no message, or one with bytes after it.
pub fn decode(bytes: &[u8]) -> Result<Message, Malformed> {
    match postcard::take_from_bytes(bytes) {
        Ok((message, [])) => Ok(message),
        Ok(_) | Err(_) => Err(Malformed),
    }
}

/// The bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the bytes are not a message")
    }
}

impl core::error::Error for Malformed {}
