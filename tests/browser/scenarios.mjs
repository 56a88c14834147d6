// SPDX-License-Identifier: Apache-2.0
/* scenarios.mjs - what people do with the pages, and what they then see
 *
 * n0, n1, ... are nodes of one cluster. All that is waited for has a bound (visit.mjs). */
import assert from 'node:assert/strict';

/* --- Two pages on two nodes ------------------------------------------------------------------ */

export async function pages_on_two_nodes_see_each_other_come_and_go(visit) {
  const alice = await visit.demo('n0');
  const bob = await visit.demo('n1');
  await alice.registerAs('alice');
  await bob.sees('alice', 'n0');
  await bob.drawsBeside('alice', 'n0');
  await bob.registerAs('bob');
  await alice.sees('bob', 'n1');
  await alice.drawsBeside('bob', 'n1');
  await alice.leave();
  await bob.seesNoMore('alice');
  await bob.logs('alice is gone: it left');
  await bob.leave();
  await alice.seesNoMore('bob');
}

export async function a_page_survives_the_death_of_its_node(visit) {
  const alice = await visit.demo('n0');
  const bob = await visit.demo('n1');
  await alice.registerAs('alice', { interval: '20' }); /* it does not wait for that */
  await bob.registerAs('bob');
  await alice.sees('bob', 'n1');
  await bob.sees('alice', 'n0');
  await visit.kill('n0');
  await alice.logs('cannot be reached');
  await alice.isLiveFrom(/Live from n[12]/);
  await alice.sees('bob', 'n1');
  await bob.page.locator('#picture .node.is-dead title').getByText('n0: dead')
    .waitFor({ state: 'attached' });
  await bob.peer('alice').filter({ hasText: /at n[12]/ }).waitFor();
  await bob.logs(/alice moved from n0 to n[12]/);
  await alice.peer('alice').filter({ hasText: /at n[12]/ }).waitFor();
  assert.equal(await alice.page.getByRole('alert').filter({ visible: true }).count(), 0);
  await alice.leave();
  await bob.seesNoMore('alice');
}

export async function a_peer_that_stops_its_heartbeats_says_so(visit) {
  const alice = await visit.demo('n0');
  await alice.registerAs('quiet');
  const toggle = alice.page.getByRole('button', { name: 'Stop' });
  assert.equal(await toggle.getAttribute('aria-pressed'), 'true');
  await alice.page.getByText(/Next heartbeat in \d+ s/).waitFor();
  await toggle.click();
  await alice.page.getByText('Stopped: the lease will run out by itself.').waitFor();
  await alice.page.getByRole('button', { name: 'Send one' }).click();
  await alice.page.getByText(/heartbeats? sent/).waitFor();
  await alice.page.getByRole('button', { name: 'Start' }).click();
  await alice.page.getByText(/Next heartbeat in \d+ s/).waitFor();
  await alice.leave();
}

export async function a_browser_may_sign_for_itself(visit) {
  const alice = await visit.demo('n0');
  const bob = await visit.demo('n1');
  await alice.page.getByLabel('Its id is its own key').check();
  await alice.page.getByRole('button', { name: 'Register' }).click();
  await alice.page.getByText('registered', { exact: true }).waitFor();
  const id = await alice.page.getByLabel('Peer id').inputValue();
  assert.match(id, /^ed25519:[0-9a-f]{64}$/);
  await bob.sees(id, 'n0');
  const record = await bob.page.evaluate(
    async (peerId) => (await fetch(`/v1/peers/${encodeURIComponent(peerId)}`)).json(), id);
  assert.equal(record.issued_by, 'self');
  await alice.leave();
  await bob.seesNoMore(id);
}

/* --- Filters --------------------------------------------------------------------------------- */

export async function filters_show_some_and_leave_out_the_others(visit) {
  const alice = await visit.demo('n0');
  const bob = await visit.demo('n1');
  await alice.registerAs('printer-1', { archetypes: 'printer, colour' });
  await bob.registerAs('scanner-1', { archetypes: 'scanner' });
  await alice.sees('scanner-1');
  const chip = alice.page.getByRole('button', { name: /^printer/ });
  await chip.click();
  await alice.page.getByRole('button', { name: /^printer/, pressed: true }).waitFor();
  await alice.sees('printer-1');
  await alice.seesNoMore('scanner-1');
  await alice.page.locator('#picture .peer.is-dimmed title').getByText('scanner-1')
    .waitFor({ state: 'attached' });
  await chip.click();
  await alice.sees('scanner-1');
  await finds(alice, 'scanner', ['scanner-1']);
  await finds(alice, 'printer, scanner', []);
  await alice.page.getByText('There is no peer with printer and scanner.').waitFor();
  await finds(alice, 'printer', []); /* it is not looking for itself */
  await alice.page.getByLabel('Without myself').uncheck();
  await finds(alice, 'printer', ['printer-1']);
}

