//! The random generator: small, seeded, the same on every machine.

use core::convert::Infallible;

use rand_core::{Rng as _, TryRng};
use serde::{Deserialize, Serialize};

/// Advances a SplitMix64 state and returns its next output (Steele, Lea and Flood 2014).
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Who draws from a generator. Each has a stream of its own, so that what one draws does not disturb
/// another: a longer delay on the network changes no node's timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// The network: delays, losses, repetitions.
    Network,
    /// The timers of a node, afresh at each of its starts.
    Node {
        /// The node's place in the world.
        index: usize,
        /// How many times it started before.
        starts: u32,
    },
    /// A node's disk.
    Disk {
        /// The node's place in the world.
        index: usize,
    },
    /// Whatever drives the world: a test's own choices.
    Script,
    /// A part of a random walk.
    Walk {
        /// Its number.
        stint: u64,
    },
}

impl Stream {
    fn number(self) -> u64 {
        let (kind, index, starts) = match self {
            Stream::Network => (1, 0, 0),
            Stream::Node { index, starts } => (2, index as u64, u64::from(starts)),
            Stream::Disk { index } => (3, index as u64, 0),
            Stream::Script => (4, 0, 0),
            Stream::Walk { stint } => (5, stint, 0),
        };
        kind | index << 8 | starts << 32
    }
}

/// xoshiro256++ 1.0 (Blackman and Vigna), seeded with SplitMix64 as its authors recommend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Random {
    state: [u64; 4],
}

impl Random {
    /// The generator of one stream of a seed.
    pub fn new(seed: u64, stream: Stream) -> Self {
        let mut seeder = seed;
        seeder = split_mix(&mut seeder) ^ stream.number();
        Random {
            state: core::array::from_fn(|_| split_mix(&mut seeder)),
        }
    }

    /// A number below `bound`, or 0 if `bound` is 0. (Lemire's multiplication; its bias of at most bound / 2^64 is of no account here.)
    #[inline]
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// A number from `from` to `to`, both included; `from` if `to` is smaller.
    #[inline]
    pub fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to.saturating_sub(from).saturating_add(1))
    }

    /// Whether something of this chance happens. Draws a number only if the outcome is open.
    #[inline]
    pub fn chance(&mut self, chance: Chance) -> bool {
        match chance.0 {
            0 => false,
            Chance::CERTAIN => true,
            open => self.below(u64::from(Chance::CERTAIN)) < u64::from(open),
        }
    }
}

impl TryRng for Random {
    type Error = Infallible;

    #[inline]
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok((self.try_next_u64()? >> 32) as u32)
    }

    #[inline]
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let s = &mut self.state;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        Ok(result)
    }

    fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), Infallible> {
        for chunk in dst.chunks_mut(8) {
            let bytes = self.try_next_u64()?.to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
        Ok(())
    }
}

/// A probability in millionths, from never to always. Whole numbers, so that no machine rounds it otherwise.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Chance(u32);

impl Chance {
    const CERTAIN: u32 = 1_000_000;
    /// It never happens.
    pub const NEVER: Chance = Chance(0);
    /// It always happens.
    pub const ALWAYS: Chance = Chance(Self::CERTAIN);

    /// So many millionths; more than a million are a million.
    pub const fn millionths(millionths: u32) -> Self {
        if millionths > Self::CERTAIN {
            Self::ALWAYS
        } else {
            Chance(millionths)
        }
    }

    /// The chance in millionths.
    pub const fn as_millionths(self) -> u32 {
        self.0
    }

    /// So many percent; more than a hundred are a hundred.
    pub const fn percent(percent: u32) -> Self {
        Self::millionths(percent.saturating_mul(10_000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xoshiro_gives_the_reference_sequence() {
        // The first outputs of the authors' C code from the state 1, 2, 3, 4.
        let mut random = Random {
            state: [1, 2, 3, 4],
        };
        let expected = [
            41_943_041,
            58_720_359,
            3_588_806_011_781_223,
            3_591_011_842_654_386,
            9_228_616_714_210_784_205,
            9_973_669_472_204_895_162,
        ];
        assert_eq!(expected.map(|_| random.next_u64()), expected);
    }

    #[test]
    fn split_mix_gives_the_reference_sequence() {
        let mut state = 1_234_567;
        assert_eq!(split_mix(&mut state), 6_457_827_717_110_365_317);
        assert_eq!(split_mix(&mut state), 3_203_168_211_198_807_973);
    }

    #[test]
    fn streams_of_a_seed_and_seeds_of_a_stream_differ() {
        let node = |index, starts| Stream::Node { index, starts };
        let mut firsts: Vec<u64> = [
            (1, Stream::Network),
            (1, Stream::Script),
            (1, node(0, 0)),
            (1, node(0, 1)),
            (1, node(1, 0)),
            (1, Stream::Disk { index: 1 }),
            (1, Stream::Walk { stint: 0 }),
            (1, Stream::Walk { stint: 1 }),
            (2, Stream::Network),
        ]
        .into_iter()
        .map(|(seed, stream)| Random::new(seed, stream).next_u64())
        .collect();
        let count = firsts.len();
        firsts.sort_unstable();
        firsts.dedup();
        assert_eq!(firsts.len(), count);
    }

    #[test]
    fn a_range_holds_both_its_ends() {
        let mut random = Random::new(7, Stream::Script);
        let drawn: Vec<u64> = (0..200).map(|_| random.between(3, 5)).collect();
        assert!([3, 4, 5].iter().all(|value| drawn.contains(value)));
        assert!(drawn.iter().all(|value| (3..=5).contains(value)));
        assert_eq!(random.between(9, 9), 9);
        assert_eq!(random.below(0), 0);
    }

    #[test]
    fn a_chance_of_a_tenth_happens_about_that_often() {
        let mut random = Random::new(7, Stream::Script);
        let hits = (0..100_000)
            .filter(|_| random.chance(Chance::percent(10)))
            .count();
        assert!((9_700..10_300).contains(&hits), "{hits}");
        assert!(!random.chance(Chance::NEVER) && random.chance(Chance::ALWAYS));
    }
}
