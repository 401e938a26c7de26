"""What is done to the hosts. A fault is a generator: up to its `yield` it does harm, after it it mends."""

import os
import signal
import subprocess
import time

from cluster import CLUSTER, HOSTS, PORT, STRANGER, wait_until

FAULTS = []


class Unavailable(Exception):
    """The fault cannot be had on this machine."""


def fault(title, moves=True, lasts=0):
    """`moves`: the instance must move to another host. Otherwise the harm lasts `lasts` election timeouts."""

    def add(function):
        function.title, function.moves, function.lasts = title, moves, lasts
        FAULTS.append(function)
        return function

    return add


def check(holds, what):
    if not holds:
        raise RuntimeError(what)


@fault("none, for ten election timeouts", moves=False, lasts=10)
def quiet(cluster, leader):
    # What the machine does of itself.
    yield


@fault("SIGKILL of the leader's supervisor")
def supervisor_killed(cluster, leader):
    cluster.signal(leader.node, signal.SIGKILL)
    yield
    cluster.ended(leader.node)
    cluster.start(leader.node)


@fault("SIGKILL of its child")
def child_killed(cluster, leader):
    while True:
        try:
            os.kill(leader.pid, signal.SIGKILL)
            break
        except ProcessLookupError:
            # On a busy machine its lease may have ended meanwhile.
            leader = cluster.settle()
    yield
    # A host whose child ends again and again waits longer and longer; each run is to be the first.
    cluster.signal(leader.node, signal.SIGTERM)
    cluster.ended(leader.node)
    cluster.start(leader.node)


@fault("SIGSTOP of the supervisor, SIGCONT when another leads")
def supervisor_stopped(cluster, leader):
    cluster.signal(leader.node, signal.SIGSTOP)
    yield
    cluster.signal(leader.node, signal.SIGCONT)


@fault("SIGTERM: an orderly hand-over")
def supervisor_terminated(cluster, leader):
    cluster.signal(leader.node, signal.SIGTERM)
    yield
    status = cluster.ended(leader.node)
    check(status == 0, f"SIGTERM ended a member with status {status}")
    cluster.start(leader.node)


@fault("`raft transfer`: an orderly hand-over")
def transferred(cluster, leader):
    check(cluster.ask(leader.node, "transfer") is not None, "the transfer was refused")
    yield


def cut(cluster, lost):
    cluster.network.harm(lost=lost)
    yield
    counted = cluster.network.heal()
    check(counted["lost"] > 0, f"nothing was lost: {counted}")


@fault("one-way loss: the leader is not heard")
def mute(cluster, leader):
    return cut(cluster, lambda source, target: source == leader.node)


@fault("one-way loss: the leader hears nobody")
def deaf(cluster, leader):
    return cut(cluster, lambda source, target: target == leader.node)


@fault("the leader cut off")
def cut_off(cluster, leader):
    return cut(cluster, lambda source, target: leader.node in (source, target))


@fault("30 % loss, for ten election timeouts", moves=False, lasts=10)
def lossy(cluster, leader):
    return cut(cluster, lambda source, target: 0.3)


@fault("30 % doubled, all delayed by up to a heartbeat interval, for ten election timeouts", moves=False, lasts=10)
def disorderly(cluster, leader):
    cluster.network.harm(twice=0.3, delay=cluster.heartbeat)
    yield
    counted = cluster.network.heal()
    check(counted["doubled"] > 0 and counted["overtaken"] > 0, f"all was in order: {counted}")


@fault("recordings played again, three for each datagram, before and after a SIGKILL of the leader's supervisor")
def replayed(cluster, leader):
    cluster.network.harm(again=3)
    time.sleep(5 * cluster.election_timeout)
    cluster.signal(leader.node, signal.SIGKILL)
    yield
    cluster.ended(leader.node)
    cluster.start(leader.node)
    # It comes back, and is heard, among recordings of the time before.
    cluster.settle()
    counted = cluster.network.heal()
    check(counted["again"] > 0, f"nothing was played again: {counted}")


