//! The Rust versions that packages promise to be content with, and what their dependencies ask for.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
use std::process::ExitCode;

use serde_json::Value;

/// A Rust version: major, minor, patch.
type RustVersion = [u64; 3];

/// Prints, for each version that a package promises, a line with it as it is in the manifests and with the names of those packages: of
/// the `cargo metadata` on standard input, without dependencies.
pub(crate) fn run() -> ExitCode {
    let mut text = String::new();
    let read = io::stdin().read_to_string(&mut text);
    let metadata: Value = match read.map(|_| serde_json::from_str(&text)) {
        Ok(Ok(metadata)) => metadata,
        _ => {
            eprintln!("checks minimum-rust: standard input is not cargo metadata");
            return ExitCode::FAILURE;
        }
    };
    let mut by_version: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in list(&metadata["packages"]) {
        if let Some(version) = package["rust_version"].as_str() {
            by_version
                .entry(version)
                .or_default()
                .push(text_of(package, "name"));
        }
    }
    for (version, names) in by_version {
        println!("{version} {}", names.join(" "));
    }
    ExitCode::SUCCESS
}

/// What packages of ours promise, and which of the packages that they build with ask for more. Those that only a dependency's
/// tests need are none of them.
pub(crate) struct Promises {
    /// What each promises, for people.
    pub(crate) promised: Vec<String>,
    /// What breaks a promise.
    pub(crate) broken: Vec<String>,
    /// The packages that do not say what they ask for.
    pub(crate) silent: usize,
}

impl Promises {
    /// Of a `cargo metadata` with its dependencies.
    pub(crate) fn of(metadata: &Value) -> Self {
        let packages: BTreeMap<&str, &Value> = list(&metadata["packages"])
            .iter()
            .filter_map(|package| Some((package["id"].as_str()?, package)))
            .collect();
        let nodes: BTreeMap<&str, &Value> = list(&metadata["resolve"]["nodes"])
            .iter()
            .filter_map(|node| Some((node["id"].as_str()?, node)))
            .collect();
        let mut promises = Promises {
            promised: Vec::new(),
            broken: Vec::new(),
            silent: 0,
        };
        let mut silent = BTreeSet::new();
        for (id, ours) in &packages {
            let Some(promised) = rust_version(ours).filter(|_| !ours["source"].is_string()) else {
                continue;
            };
            let name = text_of(ours, "name");
            promises
                .promised
                .push(format!("{name} {}", dotted(promised)));
            for other in needed(id, &nodes) {
                let Some(package) = packages.get(other) else {
                    continue;
                };
                match rust_version(package) {
                    Some(asked) if asked > promised => promises.broken.push(format!(
                        "{} {}: needs Rust {}, newer than the {} that {name} promises as its rust-version; take an older version of it, or raise \
                         rust-version",
                        text_of(package, "name"),
                        text_of(package, "version"),
                        dotted(asked),
                        dotted(promised),
                    )),
                    Some(_) => {}
                    None => _ = silent.insert(other),
                }
            }
        }
        promises.silent = silent.len();
        promises
    }
}

/// What a package builds with, for its own tests too: itself among them.
fn needed<'a>(root: &'a str, nodes: &BTreeMap<&str, &'a Value>) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::from([root]);
    let mut unseen = vec![root];
    while let Some(id) = unseen.pop() {
        let edges = nodes.get(id).map_or(&[][..], |node| list(&node["deps"]));
        for edge in edges {
            let built = list(&edge["dep_kinds"])
                .iter()
                .any(|kind| kind["kind"] != "dev" || id == root);
            if let Some(next) = edge["pkg"].as_str()
                && built
                && found.insert(next)
            {
                unseen.push(next);
            }
        }
    }
    found
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text_of<'a>(package: &'a Value, field: &str) -> &'a str {
    package[field].as_str().unwrap_or("")
}

fn rust_version(package: &Value) -> Option<RustVersion> {
    let mut parts = package["rust_version"]
        .as_str()?
        .split('.')
        .map(|part| part.parse().unwrap_or(0));
    Some([(); 3].map(|()| parts.next().unwrap_or(0)))
}

fn dotted(version: RustVersion) -> String {
    version.map(|part| part.to_string()).join(".")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Promises;

    /// The core and a driver, which builds with it and with `new`; `tests` and `deep` are for the core's tests alone.
    fn metadata(core: &str, driver: &str) -> Value {
        let package = |name: &str, source: Value, rust_version: Value| json!({ "id": name, "name": name, "version": "1.0.0", "source": source, "rust_version": rust_version });
        let edge =
            |name: &str, kind: Value| json!({ "pkg": name, "dep_kinds": [{ "kind": kind }] });
        let nothing = Value::Null;
        json!({
            "packages": [
                package("core", nothing.clone(), core.into()),
                package("driver", nothing.clone(), driver.into()),
                package("new", "registry".into(), "1.88".into()),
                package("tests", "registry".into(), "1.86.1".into()),
                package("deep", "registry".into(), nothing.clone()),
            ],
            "resolve": { "nodes": [
                { "id": "core", "deps": [edge("tests", "dev".into())] },
                { "id": "driver", "deps": [edge("core", nothing.clone()), edge("new", "build".into())] },
                { "id": "tests", "deps": [edge("deep", nothing)] },
            ] },
        })
    }

    #[test]
    fn each_package_is_held_to_its_own_promise() {
        let kept = Promises::of(&metadata("1.87", "1.88"));
        assert_eq!(kept.broken, Vec::<String>::new());
        assert_eq!(kept.promised, ["core 1.87.0", "driver 1.88.0"]);
        assert_eq!(kept.silent, 1);
        for (core, driver, broken) in [
            (
                "1.86.0",
                "1.88",
                "tests 1.0.0: needs Rust 1.86.1, newer than the 1.86.0 that core",
            ),
            (
                "1.87",
                "1.87.9",
                "new 1.0.0: needs Rust 1.88.0, newer than the 1.87.9 that driver",
            ),
            (
                "1.89",
                "1.88",
                "core 1.0.0: needs Rust 1.89.0, newer than the 1.88.0 that driver",
            ),
        ] {
            let found = Promises::of(&metadata(core, driver)).broken;
            assert!(
                found.len() == 1 && found[0].starts_with(broken),
                "{found:?}"
            );
        }
    }
}
