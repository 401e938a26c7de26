//! The links between the files of the documentation lead somewhere, and the tests that it names there exist.

use std::fs;
use std::path::{Path, PathBuf};

/// The Markdown files that people read: those of the top level, of each crate, and of its `docs/`.
fn pages() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut directories = vec![root.to_owned()];
    for krate in ["raft-core", "raft-driver-mio", "raft-driver-sim", "fuzz"] {
        directories.extend([root.join(krate), root.join(krate).join("docs")]);
    }
    let entries = directories
        .iter()
        .filter_map(|path| fs::read_dir(path).ok());
    let files = entries.flatten().map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect()
}

/// The targets of the links of a page, but for its code blocks.
fn targets(page: &str) -> Vec<&str> {
    let prose = page.split("```").step_by(2);
    prose
        .flat_map(|text| text.split("](").skip(1))
        .filter_map(|rest| rest.split([')', ' ']).next())
        .collect()
}

#[test]
fn every_link_to_a_file_leads_to_one() {
    let mut checked = 0;
    for path in pages() {
        let page = fs::read_to_string(&path).unwrap();
        for target in targets(&page) {
            let file = target.split('#').next().unwrap();
            if file.is_empty() || file.contains("://") {
                continue;
            }
            let leads_to = path.parent().unwrap().join(file);
            let from = path.display();
            assert!(leads_to.exists(), "{from}: {target} leads nowhere");
            checked += 1;
        }
    }
    assert!(checked > 20, "only {checked} links were found");
}

#[test]
fn a_test_that_is_named_in_a_linked_file_is_there() {
    let mut checked = 0;
    for path in pages() {
        let page = fs::read_to_string(&path).unwrap();
        // `test` in [`file.rs`](path/file.rs)
        for (before, after) in page
            .match_indices("` in [`")
            .map(|(at, _)| page.split_at(at))
        {
            let name = before.rsplit('`').next().unwrap();
            let target = targets(after).first().copied().unwrap_or_default();
            if !target.ends_with(".rs") {
                continue;
            }
            let source = fs::read_to_string(path.parent().unwrap().join(target)).unwrap();
            let from = path.display();
            let is_there = source.contains(&format!("#[test]\nfn {name}("));
            assert!(is_there, "{from}: there is no test {name} in {target}");
            checked += 1;
        }
    }
    assert!(checked > 1, "only {checked} names were found");
}