@fault("the leader's disk full, then `raft transfer`")
def disk_full(cluster, leader):
    filling = f"{cluster.base}/{leader.node}/filling"
    with open(filling, "wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    # No answer: the member hands over, and ends as it finds that it cannot record the next term.
    cluster.ask(leader.node, "transfer")
    yield
    status = cluster.ended(leader.node)
    check(status not in (0, None), f"a member whose disk is full ended with status {status}")
    os.remove(filling)
    cluster.start(leader.node)


@fault("SIGKILL, and the state file damaged before the restart")
def state_damaged(cluster, leader):
    cluster.signal(leader.node, signal.SIGKILL)
    yield
    cluster.ended(leader.node)
    path = f"{cluster.state_dir(leader.node)}/state"
    with open(path, "rb") as file:
        good = file.read()
    damaged = bytearray(good)
    damaged[len(damaged) // 2] ^= 1
    with open(path, "wb") as file:
        file.write(damaged)
    cluster.start(leader.node)
    status = cluster.ended(leader.node)
    check(status == 78, f"a member with damaged state ended with status {status}")
    with open(path, "rb") as file:
        check(file.read() == damaged, "a damaged state file was touched")
    # As it was: nothing has happened since that it does not know of.
    with open(path, "wb") as file:
        file.write(good)
    cluster.start(leader.node)


@fault("the time of day an hour forward, then back", moves=False, lasts=0)
def clock_set(cluster, leader):
    if not cluster.faketime:
        raise Unavailable("needs libfaketime (Debian: apt-get install libfaketime)")
    seen = []
    for offset in ("+3600", "+0"):
        cluster.set_clock(offset)
        time.sleep(5 * cluster.election_timeout)
        # A line of the log, to see what the time is to them.
        for host in HOSTS:
            cluster.reload(host)
        seen.append([cluster.time_of_day(host) for host in HOSTS])
    yield
    moved = [(late - early) % 1440 for late, early in zip(*seen)]
    check(all(58 <= minutes <= 61 for minutes in moved), f"the clocks did not move: {seen}")


@fault("a rolling restart, orderly, one host after the other", moves=False)
def rolling_restart(cluster, leader):
    for host in HOSTS:
        cluster.signal(host, signal.SIGTERM)
        status = cluster.ended(host)
        check(status == 0, f"SIGTERM ended a member with status {status}")
        cluster.start(host)
        cluster.settle()
    yield


@fault("a rotation of keys: add, switch, remove", moves=False, lasts=3)
def keys_rotated(cluster, leader):
    (old,) = cluster.keys
    new = old % 255 + 1
    cluster.keys[new] = os.urandom(32).hex()
    for ids in ([old, new], [new, old], [new]):
        for host in HOSTS:
            cluster.write_keys(host, ids)
            cluster.reload(host)
    del cluster.keys[old]
    yield


@fault("50,000 forged datagrams a second at the leader, for ten election timeouts", moves=False)
def flooded(cluster, leader):
    def dropped():
        # It may be late: a build without optimization has work left when the flood is over.
        status = wait_until("the flooded member answers", lambda: cluster.status(leader.node))
        return status["dropped"].get("unauthentic", 0)

    before, seconds = dropped(), 10 * cluster.election_timeout
    address = f"{cluster.network.address(leader.node)}:{PORT}"
    command = [cluster.instance, "flood", address, "50000", str(seconds), CLUSTER, str(leader.node), str(*cluster.keys)]
    done = subprocess.run(cluster.network.inside(STRANGER) + command, capture_output=True, text=True)
    check(done.returncode == 0, done.stderr)
    yield
    refused = (dropped() - before) / seconds
    check(refused > 0, "no forged datagram arrived")
    cluster.notes.append(f"sent {float(done.stdout):.0f} a second, refused {refused:.0f} a second")
