//! The targets on stable, without libFuzzer: the committed inputs, and many that are made of them and of nothing.
//!
//! Who finds an input that fails adds it to `seeds/` of its target.

use std::path::{Path, PathBuf};

use raft_fuzz::TARGETS;
use rand_core::Rng;

/// How many inputs are made for a target.
const MADE: u64 = 3_000;
/// The longest of them, in bytes.
const LONGEST: u64 = 400;

/// SplitMix64: the same inputs every time.
struct Draw(u64);

impl rand_core::TryRng for Draw {
    type Error = core::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        self.try_next_u64().map(|number| (number >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Ok(mixed ^ (mixed >> 31))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        for byte in bytes {
            *byte = self.try_next_u64()? as u8;
        }
        Ok(())
    }
}

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.next_u64() % bound.max(1)
    }

    fn bytes(&mut self, longest: u64) -> Vec<u8> {
        let mut bytes = vec![0; self.below(longest + 1) as usize];
        self.fill_bytes(&mut bytes);
        bytes
    }

    /// Some bytes of a seed changed, or its end replaced by that of another.
    fn changed(&mut self, seeds: &[(PathBuf, Vec<u8>)]) -> Vec<u8> {
        let mut pick = || self.next_u64() as usize % seeds.len();
        let (mut bytes, other) = (seeds[pick()].1.clone(), &seeds[pick()].1);
        if self.below(2) == 0 {
            let place = self.below(bytes.len() as u64 + 1) as usize;
            bytes.truncate(place);
            bytes.extend_from_slice(other.get(place..).unwrap_or_default());
        }
        for _ in 0..self.below(8) {
            let place = self.below(bytes.len() as u64) as usize;
            if let Some(byte) = bytes.get_mut(place) {
                *byte = self.next_u64() as u8;
            }
        }
        bytes
    }
}

/// The committed inputs of a target, by name.
fn seeds(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("seeds")
        .join(target);
    let entries = std::fs::read_dir(&folder).expect("a folder of seeds");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("a seed").path()).collect();
    files.sort_unstable();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    let read = |path: PathBuf| {
        let bytes = std::fs::read(&path).expect("a seed");
        (path, bytes)
    };
    files.into_iter().map(read).collect()
}

fn check(target: &str) -> fn(&[u8]) {
    let found = TARGETS.iter().find(|(name, _)| *name == target);
    found.expect("a target").1
}

fn replay_seeds(target: &str) {
    for (path, bytes) in seeds(target) {
        // So that a failure is preceded by the name of what failed.
        println!("{}", path.display());
        check(target)(&bytes);
    }
}

fn make_inputs(target: &str) {
    let seeds = seeds(target);
    let mut draw = Draw(0);
    for number in 0..MADE {
        let bytes = if number % 2 == 0 {
            draw.bytes(LONGEST)
        } else {
            draw.changed(&seeds)
        };
        println!("made input {number}: {bytes:?}");
        check(target)(&bytes);
    }
}

macro_rules! tests {
    ($($target:ident)*) => {
        const TESTED: &[&str] = &[$(stringify!($target)),*];

        /// The committed inputs alone: what coverage is measured of.
        mod seeds {
            $(#[test] fn $target() { super::replay_seeds(stringify!($target)); })*
        }

        mod made {
            $(#[test] fn $target() { super::make_inputs(stringify!($target)); })*
        }
    };
}

tests! { step restore node cluster figure2 frame state_file config_file }

#[test]
fn every_target_is_tested() {
    assert_eq!(TARGETS.map(|(name, _)| name), TESTED);
}
