// The view: a window of time, a chosen moment, and what is hidden.

class View {
  constructor(root) {
    this.hiddenKinds = new Set();
    this.hiddenNodes = new Set();
    this.moment = 0;
    this.drawing = new Drawing(root.querySelector("#canvas"));
    this.panel = new Panel(root.querySelector("#panel"));
    this.changes = root.querySelector("#changes tbody");
    this.model = new Model({ header: {}, end: 1, lanes: [], messages: [], cuts: [], moments: [], fields: [] });
    this.controls = new Controls(this, root);
    this.legend(root.querySelector("#legend"));
    const themed = () => {
      this.drawing.readTheme();
      this.relayout();
    };
    this.drawing.readTheme();
    for (const query of ["print", "(prefers-color-scheme: dark)"]) window.matchMedia(query).addEventListener("change", themed);
    window.addEventListener("beforeprint", themed);
    window.addEventListener("afterprint", themed);
    window.addEventListener("resize", () => this.relayout());
    window.addEventListener("hashchange", () => this.readFragment());
  }

  // Shows another timeline. `keep` keeps the window and the chosen moment where they are.
  load(data, keep = false) {
    const same = this.model.lanes.length === data.lanes.length;
    this.model = new Model(data);
    if (!same) this.controls.filters(this.model);
    if (!keep) {
      [this.from, this.to] = [0, Math.max(1, this.model.end)];
      this.moment = 0;
    }
    this.listChanges();
    this.drawing.layout(this);
    this.redraw();
    if (!keep) this.readFragment();
    this.panel.show(this);
  }

  listChanges() {
    const rows = this.model.moments.filter((moment) => moment.change).map((moment) => {
      const { role, term, leader, reason } = moment.change;
      const cells = [
        Model.time(moment.t, true),
        String(moment.node),
        element("span", {}, element("span", { class: `role ${role}` }), ROLES[role]),
        String(term),
        leader === null ? "–" : String(leader),
        reason,
      ];
      const choose = () => this.choose(moment.index);
      const row = element("tr", { onclick: choose }, ...cells.map((cell) => element("td", {}, cell)));
      row.moment = moment.index;
      return row;
    });
    this.changes.replaceChildren(...rows);
  }

  legend(root) {
    const item = (sign, text) => element("span", {}, sign, text);
    const box = (background) => element("i", { style: `background:${background}` });
    root.replaceChildren(
      ...Object.entries(ROLES).map(([role, name]) => item(element("i", { class: role }), name)),
      item(box("var(--lease)"), "lease"),
      item(box("var(--timer)"), "election timer"),
      item(box("var(--fired)"), "one that runs out"),
      item(box("var(--other-timer)"), "heartbeat or repeat timer"),
      item(box("var(--write)"), "write to disk"),
      item(box("var(--cut)"), "link cut"),
      item(element("b", { style: "color:var(--loss)" }, "✕"), "lost, or down"),
    );
  }

  // At once: a printer does not wait for the next frame, and until then the canvas is empty.
  relayout() {
    this.drawing.layout(this);
    this.paint();
  }

  redraw() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => this.paint());
  }

  paint() {
    if (this.waiting) cancelAnimationFrame(this.waiting);
    this.waiting = null;
    this.drawing.draw(this);
  }

  zoom(factor, around = this.model.moments[this.moment]?.t ?? 0) {
    const middle = around >= this.from && around <= this.to ? around : (this.from + this.to) / 2;
    const span = Math.min(Math.max((this.to - this.from) * factor, 10_000), Math.max(1, this.model.end));
    const part = (middle - this.from) / (this.to - this.from);
    this.window(middle - part * span, span);
  }

  pan(by) {
    this.window(this.from + by, this.to - this.from);
  }

  fit() {
    this.window(0, Math.max(1, this.model.end));
  }

  window(from, span) {
    this.from = Math.min(Math.max(0, from), Math.max(0, this.model.end - span));
    this.to = this.from + span;
    this.redraw();
  }

  hides(moment) {
    return this.hiddenNodes.has(moment.node) || (moment.kind !== null && this.hiddenKinds.has(moment.kind));
  }

  // The first moment from `index` on, in steps of `by`, that is not hidden and `suits`.
  visible(index, by, suits = () => true) {
    for (let at = index; at >= 0 && at < this.model.moments.length; at += by) {
      const moment = this.model.moments[at];
      if (!this.hides(moment) && suits(moment)) return at;
    }
    return null;
  }

  step(by, suits) {
    this.choose(this.visible(this.moment + by, by, suits));
  }

  choose(index) {
    if (index === null || index === undefined) return;
    this.moment = index;
    const { t } = this.model.moments[index];
    const margin = (this.to - this.from) * 0.04;
    if (t < this.from + margin || t > this.to - margin) this.window(t - (this.to - this.from) / 2, this.to - this.from);
    history.replaceState(null, "", this.fragment());
    for (const row of this.changes.children) row.classList.toggle("chosen", row.moment === index);
    this.panel.show(this);
    this.redraw();
  }

  // Where a term begins; asked again, where it begins at the next node.
  goToTerm(term) {
    const enters = (moment) => moment.change?.term === term && moment.index !== this.moment;
    const found = this.visible(this.moment + 1, 1, enters) ?? this.visible(0, 1, enters);
    this.controls.term.setCustomValidity(found === null ? `No node enters term ${term}` : "");
    this.controls.term.reportValidity();
    this.choose(found);
  }

  // The chosen moment and the window, as the end of an address.
  fragment() {
    return `#m=${this.moment}&w=${Math.round(this.from)}-${Math.round(this.to)}`;
  }

  readFragment() {
    const asked = new URLSearchParams(location.hash.slice(1));
    const [from, to] = (asked.get("w") ?? "").split("-").map(Number);
    if (to > from) this.window(from, Math.min(to - from, this.model.end));
    const moment = Number(asked.get("m"));
    const seconds = parseFloat(asked.get("t"));
    if (Number.isFinite(seconds)) this.choose(this.model.nearestMoment(seconds * 1e9));
    else if (this.model.moments[moment]) this.choose(moment);
  }
}
