#!/usr/bin/env python3
"""Would the checks notice? Breaks the core on purpose, in a copy, and lets each layer of checks look at it.

usage: run.py [NAME [LAYER]]   NAME is one of the patches beside this file without .patch, or "none" for
                               the core as it is, which no layer may object to. Without NAME: all, "none" first.
       run.py --check          only whether all patches still apply
       run.py --list           names and layers

Layers: unit, quickcheck, explorer, swarm, fuzz, specification (needs Java, see ../spec/README.md).
The copy is built under target/mutants; MUTANTS_TIMEOUT is how many seconds a layer may take (600).
Exit status: 0 each bug is caught, by two layers at least if all are run; 1 one is not, or "none" is; 2 a patch no longer
applies, or what it makes does not build.
"""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
WORK = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve() / "mutants"
SOURCE, BUILD = WORK / "source", WORK / "build"
TIMEOUT = int(os.environ.get("MUTANTS_TIMEOUT", "600"))
NONE = "none"

CORE = ["cargo", "test", "--locked", "-p", "raft-core"]
SIM = ["cargo", "test", "--locked", "-p", "raft-driver-sim"]
COMPARE = [sys.executable, "raft-driver-sim/spec/compare.py"]
# How each layer is built, and what it then runs.
LAYERS = {
    "unit": [CORE + ["--lib", "--test", "figure2", "--test", "section5", "--test", "rules", "--test", "behaviours"]],
    "quickcheck": [CORE + ["--test", "contract"]],
    "explorer": [SIM + ["--test", "explore"]],
    "swarm": [SIM + ["--test", "swarm"]],
    "fuzz": [["cargo", "test", "--locked", "--manifest-path", "fuzz/Cargo.toml", "--no-default-features"]],
    "specification": [
        COMPARE + ["plain", "2", "2"],
        COMPARE + ["standard", "2", "1"],
        COMPARE + ["standard", "2", "2", "--no-crash", "--forget"],
    ],
}
# The explorer's own checks stop it before there is a graph to compare: it is their find, not the specification's.
EXPLORER_STOPPED = ("raft-sim ended with status 1", "a message that the search forgets makes a difference in this core")
FAILED = re.compile(r"^test (\S+) .*FAILED$|^---- (\S+) stdout ----$|^(DIFFERENT)$")


def fail(what):
    print(f"run.py: {what}", file=sys.stderr)
    sys.exit(2)


def patches():
    return sorted(path.stem for path in HERE.glob("*.patch"))


def copy_source():
    """Brings the copy to what the checkout holds. Files that are equal are left alone, so that cargo need not build them again."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, check=True, capture_output=True
    ).stdout.decode()
    wanted = {name for name in listed.split("\0") if name and (ROOT / name).is_file()}
    for name in wanted:
        data, copy = (ROOT / name).read_bytes(), SOURCE / name
        if not copy.is_file() or copy.read_bytes() != data:
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(data)
            copy.chmod((ROOT / name).stat().st_mode & 0o777)
    for copy in [path for path in SOURCE.rglob("*") if path.is_file()]:
        if str(copy.relative_to(SOURCE)) not in wanted:
            copy.unlink()


def apply(name, only_check=False):
    # Not as a part of the checkout that the copy lies in.
    env = dict(os.environ, GIT_CEILING_DIRECTORIES=str(WORK))
    command = ["git", "apply", "-p0", "--whitespace=nowarn"] + (["--check"] if only_check else [])
    done = subprocess.run(command + [str(HERE / f"{name}.patch")], cwd=SOURCE, env=env, capture_output=True, text=True)
    if done.returncode != 0:
        fail(f"{name}.patch no longer applies, make it anew:\n{done.stderr}")


def run(command, env, until_failed=None):
    """Runs a command; returns its status and the first thing that failed. Ends it at that, or when its time is over."""
    log = WORK / "log"
    with open(log, "w") as out:
        process = subprocess.Popen(command, cwd=SOURCE, env=env, stdout=out, stderr=subprocess.STDOUT, start_new_session=True)
    begin, failed = time.monotonic(), None
    while process.poll() is None and not failed:
        time.sleep(0.1)
        failed = first_failure(log) if until_failed else None
        if time.monotonic() - begin > TIMEOUT and process.poll() is None:
            failed = "no end"
    failed = failed or (first_failure(log) if until_failed else None)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return process.returncode, failed, time.monotonic() - begin, log


def first_failure(log):
    for line in open(log, errors="replace"):
        if match := FAILED.match(line.rstrip()):
            return next(group for group in match.groups() if group)
    return None


def build(name, layer, env):
    if layer == "specification":
        command = ["cargo", "build", "-q", "--locked", "-p", "raft-driver-sim", "--bin", "raft-sim"]
    else:
        command = [word for word in LAYERS[layer][0]] + ["--no-run"]
    status, _, _, log = run(command, env)
    if status != 0:
        fail(f"{name} does not build:\n{''.join(open(log, errors='replace').readlines()[-30:])}")


def look(name, layer):
    """Whether the layer objects, to what, and after how many seconds."""
    env = dict(os.environ, CARGO_TARGET_DIR=str(BUILD), RAFT_SIM=str(BUILD / "debug" / "raft-sim"))
    build(name, layer, env)
    total = 0.0
    for command in LAYERS[layer]:
        status, failed, seconds, log = run(command, env, until_failed=True)
        total += seconds
        said = log.read_text(errors="replace")
        unfit = status == 2 if layer == "specification" else "could not compile" in said
        if unfit and any(words in said for words in EXPLORER_STOPPED):
            return None, total
        if unfit and not failed:
            fail(f"{layer} could not be asked about {name}:\n{said[-2000:]}")
        if failed or status != 0:
            return failed or f"status {status}", total
    return None, total


def show(found, seconds):
    return f"{found}, {seconds:.0f} s" if found else f"- ({seconds:.0f} s)"


def examine(name, layers):
    copy_source()
    if name != NONE:
        apply(name)
    row = {}
    for layer in layers:
        row[layer] = look(name, layer)
        print(f"{name}: {layer}: {show(*row[layer])}", flush=True)
    return row


def main(arguments):
    SOURCE.mkdir(parents=True, exist_ok=True)
    if arguments == ["--list"]:
        print("\n".join(patches()), "\nlayers:", ", ".join(LAYERS))
        return True
    if arguments == ["--check"]:
        copy_source()
        for name in patches():
            apply(name, only_check=True)
        print(f"{len(patches())} patches apply")
        return True
    if len(arguments) > 2 or any(word.startswith("-") for word in arguments):
        fail(__doc__)
    names = arguments[:1] or [NONE] + patches()
    layers = arguments[1:] or list(LAYERS)
    if names[0] not in [NONE] + patches() or layers[0] not in LAYERS:
        fail(f"{' '.join(arguments)}: no such patch or layer: see run.py --list")
    rows = {name: examine(name, layers) for name in names}
    print("\n| bug | " + " | ".join(layers) + " |\n|---|" + "---|" * len(layers))
    good = True
    for name, row in rows.items():
        caught = sum(found is not None for found, _ in row.values())
        good &= caught == 0 if name == NONE else caught >= min(2, len(layers))
        print(f"| `{name}` | " + " | ".join(show(*row[layer]) for layer in layers) + " |")
    print("as it should be" if good else "NOT as it should be")
    return good


if __name__ == "__main__":
    sys.exit(0 if main(sys.argv[1:]) else 1)
