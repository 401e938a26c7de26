"use strict";

// What is drawn, indexed for looking things up. Times are in nanoseconds.

const ROLES = { Follower: "follower", PreCandidate: "pre-candidate", Candidate: "candidate", Leader: "leader" };

// A message's name, its colour (a custom property of the style sheet), and whether it is an answer, which is drawn dashed.
const KINDS = {
  AppendEntries: { name: "heartbeat", colour: "--heartbeat", answer: false },
  AppendEntriesResponse: { name: "its answer", colour: "--heartbeat", answer: true },
  RequestPreVote: { name: "pre-vote?", colour: "--pre-vote", answer: false },
  RequestPreVoteResponse: { name: "its answer", colour: "--pre-vote", answer: true },
  RequestVote: { name: "vote?", colour: "--vote", answer: false },
  RequestVoteResponse: { name: "its answer", colour: "--vote", answer: true },
  TimeoutNow: { name: "take over!", colour: "--timeout-now", answer: false },
};

class Model {
  constructor(data) {
    Object.assign(this, data);
    this.byNode = new Map(this.lanes.map((lane) => [lane.node, []]));
    this.moments.forEach((moment, index) => {
      moment.index = index;
      this.byNode.get(moment.node).push(index);
    });
    this.messages.sort((a, b) => a.sent - b.sent);
    this.longest = this.messages.reduce((most, m) => Math.max(most, (m.ends ?? m.sent) - m.sent), 0);
    this.takenBy = new Map();
    for (const message of this.messages) {
      if (message.taken !== null) this.takenBy.set(message.taken, message);
    }
  }

  // The first index of `list` whose `key` is at least `value`.
  static lowerBound(list, value, key) {
    let low = 0;
    let high = list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (key(list[middle]) < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  // The messages that were on their way at some time between `from` and `to`.
  *messagesIn(from, to) {
    const first = Model.lowerBound(this.messages, from - this.longest, (m) => m.sent);
    for (let index = first; index < this.messages.length; index += 1) {
      const message = this.messages[index];
      if (message.sent > to) return;
      if ((message.ends ?? message.sent) >= from) yield message;
    }
  }

  // All that a node knew after the moment `index`, and what it knew before; null while it was down.
  states(node, index) {
    const own = this.byNode.get(node);
    let place = Model.lowerBound(own, index + 1, (n) => n) - 1;
    const found = [];
    for (; place >= 0 && found.length < 2; place -= 1) {
      const { state } = this.moments[own[place]];
      if (state) found.push({ at: own[place], state });
    }
    const [after, before] = found;
    if (!after) return { after: null, before: null };
    return { after: after.state, before: after.at === index ? (before?.state ?? null) : after.state };
  }

  reignAt(lane, t) {
    const next = Model.lowerBound(lane.roles, t + 1, (reign) => reign.from);
    const reign = lane.roles[next - 1];
    return reign && (t < reign.to || (t === reign.to && t === this.end)) ? reign : null;
  }

  lane(node) {
    return this.lanes.find((lane) => lane.node === node);
  }

  // The timers of a node that run at `t`.
  timersAt(lane, t) {
    return lane.timers.filter((bar) => bar.from <= t && t < bar.to);
  }

  nearestMoment(t, node) {
    const own = node === undefined ? this.moments.map((_, index) => index) : this.byNode.get(node);
    const place = Model.lowerBound(own, t, (index) => this.moments[index].t);
    const candidates = [own[place - 1], own[place]].filter((index) => index !== undefined);
    candidates.sort((a, b) => Math.abs(this.moments[a].t - t) - Math.abs(this.moments[b].t - t));
    return candidates[0] ?? null;
  }

  static time(t, precise = false) {
    if (precise) return `${(t / 1e9).toFixed(6)} s`;
    if (t !== 0 && Math.abs(t) < 1e9) return `${+(t / 1e6).toPrecision(6)} ms`;
    return `${+(t / 1e9).toPrecision(9)} s`;
  }

  // A few letters for a message, where there is room for them.
  static label(message) {
    const number = (name) => new RegExp(`${name}=(\\d+)`).exec(message.text)?.[1];
    const granted = /granted=true/.test(message.text) ? "granted" : "refused";
    switch (message.kind) {
      case "AppendEntries": return `heartbeat ${number("round")}`;
      case "AppendEntriesResponse": return /success=true/.test(message.text) ? `ok ${number("round")}` : "term " + number("term");
      case "RequestPreVote": return `pre-vote ${number("term")}?`;
      case "RequestVote": return `vote ${number("term")}?`;
      case "TimeoutNow": return "take over";
      default: return granted;
    }
  }
}
