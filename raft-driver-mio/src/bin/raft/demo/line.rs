//! What a node says about itself: one line of logfmt on its standard error.

use std::borrow::Cow;
use std::time::Duration;

/// A line of a node's log that the demo understands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// When it was written, by the boot clock, which all processes of a host share.
    pub(crate) since: Duration,
    /// What happened.
    pub(crate) news: News,
}

/// What a node reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// It takes part.
    Ready { term: u64 },
    /// It changed its role, its term or its leader.
    Transition {
        role: String,
        term: u64,
        leader: Option<u64>,
        reason: Option<String>,
    },
    /// It won a term.
    LeadershipGained { term: u64 },
    /// A majority confirmed its leadership for the first time in a term: it holds a lease.
    Active { term: u64 },
    /// It gave a term up.
    LeadershipLost { term: u64, reason: Option<String> },
}

impl Line {
    /// Reads a line. `None`: it is not one of those that matter here.
    pub(crate) fn parse(text: &str) -> Option<Line> {
        let fields = Fields::parse(text);
        let term = || fields.number("term");
        let news = match fields.get("event")? {
            "ready" => News::Ready { term: term()? },
            "transition" => News::Transition {
                role: fields.get("role")?.to_owned(),
                term: term()?,
                leader: fields.number("leader"),
                reason: fields.get("reason").map(str::to_owned),
            },
            "leadership_gained" => News::LeadershipGained { term: term()? },
            "lease_gained" => News::Active { term: term()? },
            "leadership_lost" => News::LeadershipLost {
                term: term()?,
                reason: fields.get("reason").map(str::to_owned),
            },
            _ => return None,
        };
        let since = fields.get("since")?.parse().ok()?;
        Some(Line {
            since: Duration::try_from_secs_f64(since).ok()?,
            news,
        })
    }
}

/// The `key=value` pairs of a line, in its order.
struct Fields<'a>(Vec<(&'a str, Cow<'a, str>)>);

impl<'a> Fields<'a> {
    fn parse(text: &'a str) -> Self {
        let mut fields = Vec::new();
        let mut rest = text.trim_start();
        while let Some((key, after)) = rest.split_once('=') {
            // Words without a value in between belong to no pair.
            let key = key.rsplit(' ').next().unwrap_or(key);
            let (value, after) = match after.strip_prefix('"') {
                Some(quoted) => unquote(quoted),
                None => match after.split_once(' ') {
                    Some((value, after)) => (Cow::Borrowed(value), after),
                    None => (Cow::Borrowed(after), ""),
                },
            };
            fields.push((key, value));
            rest = after.trim_start();
        }
        Fields(fields)
    }

    fn get(&self, key: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(name, _)| *name == key)?;
        Some(value)
    }

    fn number(&self, key: &str) -> Option<u64> {
        self.get(key)?.parse().ok()
    }
}

/// A quoted value up to its closing quote, and what follows.
fn unquote(text: &str) -> (Cow<'_, str>, &str) {
    let mut value = String::new();
    let mut escaped = false;
    for (at, letter) in text.char_indices() {
        match letter {
            '"' if !escaped => return (Cow::Owned(value), text.get(at + 1..).unwrap_or("")),
            '\\' if !escaped => escaped = true,
            letter => {
                value.push(match letter {
                    'n' if escaped => '\n',
                    letter => letter,
                });
                escaped = false;
            }
        }
    }
    (Cow::Owned(value), "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_that_matter_are_read() {
        let head = "ts=2026-11-22T10:00:00.123456Z since=1234.5 level=info";
        let parse = |rest: &str| Line::parse(&format!("{head} {rest}"));
        let line = |news| {
            Some(Line {
                since: Duration::from_millis(1_234_500),
                news,
            })
        };
        assert_eq!(
            parse("event=ready node=1 term=3 listen=127.0.0.1:7401"),
            line(News::Ready { term: 3 })
        );
        assert_eq!(
            parse("event=transition node=1 role=leader term=4 leader=1 reason=election_won"),
            line(News::Transition {
                role: "leader".into(),
                term: 4,
                leader: Some(1),
                reason: Some("election_won".into()),
            })
        );
        assert_eq!(
            parse("event=leadership_gained node=1 term=4 predecessor_stopped=false"),
            line(News::LeadershipGained { term: 4 })
        );
        assert_eq!(
            parse("event=lease_gained node=1 term=4 lease=0.4"),
            line(News::Active { term: 4 })
        );
        assert_eq!(
            parse("event=leadership_lost node=1 term=4 reason=transfer"),
            line(News::LeadershipLost {
                term: 4,
                reason: Some("transfer".into()),
            })
        );
    }

    #[test]
    fn quoted_values_end_at_their_quote() {
        let text = r#"note="so \" event=lease_gained" since=2 event=leadership_lost term=7 reason="no majority""#;
        assert_eq!(
            Line::parse(text),
            Some(Line {
                since: Duration::from_secs(2),
                news: News::LeadershipLost {
                    term: 7,
                    reason: Some("no majority".into()),
                },
            })
        );
    }

    #[test]
    fn anything_else_is_no_line() {
        for text in [
            "",
            "thread 'main' panicked at src/main.rs:1:1:",
            "since=1 event=stopped node=1",
            "since=1 event=lease_gained node=1",
            "since=1 event=lease_gained node=1 term=-4",
            "since=-1 event=lease_gained node=1 term=4",
            "since=NaN event=lease_gained node=1 term=4",
            "since=1e300 event=lease_gained node=1 term=4",
            "event=lease_gained node=1 term=4",
            "=\"",
        ] {
            assert_eq!(Line::parse(text), None, "{text}");
        }
    }
}
