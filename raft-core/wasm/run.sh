#!/bin/sh
# Compiles the node to WebAssembly and has three of them elect leaders under Node.
#
# Exit status: 0 they did, 3 this machine cannot compile or run it (and why), others: it failed.
set -eu
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
if ! command -v node >/dev/null 2>&1; then
    echo "this machine has no node (Debian's package nodejs)" >&2
    exit 3
fi
built=$("$root/.ci/build-for" wasm32-unknown-unknown "$root/target/wasm")
exec node elect.mjs "$built/raft_wasm.wasm"
