// Buttons, keys, the mouse and filters. They change the view; the view draws.

class Controls {
  constructor(view, root) {
    this.view = view;
    this.root = root;
    this.term = root.querySelector("#term");
    root.querySelector("#controls").addEventListener("submit", (event) => event.preventDefault());
    for (const button of root.querySelectorAll("[data-do]")) {
      button.addEventListener("click", () => this.act(button.dataset.do));
    }
    this.term.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.view.goToTerm(Number(this.term.value));
      event.stopPropagation();
    });
    this.term.addEventListener("change", () => this.view.goToTerm(Number(this.term.value)));
    document.addEventListener("keydown", (event) => this.key(event));
    this.mouse(view.drawing.canvas);
  }

  filters(model) {
    const kinds = Object.entries(KINDS).map(([kind, { name, colour, answer }]) => {
      const dash = answer ? "stroke-dasharray:4 3;" : "";
      const sample = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
      path.setAttribute("d", "M0 4H22");
      path.setAttribute("style", `stroke:var(${colour});stroke-width:2;${dash}`);
      sample.append(path);
      return this.check(kind, name, sample, this.view.hiddenKinds);
    });
    const nodes = model.lanes.map((lane) => this.check(lane.node, `node ${lane.node}`, null, this.view.hiddenNodes));
    this.root.querySelector("#kinds").replaceChildren(...kinds);
    this.root.querySelector("#nodes").replaceChildren(...nodes);
  }

  check(value, name, sample, hidden) {
    const box = element("input", { type: "checkbox", "data-filter": value });
    box.checked = !hidden.has(value);
    box.addEventListener("change", () => {
      if (box.checked) hidden.delete(value);
      else hidden.add(value);
      this.view.relayout();
    });
    return element("label", { class: "check", title: String(value) }, box, sample, name);
  }

  act(what) {
    const { view } = this;
    const acts = {
      first: () => view.choose(view.visible(0, 1)),
      last: () => view.choose(view.visible(view.model.moments.length - 1, -1)),
      previous: () => view.step(-1),
      next: () => view.step(1),
      change: () => view.step(1, (moment) => moment.change),
      unchange: () => view.step(-1, (moment) => moment.change),
      in: () => view.zoom(0.5),
      out: () => view.zoom(2),
      fit: () => view.fit(),
    };
    acts[what]?.();
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches?.("input:not([type=checkbox]), select, textarea")) return;
    const own = this.view.model.moments[this.view.moment]?.node;
    const ofNode = event.shiftKey ? (moment) => moment.node === own : undefined;
    const keys = {
      ArrowLeft: () => this.view.step(-1, ofNode),
      ArrowRight: () => this.view.step(1, ofNode),
      Home: () => this.act("first"),
      End: () => this.act("last"),
      n: () => this.act("change"),
      p: () => this.act("unchange"),
      "+": () => this.act("in"),
      "=": () => this.act("in"),
      "-": () => this.act("out"),
      0: () => this.act("fit"),
      "/": () => this.term.focus(),
    };
    const key = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!key) return;
    event.preventDefault();
    key();
  }

  mouse(canvas) {
    const { view } = this;
    const place = (event) => {
      const box = canvas.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      const [x] = place(event);
      if (Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey) {
        view.pan(((event.deltaX || event.deltaY) / view.drawing.width) * (view.to - view.from));
      } else {
        view.zoom(Math.exp(event.deltaY / 400), view.drawing.timeAt(view, x));
      }
    }, { passive: false });
    let drag = null;
    canvas.addEventListener("pointerdown", (event) => {
      const [x, y] = place(event);
      drag = { x, y, moved: false };
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!drag) return;
      const [x, y] = place(event);
      if (Math.hypot(x - drag.x, y - drag.y) > 4) drag.moved = true;
      if (drag.moved) {
        view.pan(view.drawing.timeAt(view, drag.x) - view.drawing.timeAt(view, x));
        drag.x = x;
      }
    });
    canvas.addEventListener("pointerup", (event) => {
      if (drag && !drag.moved) this.pick(...place(event));
      drag = null;
    });
    canvas.addEventListener("pointercancel", () => { drag = null; });
  }

  // A click in a lane chooses its nearest event, one between lanes the message there.
  pick(x, y) {
    const { view } = this;
    const lane = view.drawing.laneAt(y);
    const message = lane ? null : view.drawing.messageAt(view, x, y);
    if (message) {
      const sent = view.model.nearestMoment(message.sent, message.from);
      view.choose(message.taken ?? sent);
      return;
    }
    view.choose(view.model.nearestMoment(view.drawing.timeAt(view, x), lane?.node));
  }
}
