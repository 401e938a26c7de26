// Draws the lanes of a window of time on a canvas: roles, timers, leases, writes, cuts. Only what is in the window is touched, so
// that long runs stay smooth.

const LEFT = 62;
const RIGHT = 10;
const LANE = { lease: 4, band: 18, election: 15, other: 6 };
LANE.height = LANE.lease + LANE.band + LANE.election + LANE.other + 2;
const PITCH = 104;

class Lanes {
  constructor(canvas) {
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
  }

  // Colours and patterns, from the style sheet: they change with the theme.
  readTheme() {
    const style = getComputedStyle(document.documentElement);
    this.colour = new Proxy({}, { get: (cache, name) => (cache[name] ??= style.getPropertyValue(name).trim()) });
    const pattern = (size, draw) => {
      const tile = document.createElement("canvas");
      tile.width = tile.height = size;
      draw(tile.getContext("2d"));
      return this.pen.createPattern(tile, "repeat");
    };
    this.patterns = {
      PreCandidate: pattern(6, (pen) => {
        pen.fillStyle = this.colour["--dot"];
        pen.fillRect(1, 1, 2, 2);
      }),
      Candidate: pattern(8, (pen) => {
        pen.strokeStyle = this.colour["--stripe"];
        pen.lineWidth = 1.6;
        pen.beginPath();
        for (const shift of [-8, 0, 8]) {
          pen.moveTo(shift, 8);
          pen.lineTo(shift + 8, 0);
        }
        pen.stroke();
      }),
      pause: pattern(6, (pen) => {
        pen.strokeStyle = this.colour["--ink"];
        pen.beginPath();
        pen.moveTo(0, 0);
        pen.lineTo(6, 6);
        pen.moveTo(0, 6);
        pen.lineTo(6, 0);
        pen.stroke();
      }),
    };
  }

  // Lays out `view.model` for the canvas's width.
  layout(view) {
    const ratio = window.devicePixelRatio || 1;
    this.lanes = view.model.lanes.filter((lane) => !view.hiddenNodes.has(lane.node));
    this.cuts = this.cutRows(view.model);
    this.top = 46 + 12 * this.cuts.length + (view.model.header.notes?.length ? 14 : 0);
    this.width = this.canvas.clientWidth || 800;
    this.height = this.top + PITCH * Math.max(0, this.lanes.length - 1) + LANE.height + 12;
    this.canvas.style.height = `${this.height}px`;
    this.canvas.width = Math.round(this.width * ratio);
    this.canvas.height = Math.round(this.height * ratio);
    this.pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.tops = new Map(this.lanes.map((lane, index) => [lane.node, this.top + PITCH * index]));
  }

  cutRows(model) {
    const rows = new Map();
    const all = new Set(model.cuts.map((cut) => `${cut.from} ${cut.to} ${cut.sender} ${cut.receiver}`));
    for (const cut of model.cuts) {
      const both = all.has(`${cut.from} ${cut.to} ${cut.receiver} ${cut.sender}`);
      if (both && cut.sender > cut.receiver) continue;
      const name = `${cut.sender} ${both ? "×" : "↛"} ${cut.receiver}`;
      if (!rows.has(name)) rows.set(name, []);
      rows.get(name).push(cut);
    }
    return [...rows].slice(0, 12);
  }

  x(view, t) {
    return LEFT + ((t - view.from) / (view.to - view.from)) * (this.width - LEFT - RIGHT);
  }

  timeAt(view, x) {
    return view.from + ((x - LEFT) / (this.width - LEFT - RIGHT)) * (view.to - view.from);
  }

  laneAt(y) {
    return this.lanes.find((lane) => y >= this.tops.get(lane.node) - 6 && y <= this.tops.get(lane.node) + LANE.height + 6);
  }

