//! A deterministic simulated world for `raft-core`.
