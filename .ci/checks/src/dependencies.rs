//! The licences of all packages that a build may use, and whether they are content with the Rust that is promised.

use std::io::{self, Read};
use std::process::ExitCode;

use serde_json::Value;
use spdx::{Expression, LicenseItem, Licensee};

use crate::minimum_rust::Promises;

/// What the dependencies may be licensed under: all let a program be closed, ask for no more than that their
/// notices are kept, and are known to every lawyer.
const AGREED: [&str; 9] = [
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "MIT",
    "NCSA",
    "Unicode-3.0",
    "Zlib",
];

/// Looks at the `cargo metadata` on standard input, and prints what it found.
pub(crate) fn run() -> ExitCode {
    match check() {
        Ok(problems) if problems.is_empty() => ExitCode::SUCCESS,
        Ok(problems) => {
            for problem in problems {
                eprintln!("{problem}");
            }
            ExitCode::FAILURE
        }
        Err(problem) => {
            eprintln!("checks dependencies: standard input is not cargo metadata: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn check() -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let mut text = String::new();
    io::stdin().read_to_string(&mut text)?;
    let metadata: Value = serde_json::from_str(&text)?;
    let packages = metadata["packages"].as_array().ok_or("no packages")?;
    let others = packages
        .iter()
        .filter(|package| package["source"].is_string());

    let mut problems = Vec::new();
    let mut count = 0;
    for package in others {
        count += 1;
        if let Err(problem) = licence(text_of(package, "license")) {
            let (name, version) = (text_of(package, "name"), text_of(package, "version"));
            problems.push(format!("{name} {version}: {problem}"));
        }
    }
    let promises = Promises::of(&metadata);
    problems.extend(promises.broken);
    let promise = if promises.promised.is_empty() {
        "no minimum Rust version is promised here".to_owned()
    } else {
        format!(
            "none says that it needs a newer Rust than what is promised: {}; {} do not say",
            promises.promised.join(", "),
            promises.silent
        )
    };
    if problems.is_empty() {
        println!("{count} packages: their licences are agreed to; {promise}");
    }
    Ok(problems)
}

/// Whether what we agreed to is enough to use a package with this licence expression.
fn licence(expression: &str) -> Result<(), String> {
    if expression.is_empty() {
        return Err("says no licence expression; read its licence file".to_owned());
    }
    // Lax: "MIT/Apache-2.0" is an old way to write "or".
    let parsed = Expression::parse_mode(expression, spdx::ParseMode::LAX)
        .map_err(|error| format!("its licence \"{expression}\" is no SPDX expression: {error}"))?;
    let agreed: Vec<Licensee> = AGREED
        .iter()
        .filter_map(|name| Licensee::parse(name).ok())
        .collect();
    parsed
        .evaluate_with_failures(|asked| agreed.iter().any(|licensee| licensee.satisfies(asked)))
        .map_err(|refused| {
            let names: Vec<String> = refused.iter().map(|asked| named(&asked.req.license)).collect();
            format!(
                "its licence \"{expression}\" asks for {}, which is not agreed to; do without it, or agree in .ci/checks/src/dependencies.rs",
                names.join(" and "),
            )
        })
}

fn named(licence: &LicenseItem) -> String {
    licence.to_string()
}

fn text_of<'a>(package: &'a Value, field: &str) -> &'a str {
    package[field].as_str().unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::{AGREED, Licensee, licence};

    #[test]
    fn what_is_agreed_to_has_names_that_spdx_knows() {
        for name in AGREED {
            assert!(Licensee::parse(name).is_ok(), "{name}");
        }
    }

    #[test]
    fn expressions_are_evaluated_not_searched() {
        for enough in [
            "MIT",
            "MIT OR GPL-3.0-only",
            "MIT/Apache-2.0",
            "(MIT OR GPL-3.0-only) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception",
        ] {
            assert_eq!(licence(enough), Ok(()), "{enough}");
        }
        for refused in [
            "",
            "GPL-3.0-only",
            "MIT AND GPL-3.0-only",
            "MIT WITH LLVM-exception",
            "mine",
        ] {
            assert!(licence(refused).is_err(), "{refused}");
        }
    }
}
