#!/usr/bin/env python3
"""Three hosts in namespaces of their own run `raft exec`; faults happen; one instance is active at a time, or this fails.

Needs Linux, iproute2, util-linux, and root or the right to make user namespaces. Whatever it makes (hosts, links,
mounts, processes) lives in namespaces that end with it, however it ends.

Exit status: 0 all held; 1 something did not; 2 a wrong option; 77 the privileges or the tools are missing;
130 it was interrupted.
"""

import argparse
import glob
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
MISSING = 77
INSIDE = "RAFT_HOSTS_INSIDE"
# The most that one run of one fault may take.
LIMIT = 120


def options():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--times", type=int, default=1, help="how often each fault happens (default: 1)")
    parse.add_argument("--only", action="append", metavar="FAULT", help="this fault; may be given several times")
    parse.add_argument("--heartbeat", type=int, default=50, metavar="MS", help="default: 50")
    parse.add_argument("--election-timeout", type=int, default=500, metavar="MS", help="default: 500")
    parse.add_argument("--nice", type=int, default=0, help="the priority of all of it, as nice(1) has it (default: 0)")
    parse.add_argument("--bin", default="target/release", metavar="DIR", help="where cargo put raft (default: target/release)")
    parse.add_argument("--list", action="store_true", help="print the names of the faults")
    return parse.parse_args()


def missing(what):
    print(f"hosts: {what}", file=sys.stderr)
    sys.exit(MISSING)


def enter():
    """Goes on in new namespaces, as their first process."""
    for tool in ("ip", "unshare", "nsenter", "mount"):
        if not shutil.which(tool):
            missing(f"{tool} is missing: install iproute2, util-linux and mount")
    namespaces = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if os.geteuid():
        namespaces += ["--user", "--map-root-user"]
    if subprocess.run([*namespaces, "true"], capture_output=True).returncode:
        missing("no privilege to make namespaces: run this as root")
    os.environ[INSIDE] = "1"
    os.execvp("unshare", [*namespaces, sys.executable, os.path.abspath(__file__), *sys.argv[1:]])


def reap():
    """The first process of a namespace inherits its orphans; the run itself is a child."""
    child = os.fork()
    if child == 0:
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        pid, status = os.wait()
        if pid == child:
            os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def faketime():
    found = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
    return found[0] if found else None


class Row:
    """What was seen of a fault."""

    def __init__(self, fault):
        self.fault, self.runs, self.overlaps, self.backwards, self.moved, self.gaps = fault, 0, 0, 0, 0, []
        self.failures, self.skipped = [], None

    def cells(self):
        if self.skipped:
            return [self.fault.title, "0", self.skipped, "", "", "", ""]
        time = lambda seconds: f"{seconds * 1000:.0f} ms"
        median = time(statistics.median(self.gaps)) if self.gaps else ""
        worst = time(max(self.gaps)) if self.gaps else ""
        return [self.fault.title, str(self.runs), str(self.overlaps), str(self.backwards), str(self.moved), median, worst]


def happen(cluster, fault, row):
    """One run of a fault, from a settled cluster to a settled cluster."""
    from ledger import gaps, instances, violations

    leader = cluster.settle()
    marks = {host: len(cluster.log(host)) for host in cluster.members}
    harm = fault(cluster, leader)
    next(harm)
    if fault.moves:
        cluster.moved_from(leader)
    else:
        time.sleep(fault.lasts * cluster.election_timeout)
    for _ in harm:
        pass
    cluster.settle()
    # All lines since the last run of the last fault, with its last line.
    lines = cluster.ledger.read()
    overlaps, backwards = violations(lines)
    row.runs += 1
    row.overlaps += overlaps
    row.backwards += backwards
    moved = len(instances(lines)) > 1
    row.moved += moved
    if moved and not fault.moves:
        # It need not have.
        for host, mark in marks.items():
            for line in cluster.log(host)[mark:].splitlines():
                if re.search("event=(lease_lost|leadership_lost) ", line):
                    cluster.notes.append(line.split(" level=")[-1])
    row.gaps.append(max(gaps(lines), default=0))
    cluster.ledger.forget()


def too_long(*_):
    raise RuntimeError(f"it took longer than {LIMIT} s")


def report(rows):
    head = ["fault", "runs", "two active at once", "a fence passed backwards", "moved", "without one: median", "worst"]
    print("\n| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(row.cells()) + " |")


def all_faults(arguments, faults):
    from cluster import STRANGER, Cluster
    from net import Network

    try:
        network = Network(STRANGER)
    except RuntimeError as error:
        missing(f"no network can be made here: {error}")
    os.makedirs("/run/hosts")
    binary = os.path.abspath(arguments.bin)
    cluster = Cluster(
        "/run/hosts", network, f"{binary}/raft", f"{binary}/examples/hosts",
        arguments.heartbeat / 1000, arguments.election_timeout / 1000, faketime(),
    )
    cluster.notes, rows = [], []
    signal.signal(signal.SIGALRM, too_long)
    try:
        for fault in faults:
            row = Row(fault)
            rows.append(row)
            for _ in range(arguments.times):
                signal.alarm(LIMIT)
                if not attempt(cluster, fault, row):
                    return rows, True
                if row.skipped:
                    break
            print(" | ".join(row.cells()), *cluster.notes, sep="; ", flush=True)
            cluster.notes.clear()
        return rows, any(row.overlaps or row.backwards for row in rows)
    finally:
        signal.alarm(0)
        cluster.end()


def attempt(cluster, fault, row):
    from faults import Unavailable

    try:
        happen(cluster, fault, row)
        return True
    except Unavailable as reason:
        row.skipped = str(reason)
        return True
    except Exception as error:
        print(f"hosts: {fault.__name__}: {error}", file=sys.stderr)
        for host in cluster.members:
            print(f"--- host {host}", *cluster.log(host).splitlines()[-15:], sep="\n", file=sys.stderr)
        print("--- ledger", *cluster.ledger.read()[-5:], sep="\n", file=sys.stderr)
        return False


def main():
    arguments = options()
    sys.path.insert(0, HERE)
    sys.dont_write_bytecode = True
    from faults import FAULTS

    names = {fault.__name__: fault for fault in FAULTS}
    if arguments.list:
        print(*(f"{name:22} {fault.title}" for name, fault in names.items()), sep="\n")
        return 0
    for name in arguments.only or []:
        if name not in names:
            print(f"hosts: {name}: no such fault; --list names them", file=sys.stderr)
            return 2
    faults = [names[name] for name in arguments.only or names]
    for program in ("raft", "examples/hosts"):
        if not os.access(f"{arguments.bin}/{program}", os.X_OK):
            print(f"hosts: {arguments.bin}/{program} is missing: run "
                  "cargo build --release -p raft-driver-mio --bin raft --example hosts", file=sys.stderr)
            return 2
    if INSIDE not in os.environ:
        enter()
    reap()
    if subprocess.run(["mount", "-t", "tmpfs", "none", "/run"]).returncode:
        missing("nothing can be mounted here")
    os.makedirs("/run/netns")
    if arguments.nice:
        os.setpriority(os.PRIO_PROCESS, 0, arguments.nice)
    rows, failed = all_faults(arguments, faults)
    report(rows)
    print("\nhosts: " + ("FAILED" if failed else "all held"))
    return int(failed)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