  axis(view) {
    const { pen } = this;
    const span = view.to - view.from;
    let step = 1;
    while (span / step > this.width / 90) step *= [2, 2.5, 2][String(step).startsWith("1") ? 0 : String(step).startsWith("2") ? 1 : 2];
    pen.font = "11px system-ui, sans-serif";
    pen.textAlign = "center";
    pen.lineWidth = 1;
    for (let t = Math.ceil(view.from / step) * step; t <= view.to; t += step) {
      const x = Math.round(this.x(view, t)) + 0.5;
      pen.strokeStyle = this.colour["--line"];
      pen.beginPath();
      pen.moveTo(x, 26);
      pen.lineTo(x, this.height);
      pen.stroke();
      pen.fillStyle = this.colour["--soft"];
      const text = Model.time(t);
      const half = pen.measureText(text).width / 2;
      pen.fillText(text, Math.min(x, this.width - half - 3), 18);
    }
    pen.textAlign = "left";
    this.notes(view);
    pen.textAlign = "left";
  }

  // What a script did: a line for each time, and the words of as many as have room.
  notes(view) {
    const { pen } = this;
    const times = new Map();
    for (const [t, note] of view.model.header.notes ?? []) times.set(t, [...(times.get(t) ?? []), note]);
    let right = LEFT;
    for (const [t, notes] of times) {
      const x = this.x(view, t);
      if (x < LEFT || x > this.width) continue;
      pen.strokeStyle = pen.fillStyle = this.colour["--note"];
      pen.setLineDash([2, 3]);
      pen.beginPath();
      pen.moveTo(x, 26);
      pen.lineTo(x, this.height);
      pen.stroke();
      pen.setLineDash([]);
      const note = notes.join(", ");
      const width = pen.measureText(note).width + 8;
      const left = Math.min(x, this.width - width);
      if (left < right) continue;
      pen.fillText(note, left + 4, this.top - 7);
      right = left + width;
    }
  }

  names() {
    const { pen } = this;
    pen.font = "600 12px system-ui, sans-serif";
    for (const lane of this.lanes) {
      pen.fillStyle = this.colour["--ink"];
      pen.fillText(`node ${lane.node}`, 8, this.tops.get(lane.node) + LANE.lease + 13);
    }
    pen.font = "11px system-ui, sans-serif";
    pen.fillStyle = this.colour["--soft"];
    this.cuts.forEach(([name], row) => pen.fillText(name, 8, 38 + 12 * row));
  }

  // The part of a span that is in the window, in pixels; null if none is.
  part(view, span) {
    if (span.to < view.from || span.from > view.to) return null;
    const from = Math.max(LEFT - 2, this.x(view, span.from));
    const to = Math.min(this.width, this.x(view, span.to));
    return [from, Math.max(to - from, 0.6)];
  }

  drawCuts(view) {
    this.cuts.forEach(([, spans], row) => {
      for (const span of spans) {
        const part = this.part(view, span);
        if (!part) continue;
        this.pen.fillStyle = this.colour["--cut"];
        this.pen.fillRect(part[0], 31 + 12 * row, part[1], 8);
      }
    });
  }

  lane(view, lane) {
    const { pen } = this;
    const y = this.tops.get(lane.node);
    const band = y + LANE.lease;
    pen.strokeStyle = this.colour["--line"];
    pen.setLineDash([4, 4]);
    pen.beginPath();
    pen.moveTo(LEFT, band + LANE.band / 2);
    pen.lineTo(this.width, band + LANE.band / 2);
    pen.stroke();
    pen.setLineDash([]);
    if (!lane.traced) this.untraced(band);
    this.fill(view, lane.leases, y, LANE.lease - 1, "--lease");
    for (const reign of lane.roles) this.reign(view, reign, band);
    for (const span of lane.pauses) {
      const part = this.part(view, span);
      if (!part) continue;
      pen.globalAlpha = 0.55;
      pen.fillStyle = this.patterns.pause;
      pen.fillRect(part[0], band, part[1], LANE.band);
      pen.globalAlpha = 1;
    }
    const timers = band + LANE.band + 1;
    // A timer that was set before the window may run into it, but then few were set since.
    const first = Math.max(0, Model.lowerBound(lane.timers, view.from, (bar) => bar.from) - 60);
    const narrow = (view.to - view.from) / this.width;
    for (let index = first; index < lane.timers.length && lane.timers[index].from <= view.to; index += 1) {
      const bar = lane.timers[index];
      // Narrower than a pixel, it is a part of a grey line.
      if (bar.to - bar.from > narrow || index % 4 === 0) this.timer(view, bar, timers);
    }
    for (const span of lane.writes) {
      const part = this.part(view, span);
      if (!part) continue;
      pen.fillStyle = this.colour["--write"];
      pen.fillRect(part[0] - 1, band + LANE.band - 4, Math.max(part[1], 2.4), 6);
    }
    lane.roles.forEach((reign, index) => {
      const goesOn = lane.roles[index + 1]?.from === reign.to || reign.to === view.model.end;
      if (!goesOn && reign.to >= view.from && reign.to <= view.to) this.cross(this.x(view, reign.to), band + LANE.band / 2, 6);
    });
  }

