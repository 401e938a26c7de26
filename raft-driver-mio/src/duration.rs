//! Durations as people write them (feature `config-file`): `50ms`, `1.5s`.

use std::fmt;
use std::time::Duration;

/// The units and how many nanoseconds each has.
const UNITS: [(&str, f64); 5] = [
    ("us", 1e3),
    ("ms", 1e6),
    ("s", 1e9),
    ("m", 60e9),
    ("h", 3600e9),
];

/// The text is no duration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DurationError(String);

impl fmt::Display for DurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = &self.0;
        write!(
            f,
            "`{text}` is no duration: write a number and a unit (us, ms, s, m, h), as in 50ms or 1.5s"
        )
    }
}

impl std::error::Error for DurationError {}

/// Reads a number with a unit: `us`, `ms`, `s`, `m` or `h`.
///
/// # Errors
///
/// What is wrong with it, and how to write one.
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim();
    let nanoseconds = UNITS
        .iter()
        .find(|(name, _)| *name == unit)
        .and_then(|(_, factor)| Some(number.parse::<f64>().ok()? * factor))
        .filter(|nanoseconds| nanoseconds.is_finite() && *nanoseconds < 1e18);
    match nanoseconds {
        Some(nanoseconds) => Ok(Duration::from_nanos(nanoseconds.round() as u64)),
        None => Err(DurationError(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_with_units_are_durations() {
        assert_eq!(parse("50ms"), Ok(Duration::from_millis(50)));
        assert_eq!(parse("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(parse("250us"), Ok(Duration::from_micros(250)));
        assert_eq!(parse("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(parse("1 h"), Ok(Duration::from_secs(3600)));
        assert_eq!(parse("0s"), Ok(Duration::ZERO));
    }

    #[test]
    fn anything_else_is_refused_by_name() {
        for text in [
            "",
            "50",
            "ms",
            "-1s",
            "1.2.3s",
            "5 parsecs",
            "1e9h",
            "9999999999999999h",
            "٣s",
        ] {
            let error = parse(text).expect_err(text).to_string();
            assert!(error.contains(text) && error.contains("50ms"), "{error}");
        }
    }
}
