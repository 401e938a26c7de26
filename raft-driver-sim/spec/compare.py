#!/usr/bin/env python3
"""Compares the explorer's graph of a box with the specification's, state by state and transition by transition.

usage: compare.py plain|standard NODES TERMS [--rounds N] [--no-crash] [--no-transfer] [--pause] [--forget]
       compare.py --mutate     changes the specification in several ways, each of which must show

RAFT_SIM names the program raft-sim; without it, cargo builds it. TLC and Java: see README.md.
Exit status: 0 the graphs are equal, 1 they differ, 2 one of them could not be had.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import deque
from functools import lru_cache
from pathlib import Path

HERE = Path(__file__).resolve().parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent.parent / "target"))


def fail(what):
    print(f"compare.py: {what}", file=sys.stderr)
    sys.exit(2)


# A state is (nodes, messages ever sent); a node and a message are sets of (name, value). Both graphs are brought to this.


def record(**fields):
    return frozenset(fields.items())


# The code's graph: the JSON lines of `raft-sim explore --dump`.


def voters(mask):
    return frozenset(i for i in range(8) if mask >> i & 1)


TIMERS = ("election", "heartbeat", "repeat")


def code_role(role):
    (kind, fields), = role.items()
    if kind == "Follower":
        return ("follower", 1 if fields["part_one"] else 2)
    if kind == "PreCandidate":
        return ("pre-candidate", voters(fields["granted"]), fields["stood_back"])
    if kind == "Candidate":
        assert not fields["stopped"], "the specification does not tell what a leader that hands over had stopped"
        return ("candidate", voters(fields["granted"]), fields["transfer"])
    return ("leader", tuple(fields["answered"]), fields["confirmed"], fields["transfer"])


def code_node(node, standard):
    lease = node["lease"]
    return record(
        term=node["term"],
        vote=node["voted_for"],
        leader=node["leader"],
        round=node["round"],
        role=code_role(node["role"]),
        paused=node["paused"],
        timers=frozenset(name for i, name in enumerate(TIMERS) if node["armed"] >> i & 1),
        # In plain Raft an answer promises nothing. The code's graph lists it, and nothing rests on it.
        promises=frozenset(record(**p) for p in node["promises"]) if standard else frozenset(),
        lease=lease and record(term=lease["term"], round=lease["round"], voters=voters(lease["voters"])),
    )


MESSAGE_FIELDS = {
    "prospective_term": "term",
    "leadership_transfer": "handedOver",
    "vote_granted": "granted",
    "can_campaign": "canCampaign",
    "nonce": "question",
}
# There is no log in the box, nor a clock, and leaders that hand over never say that they stopped first.
LEFT_OUT = ("last_log", "prev_log", "leader_commit", "lease", "stopped")


def code_message(envelope):
    (kind, body), = envelope["message"].items()
    fields = {MESSAGE_FIELDS.get(name, name): value for name, value in body.items() if name not in LEFT_OUT}
    if kind == "RequestPreVote":
        fields["question"] = body["nonce"]
    return record(**{"type": kind, "from": envelope["from"], "to": envelope["to"], **fields})


def code_step(what):
    if isinstance(what, str):
        return what
    (kind, fields), = what.items()
    return fields["timer"] if kind == "TimerFired" else kind


def code_graph(path):
    states, edges, standard = {}, set(), None
    nodes, messages = {}, {}

    def known(cache, value, read):
        key = json.dumps(value)
        if key not in cache:
            cache[key] = read(value)
        return cache[key]

    with open(path) as lines:
        for line in lines:
            line = json.loads(line)
            if "box" in line:
                standard = line["box"]["protocol"] == "Standard"
            elif "state" in line:
                states[line["state"]] = (
                    tuple(known(nodes, n, lambda n: code_node(n, standard)) for n in line["nodes"]),
                    frozenset(known(messages, m, code_message) for m in line["sent"]),
                )
            else:
                edges.add((line["from"], code_step(line["what"]), line["to"]))
    return states, edges


# The specification's graph: `TLC -dump dot,actionlabels`.

TOKEN = re.compile(r'"[^"]*"|-?\d+|\w+|\|->|:>|@@|<<|>>|[\[\]{}(),]')


def tla(text):
    """Reads a value of TLA+: a number, a string, a model value, a set, a record, a function."""
    tokens = deque(TOKEN.findall(text))
    value = tla_value(tokens)
    assert not tokens, text
    return value


def tla_value(tokens):
    token = tokens.popleft()
    if token == "{":
        return frozenset(tla_list(tokens, "}", tla_value))
    if token == "[":
        return frozenset(tla_list(tokens, "]", lambda t: tla_pair(t, "|->")))
    if token == "(":
        return frozenset(tla_list(tokens, ")", lambda t: tla_pair(t, ":>")))
    if token in ("TRUE", "FALSE"):
        return token == "TRUE"
    if token == "None":
        return None
    if token[0] == '"':
        return token[1:-1]
    return int(token.lstrip("n"))


def tla_pair(tokens, arrow):
    name = tokens.popleft() if arrow == "|->" else tla_value(tokens)
    assert tokens.popleft() == arrow
    return name, tla_value(tokens)


def tla_list(tokens, end, item):
    items = []
    while tokens[0] != end:
        items.append(item(tokens))
        if tokens[0] in (",", "@@"):
            tokens.popleft()
    tokens.popleft()
    return items


@lru_cache(maxsize=None)
def spec_values(text):
    """A function of the nodes, as a list."""
    return [value for _, value in sorted(tla(text))] if text.lstrip().startswith("(") else None


def spec_role(node, standard):
    role = node["role"]
    if role == "follower":
        return (role, node["part"])
    if role == "pre-candidate":
        return (role, node["granted"], node["stoodBack"])
    if role == "candidate":
        return (role, node["granted"], node["handedOver"])
    counts = standard and node["transfer"] is None
    answered = tuple(n for _, n in sorted(node["answered"])) if counts else ()
    return (role, answered, node["confirmed"], node["transfer"])


@lru_cache(maxsize=None)
def spec_node(node, promises, lease, standard):
    node = dict(node)
    assert node["questions"] == 0, "questions must go by their terms"
    return record(
        **{name: node[name] for name in ("term", "vote", "leader", "round", "paused", "timers")},
        role=spec_role(node, standard),
        promises=promises,
        lease=next(iter(lease), None),
    )


def spec_state(label, standard):
    text = dict(re.split(r" = ", part, maxsplit=1) for part in re.split(r"(?:^|\n)/\\ ", label) if part)
    rows = zip(spec_values(text["node"]), spec_values(text["promises"]), spec_values(text["lease"]))
    nodes = tuple(spec_node(node, promises, lease, standard) for node, promises, lease in rows)
    # A message is a flat record.
    return nodes, frozenset(map(spec_message, re.findall(r"\[[^\]]*\]", text["sent"])))


@lru_cache(maxsize=None)
def spec_message(text):
    return tla(text)


STATE = re.compile(r'^(-?\d+) \[label="((?:[^"\\]|\\.)*)"')
EDGE = re.compile(r'^(-?\d+) -> (-?\d+) \[label="(\w+)"')


def spec_graph(path, standard):
    states, edges = {}, set()
    with open(path) as lines:
        for line in lines:
            if match := EDGE.match(line):
                if match[1] != match[2]:
                    edges.add((int(match[1]), match[3], int(match[2])))
            elif match := STATE.match(line):
                label = re.sub(r"\\(.)", lambda m: "\n" if m[1] == "n" else m[1], match[2])
                states[int(match[1])] = spec_state(label, standard)
    return states, edges


# The comparison.


def by_value(name, states, edges, plain):
    """The graph in terms of what its states are, not of how they are numbered."""
    # In plain Raft states of the code's may differ in promises alone.
    if len(set(states.values())) != len(states) and not plain:
        fail(f"two states of {name} look alike here: the comparison would be blind to a difference")
    missing = [edge for edge in edges if edge[0] not in states or edge[2] not in states]
    if missing:
        fail(f"{name} has transitions from or to states that it does not list: {missing[0]}")
    return set(states.values()), {(states[a], what, states[b]) for a, what, b in edges if states[a] != states[b]}


def show(value):
    if isinstance(value, frozenset):
        if value and all(isinstance(item, tuple) and isinstance(item[0], str) for item in value):
            return "[" + ", ".join(f"{name} {show(item)}" for name, item in sorted(value)) + "]"
        return "{" + ", ".join(sorted(map(show, value))) + "}"
    if isinstance(value, tuple):
        return "(" + ", ".join(map(show, value)) + ")"
    return str(value)


def show_state(state):
    nodes, sent = state
    lines = [f"node {i}: {show(node)}" for i, node in enumerate(nodes)]
    return "\n".join("    " + line for line in lines + [f"sent: {show(sent)}"])


def show_transition(edge):
    before, what, after = edge
    lines = [f"  {what} in the state", show_state(before), "  leads to"]
    for i, (old, new) in enumerate(zip(before[0], after[0])):
        if old != new:
            lines.append(f"    node {i}: {show(new - old)}, where it was {show(old - new)}")
    lines.append(f"    newly sent: {show(after[1] - before[1])}")
    return "\n".join(lines)


def size(state):
    """Something that grows on the way, so that the first difference shown is a small one."""
    return len(state[1]), sum(dict(node)["term"] + dict(node)["round"] for node in state[0]), show(state)


def compare(code, spec):
    """Prints the differences, the smallest in full, and says whether there are any."""
    (code_states, code_edges), (spec_states, spec_edges) = code, spec
    common = code_states & spec_states
    print(f"code: {len(code_states)} states, {len(code_edges)} transitions")
    print(f"specification: {len(spec_states)} states, {len(spec_edges)} transitions")
    equal = code_states == spec_states
    if not equal:
        print(f"{len(code_states - common)} states are only the code's, {len(spec_states - common)} only the specification's")
    for one, others, of in ((code_edges, spec_edges, "code"), (spec_edges, code_edges, "specification")):
        lacking = one - others
        if not lacking:
            continue
        equal = False
        from_common = [edge for edge in lacking if edge[0] in common]
        print(f"{len(lacking)} transitions are only the {of}'s, {len(from_common)} of them from states of both. The smallest:")
        if from_common:
            print(show_transition(min(from_common, key=lambda edge: (size(edge[0]), edge[1], size(edge[2])))))
    print("equal" if equal else "DIFFERENT")
    return equal


def run(command, log):
    try:
        with open(log, "w") as out:
            done = subprocess.run([str(word) for word in command], stdout=out, stderr=subprocess.STDOUT)
    except OSError as error:
        fail(f"{command[0]} cannot be run: {error}")
    if done.returncode != 0:
        tail = "".join(open(log).readlines()[-15:])
        fail(f"{command[0]} ended with status {done.returncode}:\n{tail}")


def explore(box, work):
    program = os.environ.get("RAFT_SIM")
    program = [program] if program else ["cargo", "run", "-q", "--release", "-p", "raft-driver-sim", "--bin", "raft-sim", "--"]
    protocol, nodes, terms, *options = box
    plain = ["--plain"] if protocol == "plain" else []
    graph = work / "code.jsonl"
    run(
        [*program, "explore", "--nodes", nodes, "--terms", terms, *plain, *(option for option in options if option != "--forget")]
        + ([] if "--forget" in options else ["--no-forget"])
        + ["--no-symmetry", "--no-dead-ends", "--threads", 1, "--dump", graph],
        work / "code.log",
    )
    return by_value("the code", *code_graph(graph), protocol == "plain")


def specify(box, work, script=HERE / "check.sh"):
    graph = work / "spec.dot"
    run([script, *box, "--dump", graph], work / "spec.log")
    return by_value("the specification", *spec_graph(graph, box[0] == "standard"), False)


def workplace(box):
    work = TARGET / "compare" / "-".join(word.strip("-") for word in box)
    work.mkdir(parents=True, exist_ok=True)
    return work.resolve()


# Wrong specifications: a box, what is wrong, and the change.
MUTATIONS = (
    (("plain", "2", "2"), "a vote is given twice in a term", "n.vote \\in {None, m.from})", "TRUE)"),
    (("plain", "2", "2"), "a vote leaves before it is durable", "Persist(voted) \\o answer(voted, TRUE)", "answer(voted, TRUE) \\o Persist(voted)"),
    (("standard", "2", "1", "--no-crash"), "an old heartbeat counts", "m.round <= n.round) -> Nothing", "m.round < n.round) -> Nothing"),
    (("standard", "2", "2", "--no-crash", "--forget"), "a deposed leader begins with part two", "Leads(n) -> Follower(m, 1)", "Leads(n) -> Follower(m, 2)"),
    (("standard", "2", "1", "--no-crash"), "a pre-vote is granted in part one", "~Leads(n) /\\ ~InPartOne(n) /\\ m.term", "~Leads(n) /\\ m.term"),
    (("standard", "2", "1", "--no-crash"), "heartbeats go on during a handover", '!.answered = Nobody, !.timers = {"election", "repeat"}', '!.answered = Nobody, !.timers = {"election", "heartbeat", "repeat"}'),
)


def mutate():
    unseen = 0
    for box, what, old, new in MUTATIONS:
        print(f"== {what} ({' '.join(box)})", flush=True)
        work = workplace(("mutation",) + box)
        source = (HERE / "RaftElection.tla").read_text()
        assert source.count(old) == 1, f"{old} is not once in the specification"
        changed = source.replace(old, new)
        # The comparison is on trial here, not the invariants.
        (work / "RaftElection.tla").write_text(changed)
        script = (HERE / "check.sh").read_text().replace('echo "INVARIANTS', ': echo "INVARIANTS').replace('echo "PROPERTY', ': echo "PROPERTY')
        (work / "check.sh").write_text(script)
        (work / "check.sh").chmod(0o755)
        os.environ["CARGO_TARGET_DIR"] = str(TARGET.resolve())
        if compare(explore(box, work), specify(box, work, work / "check.sh")):
            print("NOT SEEN")
            unseen += 1
    print(f"{len(MUTATIONS) - unseen} of {len(MUTATIONS)} wrong specifications differ from the code")
    return unseen == 0


def main(arguments):
    if arguments == ["--mutate"]:
        return mutate()
    if len(arguments) < 3 or arguments[0] not in ("plain", "standard"):
        fail(__doc__)
    work = workplace(tuple(arguments))
    return compare(explore(arguments, work), specify(arguments, work))


if __name__ == "__main__":
    sys.exit(0 if main(sys.argv[1:]) else 1)
