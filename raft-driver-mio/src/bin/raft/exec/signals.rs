//! Signals by name: those that stop the supervisor, those that it passes on.

use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};

/// All signals that the supervisor takes.
pub(crate) const HANDLED: [i32; 6] = [SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2];

/// What can be passed on: the rest is for the supervisor itself.
const FORWARDABLE: [(&str, i32); 4] = [
    ("HUP", SIGHUP),
    ("QUIT", SIGQUIT),
    ("USR1", SIGUSR1),
    ("USR2", SIGUSR2),
];

const STOPPING: [(&str, i32); 2] = [("TERM", SIGTERM), ("INT", SIGINT)];

/// A list of signals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct List(Vec<i32>);

impl Default for List {
    /// Those that mean nothing to the supervisor.
    fn default() -> List {
        List(vec![SIGQUIT, SIGUSR1, SIGUSR2])
    }
}

impl List {
    pub(crate) fn contains(&self, signal: i32) -> bool {
        self.0.contains(&signal)
    }
}

fn named(text: &str, signals: &[(&str, i32)]) -> Option<i32> {
    let name = text.to_ascii_uppercase();
    let name = name.strip_prefix("SIG").unwrap_or(&name);
    let found = signals.iter().find(|(known, _)| *known == name);
    found.map(|(_, signal)| *signal)
}

/// Reads the signal that asks a program to end.
pub(crate) fn parse(text: &str) -> Result<i32, String> {
    named(text, &STOPPING)
        .or_else(|| named(text, &FORWARDABLE))
        .ok_or_else(|| format!("`{text}` is none of TERM, INT, HUP, QUIT, USR1 and USR2"))
}

/// Reads the signals that are passed on.
pub(crate) fn parse_list(text: &str) -> Result<List, String> {
    if text.eq_ignore_ascii_case("none") {
        return Ok(List(Vec::new()));
    }
    let signal = |name: &str| {
        named(name.trim(), &FORWARDABLE).ok_or_else(|| {
            format!(
                "`{name}` is none of HUP, QUIT, USR1 and USR2; write them with commas, or `none`"
            )
        })
    };
    text.split(',')
        .map(signal)
        .collect::<Result<_, _>>()
        .map(List)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_have_names() {
        assert_eq!(parse("TERM"), Ok(SIGTERM));
        assert_eq!(parse("sigquit"), Ok(SIGQUIT));
        let error = parse("KILL").expect_err("not a signal that asks");
        assert!(error.contains("KILL") && error.contains("TERM"), "{error}");
    }

    #[test]
    fn lists_of_signals_are_separated_by_commas() {
        let list = parse_list("hup, USR1").expect("a list");
        assert!(list.contains(SIGHUP) && list.contains(SIGUSR1) && !list.contains(SIGQUIT));
        assert!(!parse_list("none").expect("a list").contains(SIGQUIT));
        let error = parse_list("USR1,TERM").expect_err("TERM is the supervisor's");
        assert!(error.contains("TERM"), "{error}");
    }
}
