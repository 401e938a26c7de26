//! `docs/figure2.md` and the last table of `docs/lease.md` name functions and tests that exist, and the first names every
//! test of `figure2.rs` and `section5.rs`.

use std::fs;
use std::path::{Path, PathBuf};

/// The tables of the paper's rules.
fn figure2() -> String {
    read(&root().join("docs/figure2.md"))
}

/// The table of the steps of the lease's proof.
fn lease() -> String {
    let page = read(&root().join("docs/lease.md"));
    let (_, rest) = page
        .split_once("## Where each step is")
        .expect("the heading of the table");
    rest.split("\n## ").next().unwrap().to_owned()
}

/// The names in the last two columns of the tables.
fn named(map: &str) -> (Vec<String>, Vec<String>) {
    let (mut functions, mut tests) = (Vec::new(), Vec::new());
    for row in map.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").collect();
        let [_, function, test] = cells[..] else {
            panic!("a row does not have three cells: {row}");
        };
        functions.extend(quoted(function));
        tests.extend(quoted(test));
    }
    (functions, tests)
}

fn quoted(cell: &str) -> impl Iterator<Item = String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned)
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Whether the file that `name` leads to, below `directory`, has that function, after `before` if given.
fn exists(directory: &str, name: &str, before: &str) -> bool {
    let (module, function) = name.rsplit_once("::").expect("a name is file::function");
    let path = root().join(directory).join(module.replace("::", "/"));
    let source = read(&path.with_extension("rs"));
    source.contains(&format!("{before}fn {function}("))
        || before.is_empty() && source.contains(&format!("fn {function}<"))
}

#[test]
fn the_named_functions_exist() {
    for (map, least) in [(figure2(), 50), (lease(), 20)] {
        let (functions, _) = named(&map);
        assert!(functions.len() > least, "{functions:?}");
        for name in functions {
            assert!(exists("src", &name, ""), "{name}");
        }
    }
}

#[test]
fn the_named_tests_exist() {
    for name in [figure2(), lease()].iter().flat_map(|map| named(map).1) {
        assert!(exists("tests", &name, "#[test]\n"), "{name}");
    }
}

#[test]
fn every_test_of_the_papers_sentences_is_named() {
    let (_, tests) = named(&figure2());
    for file in ["figure2", "section5"] {
        let source = read(&root().join(format!("tests/{file}.rs")));
        let functions = source.split("#[test]\nfn ").skip(1);
        let functions: Vec<&str> = functions
            .filter_map(|rest| rest.split('(').next())
            .collect();
        assert!(functions.len() > 20, "{functions:?}");
        for function in functions {
            let name = format!("{file}::{function}");
            assert!(tests.contains(&name), "{name} is not in docs/figure2.md");
        }
    }
}
