//! `raft-core` over real UDP.
