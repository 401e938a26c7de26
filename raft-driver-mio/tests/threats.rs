//! docs/security.md and docs/exec.md name tests and faults. They exist.

use std::fs;
use std::path::{Path, PathBuf};

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The file of `binary::module::test` or `binary::test`, and the test's name.
fn file_of(test: &str) -> (PathBuf, &str) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (root, test) = match test.split_once('/') {
        Some((crate_name, test)) => (here.join("..").join(crate_name), test),
        None => (here.to_owned(), test),
    };
    let parts: Vec<&str> = test.split("::").collect();
    let (name, modules) = parts.split_last().expect("a name");
    let file = root.join("tests").join(modules.join("/"));
    (file.with_extension("rs"), name)
}

/// What stands between backquotes in the last column of each row of the table.
fn named(page: &str) -> Vec<Vec<&str>> {
    let rows = page.lines().filter(|line| line.starts_with("| "));
    // The head has none.
    rows.skip(1)
        .map(|row| {
            let column = row.trim_end_matches('|').rsplit('|').next();
            let column = column.expect("a column");
            column.split('`').skip(1).step_by(2).collect()
        })
        .collect()
}

#[test]
fn the_tests_and_faults_that_the_page_names_exist() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = read(&here.join("docs/security.md"));
    let faults = read(&here.join("hosts/faults.py"));
    let rows = named(&page);
    assert!(rows.len() >= 16, "{} rows", rows.len());
    for names in rows {
        assert!(!names.is_empty(), "a row that nothing shows");
        for name in names {
            if name.contains("::") {
                let (file, test) = file_of(name);
                let text = read(&file);
                assert!(text.contains(&format!("fn {test}(")), "no test {name}");
            } else {
                let fault = format!("\ndef {name}(cluster, leader):");
                assert!(faults.contains(&fault), "no fault {name}");
            }
        }
    }
}

#[test]
fn the_tests_that_the_page_on_exec_names_exist() {
    let page = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/exec.md"));
    let words = page.split('`').skip(1).step_by(2);
    let tests: Vec<&str> = words.filter(|word| word.contains("::")).collect();
    assert!(tests.len() >= 11, "{} tests", tests.len());
    for name in tests {
        let (file, test) = file_of(name);
        let found = read(&file).contains(&format!("fn {test}("));
        assert!(found, "no test {name}");
    }
}