  // What is known of it others say.
  untraced(band) {
    const { pen } = this;
    const text = "no trace of this node";
    pen.font = "11px system-ui, sans-serif";
    pen.fillStyle = this.colour["--paper"];
    pen.fillRect(LEFT, band, pen.measureText(text).width + 8, LANE.band);
    pen.fillStyle = this.colour["--soft"];
    pen.fillText(text, LEFT + 4, band + 13);
  }

  fill(view, spans, y, height, colour) {
    this.pen.fillStyle = this.colour[colour];
    for (const span of spans) {
      const part = this.part(view, span);
      if (part) this.pen.fillRect(part[0], y, part[1], height);
    }
  }

  reign(view, reign, y) {
    const part = this.part(view, reign);
    if (!part) return;
    const { pen } = this;
    const [x, width] = part;
    pen.fillStyle = this.colour[`--${ROLES[reign.role]}`];
    pen.fillRect(x, y, width, LANE.band);
    const pattern = this.patterns[reign.role];
    if (pattern) {
      pen.fillStyle = pattern;
      pen.fillRect(x, y, width, LANE.band);
    }
  }

  roles(view, lane) {
    for (const reign of lane.roles) this.role(view, reign, this.tops.get(lane.node) + LANE.lease);
  }

  // The role and the term in words, where there is room for them; over the messages.
  role(view, reign, y) {
    const part = this.part(view, reign);
    if (!part) return;
    const { pen } = this;
    const [x, width] = part;
    pen.font = reign.role === "Leader" ? "600 12px system-ui, sans-serif" : "12px system-ui, sans-serif";
    const texts = [`${ROLES[reign.role]}, term ${reign.term}`, `${ROLES[reign.role][0].toUpperCase()}${reign.term}`];
    const text = texts.find((candidate) => pen.measureText(candidate).width + 8 < width);
    if (!text) return;
    pen.fillStyle = this.colour[`--${ROLES[reign.role]}`];
    pen.fillRect(x + 2, y + 2, pen.measureText(text).width + 4, LANE.band - 4);
    pen.fillStyle = this.colour[reign.role === "Leader" ? "--on-leader" : "--ink"];
    pen.fillText(text, x + 4, y + 13);
  }

  // A wedge that shrinks to nothing when the timer is due, cut off where it was set anew.
  timer(view, bar, y) {
    if (bar.to < view.from || bar.from === bar.to) return;
    const election = bar.timer === "Election";
    const top = election ? y : y + LANE.election + 1;
    const full = election ? LANE.election : LANE.other;
    const left = (t) => (full * Math.max(0, bar.due - t)) / Math.max(1, bar.due - bar.from);
    const from = Math.max(bar.from, view.from);
    const to = Math.min(bar.to, view.to);
    const { pen } = this;
    pen.fillStyle = this.colour[election ? (bar.fired ? "--fired" : "--timer") : "--other-timer"];
    pen.beginPath();
    pen.moveTo(this.x(view, from), top);
    pen.lineTo(this.x(view, from), top + left(from));
    pen.lineTo(this.x(view, to), top + left(to));
    pen.lineTo(this.x(view, to), top);
    pen.fill();
  }

  cross(x, y, size) {
    this.crosses([[x, y]], size);
  }

  crosses(places, size) {
    const { pen } = this;
    pen.strokeStyle = this.colour["--loss"];
    pen.lineWidth = 1.8;
    pen.beginPath();
    for (const [x, y] of places) {
      pen.moveTo(x - size, y - size);
      pen.lineTo(x + size, y + size);
      pen.moveTo(x + size, y - size);
      pen.lineTo(x - size, y + size);
    }
    pen.stroke();
    pen.lineWidth = 1;
  }
}
