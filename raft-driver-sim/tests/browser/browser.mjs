// A headless Chromium and what the tests of both pages need.

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];

export function check(holds, what) {
  if (!holds) throw new Error(`it does not hold that ${what}`);
}

// Runs each test of `tests` on a fresh page, and ends the process: with status 1 if one failed.
export async function run(tests) {
  const require = createRequire(`${process.env.BROWSER_MODULES}/`);
  const { chromium } = require("playwright-core");
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: FLAGS });
  let failed = 0;
  for (const [name, test] of Object.entries(tests)) {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    const complaints = [];
    page.on("console", (message) => {
      // The tests read the canvas back, which the pages never do.
      const ours = message.text().includes("willReadFrequently");
      if (!ours && ["error", "warning"].includes(message.type())) complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("request", (request) => { if (!request.url().startsWith("file:") && !request.url().startsWith("data:")) complaints.push(`asks ${request.url()}`); });
    try {
      const said = await test(page);
      check(complaints.length === 0, `the console stays empty: ${complaints.join("; ")}`);
      console.log(`ok      ${name}${said ? `: ${said}` : ""}`);
    } catch (error) {
      failed += 1;
      console.log(`FAILED  ${name}: ${error.message}`);
    }
    await page.close();
  }
  await browser.close();
  process.exit(failed ? 1 : 0);
}

export const address = (file, fragment = "") => pathToFileURL(file).href + fragment;
