//! Majorities: sets of voters, and the newest round that a majority has answered.

use smallvec::SmallVec;

use crate::types::Round;

/// A set of voters, by their place in the configuration. A repeated answer counts once
/// because a set holds a voter once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct VoterSet(u64);

impl VoterSet {
    /// The set with one more voter.
    #[must_use]
    pub(crate) const fn with(self, index: usize) -> Self {
        VoterSet(self.0 | (1 << index))
    }

    /// Whether the voter at this place in [`Config::voters`](crate::Config::voters) is in the set.
    pub const fn contains(self, index: usize) -> bool {
        index < 64 && self.0 & (1 << index) != 0
    }

    /// How many voters are in the set.
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether no voter is in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// The largest round that `majority` of the voters have answered, where `answered` holds the newest
/// round that each has answered.
pub(crate) fn confirmed_round(answered: &[Round], majority: usize) -> Round {
    let mut rounds: SmallVec<[Round; 8]> = SmallVec::from_slice(answered);
    rounds.sort_unstable_by(|a, b| b.cmp(a));
    rounds.get(majority - 1).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_majority_of_four_is_three() {
        let answered = [9, 7, 5, 3].map(Round);
        assert_eq!(confirmed_round(&answered, 3), Round(5));
    }

    #[test]
    fn an_answer_to_a_newer_round_counts_for_an_older_one() {
        let answered = [6, 5, 3, 0, 0].map(Round);
        assert_eq!(confirmed_round(&answered, 3), Round(3));
    }

    #[test]
    fn a_set_holds_a_voter_once_and_knows_all_sixty_four() {
        let set = VoterSet::default().with(63).with(63).with(0);
        assert_eq!(set.len(), 2);
        assert!(set.contains(63) && set.contains(0) && !set.contains(64));
        assert!(!set.is_empty() && VoterSet::default().is_empty());
    }
}
