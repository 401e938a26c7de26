#!/bin/sh
# How many lines of raft-core the committed inputs run, and which they do not; see README.md beside this file.
# usage: fuzz/coverage.sh
set -eu
cd "$(dirname "$0")/.."

host=$(rustc -vV | sed -n 's/^host: //p')
tools=${LLVM_TOOLS:-$(rustc --print sysroot)/lib/rustlib/$host/bin}
if [ ! -x "$tools/llvm-cov" ]; then
    echo "coverage.sh: llvm-cov is missing: rustup component add llvm-tools, or let LLVM_TOOLS name a folder that has" \
        "the llvm-cov and llvm-profdata of LLVM $(rustc -vV | sed -n 's/^LLVM version: //p') (Debian: llvm-22)" >&2
    exit 2
fi

export CARGO_TARGET_DIR="$PWD/fuzz/target/coverage"
profiles=$CARGO_TARGET_DIR/profiles
rm -rf "$profiles"
build() {
    RUSTFLAGS="-C instrument-coverage" LLVM_PROFILE_FILE="$profiles/build" cargo test --quiet --locked \
        --manifest-path fuzz/Cargo.toml --no-default-features --test replay --no-run "$@"
}
build
program=$(build --message-format=json | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -1)
(cd fuzz && LLVM_PROFILE_FILE="$profiles/%p.profraw" "$program" --quiet seeds::)
"$tools/llvm-profdata" merge -sparse "$profiles"/*.profraw -o "$profiles/all"

sources=$(find "$PWD/raft-core/src" -name '*.rs')
# shellcheck disable=SC2086
"$tools/llvm-cov" export -format=lcov -instr-profile "$profiles/all" "$program" -sources $sources |
    awk -F'[:,]' -v root="$PWD/" '
        /^SF:/ { file = substr($0, 4); sub(root, "", file) }
        /^DA:/ { all[file]++; lines++; if ($3 > 0) { run[file]++; ran++ } else not[file] = not[file] " " $2 }
        END {
            for (file in all) printf "%-32s %4d of %4d%s\n", file, run[file], all[file], not[file] ? "  not:" not[file] : "" | "sort"
            close("sort")
            printf "%.1f %% of %d lines\n", 100 * ran / lines, lines
        }'
