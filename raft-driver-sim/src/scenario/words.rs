//! Durations, ranges and chances as people write them.

use core::ops::RangeInclusive;
use core::time::Duration;

use super::ScenarioError;
use crate::rng::Chance;

/// The units, and the nanoseconds of each.
const UNITS: [(&str, u64); 5] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
];
/// How many decimals count.
const DECIMALS: usize = 9;

/// A number with up to nine decimals times `unit`, in whole numbers, so that no machine rounds it otherwise.
fn times(number: &str, unit: u64) -> Option<u64> {
    let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(decimals) || decimals.len() > DECIMALS {
        return None;
    }
    let whole = whole.parse::<u64>().ok()?.checked_mul(unit)?;
    let part = u128::from(decimals.parse::<u64>().ok()?) * u128::from(unit);
    let part = part / 10_u128.pow(decimals.len() as u32);
    whole.checked_add(u64::try_from(part).ok()?)
}

/// `50ms`, `1.5s`.
pub(super) fn duration(text: &str) -> Result<Duration, ScenarioError> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.');
    let (number, unit) = text.split_at(digits.unwrap_or(text.len()));
    UNITS
        .iter()
        .find(|(name, _)| *name == unit)
        .and_then(|(_, nanos)| times(number, *nanos))
        .map(Duration::from_nanos)
        .ok_or_else(|| {
            ScenarioError(format!(
                "`{text}` is no duration: write a number and a unit (ns, us, ms, s, m), as in 50ms or 1.5s"
            ))
        })
}

/// `1ms..5ms`, or one duration.
pub(super) fn range(text: &str) -> Result<RangeInclusive<Duration>, ScenarioError> {
    let (from, to) = text.split_once("..").unwrap_or((text, text));
    let (from, to) = (duration(from.trim())?, duration(to.trim())?);
    if from > to {
        return Err(ScenarioError(format!(
            "`{text}` is no range: the smaller end comes first"
        )));
    }
    Ok(from..=to)
}

/// `10%`, `0.5%`.
pub(super) fn chance(text: &str) -> Result<Chance, ScenarioError> {
    millionths(text)
        .filter(|millionths| *millionths <= 1_000_000)
        .map(Chance::millionths)
        .ok_or_else(|| {
            ScenarioError(format!(
                "`{text}` is no chance: write 0% to 100%, as in 10% or 0.5%"
            ))
        })
}

/// Percent in millionths.
pub(super) fn millionths(text: &str) -> Option<u32> {
    let number = text.strip_suffix('%')?;
    u32::try_from(times(number, 10_000)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_units_are_read_exactly() {
        assert_eq!(duration("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(duration("0.000000001s"), Ok(Duration::from_nanos(1)));
        assert_eq!(
            range("1ms..5ms"),
            Ok(Duration::from_millis(1)..=Duration::from_millis(5))
        );
        assert_eq!(chance("0.5%"), Ok(Chance::millionths(5_000)));
        assert_eq!(millionths("400%"), Some(4_000_000));
    }

    #[test]
    fn what_is_none_is_named_with_an_example() {
        for text in [
            "",
            "5",
            "ms",
            "-1s",
            "1.2.3s",
            "1.s",
            "99999999999999m",
            "5 s",
        ] {
            let error = duration(text).expect_err(text);
            assert!(
                error.0.contains(text) && error.0.contains("50ms"),
                "{error}"
            );
        }
        for text in ["5", "101%", "%", "-1%"] {
            assert!(chance(text).expect_err(text).0.contains("10%"));
        }
        assert!(
            range("5ms..1ms")
                .expect_err("backwards")
                .0
                .contains("smaller")
        );
    }
}
