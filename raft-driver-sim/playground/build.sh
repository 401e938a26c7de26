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
wasm=$("$root/.ci/build-for" wasm32-unknown-unknown "$root/target/playground")/raft_playground.wasm

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
