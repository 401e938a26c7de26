"""Hosts of their own: network namespaces, joined by veth pairs and a bridge, or by a switch that harms what passes."""

import heapq
import random
import select
import socket
import subprocess
import threading
import time

SOL_PACKET, PACKET_VNET_HDR = 263, 15
ETH_P_ALL = 3
PACKET_OUTGOING = 4


def run(*command):
    """Runs a command that must succeed."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")


class Network:
    """Hosts 1 to `count`, each at 10.77.0.N. The namespace that this process is in holds the bridge."""

    def __init__(self, count):
        self.hosts = range(1, count + 1)
        run("ip", "link", "set", "lo", "up")
        run("ip", "link", "add", "br0", "type", "bridge")
        run("ip", "link", "set", "br0", "up")
        for host in self.hosts:
            run("ip", "netns", "add", f"h{host}")
            run("ip", "link", "add", self.port(host), "type", "veth", "peer", "name", "eth0", "netns", f"h{host}")
            run("ip", "link", "set", self.port(host), "master", "br0", "up")
            run("ip", "-n", f"h{host}", "addr", "add", f"{self.address(host)}/24", "dev", "eth0")
            run("ip", "-n", f"h{host}", "link", "set", "eth0", "up")
            run("ip", "-n", f"h{host}", "link", "set", "lo", "up")
        self.switch = None

    @staticmethod
    def port(host):
        return f"port{host}"

    @staticmethod
    def address(host):
        return f"10.77.0.{host}"

    @staticmethod
    def inside(host):
        """What a command is run with on a host."""
        return ["nsenter", f"--net=/run/netns/h{host}", "--"]

    def harm(self, **how):
        """Replaces the bridge by a switch; `how` as Switch has it."""
        switch = Switch([(host, self.port(host)) for host in self.hosts], **how)
        for host in self.hosts:
            run("ip", "link", "set", self.port(host), "nomaster")
        switch.start()
        self.switch = switch

    def heal(self):
        """The bridge again. Returns what the switch counted."""
        if self.switch is None:
            return {}
        counted = self.switch.stop()
        self.switch = None
        for host in self.hosts:
            run("ip", "link", "set", self.port(host), "master", "br0")
        return counted


class Switch(threading.Thread):
    """Passes every frame on to the other hosts, or not, or twice, or later, or again.

    `lost(source, target)` is the probability that a frame is lost on that way, `twice` that it comes twice; each
    waits for a random time of at most `delay` seconds, so that frames overtake one another. After each, `again` frames
    of the past are played again.
    """

    def __init__(self, ports, lost=lambda source, target: 0, twice=0, delay=0, again=0):
        super().__init__(daemon=True)
        self.lost, self.twice, self.delay, self.again = lost, twice, delay, again
        self.recordings = []
        self.random = random.Random(1)
        self.counted = {"passed": 0, "lost": 0, "doubled": 0, "overtaken": 0, "again": 0}
        self.sockets = {}
        for host, port in ports:
            frames = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            # Checksums are left to the card, and there is none: the header that says so goes with the frame.
            frames.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
            frames.bind((port, ETH_P_ALL))
            frames.setblocking(False)
            self.sockets[frames] = host
        self.waiting, self.number, self.newest = [], 0, 0
        self.ended = threading.Event()

    def run(self):
        while not self.ended.is_set():
            patience = 0.02
            if self.waiting:
                patience = min(patience, max(0, self.waiting[0][0] - time.monotonic()))
            for ready in select.select(list(self.sockets), [], [], patience)[0]:
                self.receive(ready)
            while self.waiting and self.waiting[0][0] <= time.monotonic():
                _, number, frames, frame = heapq.heappop(self.waiting)
                self.counted["overtaken"] += number < self.newest
                self.newest = max(self.newest, number)
                self.pass_on(frames, frame)

    def receive(self, ready):
        for _ in range(64):
            try:
                frame, origin = ready.recvfrom(65536)
            except OSError:
                return
            if origin[2] == PACKET_OUTGOING:
                continue
            for frames, host in self.sockets.items():
                if frames is not ready:
                    self.judge(frame, self.sockets[ready], frames, host)

    def judge(self, frame, source, frames, target):
        if self.random.random() < self.lost(source, target):
            self.counted["lost"] += 1
            return
        copies = 1 + (self.random.random() < self.twice)
        self.counted["doubled"] += copies - 1
        for _ in range(copies):
            self.number += 1
            if not self.delay:
                self.pass_on(frames, frame)
            else:
                due = time.monotonic() + self.random.random() * self.delay
                heapq.heappush(self.waiting, (due, self.number, frames, frame))
        if self.again:
            self.play_again(frames, frame)

    def play_again(self, frames, frame):
        for _ in range(min(self.again, len(self.recordings))):
            self.counted["again"] += 1
            self.pass_on(*self.random.choice(self.recordings))
        # Some of all that ever passed.
        if len(self.recordings) < 10_000:
            self.recordings.append((frames, frame))
        else:
            self.recordings[self.random.randrange(10_000)] = (frames, frame)

    def pass_on(self, frames, frame):
        self.counted["passed"] += 1
        try:
            frames.send(frame)
        except OSError:
            pass

    def stop(self):
        self.ended.set()
        self.join()
        for frames in self.sockets:
            frames.close()
        return self.counted
