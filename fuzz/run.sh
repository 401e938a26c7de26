#!/bin/sh
# Runs a fuzz target; see README.md beside this file.
# usage: fuzz/run.sh TARGET [SECONDS]      60 seconds unless it is said
set -eu
cd "$(dirname "$0")/.."

fail() {
    echo "run.sh: $1" >&2
    exit 2
}

[ $# -ge 1 ] && [ -d "fuzz/seeds/$1" ] || fail "name a target: $(ls fuzz/seeds | tr '\n' ' ')"
command -v cargo-fuzz >/dev/null || fail "cargo-fuzz is missing: cargo install --locked cargo-fuzz"
target=$1 seconds=${2:-60}
# A nightly compiler where there is one. The stable one takes what cargo fuzz asks for if it is told to.
if rustup toolchain list 2>/dev/null | grep -q nightly; then
    toolchain=+nightly
else
    toolchain=+stable
    export RUSTC_BOOTSTRAP=1
fi
dictionary=fuzz/dictionaries/$target.dict
[ -f "$dictionary" ] && dictionary=-dict=$dictionary || dictionary=
mkdir -p "fuzz/corpus/$target"
# shellcheck disable=SC2086
exec cargo $toolchain fuzz run "$target" "fuzz/corpus/$target" "fuzz/seeds/$target" -- \
    -max_total_time="$seconds" -max_len=1000 -print_final_stats=1 $dictionary
