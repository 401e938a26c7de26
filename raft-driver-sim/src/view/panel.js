// The words beside the picture: the chosen moment, why it came about, and all that its node knows.

// An element with attributes and children; text is never read as HTML.
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

class Panel {
  constructor(root) {
    this.root = root;
  }

  show(view) {
    const { model } = view;
    const moment = model.moments[view.moment];
    if (!moment) {
      this.root.replaceChildren(element("p", {}, "Nothing has happened yet."));
      return;
    }
    const place = `Event ${view.moment + 1} of ${model.moments.length}`;
    const parts = [
      element("p", { class: "mono" }, `${place}, at ${Model.time(moment.t, true)}`),
      element("h3", {}, `Node ${moment.node}: ${moment.what}`),
    ];
    if (moment.change) parts.push(this.reason(moment.change));
    const message = model.takenBy.get(view.moment);
    if (message && model.lane(message.from)?.traced) {
      const took = Model.time((message.ends ?? message.sent) - message.sent);
      parts.push(element("p", {}, `It was sent at ${Model.time(message.sent, true)} and took ${took}.`));
    }
    if (moment.actions.length) {
      parts.push(element("h4", {}, "What it does"));
      parts.push(element("ol", {}, ...moment.actions.map((line) => element("li", {}, line))));
    }
    parts.push(element("h4", {}, `Node ${moment.node} afterwards`), this.state(view, moment));
    parts.push(element("h4", {}, "All nodes at this time"), this.cluster(view, moment.t));
    const link = element("a", { href: view.fragment() }, "Link to this moment");
    parts.push(element("p", { class: "noprint" }, link));
    this.root.replaceChildren(...parts);
  }

  reason({ role, term, leader, reason }) {
    const following = role !== "Leader" && leader !== null ? `, following ${leader}` : "";
    return element("p", { class: "reason" }, element("strong", {}, `${ROLES[role]} in term ${term}${following}: `), reason);
  }

  state(view, moment) {
    const { model } = view;
    const lane = model.lane(moment.node);
    const { after, before } = model.states(moment.node, view.moment);
    if (!after || !model.reignAt(lane, moment.t)) return element("p", {}, "It is down.");
    const rows = model.fields.map((field, index) => {
      const changed = before && before[index] !== after[index];
      const cell = element("td", { class: changed ? "changed" : null, title: changed ? `before: ${before[index]}` : null }, after[index]);
      return element("tr", {}, element("th", {}, field), cell);
    });
    for (const bar of model.timersAt(lane, moment.t)) {
      const name = { Election: "election timer", Heartbeat: "heartbeat timer", Repeat: "repeat timer" }[bar.timer];
      rows.push(element("tr", {}, element("th", {}, name), element("td", {}, `${((bar.due - moment.t) / 1e6).toFixed(1)} ms left`)));
    }
    const lease = lane.leases.find((span) => span.from <= moment.t && moment.t < span.to);
    if (lease) rows.push(element("tr", {}, element("th", {}, "lease"), element("td", {}, "held")));
    return element("table", {}, ...rows);
  }

  cluster(view, t) {
    const rows = view.model.lanes.map((lane) => {
      const reign = view.model.reignAt(lane, t);
      const paused = lane.pauses.some((span) => span.from <= t && t < span.to);
      const role = reign ? ROLES[reign.role] : lane.traced ? "down" : "no trace of it";
      const sign = element("span", { class: `role ${reign ? reign.role : "down"}` });
      return element(
        "tr",
        {},
        element("td", {}, `node ${lane.node}`),
        element("td", {}, sign, role + (paused ? ", stands still" : "")),
        element("td", {}, reign ? `term ${reign.term}` : ""),
      );
    });
    return element("table", {}, ...rows);
  }
}
