// SPDX-License-Identifier: Apache-2.0
/* driver.mjs - runs scenarios in one Chromium, as tests/integration/test_browser.py asks for them
 *
 * Lines of JSON. In: {"scenario": name, "nodes": {name: url}}. Out: {"passed": true} or {"failed":
 * text}, and before that, while the scenario runs, {"ask": what, "node": name}: the answer is one
 * more line in. Usage: node driver.mjs FOLDER-WITH-NODE_MODULES CHROMIUM */
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Visit } from './visit.mjs';
import * as scenarios from './scenarios.mjs';

const [folder, executablePath] = process.argv.slice(2);
const { chromium } = createRequire(join(folder, 'here.js'))('playwright-core');

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

async function heard() {
  const { value, done } = await lines.next();
  return done ? null : JSON.parse(value);
}

/** Something that only the test can do: to stop a node, for one. */
async function ask(what, node) {
  say({ ask: what, node });
  return heard();
}

async function run(browser, { scenario, nodes }) {
  const visit = new Visit(browser, nodes, ask);
  try {
    await scenarios[scenario](visit);
    visit.checkWhatBrowsersSaid();
    return { passed: true };
  } catch (error) {
    return { failed: `${error.stack}\n${await visit.describe()}` };
  } finally {
    await visit.close();
  }
}

/* Chromium's own sandbox cannot be had by root; the pages come from our own nodes. */
const browser = await chromium.launch({
  executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
});
say({ ready: browser.version() });
for (let line = await heard(); line !== null; line = await heard()) say(await run(browser, line));
await browser.close();
process.exit(0);