async function finds({ page }, archetypes, ids) {
  await page.getByLabel('All of these archetypes').fill(archetypes);
  await page.getByRole('button', { name: 'Discover' }).click();
  await page.locator('#find-count').getByText(`${ids.length} peer`).waitFor();
  assert.deepEqual(await page.locator('#found:visible .who').allTextContents(), ids);
}

/* --- What goes wrong ------------------------------------------------------------------------- */

export async function a_wrong_endpoint_is_named_and_can_be_corrected(visit) {
  const { page } = await visit.demo('n0');
  const connectTo = async (text) => {
    await page.getByLabel('Endpoints').fill(text);
    await page.getByRole('button', { name: 'Connect' }).click();
  };
  await connectTo('gopher://n0');
  await page.getByText('endpoint: http: or https:, not gopher:.').waitFor();
  assert.equal(await page.getByLabel('Endpoints').getAttribute('aria-invalid'), 'true');
  await page.locator('#connection').getByText('Live from n0').waitFor(); /* nothing was lost */
  await connectTo('');
  await page.getByText('endpoints: 1 to 16 of them, not 0.').waitFor();
  visit.mayFail = true;
  const nobody = 'http://127.0.0.1:9'; /* "discard": nobody listens there */
  visit.allowHost(nobody);
  await connectTo(nobody);
  await page.getByRole('alert').getByText(`${nobody} cannot be reached.`).waitFor();
  await connectTo(visit.nodes.n1);
  await page.locator('#connection').getByText(/Live from n1/).waitFor();
  assert.equal(await page.getByRole('alert').filter({ visible: true }).count(), 0);
}

export async function a_wrong_field_is_named_and_nothing_is_sent(visit) {
  const { page } = await visit.demo('n0');
  await page.getByLabel('Port').fill('70000');
  await page.getByRole('button', { name: 'Register' }).click();
  await page.getByRole('alert').getByText('port: a whole number from 0 to 65535').waitFor();
  assert.equal(await page.getByLabel('Port').getAttribute('aria-invalid'), 'true');
  await page.getByLabel('Port').fill('9000');
  await page.getByRole('button', { name: 'Register' }).click();
  await page.getByText('registered', { exact: true }).waitFor();
  assert.equal(await page.getByLabel('Port').getAttribute('aria-invalid'), null);
}

export async function what_peers_say_is_text_and_nothing_else(visit) {
  const evil = '<img src=x onerror=alert(1)>';
  const script = '<script>alert(2)</script>';
  const alice = await visit.demo('n0');
  const bob = await visit.demo('n1');
  const status = await visit.status('n1');
  await alice.registerAs(evil, { archetypes: script });
  await bob.sees(evil, 'n0');
  await bob.drawsBeside(evil, 'n0');
  await bob.page.getByRole('button', { name: script }).waitFor();
  await bob.logs(`${evil} appeared`);
  await status.locator('#archetypes').getByText(script).waitFor();
  for (const page of [bob.page, status])
    assert.equal(await page.locator('img[src="x"], main script, body > script').count(), 0);
}

/* --- Without a mouse, on a phone ------------------------------------------------------------- */

async function focused(page) {
  return page.evaluate(() => {
    const element = document.activeElement;
    const style = getComputedStyle(element);
    const name = element.labels?.[0]?.textContent ?? element.getAttribute('aria-label')
      ?? element.textContent;
    return { id: element.id, name: name.trim(), isBody: element === document.body,
             isOutlined: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 };
  });
}

/* Tab until that element has the focus; every stop on the way has a name, and shows its focus. */
async function tabTo(page, id) {
  const seen = [];
  for (let presses = 0; presses < 40; presses++) {
    await page.keyboard.press('Tab');
    const at = await focused(page);
    if (at.isBody) continue;
    seen.push(at.id || at.name);
    assert.ok(at.name || at.id, `a stop without a name, after ${seen}`);
    assert.ok(at.isOutlined, `${at.id || at.name} does not show its focus`);
    if (at.id === id) return;
  }
  assert.fail(`no way by Tab to ${id}, only to ${seen}`);
}

