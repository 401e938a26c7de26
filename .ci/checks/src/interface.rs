//! The public interface of a library, as text.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use rustdoc_types::FORMAT_VERSION;
use serde_json::Value;

/// Marker traits that every type has or that mean nothing to a user. That one stops being `Send` or `Sync` is news.
const UNTOLD: [&str; 6] = [
    "core::marker::Freeze for",
    "core::marker::StructuralPartialEq for",
    "core::marker::Unpin for",
    "core::marker::UnsafeUnpin for",
    "core::panic::unwind_safe::RefUnwindSafe for",
    "core::panic::unwind_safe::UnwindSafe for",
];

/// Methods of traits that are derived: the line of the `impl` says it all.
const DERIVED: [&str; 8] = [
    "::clone(&self)",
    "::cmp(&self",
    "::deserialize<__D>(",
    "::eq(&self",
    "::fmt(&self, &mut core::fmt::Formatter",
    "::hash<__H: core::hash::Hasher>(",
    "::partial_cmp(&self",
    "::serialize<__S>(",
];

/// Prints the public items in the JSON that rustdoc made of a library.
pub(crate) fn run(file: &Path) -> ExitCode {
    match listing(file) {
        Ok(Listing::Items(text)) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Ok(Listing::Unreadable { format }) => {
            eprintln!(
                "this compiler's rustdoc writes format {format} of its JSON, this check reads {FORMAT_VERSION}"
            );
            ExitCode::from(3)
        }
        Err(problem) => {
            eprintln!("{}: {problem}", file.display());
            ExitCode::FAILURE
        }
    }
}

enum Listing {
    Items(String),
    Unreadable { format: u64 },
}

fn listing(file: &Path) -> Result<Listing, Box<dyn std::error::Error>> {
    let json: Value = serde_json::from_str(&fs::read_to_string(file)?)?;
    let format = json["format_version"]
        .as_u64()
        .ok_or("not rustdoc's JSON: it has no format_version")?;
    if format != u64::from(FORMAT_VERSION) {
        return Ok(Listing::Unreadable { format });
    }
    let interface = public_api::Builder::from_rustdoc_json(file)
        // They follow from the rest, and are the same for every type.
        .omit_blanket_impls(true)
        .build()?;
    let lines = interface.items().map(ToString::to_string);
    let among = |line: &str, parts: &[&str]| parts.iter().any(|part| line.contains(part));
    let untold = |line: &String| {
        line.starts_with("impl") && among(line, &UNTOLD)
            || line.starts_with("pub fn ") && among(line, &DERIVED)
    };
    let told = lines.filter(|line| !untold(line));
    Ok(Listing::Items(
        told.flat_map(|line| [line, "\n".to_owned()]).collect(),
    ))
}
