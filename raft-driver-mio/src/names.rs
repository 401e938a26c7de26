//! The names of roles and reasons in logs and in JSON.

use std::fmt;

use raft_core::RoleKind;

/// The name of a variant without fields, in snake case: `ElectionWon` is `election_won`.
pub(crate) fn snake_case(variant: impl fmt::Debug) -> String {
    let mut name = String::new();
    for c in format!("{variant:?}").chars() {
        if c.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(c.to_ascii_lowercase());
    }
    name
}

const ROLES: [RoleKind; 4] = [
    RoleKind::Follower,
    RoleKind::PreCandidate,
    RoleKind::Candidate,
    RoleKind::Leader,
];

/// A role in JSON: its name in snake case.
pub(crate) mod role {
    use raft_core::RoleKind;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(role: &RoleKind, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&super::snake_case(role))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<RoleKind, D::Error> {
        let name = String::deserialize(from)?;
        super::ROLES
            .into_iter()
            .find(|role| super::snake_case(role) == name)
            .ok_or_else(|| D::Error::custom(format!("`{name}` is no role")))
    }
}

#[cfg(test)]
mod tests {
    use raft_core::TransitionReason;

    use super::*;

    #[test]
    fn names_are_in_snake_case() {
        assert_eq!(snake_case(RoleKind::PreCandidate), "pre_candidate");
        assert_eq!(snake_case(TransitionReason::TimeoutNow), "timeout_now");
        assert_eq!(snake_case(RoleKind::Leader), "leader");
    }
}
