#!/usr/bin/env bash
# Builds both, measures both and prints the tables of README.md. Needs Rust and valgrind.
# With the argument `scorecard`: prints the scorecards beside each other instead (Rust suffices; --quick or --json may follow).
# With the argument `groups`: hosts ten thousand groups on each instead.
set -euo pipefail
cd "$(dirname "$0")"

# Crate raft's codec is generated with protoc when it is built. Crate protobuf-build ships one.
if [ -z "${PROTOC:-}" ]; then
    cargo fetch --locked
    shipped=(${CARGO_HOME:-$HOME/.cargo}/registry/src/*/protobuf-build-0.14.1/bin/protoc-linux-x86_64)
    mkdir -p target
    install -m 755 "${shipped[0]}" target/protoc
    export PROTOC=$PWD/target/protoc
fi
if [ "${1:-}" = scorecard ]; then
    shift
    exec cargo run --release --locked --bin scorecard -- "$@"
fi
cargo build --release --locked
if [ "${1:-}" = groups ]; then
    for who in ours theirs; do
        for timing in "50 10" "1000 200"; do
            echo "$who, heartbeat and seconds $timing"
            # shellcheck disable=SC2086
            target/release/groups $who 10000 $timing
        done
    done
    exit
fi

instructions() { # WHO UNIT COUNT
    valgrind --tool=callgrind --callgrind-out-file=/dev/null target/release/cost "$@" 2>&1 |
        awk '/Collected/ { print $4 }'
}

# The difference of two runs: what the process and the group cost once is in both.
per_unit() { # WHO UNIT
    echo $((($(instructions "$1" "$2" 2000) - $(instructions "$1" "$2" 1000)) / 1000))
}

ratio() { # OURS THEIRS
    awk -v ours="$1" -v theirs="$2" 'BEGIN { printf "%.1f", theirs / ours }'
}

echo "| instructions | raft-core | raft | times fewer |"
echo "|---|--:|--:|--:|"
for unit in input heartbeat round3 round5 build3 build5 build7; do
    ours=$(per_unit ours $unit) theirs=$(per_unit theirs $unit)
    echo "| $unit | $ours | $theirs | $(ratio "$ours" "$theirs") |"
done
for nodes in 3 5 7; do
    ours=$(($(per_unit ours election$nodes) - $(per_unit ours build$nodes)))
    theirs=$(($(per_unit theirs election$nodes) - $(per_unit theirs build$nodes)))
    echo "| election of $nodes, less build$nodes | $ours | $theirs | $(ratio "$ours" "$theirs") |"
done
echo
echo "| bytes of a node, allocations of a unit | raft-core | raft |"
echo "|---|--:|--:|"
target/release/memory | awk '{ printf "| %s %s | %s | %s |\n", $1, $2, $3, $4 }'
echo
echo "| nanoseconds (median of 15; a remark) | raft-core | raft |"
echo "|---|--:|--:|"
target/release/cost | awk '{ printf "| %s | %s | %s |\n", $1, $2, $3 }'
