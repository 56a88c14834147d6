// SPDX-License-Identifier: Apache-2.0
/* screenshots.mjs - the pictures of the pages in docs/images, from a cluster that runs
 *
 * `make run` starts one; `make screenshots` calls this. It registers a dozen peers with the nodes,
 * whose leases end by themselves.
 *
 * Usage: node screenshots.mjs FOLDER-WITH-NODE_MODULES CHROMIUM OUT-FOLDER NODE-URL... */
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [folder, executablePath, out, ...nodes] = process.argv.slice(2);
const { chromium } = createRequire(join(folder, 'here.js'))('playwright-core');

const LEASE_S = 300;
const PEERS = [
  ['camera-hall', 'camera'], ['printer-1', 'printer'], ['agent-7', 'agent'],
  ['camera-yard', 'camera'], ['printer-a3', 'printer'], ['agent-scout', 'agent', 'gpu'],
  ['sensor-51', 'sensor'], ['gpu-a100-02', 'gpu'], ['relay-eu-west-1.example.net', 'relay'],
  ['agent-12', 'agent'], ['relay-home', 'relay', 'agent'], ['sensor-4f', 'sensor'],
];

async function register([peerId, ...archetypes], i) {
  const response = await fetch(`${nodes[i % nodes.length]}/register`, {
    method: 'POST',
    body: JSON.stringify({ peer_id: peerId, address: `192.0.2.${20 + i}`, port: 9000 + i,
                           archetypes, ttl_seconds: LEASE_S }),
  });
  if (!response.ok) throw new Error(`${peerId}: ${await response.text()}`);
}

async function demo(browser, options) {
  const page = await browser.newPage(options);
  await page.goto(`${nodes[0]}/demo`);
  await page.getByText(`${nodes.length} nodes`).waitFor();
  return page;
}

async function registerAs(page, peerId) {
  await page.getByLabel('Peer id').fill(peerId);
  await page.getByRole('button', { name: 'Register' }).click();
  await page.getByText('registered', { exact: true }).waitFor();
}

/* Until nothing moves any more but the countdown. */
async function calm(page) {
  await page.evaluate(() => document.activeElement.blur());
  await page.waitForFunction(() => document.getAnimations()
    .every(({ effect, playState }) =>
      playState === 'finished' || effect.target.id === 'beat-left'));
}

async function save(page, name, fullPage) {
  await page.bringToFront(); /* others draw no frames, and their animations stand still */
  await calm(page);
  await page.screenshot({ path: join(out, name), fullPage });
  console.log(join(out, name));
}

const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
for (const [i, peer] of PEERS.entries()) await register(peer, i);

const desk = await demo(browser, { viewport: { width: 1360, height: 900 } });
await registerAs(desk, 'my-browser');
await desk.getByLabel('All of these archetypes').fill('agent');
await desk.getByRole('button', { name: 'Discover' }).click();
await desk.locator('#find-count').getByText(/peers?/).waitFor();

const status = await browser.newPage({ viewport: { width: 1180, height: 760 } });
await status.goto(`${nodes[0]}/`);
await status.getByText('Converged').waitFor();

const phone = await demo(browser, { viewport: { width: 360, height: 720 }, deviceScaleFactor: 2 });
await registerAs(phone, 'my-phone');
await phone.evaluate(() => scrollTo(0, 0));

await desk.locator('#peers').getByText('my-phone').waitFor();
await status.getByText('my-phone appeared').waitFor();
await status.getByText(`${PEERS.length / nodes.length + 2} at home here`).waitFor();
await save(desk, 'demo.png', true);
await save(status, 'status.png', true);
await save(phone, 'demo-phone.png', false);
for (const page of [desk, phone]) await page.getByRole('button', { name: 'Leave' }).click();
await browser.close();
