//! A page that quotes figures quotes those of the page that they come from.

use std::fs;
use std::path::Path;

fn page(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The cells of a table's row; none of any other line.
fn cells(line: &str) -> Vec<&str> {
    let row = line
        .strip_prefix("| ")
        .and_then(|row| row.strip_suffix('|'));
    row.map_or(Vec::new(), |row| row.split('|').map(str::trim).collect())
}

#[test]
fn the_bad_networks_have_the_figures_of_the_scenarios() {
    let scenarios = page("raft-driver-sim/docs/scenarios.md");
    let quoting = page("raft-core/docs/bad-networks.md");
    let rows = |text| -> Vec<Vec<&str>> {
        let all = str::lines(text).map(cells);
        all.filter(|row| row.first().is_some_and(|name| name.starts_with('S')))
            .collect()
    };
    let (sources, quotes) = (rows(&scenarios), rows(&quoting));
    for source in sources.iter().filter(|row| row.len() == 13) {
        let quote = quotes.iter().find(|row| row[0] == source[0]);
        let quote = quote.unwrap_or_else(|| panic!("bad-networks.md has no row {}", source[0]));
        // Of each protocol: available, changes, terms. The changes in the second half are left out.
        let figures = [3, 4, 6, 7, 8, 10].map(|column| source[column]);
        assert_eq!(quote[2..8], figures, "bad-networks.md, row {}", source[0]);
    }
    assert_eq!(quotes.len(), 19);
}

#[test]
fn the_comparison_has_the_figures_of_the_scorecard() {
    let scorecard = page("raft-driver-sim/docs/scorecard.md");
    let comparison = page("raft-core/docs/comparison.md");
    let mut checked = 0;
    for quote in comparison.lines().map(cells) {
        let Some(heading) = quote.first().filter(|cell| cell.ends_with("% loss")) else {
            continue;
        };
        let column = if quote[1] == "raft-core" { 1 } else { 2 };
        let (_, cell) = scorecard
            .split_once(&format!("| **{heading}**"))
            .unwrap_or_else(|| panic!("scorecard.md has no {heading}"));
        let figure = |name: &str| {
            let row = cell
                .lines()
                .map(cells)
                .find(|row| row.first() == Some(&name));
            row.unwrap_or_else(|| panic!("scorecard.md, {heading}, has no {name}"))[column]
        };
        let figures = [
            figure("crash to leader, median (ms)"),
            figure("crash to leader, p99 (ms)"),
            figure("crash to leader, max (ms)"),
            figure("messages, crash to leader"),
            figure("leader changes, mean"),
            figure("time without a leader (%)"),
        ];
        assert_eq!(
            quote[2..8],
            figures,
            "comparison.md: {heading}, {}",
            quote[1]
        );
        checked += 1;
    }
    assert_eq!(checked, 10);
}

#[test]
fn the_pages_name_the_rust_that_the_core_promises() {
    for path in [
        "README.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "raft-core/docs/compatibility.md",
    ] {
        assert!(
            page(path).contains(env!("CARGO_PKG_RUST_VERSION")),
            "{path}"
        );
    }
}
