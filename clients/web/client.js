// SPDX-License-Identifier: Apache-2.0
/* client.js - DiscoveryClient: one peer, kept registered through any of several nodes */
import { ACTION, Core, ENDPOINTS_MAX, randomBits } from './core.js';
import { AuroraError, invalid, isNodeFault } from './error.js';
import { Emitter } from './events.js';
import { Identity } from './identity.js';
import { metadataText, queryOf, registrationBody } from './query.js';
import { ANSWER_MAX_BYTES, TIMEOUT_MS, endpointOf, request } from './request.js';
import { clearTimer, setTimer } from './timers.js';
import { PeerWatch } from './watch.js';

const HEARTBEAT_MS = 30000;
const DEADLINE_MS = 15000;
/* A tab cannot be reached, and has no address to sign: RFC 2606 has a name for that. */
const NO_ADDRESS = 'unreachable.invalid';
const LONGEST_TIMER_MS = 0x7fffffff;

const isPage = typeof document !== 'undefined' && typeof window !== 'undefined';

function peerIdMade() {
  const bytes = globalThis.crypto?.getRandomValues?.(new Uint8Array(8))
    ?? Uint8Array.from({ length: 8 }, () => randomBits() & 255);
  return `peer-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}

function endpointsOf(given) {
  const list = (Array.isArray(given) ? given : [given]).map(endpointOf);
  const unique = [...new Set(list)];
  if (unique.length < 1 || unique.length > ENDPOINTS_MAX)
    throw invalid('endpoints', `1 to ${ENDPOINTS_MAX} of them, not ${unique.length}`);
  return unique;
}

function msOf(field, value, standard) {
  const ms = value ?? standard;
  if (!Number.isFinite(ms) || ms < 1 || ms > LONGEST_TIMER_MS)
    throw invalid(field, 'a number of milliseconds');
  return Math.floor(ms);
}

/* Where a page that is loaded again finds its lease's token. */
function storageOf(isKept) {
  try {
    return !isPage ? null : isKept ? window.localStorage : window.sessionStorage;
  } catch {
    return null; /* a page may be denied its storage */
  }
}

/** See aurora.d.ts for the options, the events, and what each method does. */
export class DiscoveryClient extends Emitter {
  #options;
  #identity = null;
  #lastVersion = 0n;
  #timer = null;
  #running = null;
  #watches = new Set();
  #closing = new AbortController();
  #listening = [];
  #loading = null;
  #answered = 0;

  constructor(options) {
    super();
    this.endpoints = endpointsOf(options.endpoints ?? options.endpoint ?? []);
    this.timeoutMs = msOf('timeoutMs', options.timeoutMs, TIMEOUT_MS);
    this.deadlineMs = msOf('deadlineMs', options.deadlineMs, DEADLINE_MS);
    this.heartbeatMs = msOf('heartbeatMs', options.heartbeatMs, HEARTBEAT_MS);
    this.peerId = options.peerId ?? peerIdMade();
    this.archetypes = options.archetypes ?? [];
    this.address = options.address ?? null;
    this.port = options.port ?? 0;
    this.metadata = options.metadata ?? {};
    this.leaseToken = options.leaseToken ?? null;
    this.vouchedBecause = null;
    this.isRegistered = false;
    this.#options = options;
  }

  /** @param {any} options @returns {Promise<DiscoveryClient>} ready, and not registered */
  static async create(options) {
    const client = new DiscoveryClient(options);
    await client.ready();
    return client;
  }

  /** Loads the module and opens the identity. Every method waits for it by itself. */
  ready() {
    this.#loading ??= this.#load().catch((error) => {
      this.#loading = null;
      throw error;
    });
    return this.#loading;
  }

  async #load() {
    const core = await Core.load();
    core.c.schedule_init(this.endpoints.length, this.heartbeatMs);
    await this.#identify(this.#options.identity);
    this.core = core;
  }

  /* Where it cannot be had, the peer is as good as any that its home vouches for; that is said. */
  async #identify(wanted) {
    if (!wanted) return;
    try {
      this.#identity = wanted instanceof Identity ? wanted
        : await Identity.open(wanted === true ? undefined : wanted);
      this.peerId = this.#identity.peerId;
    } catch (error) {
      this.vouchedBecause = error;
      console.warn(`aurora: ${error.message}; registering as vouched for by its node`);
      this.emit('vouched', { error });
    }
  }

  /** Does the peer sign for itself? */
  get isSelfCertified() {
    return this.#identity !== null;
  }

  /** The node that answered last. */
  get endpoint() {
    return this.endpoints[this.#answered];
  }

  get isHeartbeating() {
    return this.#timer !== null || this.#running !== null;
  }

  /* --- Asking -------------------------------------------------------------------------------- */

  /** Asks one node after the other until one answers; what it refuses, the others would, too. */
  async #ask(what) {
    await this.ready();
    const until = Date.now() + this.deadlineMs;
    let last = null;
    for (const index of this.core.order(this.endpoints.length)) {
      const left = until - Date.now();
      if (this.#closing.signal.aborted) throw new AuroraError('aborted', 'the client is closed');
      if (left <= 0) break;
      try {
        return await this.#askOne(index, what, Math.min(this.timeoutMs, left));
      } catch (error) {
        if (!isNodeFault(error)) throw error;
        last = error;
      }
    }
    throw last;
  }

  async #askOne(index, what, timeoutMs) {
    const endpoint = this.endpoints[index];
    try {
      const answer = await request(endpoint, {
        maxBytes: this.#options.answerMaxBytes ?? ANSWER_MAX_BYTES,
        signal: this.#closing.signal, ...what, timeoutMs,
      });
      this.endpointAnswered(index);
      return answer;
    } catch (error) {
      if (isNodeFault(error)) this.endpointFailed(index, error);
      else if (error.code !== 'aborted') this.endpointAnswered(index);
      throw error;
    }
  }

  /** For PeerWatch, which shares what is known of the nodes. @internal */
  endpointAnswered(index) {
    this.core.c.schedule_answered(index);
    if (this.#answered === index) return;
    this.#answered = index;
    this.emit('endpoint', { endpoint: this.endpoints[index] });
  }

  /** @internal */
  endpointFailed(index, error) {
    this.core.c.schedule_endpoint_failed(index, Date.now());
    this.emit('failover', { endpoint: this.endpoints[index], error });
  }

  /** GET any path of a node, `/v1/members` for one. */
  get(path, { signal } = {}) {
    return this.#ask({ path, ...(signal ? { signal } : {}) });
  }

  health() {
    return this.get('/health');
  }

  /** The peers that fit; `archetypes` and the like as in aurora.d.ts. */
  async discover(filter = null) {
    const answer = await this.get(`/discover${queryOf(filter)}`);
    if (!Array.isArray(answer.peers))
      throw new AuroraError('nonsense', `${this.endpoint}: an answer without peers`);
    return answer.peers;
  }

  /** The full record of one peer; null: the cluster does not know it. */
  async peer(peerId) {
    try {
      return await this.get(`/v1/peers/${encodeURIComponent(peerId)}`);
    } catch (error) {
      if (error.code === 'unknown-peer') return null;
      throw error;
    }
  }

  /* --- The peer itself ----------------------------------------------------------------------- */

  get #storage() {
    return this.#options.tokenStorage ?? storageOf(this.isSelfCertified);
  }

  get #tokenKey() {
    return `aurora-lease:${this.peerId}`;
  }

  #tokenHeaders() {
    this.leaseToken ??= this.#storage?.getItem(this.#tokenKey) ?? null;
    return this.leaseToken ? { Authorization: `Bearer ${this.leaseToken}` } : {};
  }

  #tokenSet(token) {
    this.leaseToken = token;
    if (token) this.#storage?.setItem(this.#tokenKey, token);
    else this.#storage?.removeItem(this.#tokenKey);
  }

  /** The ttl that suits how often heartbeats can come. */
  get ttlSeconds() {
    return this.#options.ttlSeconds
      ?? this.core.c.schedule_ttl_s(this.heartbeatMs, isPage ? 1 : 0);
  }

  #description() {
    const address = this.address ?? (this.#identity ? NO_ADDRESS : null);
    return {
      peerId: this.peerId, address, port: this.port, archetypes: this.archetypes,
      metadata: metadataText(this.metadata), ttlSeconds: this.ttlSeconds,
    };
  }

  /* Versions only rise: the clock's milliseconds, or one more than the last. */
  async #signed(description) {
    if (!this.#identity) return description;
    const now = BigInt(Date.now());
    this.#lastVersion = now > this.#lastVersion ? now : this.#lastVersion + 1n;
    const versioned = { ...description, peerVersion: this.#lastVersion };
    const { signed } = this.core.encode(versioned);
    return { ...versioned, signature: await this.#identity.sign(signed) };
  }

  async #registerOnce() {
    const description = this.#description();
    this.core.check({ ...description, address: description.address ?? NO_ADDRESS });
    const isProtected = this.#options.protect ?? true;
    return this.#ask({
      method: 'POST', path: isProtected ? '/v1/peers' : '/register',
      headers: isProtected ? this.#tokenHeaders() : {},
      body: registrationBody(await this.#signed(description)),
    });
  }

  /* Somebody with this key has registered since, or with a clock that is ahead. */
  async #versionCaughtUp() {
    const record = await this.peer(this.peerId);
    const known = BigInt(record?.peer_version ?? 0);
    if (known > this.#lastVersion) this.#lastVersion = known;
  }

  /** Registers the peer, or changes its registration. */
  async register(changes = {}) {
    await this.ready();
    Object.assign(this, pick(changes, ['archetypes', 'address', 'port', 'metadata']));
    let answer;
    try {
      answer = await this.#registerOnce();
    } catch (error) {
      if (error.code !== 'conflict' || !this.#identity) throw error;
      await this.#versionCaughtUp();
      answer = await this.#registerOnce();
    }
    if (typeof answer.ttl_expires !== 'string')
      throw new AuroraError('nonsense', `${this.endpoint}: an answer without ttl_expires`);
    if (answer.lease_token) this.#tokenSet(answer.lease_token);
    this.#leased();
    this.emit('registered', { peerId: this.peerId, endpoint: this.endpoint,
                              ttlExpires: answer.ttl_expires, answer });
    return answer;
  }

  #leased() {
    this.isRegistered = true;
    this.core.c.schedule_done(Date.now(), this.ttlSeconds * 1000, randomBits());
  }

  /** Renews the lease; where the cluster does not know the peer (any more), registers it. */
  async heartbeat() {
    await this.ready();
    const headers = this.#tokenHeaders();
    const path = this.leaseToken ? `/v1/peers/${encodeURIComponent(this.peerId)}/heartbeat`
      : '/heartbeat';
    try {
      const body = this.leaseToken ? undefined : { peer_id: this.peerId };
      const answer = await this.#ask({ method: 'POST', path, headers, body });
      this.#leased();
      this.emit('heartbeat', { peerId: this.peerId, endpoint: this.endpoint,
                               ttlExpires: answer.ttl_expires, answer });
      return answer;
    } catch (error) {
      if (error.code !== 'unknown-peer') throw error;
      return this.#registerAgain();
    }
  }

  async #registerAgain() {
    this.isRegistered = false;
    this.core.c.schedule_unknown(Date.now());
    this.#tokenSet(null);
    this.emit('unknown', { peerId: this.peerId, endpoint: this.endpoint });
    return this.register();
  }

  /** Ends the lease, everywhere. Heartbeats stop. */
  async deregister() {
    await this.ready();
    this.stopHeartbeat();
    try {
      await this.#ask(this.#deregistration());
    } catch (error) {
      if (error.code !== 'unknown-peer') throw error;
    }
    this.isRegistered = false;
    this.#tokenSet(null);
    this.emit('deregistered', { peerId: this.peerId });
  }

  #deregistration() {
    return { method: 'DELETE', path: `/v1/peers/${encodeURIComponent(this.peerId)}`,
             headers: this.#tokenHeaders() };
  }

  /* --- Heartbeats ---------------------------------------------------------------------------- */

  /** Registers if need be, and then sends heartbeats by itself. Errors come as events. */
  async startHeartbeat(intervalMs = this.heartbeatMs) {
    this.heartbeatMs = msOf('heartbeatMs', intervalMs, HEARTBEAT_MS);
    await this.ready();
    this.core.c.schedule_interval_set(this.heartbeatMs);
    this.core.c.schedule_start(Date.now());
    this.#listen();
    this.#look();
  }

  stopHeartbeat() {
    if (this.#timer !== null) clearTimer(this.#timer);
    this.#timer = null;
    this.core?.c.schedule_stop();
    for (const [target, name, listener] of this.#listening)
      target.removeEventListener(name, listener);
    this.#listening = [];
  }

  /* What is due is done now; else again when it will be. */
  #look() {
    if (this.#running) return;
    if (this.#timer !== null) clearTimer(this.#timer);
    this.#timer = null;
    const action = this.core.c.schedule_action(Date.now());
    if (action !== ACTION.wait) {
      this.#running = this.#act(action).finally(() => {
        this.#running = null;
        this.#look();
      });
      return;
    }
    const wait = this.core.c.schedule_wait_ms(Date.now());
    if (wait <= LONGEST_TIMER_MS) this.#timer = setTimer(() => this.#look(), wait);
  }

  async #act(action) {
    try {
      await (action === ACTION.register ? this.register() : this.heartbeat());
    } catch (error) {
      if (error.code === 'aborted') return;
      this.core.c.schedule_failed(Date.now(), Math.min(error.retryAfterMs ?? 0, LONGEST_TIMER_MS),
                                  randomBits());
      const retryMs = this.core.c.schedule_wait_ms(Date.now());
      this.emit('error', { error, action: action === ACTION.register ? 'register' : 'heartbeat',
                           retryMs });
    }
  }

  /* Throttled or frozen timers: what is overdue when a page comes back is done at once. */
  #listen() {
    if (!isPage || this.#listening.length > 0) return;
    const look = () => document.visibilityState === 'visible' && this.#look();
    const leave = () => (this.#options.leaveWithPage ?? true) && this.#leave();
    this.#listening = [[document, 'visibilitychange', look], [window, 'pageshow', look],
                       [window, 'online', look], [window, 'pagehide', leave]];
    for (const [target, name, listener] of this.#listening)
      target.addEventListener(name, listener);
  }

  /* The page goes: its peer, too, as far as one last request can do it. If it comes back from the
   * browser's cache, it registers again. */
  #leave() {
    if (!this.isRegistered) return;
    request(this.endpoint, { ...this.#deregistration(), keepalive: true }).catch(() => {});
    this.#tokenSet(null);
    this.isRegistered = false;
    this.core.c.schedule_unknown(Date.now());
  }

  /* --- Watching, and the end ----------------------------------------------------------------- */

  /** The live picture of the peers that fit. */
  watch(filter = null, options = {}) {
    const watch = new PeerWatch(this, filter, options, this.#closing.signal.aborted);
    this.#watches.add(watch);
    watch.on('closed', () => this.#watches.delete(watch));
    return watch;
  }

  /** Ends what is under way. A lease that was not ended by deregister() runs out by itself. */
  close() {
    this.stopHeartbeat();
    for (const watch of this.#watches) watch.close();
    this.#closing.abort();
  }
}

function pick(from, names) {
  return Object.fromEntries(names.filter((name) => from[name] !== undefined)
    .map((name) => [name, from[name]]));
}
