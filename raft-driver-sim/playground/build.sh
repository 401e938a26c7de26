#!/bin/sh
# Compiles the world to WebAssembly and puts the playground into one page, which needs no network:
#
#   raft-driver-sim/playground/build.sh [FILE]        default: target/playground.html
#
# Exit status: 0 the page is there, 3 this machine cannot compile for WebAssembly (and why), others: the code does not compile.
set -eu
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
case ${1:-} in
    '') page=$root/target/playground.html ;;
    /*) page=$1 ;;
    *) page=$OLDPWD/$1 ;;
esac
target=$root/target/playground
export CARGO_TARGET_DIR="$target"

ordinary() {
    cargo build --release --locked --target wasm32-unknown-unknown
}

# Debian's second Rust builds the standard library from source: for machines whose rustup can fetch nothing.
debian() {
    RUSTC=/usr/bin/rustc RUSTDOC=/usr/bin/rustdoc RUSTC_BOOTSTRAP=1 \
        CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=/usr/bin/wasm-ld CARGO_TARGET_DIR="$target/debian" \
        /usr/bin/cargo build --release --locked --target wasm32-unknown-unknown -Zbuild-std=std,panic_abort
}

has_debian() {
    command -v dpkg >/dev/null 2>&1 &&
        dpkg -s rust-web-src rustc-web libstd-rust-web-dev cargo-web lld >/dev/null 2>&1
}

install_debian() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 || return 1
    (apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        rust-web-src rustc-web libstd-rust-web-dev cargo-web lld) >/dev/null 2>&1
}

has_target() {
    [ -d "$(rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown/lib" ]
}

has_target || rustup target add wasm32-unknown-unknown >/dev/null 2>&1 || true
if has_target; then
    ordinary
    wasm=$target/wasm32-unknown-unknown/release/raft_playground.wasm
elif has_debian || install_debian; then
    debian
    wasm=$target/debian/wasm32-unknown-unknown/release/raft_playground.wasm
else
    echo "playground: this machine cannot compile for WebAssembly: neither can rustup add the target" \
        "wasm32-unknown-unknown, nor apt-get install Debian's rustc-web" >&2
    exit 3
fi

view=../src/view
mkdir -p "$(dirname "$page")"
{
    echo '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Raft playground</title>'
    echo '<meta name="viewport" content="width=device-width, initial-scale=1"><style>'
    cat "$view/style.css" page/play.css
    echo '</style></head><body>'
    cat page/body.html
    # The timeline is the one of every other page.
    sed -n '/<div id="timeline">/,/<script/p' "$view/page.html" | sed '/<script/d'
    echo '<script type="application/wasm" id="wasm">'
    base64 "$wasm"
    echo '</script><script>'
    cat "$view/model.js" "$view/lanes.js" "$view/draw.js" "$view/panel.js" "$view/controls.js" "$view/main.js" \
        page/engine.js page/circle.js page/play.js
    echo '</script></body></html>'
} >"$page"
echo "playground: $page"
