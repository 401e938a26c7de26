// The playground in a real browser. The page is the first argument.

import { address, check, run } from "./browser.mjs";

const file = process.argv[2];

const open = async (page) => {
  await page.goto(address(file));
  await page.waitForFunction(() => window.playground?.look);
};
const look = (page) => page.evaluate(() => playground.engine.look());
const leader = (nodes) => nodes.find((node) => node.role === "Leader" && node.lease);
// Runs the world at real speed until `condition`, a function of what there is to see, holds.
const until = async (page, condition) => {
  await page.evaluate(() => {
    document.getElementById("speed").value = 100;
    if (!playground.running) playground.run(true);
  });
  await page.waitForFunction(condition, null, { timeout: 60_000 });
  await page.evaluate(() => playground.run(false));
  return look(page);
};
const elected = () => playground.look.nodes.some((node) => node.role === "Leader" && node.lease);

await run({
  "a leader is elected, crashed by a click, and another is elected": async (page) => {
    await open(page);
    const first = leader((await until(page, elected)).nodes).node;
    await page.locator(`[data-node="${first}"]`).click();
    check(!(await look(page)).nodes[first].runs, "the click crashes the leader");
    check((await page.locator(`[data-node="${first}"]`).getAttribute("class")).includes("down"), "it is drawn as down");
    const second = leader((await until(page, elected)).nodes);
    check(second.node !== first, "another is elected");
    await page.locator(`[data-node="${first}"]`).click();
    const back = await until(page, () => playground.look.nodes.every((node) => node.runs && (node.role === "Leader" || node.leader !== null)));
    check(back.nodes[first].term === second.term && back.nodes[first].role === "Follower", "what comes back follows");
    const changes = await page.locator("#changes tbody tr").count();
    check(changes > 8, `the timeline below tells it: ${changes} changes`);
  },

  "undo goes back, and the same deeds lead to the same world": async (page) => {
    await open(page);
    const first = leader((await until(page, elected)).nodes).node;
    const before = JSON.stringify((await look(page)).nodes);
    await page.locator(`[data-node="${first}"]`).click();
    await page.evaluate(() => playground.obey("advance 300ms"));
    const after = JSON.stringify((await look(page)).nodes);
    check(before !== after, "the crash changes something");
    await page.locator('[data-play="undo"]').click();
    check(JSON.stringify((await look(page)).nodes) === before, "undo takes it back");
    await page.locator(`[data-node="${first}"]`).click();
    await page.evaluate(() => playground.obey("advance 300ms"));
    check(JSON.stringify((await look(page)).nodes) === after, "done again it leads to the same");
  },

  "a link is cut both ways, one way, the other way, and healed": async (page) => {
    await open(page);
    const seen = [];
    for (let count = 0; count < 4; count += 1) {
      await page.locator('[data-link="0-1"]').dispatchEvent("click");
      seen.push(JSON.stringify((await look(page)).cuts));
    }
    check(seen.join(" ") === "[[0,1],[1,0]] [[0,1]] [[1,0]] []", `four clicks go round: ${seen.join(" ")}`);
  },

  "a follower campaigns, stands still, is cut off; the leader hands over": async (page) => {
    await open(page);
    const led = leader((await until(page, elected)).nodes).node;
    const follower = (led + 1) % 3;
    const use = async (tool, node) => {
      await page.locator(`[name="tool"][value="${tool}"]`).check();
      await page.locator(`[data-node="${node}"]`).click();
      return look(page);
    };
    check((await use("pause", follower)).nodes[follower].paused, "it stands still");
    check(!(await use("pause", follower)).nodes[follower].paused, "it goes on");
    check((await use("isolate", follower)).cuts.length === 4, "it is cut off from two");
    check((await use("isolate", follower)).cuts.length === 0, "its links heal");
    check((await use("campaign", follower)).nodes[follower].role === "PreCandidate", "it campaigns");
    await page.locator('[data-play="undo"]').click();
    await page.evaluate(() => playground.obey("advance 200ms"));
    await use("transfer", follower);
    const after = await until(page, elected);
    check(leader(after.nodes)?.node === follower, "it takes over");
  },

  "without the rules the same deeds disturb a cluster, with them they do not": async (page) => {
    await open(page);
    await page.locator("#scenario").selectOption("returning-node");
    await page.evaluate(() => playground.obey("advance 7s"));
    check((await look(page)).nodes[0].term === 1, "with them the term stays");
    await page.locator("#rules").uncheck();
    check((await look(page)).nodes[0].term > 2, "without them it runs away");
    await page.locator("#rules").check();
    check((await look(page)).nodes[0].term === 1, "with them again it stays");
  },

  "speed, delay and loss are set, and a wrong line is said": async (page) => {
    await open(page);
    await page.locator("#loss").evaluate((slider) => { slider.value = 40; slider.dispatchEvent(new Event("change")); });
    await page.locator("#delay").evaluate((slider) => { slider.value = 60; slider.dispatchEvent(new Event("change")); });
    const now = await look(page);
    check(now.loss === 400_000 && now.delay[1] > 10e6, `the network is what was asked for: ${now.loss} ${now.delay}`);
    check(now.script.length === 2 && (await page.locator("#script li").count()) === 2, "what was done is listed");
    await page.evaluate(() => playground.obey("do fly"));
    check((await page.locator("#state").innerText()).includes("crash WHO"), "what cannot be done is said");
  },
});
