// The timeline page in a real browser. The directory with the pages is the first argument.

import { join } from "node:path";
import { address, check, run } from "./browser.mjs";

const directory = process.argv[2];
const open = (page, name, fragment) => page.goto(address(join(directory, name), fragment));
const moment = (page) => page.evaluate(() => view.moment);
const panel = (page) => page.locator("#panel").innerText();

// How many pixels of the canvas are not of the background's colour.
const pixels = (page) => page.evaluate(() => {
  const { canvas, pen } = view.drawing;
  const { data } = pen.getImageData(0, 0, canvas.width, canvas.height);
  let count = 0;
  for (let at = 0; at < data.length; at += 4) {
    if (data[at] !== data[0] || data[at + 1] !== data[1] || data[at + 2] !== data[2]) count += 1;
  }
  return count;
});
const painted = async (page) => {
  await page.evaluate(() => view.paint());
  return pixels(page);
};

await run({
  "the page says its seed and its command, and draws": async (page) => {
    await open(page, "leader-crash.html");
    const header = await page.locator("header").innerText();
    check(header.includes("Seed 7") && header.includes("raft-sim run --scenario leader-crash --seed 7"), "it says where it comes from");
    check((await painted(page)) > 20_000, "something is drawn");
  },

  "keys step from event to event, of all nodes and of one": async (page) => {
    await open(page, "leader-crash.html");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowRight");
    check((await moment(page)) === 2, "two steps lead to the third event");
    const node = await page.evaluate(() => view.model.moments[2].node);
    await page.keyboard.press("Shift+ArrowRight");
    const next = await moment(page);
    check(next > 2 && (await page.evaluate((at) => view.model.moments[at].node, next)) === node, "Shift stays with the node");
    await page.keyboard.press("End");
    check((await moment(page)) === (await page.evaluate(() => view.model.moments.length - 1)), "End is the last event");
    await page.keyboard.press("ArrowRight");
    check((await moment(page)) === (await page.evaluate(() => view.model.moments.length - 1)), "nothing comes after the last event");
    await page.keyboard.press("Home");
    check((await moment(page)) === 0, "Home is the first");
  },

  "N leads from change to change, and the panel says why": async (page) => {
    await open(page, "leader-crash.html");
    const reasons = [];
    for (let count = 0; count < 60; count += 1) {
      await page.keyboard.press("n");
      reasons.push(await panel(page));
    }
    const all = reasons.join("\n");
    for (const why of ["the election timeout ended", "a majority would vote for it", "a majority voted for it", "silent for T", "a heartbeat of the term's leader arrived"]) {
      check(all.includes(why), `some change came about because ${why}`);
    }
    check(all.includes("rounds answered") && all.includes("ms left"), "the panel has the state and the timers");
  },

  "a term is found, and again at the next node": async (page) => {
    await open(page, "leader-crash.html");
    await page.keyboard.press("/");
    await page.keyboard.type("2");
    await page.keyboard.press("Enter");
    const first = await moment(page);
    check((await page.evaluate((at) => view.model.moments[at].change?.term, first)) === 2, "the moment enters the term");
    await page.keyboard.press("Enter");
    check((await moment(page)) !== first, "asked again it goes on");
  },

  "what is hidden is neither drawn nor stepped on": async (page) => {
    await open(page, "leader-crash.html");
    const all = await painted(page);
    await page.locator('[data-filter="AppendEntries"]').uncheck();
    await page.locator('[data-filter="AppendEntriesResponse"]').uncheck();
    check((await painted(page)) < all, "fewer arrows are drawn");
    await page.keyboard.press("Home");
    const kinds = new Set();
    for (let count = 0; count < 40; count += 1) {
      await page.keyboard.press("ArrowRight");
      kinds.add(await page.evaluate(() => view.model.moments[view.moment].kind));
    }
    check(kinds.has("RequestVote") && !kinds.has("AppendEntries"), "steps pass over heartbeats");
    const height = await page.evaluate(() => view.drawing.height);
    await page.locator('[data-filter="1"]').uncheck();
    check((await page.evaluate(() => view.drawing.height)) < height, "a hidden node takes no room");
  },

  "a link leads to a moment and a window": async (page) => {
    await open(page, "leader-crash.html", "#m=20&w=100000000-400000000");
    check((await moment(page)) === 20, "the moment is chosen");
    const window = await page.evaluate(() => [view.from, view.to]);
    check(window[0] === 1e8 && window[1] === 4e8, "the window is shown");
    await page.keyboard.press("ArrowRight");
    check(page.url().includes("#m=21&"), "the address follows");
    await open(page, "leader-crash.html", "#t=1.0");
    await page.reload();
    const t = await page.evaluate(() => view.model.moments[view.moment].t);
    check(Math.abs(t - 1e9) < 5e7, "a time leads to the nearest event");
  },

  "a click chooses, a drag moves, the wheel zooms": async (page) => {
    await open(page, "leader-crash.html");
    const box = await page.locator("#canvas").boundingBox();
    const at = await page.evaluate(() => {
      const { drawing, model } = view;
      const index = model.moments.findIndex((moment) => moment.what.startsWith("crashes"));
      const { t, node } = model.moments[index];
      return { index, x: drawing.x(view, t), y: drawing.tops.get(node) + 10 };
    });
    await page.mouse.click(box.x + at.x, box.y + at.y);
    check((await moment(page)) === at.index && (await panel(page)).includes("crashes"), "the crash is chosen");
    const whole = await page.evaluate(() => view.to - view.from);
    await page.mouse.move(box.x + at.x, box.y + 5);
    await page.mouse.wheel(0, -400);
    await page.waitForFunction((before) => view.to - view.from < before, whole);
    const from = await page.evaluate(() => view.from);
    await page.mouse.down();
    await page.mouse.move(box.x + at.x + 80, box.y + 5, { steps: 4 });
    await page.mouse.up();
    check((await page.evaluate(() => view.from)) < from, "dragging to the right goes back in time");
  },

  "dark and print are drawn in their own colours": async (page) => {
    // The page paints anew by itself when the theme changes.
    const becomes = (wanted) => page.waitForFunction(
      (colour) => ([...view.drawing.pen.getImageData(0, 0, 1, 1).data].join() === colour), wanted);
    await open(page, "leader-crash.html");
    await becomes("255,255,255,255");
    await page.emulateMedia({ colorScheme: "dark" });
    await becomes("13,17,23,255");
    await page.emulateMedia({ colorScheme: "dark", media: "print" });
    await becomes("255,255,255,255");
    check(!(await page.locator("#controls").isVisible()), "print has no buttons");
  },

  "a printer, which waits for no frame, has the picture": async (page) => {
    await open(page, "leader-crash.html");
    await page.evaluate(() => {
      window.requestAnimationFrame = () => 0;
    });
    await page.emulateMedia({ media: "print" });
    await page.setViewportSize({ width: 1000, height: 700 });
    await page.waitForFunction(() => view.drawing.width < 1000 && view.drawing.width === view.drawing.canvas.clientWidth);
    check((await pixels(page)) > 20_000, "the canvas is painted");
  },

  "real nodes are drawn from their traces": async (page) => {
    await open(page, "nodes.html");
    const seen = await page.evaluate(() => ({
      leaders: view.model.lanes.flatMap((lane) => lane.roles).filter((reign) => reign.role === "Leader").length,
      taken: view.model.messages.filter((message) => message.taken !== null).length,
      early: view.model.messages.filter((message) => message.ends !== null && message.ends < message.sent).length,
    }));
    check(seen.leaders >= 1 && seen.taken > 20 && seen.early === 0, `leaders and messages are there: ${JSON.stringify(seen)}`);
  },

  "a node alone: the others have no trace, and what it sends them is not lost": async (page) => {
    await open(page, "alone.html");
    const seen = await page.evaluate(() => ({
      traced: view.model.lanes.filter((lane) => lane.traced).map((lane) => lane.node),
      sent: view.model.messages.filter((message) => message.from === 1).length,
      lost: view.model.messages.filter((message) => view.drawing.line(view, message)?.lost).length,
    }));
    check(seen.traced.join() === "1" && seen.sent > 5 && seen.lost === 0, `its messages arrive somewhere: ${JSON.stringify(seen)}`);
    check((await panel(page)).includes("no trace of it"), "the panel does not call the others down");
  },

  "ten thousand events": async (page) => {
    const began = Date.now();
    await open(page, "long.html");
    await painted(page);
    const loaded = Date.now() - began;
    const said = await page.evaluate(() => {
      const time = (work) => {
        const start = performance.now();
        for (let count = 0; count < 20; count += 1) work();
        return ((performance.now() - start) / 20).toFixed(1);
      };
      const whole = time(() => view.paint());
      view.zoom(0.02);
      const part = time(() => view.paint());
      const step = time(() => { view.step(1); view.paint(); });
      return `${view.model.moments.length} events, ${view.model.messages.length} messages; a frame of all ${whole} ms, of a fiftieth ${part} ms, a step ${step} ms`;
    });
    check(await page.evaluate(() => view.model.moments.length >= 10_000), "there are that many");
    return `${said}; loaded in ${loaded} ms`;
  },
});
