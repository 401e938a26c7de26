//! The time of day, as log lines write it.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

/// A time of day as RFC 3339 has it, in UTC, with microseconds.
pub(super) struct Utc(pub(super) SystemTime);

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = self.0.duration_since(UNIX_EPOCH).unwrap_or_default();
        let (days, second) = (since.as_secs() / 86400, since.as_secs() % 86400);
        let (year, month, day) = civil(days);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        let micros = since.subsec_micros();
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z"
        )
    }
}

/// The date of the day that is `days` after 1970-01-01, in the Gregorian calendar.
fn civil(days: u64) -> (u64, u64, u64) {
    // Years that begin in March end with the day that leap years have more. From 0000-03-01:
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    (era * 400 + year + carry, month, day)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn utc(seconds: u64) -> String {
        Utc(UNIX_EPOCH + Duration::from_secs(seconds)).to_string()
    }

    #[test]
    fn times_are_in_utc() {
        assert_eq!(utc(0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(utc(951_782_400), "2000-02-29T00:00:00.000000Z");
        assert_eq!(utc(951_868_799), "2000-02-29T23:59:59.000000Z");
        assert_eq!(utc(951_868_800), "2000-03-01T00:00:00.000000Z");
        assert_eq!(utc(1_798_761_599), "2026-12-31T23:59:59.000000Z");
        assert_eq!(utc(1_798_761_600), "2027-01-01T00:00:00.000000Z");
        assert_eq!(utc(4_107_542_400), "2100-03-01T00:00:00.000000Z");
    }
}
