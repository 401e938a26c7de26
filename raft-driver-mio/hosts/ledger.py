"""The shared log of the instances, and what must hold of it."""

import collections
import os
import time

Line = collections.namedtuple("Line", "at event term node pid")


def now():
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


class Ledger:
    """Reads what the instances append. Times are in nanoseconds."""

    def __init__(self, path):
        self.path = path
        open(path, "a").close()
        self.lines, self.offset = [], 0

    def forget(self):
        """Keeps the last line only, where what follows goes on."""
        del self.lines[:-1]

    def read(self):
        """All lines since those that were forgotten."""
        size = os.path.getsize(self.path)
        if size > self.offset:
            with open(self.path) as file:
                file.seek(self.offset)
                text = file.read(size - self.offset)
            whole = text.rfind("\n") + 1
            self.offset += len(text[:whole])
            for line in text[:whole].splitlines():
                at, event, term, node, pid = line.split()
                self.lines.append(Line(int(at), event, int(term), int(node), int(pid)))
        return self.lines

    def active(self):
        """The latest line of the instance that is active now, or None."""
        lines = self.read()
        if lines and lines[-1].event != "stop" and now() - lines[-1].at < 100e6:
            return lines[-1]
        return None


def instances(lines):
    """The instances in the order of their first lines: (first line, last line)."""
    found = {}
    for line in lines:
        first, _ = found.get((line.term, line.pid), (line, line))
        found[line.term, line.pid] = (first, line)
    return list(found.values())


def violations(lines):
    """What must not be: (how many times two instances were active at once, how many lines passed a fence backwards).

    >>> line = lambda at, term, pid, node=1: Line(at, "alive", term, node, pid)
    >>> violations([line(1, 1, 7), line(2, 1, 7), line(3, 2, 8), line(4, 2, 8)])
    (0, 0)
    >>> violations([line(1, 1, 7), line(3, 2, 8), line(2, 1, 7), line(4, 2, 8)])  # both, with a lower term after a higher
    (2, 1)
    >>> violations([line(1, 1, 7), line(3, 1, 7), line(2, 2, 8)])  # both by the clock, though not in the file
    (1, 0)
    >>> violations([line(1, 2, 7), line(2, 1, 8)])
    (0, 1)
    >>> violations([line(1, 1, 7), line(2, 1, 8)])  # started again under the same leadership
    (0, 0)
    >>> violations([line(1, 1, 7), line(2, 1, 8, 2)])  # one term for two hosts
    (0, 1)
    """
    overlaps = 0
    # By time: from its first line to its last an instance is active.
    spans = sorted((first.at, last.at) for first, last in instances(lines))
    latest = 0
    for start, end in spans:
        overlaps += start <= latest
        latest = max(latest, end)
    # In the order of the file: after the first line of one there is none of another.
    seen, current = set(), None
    for line in lines:
        who = (line.term, line.pid)
        if who != current:
            overlaps += who in seen
            seen.add(who)
            current = who
    # The fence: no term lower than the highest before, and no term on two hosts.
    backwards, highest = 0, 0
    for line in lines:
        backwards += line.term < highest
        highest = max(highest, line.term)
    hosts = collections.Counter(term for term, node in {(line.term, line.node) for line in lines})
    backwards += sum(count - 1 for count in hosts.values())
    return overlaps, backwards


def gaps(lines):
    """The times without an active instance between one and the next, in seconds."""
    spans = instances(lines)
    return [(later[0].at - earlier[1].at) / 1e9 for earlier, later in zip(spans, spans[1:])]
