"""Three members, each on a host of its own with a disk of its own, that run `raft exec` around one instance."""

import json
import os
import re
import secrets
import signal
import subprocess
import time

from ledger import Ledger
from net import run

PORT = 7400
CLUSTER = "hosts"
HOSTS = (1, 2, 3)
# A host without a member, where strangers are.
STRANGER = 4
# How long anything is waited for before the run fails.
PATIENCE = 60


def wait_until(what, condition, pace=0.005):
    deadline = time.monotonic() + PATIENCE
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise RuntimeError(f"never: {what}")
        time.sleep(pace)


class Cluster:
    """Times are in seconds."""

    def __init__(self, base, network, raft, instance, heartbeat, election_timeout, faketime):
        self.base, self.raft, self.instance = base, raft, instance
        self.heartbeat, self.election_timeout = heartbeat, election_timeout
        self.network = network
        self.ledger = Ledger(f"{base}/ledger")
        self.members, self.faketime = {}, faketime
        self.keys = {1: secrets.token_hex(32)}
        self.set_clock("+0")
        for host in HOSTS:
            os.makedirs(f"{base}/{host}")
            # Small, so that it can be filled.
            run("mount", "-t", "tmpfs", "-o", "size=128k", "none", f"{base}/{host}")
            self.write_keys(host, [1])
            self.write_config(host)
            self.start(host, "--init")

    def write_config(self, host):
        peers = [f'"{peer}={self.network.address(peer)}:{PORT}"' for peer in HOSTS if peer != host]
        with open(f"{self.base}/{host}.toml", "w") as file:
            file.write(
                f'cluster = "{CLUSTER}"\nid = {host}\nlisten = "{self.network.address(host)}:{PORT}"\n'
                f'peer = [{", ".join(peers)}]\nstate-dir = "{self.state_dir(host)}"\n'
                f'key-file = "{self.base}/{host}.key"\nheartbeat = "{self.heartbeat * 1000:.0f}ms"\n'
                f'election-timeout = "{self.election_timeout * 1000:.0f}ms"\n'
            )

    def write_keys(self, host, ids):
        path = f"{self.base}/{host}.key"
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.writelines(f"{id}:{self.keys[id]}\n" for id in ids)

    def state_dir(self, host):
        return f"{self.base}/{host}/state"

    def log(self, host):
        with open(f"{self.base}/{host}.log") as file:
            return file.read()

    def start(self, host, *more):
        command = self.network.inside(host) + [self.raft, "exec", "--config", f"{self.base}/{host}.toml", "--restart"]
        command += [*more, "--", self.instance, "instance", self.ledger.path]
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        if self.faketime:
            environment |= {"LD_PRELOAD": self.faketime, "FAKETIME_TIMESTAMP_FILE": f"{self.base}/clock"}
            environment |= {"FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        with open(f"{self.base}/{host}.log", "a") as log:
            self.members[host] = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def signal(self, host, which):
        self.members[host].send_signal(which)

    def ended(self, host):
        """Waits for the end of a member, and returns its exit status."""
        return self.members[host].wait(timeout=PATIENCE)

    def ask(self, host, *command):
        """Runs a command of raft about a member. Returns what it says, or None."""
        command = [self.raft, *command, "--state-dir", self.state_dir(host)]
        done = subprocess.run(command, capture_output=True, text=True)
        return done.stdout if done.returncode == 0 else None

    def status(self, host):
        text = self.ask(host, "status", "--json")
        return json.loads(text) if text else None

    def settle(self):
        """Waits until the instance is active and all members follow its host. Returns its latest line."""

        def all_follow():
            active = self.ledger.active()
            statuses = active and [self.status(host) for host in HOSTS]
            if not statuses or not all(statuses):
                return None
            same = all(status["leader"] == active.node and status["term"] == active.term for status in statuses)
            return active if same else None

        wait_until("one instance, and all members follow its host", all_follow, 0.02)
        # Until everybody has heard everybody.
        time.sleep(2 * self.election_timeout)
        return wait_until("one instance, and all members follow its host", all_follow, 0.02)

    def moved_from(self, old):
        """Waits until another instance is active."""
        other = lambda: any(line.pid != old.pid for line in self.ledger.read()[-20:] if line.at > old.at)
        wait_until(f"an instance after that of term {old.term}", other, 0.002)

    def reload(self, host):
        seen = self.log(host).count("event=reloaded")
        self.signal(host, signal.SIGHUP)
        wait_until("the member reloads", lambda: self.log(host).count("event=reloaded") > seen)

    def set_clock(self, offset):
        """The time of day as the members are told it; a file that is replaced in one piece."""
        with open(f"{self.base}/clock.new", "w") as file:
            file.write(f"{offset}\n")
        os.rename(f"{self.base}/clock.new", f"{self.base}/clock")

    def time_of_day(self, host):
        """The time stamp of the latest line of a member's log, in minutes of the day."""
        stamps = re.findall(r"\d{4}-\d\d-\d\dT(\d\d):(\d\d):", self.log(host))
        return int(stamps[-1][0]) * 60 + int(stamps[-1][1])

    def end(self):
        self.network.heal()
        for member in self.members.values():
            member.kill()
            member.wait()
