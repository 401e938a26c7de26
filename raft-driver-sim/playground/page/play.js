// Ties the world, the circle, the buttons and the timeline together.

const by = (id) => document.getElementById(id);

class Playground {
  constructor(engine) {
    this.engine = engine;
    this.running = false;
    this.drawnAt = 0;
    this.circle = new Circle(by("circle"), { node: (node) => this.clickNode(node), link: (a, b) => this.clickLink(a, b) });
    this.view = window.view = new View(by("timeline"));
    this.scenarios = engine.scenarios();
    by("scenario").replaceChildren(...this.scenarios.map(([name, title]) => element("option", { value: name }, title)));
    this.listen();
    this.start("election");
    requestAnimationFrame((now) => this.frame(now));
  }

  listen() {
    by("world").addEventListener("submit", (event) => event.preventDefault());
    by("scenario").addEventListener("change", () => this.start(by("scenario").value));
    by("seed").addEventListener("change", () => this.obey(`seed ${by("seed").value || 0}`));
    by("count").addEventListener("change", () => this.obey(`nodes ${by("count").value}`, true));
    by("rules").addEventListener("change", () => this.obey(`rules ${by("rules").checked ? "standard" : "plain"}`));
    by("delay").addEventListener("input", () => this.showSliders());
    by("loss").addEventListener("input", () => this.showSliders());
    by("delay").addEventListener("change", () => this.obey(`do delay ${this.delay() / 10}ms..${this.delay()}ms`));
    by("loss").addEventListener("change", () => this.obey(`do loss ${by("loss").value}%`));
    by("speed").addEventListener("input", () => this.showSliders());
    const acts = {
      toggle: () => this.run(!this.running),
      bit: () => this.obey("advance 1ms"),
      back: () => { this.run(false); this.obey("back 500ms"); },
      undo: () => { this.run(false); this.obey("undo"); },
      again: () => this.obey("again"),
      heal: () => this.obey("do heal"),
    };
    for (const button of document.querySelectorAll("[data-play]")) button.addEventListener("click", acts[button.dataset.play]);
    document.addEventListener("keydown", (event) => {
      if (event.key !== " " || event.target.matches?.("input, select, button, summary")) return;
      event.preventDefault();
      acts.toggle();
    });
  }

  start(name) {
    by("scenario").value = name;
    by("about").textContent = this.scenarios.find(([known]) => known === name)?.[2] ?? "";
    this.obey(`start ${name} ${by("seed").value || 1}`, true);
  }

  // `anew`: the timeline begins from nothing.
  obey(line, anew = false) {
    try {
      this.engine.obey(line);
    } catch (error) {
      by("state").textContent = error.message;
      return;
    }
    this.look = this.engine.look();
    this.draw();
    this.drawTimeline(anew);
  }

  run(on) {
    this.running = on;
    by("toggle").textContent = on ? "Pause" : "Run";
    this.before = null;
    if (!on && this.look) this.drawTimeline(false);
  }

  // From a five-hundredth of real time to real time.
  speed() {
    return Math.exp((Number(by("speed").value) / 100 - 1) * Math.log(500));
  }

  // From 0.2 ms to 500 ms.
  delay() {
    return Number((0.2 * Math.exp((Number(by("delay").value) / 100) * Math.log(2500))).toPrecision(2));
  }

  frame(now) {
    if (this.running) {
      const passed = this.before === null ? 0 : Math.min(now - this.before, 100);
      this.before = now;
      this.engine.obey(`advance ${Math.round(passed * 1e6 * this.speed())}ns`);
      this.look = this.engine.look();
      if (this.look.violation) this.run(false);
      this.draw();
      if (now - this.drawnAt > 600) {
        this.drawTimeline(false);
        this.drawnAt = now;
      }
    }
    requestAnimationFrame((next) => this.frame(next));
  }

  draw() {
    const { look } = this;
    this.circle.draw(look);
    by("broken").hidden = !look.violation;
    by("broken").textContent = look.violation ?? "";
    const leaders = look.nodes.filter((node) => node.role === "Leader").map((node) => `${node.node} in term ${node.term}${node.lease ? ", with a lease" : ""}`);
    by("state").textContent = `${(look.t / 1e9).toFixed(3)} s. ${leaders.length ? `Leader: ${leaders.join("; ")}.` : "Nobody leads."}`;
    this.showWorld(look);
  }

  showWorld(look) {
    const key = JSON.stringify([look.seed, look.nodes.length, look.protocol, look.delay, look.loss, look.script, look.done]);
    if (key === this.shown) return;
    this.shown = key;
    by("seed").value = look.seed;
    by("count").value = String(look.nodes.length);
    by("rules").checked = look.protocol === "Standard";
    by("delay").value = String(Math.round((Math.log(Math.max(0.2, look.delay[1] / 1e6) / 0.2) / Math.log(2500)) * 100));
    by("loss").value = String(Math.round(look.loss / 1e4));
    by("script").replaceChildren(...look.script.map(([t, what], index) => element("li", { class: index < look.done ? null : "to-come" }, `${(t / 1e9).toFixed(3)} s ${what}`)));
    this.showSliders();
  }

  showSliders() {
    by("delay-shown").textContent = `${this.delay()} ms`;
    by("loss-shown").textContent = `${by("loss").value} %`;
    const speed = this.speed();
    by("speed-shown").textContent = speed > 0.99 ? "real time" : `1/${Math.round(1 / speed)} of real time`;
  }

  drawTimeline(anew) {
    const { view } = this;
    const follows = this.running || view.to >= view.model.end;
    view.load(this.engine.timeline(), !anew);
    const span = Math.min(Math.max(view.model.end, 1), anew ? 2e9 : Math.max(view.to - view.from, 2e9));
    if (anew || follows) view.window(view.model.end - span, span);
    view.moment = Math.max(0, view.model.moments.length - 1);
    view.panel.show(view);
    view.redraw();
  }

  clickNode(node) {
    const now = this.look.nodes[node];
    const cut = this.look.cuts.some(([from, to]) => from === node || to === node);
    const others = this.look.nodes.map((other) => other.node).filter((other) => other !== node);
    switch (document.querySelector('[name="tool"]:checked').value) {
      case "crash": this.obey(`do ${now.runs ? "crash" : "restart"} ${node}`); break;
      case "pause": this.obey(`do ${now.paused ? "resume" : "pause"} ${node}`); break;
      case "isolate":
        if (cut) for (const other of others) this.obey(`do heal ${node} - ${other}`);
        else this.obey(`do isolate ${node}`);
        break;
      case "campaign": this.obey(`do campaign ${node}`); break;
      case "transfer": this.obey(`do transfer leader to ${node}`); break;
    }
  }

  clickLink(a, b) {
    const cut = (from, to) => this.look.cuts.some(([x, y]) => x === from && y === to);
    const [there, back] = [cut(a, b), cut(b, a)];
    if (!there && !back) this.obey(`do cut ${a} - ${b}`);
    else if (there && back) this.obey(`do heal ${b} -> ${a}`);
    else if (there) this.swap(a, b);
    else this.obey(`do heal ${b} -> ${a}`);
  }

  // Cut from a to b: now from b to a instead.
  swap(a, b) {
    this.obey(`do heal ${a} -> ${b}`);
    this.obey(`do cut ${b} -> ${a}`);
  }
}

Engine.load(by("wasm").textContent).then(
  (engine) => { window.playground = new Playground(engine); },
  (error) => {
    by("broken").hidden = false;
    by("broken").textContent = `This browser cannot run the world: ${error.message}`;
  },
);
