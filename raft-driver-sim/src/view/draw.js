// Draws messages over the lanes, and the chosen moment over both.

const LABELS_UP_TO = 80;
// Above so many messages only one of those that lie close together is drawn, without dashes and heads.
const ALL_UP_TO = 1500;

class Drawing extends Lanes {
  draw(view) {
    const { pen } = this;
    pen.fillStyle = this.colour["--paper"];
    pen.fillRect(0, 0, this.width, this.height);
    this.axis(view);
    pen.save();
    pen.beginPath();
    pen.rect(LEFT, 0, this.width - LEFT - RIGHT + 4, this.height);
    pen.clip();
    this.drawCuts(view);
    for (const lane of this.lanes) this.lane(view, lane);
    this.arrows(view);
    for (const lane of this.lanes) this.roles(view, lane);
    this.chosen(view);
    pen.restore();
    this.names();
  }

  // From where to where a message's line goes; null if one of its ends is hidden.
  line(view, message) {
    const source = this.tops.get(message.from);
    const target = this.tops.get(message.to);
    if (source === undefined || target === undefined || source === target) return null;
    const down = target > source;
    const line = {
      x0: this.x(view, message.sent),
      y0: down ? source + LANE.height : source,
      x1: this.x(view, message.ends ?? message.sent),
      y1: down ? target : target + LANE.height,
      lost: message.lost,
    };
    // Of who has no trace nobody knows when it received anything.
    const traced = view.model.lane(message.to)?.traced;
    const known = !traced || (message.ends !== null && (message.ends > message.sent || message.taken !== null));
    if (!known) {
      // It was lost on its way: nobody knows where.
      line.x1 = line.x0 + 8;
      line.y1 = line.y0 + (down ? 30 : -30);
      line.lost = true;
    }
    return line;
  }

  shows(view, message) {
    return !view.hiddenKinds.has(message.kind);
  }

  arrows(view) {
    const { pen } = this;
    const visible = [...view.model.messagesIn(view.from, view.to)].filter((message) => this.shows(view, message));
    const all = visible.length <= ALL_UP_TO;
    const labels = visible.length <= LABELS_UP_TO ? [] : null;
    // One path for each kind: thousands of strokes one by one are slow.
    for (const [kind, { colour, answer }] of Object.entries(KINDS)) {
      const drawn = this.lines(view, visible.filter((message) => message.kind === kind), visible.length);
      pen.strokeStyle = pen.fillStyle = this.colour[colour];
      pen.lineWidth = 1.1;
      pen.setLineDash(answer && all ? [4, 3] : []);
      pen.beginPath();
      for (const [, line] of drawn) {
        pen.moveTo(line.x0, line.y0);
        pen.lineTo(line.x1, line.y1);
      }
      pen.stroke();
      pen.setLineDash([]);
      if (all) for (const [, line] of drawn) if (!line.lost) this.head(line);
      if (labels) for (const [message, line] of drawn) this.label(message, line, labels);
    }
    const fates = visible.filter((message) => message.lost || message.ends === null);
    const lost = this.lines(view, fates, visible.length).filter(([, line]) => line.lost);
    this.crosses(lost.map(([, line]) => [line.x1, line.y1]), 4);
    if (!all) {
      pen.fillStyle = this.colour["--soft"];
      pen.textAlign = "right";
      pen.fillText("Not every message is drawn: zoom in.", this.width - 12, this.height - 3);
      pen.textAlign = "left";
    }
  }

  // The messages that are drawn, each with its line; `count` is how many there are of all kinds.
  lines(view, messages, count) {
    const all = count <= ALL_UP_TO;
    const places = new Set();
    const drawn = [];
    const apart = Math.max(2, count / ALL_UP_TO);
    for (const message of messages) {
      const line = this.line(view, message);
      if (!line) continue;
      if (!all) {
        const place = `${line.y0} ${line.y1} ${Math.round(line.x0 / apart)}`;
        if (places.has(place)) continue;
        places.add(place);
      }
      drawn.push([message, line]);
    }
    return drawn;
  }

  head({ x0, y0, x1, y1 }) {
    const length = Math.hypot(x1 - x0, y1 - y0) || 1;
    const [dx, dy] = [((x1 - x0) / length) * 7, ((y1 - y0) / length) * 7];
    this.pen.beginPath();
    this.pen.moveTo(x1, y1);
    this.pen.lineTo(x1 - dx - dy / 2.6, y1 - dy + dx / 2.6);
    this.pen.lineTo(x1 - dx + dy / 2.6, y1 - dy - dx / 2.6);
    this.pen.fill();
  }

  // Unless it would lie on one of `others`.
  label(message, line, others) {
    const { pen } = this;
    const text = Model.label(message);
    pen.font = "10px system-ui, sans-serif";
    const width = pen.measureText(text).width;
    // Near the sender, so that question and answer do not lie on each other.
    const x = line.x0 + (line.x1 - line.x0) * 0.3 + 3;
    const y = line.y0 + (line.y1 - line.y0) * 0.3;
    const place = { left: x, right: x + width, top: y - 9, bottom: y + 3 };
    const meets = (other) => place.left < other.right && other.left < place.right && place.top < other.bottom && other.top < place.bottom;
    if (others.some(meets)) return;
    others.push(place);
    pen.save();
    pen.globalAlpha = 0.82;
    pen.fillStyle = this.colour["--paper"];
    pen.fillRect(x - 1, y - 8, width + 2, 11);
    pen.restore();
    pen.fillText(text, x, y);
  }

  // The chosen moment: a line through all lanes, a frame in its own, its message thicker.
  chosen(view) {
    const moment = view.model.moments[view.moment];
    if (!moment) return;
    const { pen } = this;
    const x = this.x(view, moment.t);
    pen.strokeStyle = pen.fillStyle = this.colour["--chosen"];
    pen.lineWidth = 1;
    pen.beginPath();
    pen.moveTo(x, 24);
    pen.lineTo(x, this.height);
    pen.stroke();
    const y = this.tops.get(moment.node);
    if (y !== undefined) {
      pen.lineWidth = 2;
      pen.strokeRect(x - 4, y - 3, 8, LANE.height + 4);
    }
    const message = view.model.takenBy.get(view.moment);
    const line = message && this.line(view, message);
    if (line) {
      pen.lineWidth = 2.4;
      pen.beginPath();
      pen.moveTo(line.x0, line.y0);
      pen.lineTo(line.x1, line.y1);
      pen.stroke();
      this.head(line);
    }
    pen.lineWidth = 1;
  }

  // The message whose line passes nearest to a point, within a few pixels.
  messageAt(view, x, y) {
    let best = null;
    let least = 6;
    for (const message of view.model.messagesIn(view.from, view.to)) {
      const line = this.shows(view, message) && this.line(view, message);
      if (!line) continue;
      const [dx, dy] = [line.x1 - line.x0, line.y1 - line.y0];
      const along = ((x - line.x0) * dx + (y - line.y0) * dy) / (dx * dx + dy * dy || 1);
      const part = Math.min(1, Math.max(0, along));
      const distance = Math.hypot(line.x0 + part * dx - x, line.y0 + part * dy - y);
      if (distance < least) [best, least] = [message, distance];
    }
    return best;
  }
}