export async function everything_can_be_done_from_the_keyboard(visit) {
  const { page } = await visit.demo('n0');
  await page.keyboard.press('Tab');
  assert.equal((await focused(page)).name, 'Skip to the network');
  await page.keyboard.press('Enter');
  await tabTo(page, 'peer-id');
  await page.keyboard.press('Control+A');
  await page.keyboard.type('keys');
  await page.keyboard.press('Enter');
  await page.getByText('registered', { exact: true }).waitFor();
  await tabTo(page, 'beat-toggle');
  await page.keyboard.press('Space');
  await page.getByText('Stopped: the lease will run out by itself.').waitFor();
  await tabTo(page, 'find-archetypes');
  await page.keyboard.type('demo');
  await page.keyboard.press('Enter');
  await page.locator('#find-count').getByText(/\d+ peers?/).waitFor();
  await page.keyboard.press('Shift+Tab');
  await tabTo(page, 'leave');
  await page.keyboard.press('Enter');
  await page.getByText('not registered', { exact: true }).waitFor();
}

/* Nothing is wider than the window, and what is to be touched is not too small for it. */
async function fits(page) {
  const found = await page.evaluate(() => {
    const wide = [...document.querySelectorAll('body *')]
      .filter((element) => element.getBoundingClientRect().right > innerWidth + 0.5)
      .filter((element) => !element.closest('.clip, .quiet, .skip, svg'))
      .map((element) => element.id || element.className || element.tagName);
    const small = [...document.querySelectorAll('button, input:not([type=checkbox])')]
      .filter((element) => element.getBoundingClientRect().height < 28).map(({ id }) => id);
    return { wide, small, scrolls: document.documentElement.scrollWidth > innerWidth };
  });
  assert.deepEqual(found, { wide: [], small: [], scrolls: false });
}

export async function both_pages_fit_a_phone(visit) {
  const long = `w${'o'.repeat(120)}w`;
  const demo = await visit.demo('n0', { isPhone: true });
  const status = await visit.status('n1', { isPhone: true });
  await demo.registerAs(long, { archetypes: `${'x'.repeat(64)}, demo` });
  await demo.sees(long);
  await demo.drawsBeside(long, 'n0');
  await status.locator('#archetypes').getByText('x'.repeat(64)).waitFor();
  await fits(demo.page);
  await fits(status);
}

/* How long a peer that moves home is under way. */
async function movementOf({ page }) {
  await page.locator('#picture .peer').first().waitFor();
  return page.evaluate(() => getComputedStyle(document.querySelector('#picture .peer'))
    .transitionDuration.split(',')[0]);
}

export async function who_wants_no_movement_gets_none(visit) {
  const calm = await visit.demo('n0');
  const lively = await visit.demo('n1', { moves: true });
  await calm.registerAs('mover');
  await lively.drawsBeside('mover', 'n0');
  assert.equal(await movementOf(calm), '0s');
  assert.equal(await movementOf(lively), '0.9s');
}

/* --- The status page ------------------------------------------------------------------------- */

export async function the_status_page_shows_the_cluster_live(visit) {
  const status = await visit.status('n1');
  const row = (name) => status.getByRole('row').filter({ hasText: name });
  await status.getByText('Converged').waitFor();
  await row('n0').getByText('alive').waitFor();
  await row('n1').getByText('this node').waitFor();
  const demo = await visit.demo('n2');
  await demo.registerAs('lamp', { archetypes: 'lamp', interval: '2' });
  await status.locator('#archetypes').getByText('lamp').waitFor();
  await status.getByText('lamp appeared at n2').waitFor();
  await visit.kill('n0');
  await row('n0').getByText('dead').waitFor();
  await visit.kill('n1');
  await status.getByRole('alert').getByText('What you see is as it was.').waitFor();
  await status.getByText('lamp appeared at n2').waitFor();
}

export async function when_all_nodes_are_gone_the_page_says_so(visit) {
  const { page } = await visit.demo('n0');
  await page.getByText('3 nodes').waitFor();
  for (const node of ['n0', 'n1', 'n2']) await visit.kill(node);
  await page.getByRole('alert').getByText('None of 3 nodes answers. Trying again.').waitFor();
  await page.locator('#connection').getByText('Connecting').waitFor();
  await page.getByRole('button', { name: 'Register' }).click();
  await page.locator('#you-wrong').getByText('cannot be reached').waitFor();
}
