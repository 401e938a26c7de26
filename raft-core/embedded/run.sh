#!/bin/sh
# Builds the firmware for a Cortex-M4 and runs it on an emulated board (QEMU's mps2-an386). One emulated instruction takes 256 ns
# of the board's time and nothing else passes time, so every run of the same program prints the same.
#
# Exit status: 0 the program did what it is for, 3 this machine cannot build or run it (and why), others: it failed.
set -eu
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)
target=$root/target/embedded
firmware=$("$root/.ci/build-for" thumbv7em-none-eabihf "$target")/raft-embedded

# Debian's package, unpacked where nothing else on this machine notices: it needs no privilege and replaces no other QEMU. As a
# condition this runs without set -e.
unpack() {
    command -v apt-get >/dev/null 2>&1 && command -v dpkg >/dev/null 2>&1 || return 1
    rm -rf "$target/qemu.new"
    mkdir -p "$target/qemu.new" || return 1
    (
        cd "$target/qemu.new" || exit 1
        apt-get download qemu-system-arm ||
            { apt-get update && apt-get download qemu-system-arm; } || exit 1
        # Of what it depends on, what is not here.
        apt-get download $(apt-get install --simulate --no-install-recommends qemu-system-arm | awk '/^Inst/ { print $2 }') || exit 1
        for package in *.deb; do
            dpkg -x "$package" . && rm "$package" || exit 1
        done
    ) >/dev/null 2>&1 && mv "$target/qemu.new" "$target/qemu"
}

if command -v qemu-system-arm >/dev/null 2>&1; then
    emulator=qemu-system-arm
elif [ -d "$target/qemu" ] || unpack; then
    emulator=$target/qemu/usr/bin/qemu-system-arm
    export LD_LIBRARY_PATH="$target/qemu/usr/lib/$(uname -m)-linux-gnu:$target/qemu/lib/$(uname -m)-linux-gnu"
else
    echo "this machine has no qemu-system-arm, and apt-get cannot fetch Debian's" >&2
    exit 3
fi
exec timeout 300 "$emulator" -machine mps2-an386 -icount shift=8,sleep=off -display none -serial none -monitor none \
    -semihosting-config enable=on,target=native -kernel "$firmware"
