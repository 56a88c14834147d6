// SPDX-License-Identifier: Apache-2.0
/* visit.mjs - the words of scenarios: pages of nodes, what stands in them, what may not be */
import assert from 'node:assert/strict';

/* What must come true comes within this time, on a loaded machine too. */
const WITHIN_MS = 25000;
const PHONE = { width: 360, height: 740 };
const DESK = { width: 1280, height: 900 };

/** One demo page. */
class Demo {
  constructor(page) {
    this.page = page;
  }

  /** @param {{archetypes?: string, interval?: string}} [fields] */
  async registerAs(id, { archetypes = 'browser, demo', interval = '15' } = {}) {
    await this.page.getByLabel('Peer id').fill(id);
    await this.page.getByLabel('Archetypes, separated').fill(archetypes);
    await this.page.getByLabel('Heartbeat, seconds').fill(interval);
    await this.page.getByRole('button', { name: 'Register' }).click();
    await this.page.getByText('registered', { exact: true }).waitFor();
  }

  async leave() {
    await this.page.getByRole('button', { name: 'Leave' }).click();
    await this.page.getByText('not registered', { exact: true }).waitFor();
  }

  /** The row of a peer in the live list; `at` is the name of its home. */
  peer(id, at = '') {
    const rows = this.page.getByRole('list', { name: 'Peers' }).getByRole('listitem');
    return rows.filter({ has: this.page.locator('.who').getByText(id, { exact: true }) })
      .filter({ hasText: at && `at ${at}` });
  }

  async sees(id, at = '') {
    await this.peer(id, at).waitFor();
  }

  async seesNoMore(id) {
    await this.peer(id).waitFor({ state: 'hidden' });
  }

  /** Is the peer drawn at that node's disc, and nearer to it than to any other? */
  async drawsBeside(id, node) {
    await this.page.waitForFunction(([peerId, home]) => {
      const centre = (element) => {
        const box = element.getBoundingClientRect();
        return [box.x + box.width / 2, box.y + box.height / 2];
      };
      const titled = (kind, start) => [...document.querySelectorAll(`#picture .${kind}`)]
        .find((element) => element.querySelector('title').textContent.startsWith(start));
      const dot = titled('peer', `${peerId}\n`)?.querySelector('.dot');
      if (!dot) return false;
      const [x, y] = centre(dot);
      const away = (element) => {
        const [cx, cy] = centre(element.querySelector('.disc'));
        return Math.hypot(cx - x, cy - y);
      };
      const nodes = [...document.querySelectorAll('#picture .node:not(.is-gone)')];
      nodes.sort((a, b) => away(a) - away(b));
      return nodes[0] === titled('node', `${home}: `);
    }, [id, node]);
  }

  async logs(text) {
    await this.page.getByRole('log').getByText(text).first().waitFor();
  }

  async isLiveFrom(pattern) {
    await this.page.locator('#connection').getByText(pattern).waitFor();
  }
}

/** All pages of one scenario, and what their browser said. */
export class Visit {
  #browser;
  #ask;
  #contexts = [];
  #pages = [];
  #complaints = [];
  #hosts;

  /** @param {Record<string, string>} nodes name: URL */
  constructor(browser, nodes, ask) {
    this.#browser = browser;
    this.#ask = ask;
    this.nodes = nodes;
    /** Requests may fail from here on, because a scenario made them fail. */
    this.mayFail = false;
    this.#hosts = new Set(Object.values(nodes).map((url) => new URL(url).host));
  }

  /** Every page has a browser profile of its own. Movements cost a machine without a graphics card
   * more than all else, so that most scenarios do without. */
  async open(url, { isPhone = false, moves = false } = {}) {
    const context = await this.#browser.newContext({
      viewport: isPhone ? PHONE : DESK, reducedMotion: moves ? 'no-preference' : 'reduce',
    });
    context.setDefaultTimeout(WITHIN_MS);
    this.#contexts.push(context);
    const page = await context.newPage();
    this.#listen(page);
    this.#pages.push(page);
    await page.goto(url);
    return page;
  }

  async demo(node, options) {
    const page = new Demo(await this.open(`${this.nodes[node]}/demo`, options));
    await page.isLiveFrom(`Live from ${node}`);
    return page;
  }

  status(node, options) {
    return this.open(`${this.nodes[node]}/`, options);
  }

  #listen(page) {
    page.on('pageerror', (error) => this.#complaints.push(`error in the page: ${error.stack}`));
    page.on('dialog', (dialog) => this.#complaints.push(`a dialog: ${dialog.message()}`));
    page.on('console', (message) => {
      const isFailedRequest = message.text().startsWith('Failed to load resource');
      if (message.type() === 'error' && !(this.mayFail && isFailedRequest))
        this.#complaints.push(`console: ${message.text()} (${message.location().url})`);
    });
    page.on('request', (request) => {
      if (!this.#hosts.has(new URL(request.url()).host))
        this.#complaints.push(`a request to another host: ${request.url()}`);
    });
  }

  /** This endpoint may be asked, too: the scenario wants it. */
  allowHost(url) {
    this.#hosts.add(new URL(url).host);
  }

  checkWhatBrowsersSaid() {
    assert.deepEqual(this.#complaints, []);
  }

  /** kill -9 */
  async kill(node) {
    this.mayFail = true;
    await this.#ask('kill', node);
  }

  /** What stands there, for whoever reads why a scenario failed. */
  async describe() {
    const texts = await Promise.all(this.#pages.map(async (page) => {
      const text = await page.locator('body').innerText({ timeout: 2000 }).catch(String);
      return `--- ${page.url()}\n${text}`;
    }));
    return [...this.#complaints, ...texts].join('\n');
  }

  async close() {
    for (const context of this.#contexts) await context.close();
  }
}
