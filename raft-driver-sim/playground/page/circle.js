// The nodes in a circle, their links, and the messages under way.

const CENTRE = { x: 280, y: 258 };
const RADIUS = 190;
const FACE = 36;

function shape(name, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

class Circle {
  // `acts` has what clicks do: `node(id)` and `link(a, b)`.
  constructor(root, acts) {
    this.root = root;
    this.acts = acts;
    this.count = 0;
  }

  place(node) {
    const angle = (node / this.count) * 2 * Math.PI - Math.PI / 2;
    const radius = this.count === 1 ? 0 : RADIUS;
    return { x: CENTRE.x + radius * Math.cos(angle), y: CENTRE.y + radius * Math.sin(angle) };
  }

  // Elements that stay while nodes do, so that a click begins and ends on the same one.
  build(count) {
    this.count = count;
    const patterns = shape("defs", {},
      shape("pattern", { id: "dots", width: 6, height: 6, patternUnits: "userSpaceOnUse" }, shape("circle", { cx: 2, cy: 2, r: 1.2, style: "fill:var(--dot)" })),
      shape("pattern", { id: "stripes", width: 8, height: 8, patternUnits: "userSpaceOnUse" }, shape("path", { d: "M0 8L8 0", style: "stroke:var(--stripe);stroke-width:1.6" })),
      shape("pattern", { id: "hatch", width: 6, height: 6, patternUnits: "userSpaceOnUse" }, shape("path", { d: "M0 0L6 6M0 6L6 0", style: "stroke:var(--ink);stroke-width:.8" })));
    this.links = shape("g");
    this.severed = shape("g", { "pointer-events": "none" });
    this.messages = shape("g", { "pointer-events": "none" });
    const nodes = shape("g");
    this.nodes = [];
    for (let a = 0; a < count; a += 1) {
      for (let b = a + 1; b < count; b += 1) this.links.append(...this.link(a, b));
    }
    for (let node = 0; node < count; node += 1) {
      this.nodes.push(this.node(node));
      nodes.append(this.nodes[node].group);
    }
    this.root.replaceChildren(patterns, this.links, this.severed, nodes, this.messages);
  }

  link(a, b) {
    const [from, to] = [this.place(a), this.place(b)];
    const ends = { x1: from.x, y1: from.y, x2: to.x, y2: to.y };
    const hit = shape("line", { ...ends, class: "hit", tabindex: 0, role: "button", "data-link": `${a}-${b}`, "aria-label": `Link between ${a} and ${b}` });
    this.clickable(hit, () => this.acts.link(a, b));
    return [shape("line", { ...ends, class: "link" }), hit];
  }

  node(node) {
    const { x, y } = this.place(node);
    const parts = {
      face: shape("circle", { r: FACE, class: "face" }),
      mark: shape("circle", { r: FACE, class: "mark" }),
      timer: shape("path", { class: "timer" }),
      lease: shape("circle", { r: FACE + 10, class: "lease" }),
      id: shape("text", { class: "id", y: -8 }),
      term: shape("text", { class: "what", y: 9 }),
      what: shape("text", { class: "what", y: 24 }),
      votes: shape("text", { class: "small", y: FACE + 24 }),
    };
    const group = shape("g", { class: "node", transform: `translate(${x} ${y})`, tabindex: 0, role: "button", "data-node": node }, ...Object.values(parts));
    parts.id.textContent = node;
    this.clickable(group, () => this.acts.node(node));
    return { group, ...parts };
  }

  clickable(target, act) {
    target.addEventListener("click", act);
    target.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.stopPropagation();
      act();
    });
  }

  draw(look) {
    if (look.nodes.length !== this.count) this.build(look.nodes.length);
    for (const node of look.nodes) this.drawNode(node);
    this.drawCuts(look);
    this.drawMessages(look);
  }

  drawNode(node) {
    const parts = this.nodes[node.node];
    const role = node.runs ? node.role : "down";
    parts.group.setAttribute("class", `node ${role}`);
    parts.group.setAttribute("aria-label", `Node ${node.node}, ${node.runs ? ROLES[role] : "down"}, term ${node.term}${node.paused ? ", stands still" : ""}`);
    parts.face.style.fill = node.runs ? `var(--${ROLES[role]})` : "";
    const mark = node.paused ? "url(#hatch)" : { PreCandidate: "url(#dots)", Candidate: "url(#stripes)" }[role];
    parts.mark.style.fill = mark ?? "none";
    parts.mark.style.opacity = node.paused ? 0.5 : 1;
    parts.term.textContent = `term ${node.term}`;
    parts.what.textContent = node.paused ? "still" : node.runs ? { PreCandidate: "pre-cand.", Candidate: "candidate", Leader: "leader", Follower: "follower" }[role] : "down";
    parts.votes.textContent = node.granted.length ? `yes: ${node.granted.join(", ")}` : node.voted_for !== null ? `voted ${node.voted_for}` : "";
    parts.lease.style.display = node.lease ? "" : "none";
    parts.timer.setAttribute("d", node.timer && node.runs ? this.arc(node.timer[0] / Math.max(1, node.timer[1])) : "");
  }

  arc(part) {
    const radius = FACE + 4;
    const angle = Math.min(0.9999, Math.max(0, part)) * 2 * Math.PI;
    const [x, y] = [radius * Math.sin(angle), -radius * Math.cos(angle)];
    return `M0 ${-radius}A${radius} ${radius} 0 ${angle > Math.PI ? 1 : 0} 1 ${x.toFixed(1)} ${y.toFixed(1)}`;
  }

  drawCuts({ cuts }) {
    this.severed.replaceChildren(...cuts.flatMap(([from, to]) => {
      // The half at the receiver, where nothing arrives, and a bar across it.
      const [a, b] = [this.place(from), this.place(to)];
      const [dx, dy] = [b.x - a.x, b.y - a.y];
      const length = Math.hypot(dx, dy) || 1;
      const end = 1 - (FACE + 8) / length;
      const at = (part) => [a.x + dx * part, a.y + dy * part];
      const [x1, y1] = at(0.5);
      const [x2, y2] = at(end);
      const [nx, ny] = [(-dy / length) * 9, (dx / length) * 9];
      return [
        shape("line", { x1, y1, x2, y2, class: "severed" }),
        shape("line", { x1: x2 + nx, y1: y2 + ny, x2: x2 - nx, y2: y2 - ny, class: "severed", style: "stroke-dasharray:none" }),
      ];
    }));
  }

  drawMessages({ t, flights }) {
    this.messages.replaceChildren(...flights.map((flight) => {
      const [a, b] = [this.place(flight.from), this.place(flight.to)];
      const passed = (t - flight.sent) / Math.max(1, flight.arrives - flight.sent);
      const part = flight.lost ? 0.2 + 0.3 * passed : passed;
      const [x, y] = [a.x + (b.x - a.x) * part, a.y + (b.y - a.y) * part];
      const { colour, answer } = KINDS[flight.kind];
      if (flight.lost) {
        const style = `stroke:var(--loss);stroke-width:2.5;opacity:${1 - passed}`;
        return shape("path", { d: `M${x - 5} ${y - 5}l10 10m0 -10l-10 10`, style });
      }
      // Questions are full, answers are hollow, refusals have a dot.
      const refused = /granted=false|success=false/.test(flight.text);
      const style = answer ? `fill:var(--paper);stroke:var(${colour});stroke-width:3` : `fill:var(${colour})`;
      const round = shape("circle", { cx: x, cy: y, r: 7, class: "message", style });
      if (!refused) return round;
      return shape("g", {}, round, shape("circle", { cx: x, cy: y, r: 2.5, style: "fill:var(--loss)" }));
    }));
  }
}
