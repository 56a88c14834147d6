// SPDX-License-Identifier: Apache-2.0
/* session.js - what a page knows of the cluster: peers by watching, nodes by asking now and then
 *
 * A node that dies costs the page nothing: the client asks the next one. Which ones there are, the
 * cluster itself tells, if the page is to learn it. */
import { DiscoveryClient } from '../client.js';
import { ENDPOINTS_MAX } from '../core.js';
import { Emitter } from '../events.js';
import { endpointOf } from '../request.js';
import { reasonOf } from './words.js';

const ASK_MS = 3000;
const ASK_MAX_MS = 30000; /* after many failures */
const AGAIN_MS = 1000; /* after a failure, doubled by each further one */
const SOON_MS = 250; /* after an event that nodes were about */
/* Of more nobody sees a single one in a page, and their snapshot alone is many megabytes. */
const PEERS_MAX = 20000;

/* A page that came by https may not ask http. */
function mayAsk(url) {
  return /^https?:\/\//.test(url) && (location.protocol !== 'https:' || url.startsWith('https:'));
}

/**
 * Events: `change` (something to be drawn), `peer` ({type: up|update|down, ...}), `talks` (another
 * node is at the other end), `endpoints` (they are more or others now), `trouble` ({text} or null).
 */
export class Session extends Emitter {
  peers = new Map();
  members = [];
  status = null;
  /** The name of the node at the other end; null while there is none. */
  node = null;
  endpoints = [];
  client = null;
  watch = null;
  /** There are so many peers that they are not watched: `peers` is empty. */
  isCrowded = false;
  #given = [];
  #learns = true;
  #timer = null;
  #failures = 0;
  #hasPicture = false;
  #turn = 0; /* answers to an earlier connection mean nothing */

  constructor() {
    super();
    document.addEventListener('visibilitychange', () => document.hidden || this.askSoon());
  }

  /** Where the page is, for links and for `aurora.wasm`; its node comes first. */
  static get here() {
    return endpointOf(new URL('.', location.href).href);
  }

  /** Throws AuroraError where an endpoint is none; what was connected then stays so. */
  connect(endpoints, learns) {
    const given = [...new Set(endpoints.map(endpointOf))];
    const client = new DiscoveryClient({ endpoints: given });
    this.#given = given;
    this.#learns = learns;
    this.peers = new Map();
    this.members = [];
    this.status = null;
    this.node = null;
    this.#use(client);
  }

  #use(client) {
    this.close();
    this.#turn++;
    this.#hasPicture = false;
    this.client = client;
    this.endpoints = client.endpoints;
    this.watch = null;
    this.emit('endpoints', { endpoints: this.endpoints });
    this.emit('change', {});
    this.ask();
  }

  close() {
    clearTimeout(this.#timer);
    this.client?.close();
  }

  /* --- The stream ---------------------------------------------------------------------------- */

  #listen(watch) {
    const isOurs = () => watch === this.watch;
    watch.on('state', (event) => isOurs() && this.#stateChanged(event));
    watch.on('snapshot', (event) => isOurs() && this.#talksTo(event.node));
    watch.on('resumed', (event) => isOurs() && this.#talksTo(event.node));
    watch.on('error', ({ error }) => isOurs() && this.emit('trouble', { text: reasonOf(error) }));
    for (const type of ['up', 'update', 'down'])
      watch.on(type, (event) => isOurs() && this.#peerChanged(type, event));
  }

  #peerChanged(type, event) {
    if (!this.#hasPicture) return; /* what comes with the first picture is no news */
    this.emit('peer', { type, ...event });
    if (type !== 'up') this.askSoon();
    this.emit('change', {});
  }

  /* Whether another one answers shows as soon as it is asked. */
  #streamBroke(error) {
    if (this.#failures > 0) return;
    const others = this.endpoints.length > 1 ? 'Trying the other nodes.' : 'Trying again.';
    this.emit('trouble', { text: `${reasonOf(error)} ${others}` });
    this.askSoon();
  }

  #stateChanged({ state, error }) {
    if (state === 'live') this.emit('trouble', null);
    else if (error) this.#streamBroke(error);
    this.emit('change', {});
  }

  #talksTo(node) {
    this.#hasPicture = true;
    const before = this.node;
    this.node = node ?? this.node ?? this.endpoint;
    this.peers = this.watch?.peers ?? this.peers;
    if (this.node !== before) this.emit('talks', { node: this.node, endpoint: this.endpoint });
    this.emit('change', {});
  }

  get isLive() {
    return this.watch ? this.watch.state === 'live' : this.isCrowded && this.#failures === 0;
  }

  /** The URL of the node at the other end; null while there is none. */
  get endpoint() {
    return this.watch ? this.watch.endpoint : this.isLive ? this.client.endpoint : null;
  }

  /* Watches where it is not done yet, and only what can be shown. */
  #watchPeers(status) {
    this.isCrowded = status.peers > PEERS_MAX;
    if (this.isCrowded) {
      const { watch } = this;
      this.watch = null;
      watch?.close();
      this.peers = new Map();
      this.#talksTo(status.name);
    } else if (!this.watch) {
      this.watch = this.client.watch();
      this.#listen(this.watch);
    }
  }

  /* --- Questions ----------------------------------------------------------------------------- */

  askSoon() {
    this.#askIn(SOON_MS);
  }

  #askIn(ms) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.ask(), ms);
  }

  async ask() {
    const { client } = this;
    const turn = this.#turn;
    try {
      const [status, { members }] = await Promise.all(
        [client.get('/v1/status'), client.get('/v1/members')]);
      if (turn !== this.#turn) return;
      this.#failures = 0;
      this.status = status;
      this.members = members;
      if (this.#learn()) return;
      this.#watchPeers(status);
      if (this.isLive) this.emit('trouble', null);
    } catch (error) {
      if (turn !== this.#turn || error.code === 'aborted') return;
      this.#failures++;
      const { length } = this.endpoints;
      const what = length > 1 ? `None of ${length} nodes answers.` : reasonOf(error);
      this.emit('trouble', { text: `${what} Trying again.` });
    }
    this.emit('change', {});
    if (!document.hidden) this.#askIn(this.#pauseMs());
  }

  #pauseMs() {
    if (this.#failures === 0) return ASK_MS;
    return Math.min(AGAIN_MS * 2 ** (this.#failures - 1), ASK_MAX_MS);
  }

  /* A node that joined since can be asked, too. What is gone is not taken out: it may come back,
   * and is asked last. True: all begins anew, with more endpoints. */
  #learn() {
    if (!this.#learns) return false;
    const told = this.members.filter(({ state, http }) => state === 'alive' && mayAsk(http))
      .map(({ http }) => endpointOf(http));
    const known = new Set([...this.#given, ...this.endpoints]);
    const all = [...new Set([...known, ...told])].slice(0, ENDPOINTS_MAX);
    if (all.length === known.size) return false;
    const client = new DiscoveryClient({ endpoints: all });
    this.#use(client);
    return true;
  }
}
