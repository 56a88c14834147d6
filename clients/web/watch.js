// SPDX-License-Identifier: Apache-2.0
/* watch.js - PeerWatch: the peers that fit a filter, live, through the death of nodes
 *
 * One stream to one node. When it breaks, the next connection says what was seen last: the same
 * node goes on from there, another one sends a snapshot, of which listeners get the differences. */
import { randomBits } from './core.js';
import { AuroraError, isNodeFault } from './error.js';
import { Emitter } from './events.js';
import { queryOf } from './query.js';
import { FETCH_OPTIONS, deadlineOf, objectOrNull, readerOf, refusalOf } from './request.js';
import { SseParser } from './sse.js';
import { clearTimer, setTimer } from './timers.js';

/* Nodes say something every 15 s; after three times that the stream is dead. */
export const SILENCE_MS = 45000;
const PEERS_MAX = 100000;
/* Events that wait for a slow `for await`; then it gets the whole picture instead. */
const QUEUE_MAX = 10000;
/* To another node at once, but not all clients in the same millisecond. */
const FAILOVER_JITTER_MS = 100;
/* A stream that lived so long has not failed, however it ended. */
const SERVED_MS = 10000;
/* How long to stay away where no node has said it. */
const RETRY_MS = 2000;
const REFUSAL_MAX_BYTES = 65536;
/* The deadline of a busy stream is not moved with every chunk. */
const EXTEND_MS = 1000;

/* What a record says, apart from times that change by themselves. */
function printOf(record) {
  const { last_seen: _seen, expires_in: _in, ...rest } = record;
  return JSON.stringify(rest);
}

function parsed(event) {
  let data = null;
  try {
    data = JSON.parse(event.data);
  } catch { /* as bad as no object */ }
  if (data === null || typeof data !== 'object')
    throw new AuroraError('nonsense', `a "${event.name}" event that is no JSON object`);
  return data;
}

function peerOf(data) {
  if (typeof data?.peer_id !== 'string')
    throw new AuroraError('nonsense', 'an event about a peer without its peer_id');
  return data;
}

/** See aurora.d.ts for the events. */
export class PeerWatch extends Emitter {
  /** The peers as they are now, by id. @type {Map<string, any>} */
  peers = new Map();
  /** `connecting`, `live` or `closed`. */
  state = 'connecting';
  /** The node at the other end. @type {string | null} */
  endpoint = null;
  #client;
  #query;
  #peersMax;
  #silenceMs;
  #page = new Map();
  #hasPicture = false;
  #lastId = '';
  #retryMs = RETRY_MS;
  #failures = 0;
  #liveAt = null;
  #wasDropped = false;
  #closing = new AbortController();
  #outside;
  #close = () => this.close();
  #queue = [];
  #isQueueing = false;
  #wake = null;
  #error = null;

  /** @internal: DiscoveryClient.watch() makes them. */
  constructor(client, filter, options, isClosed) {
    super();
    this.#client = client;
    this.#query = queryOf(filter);
    this.#peersMax = options.peersMax ?? PEERS_MAX;
    this.#silenceMs = options.silenceMs ?? SILENCE_MS;
    this.#outside = options.signal;
    this.#outside?.addEventListener('abort', this.#close, { once: true });
    if (isClosed || this.#outside?.aborted) this.#closing.abort();
    this.#run();
  }

  /* --- The connection ------------------------------------------------------------------------ */

  async #run() {
    try {
      await this.#client.ready();
      while (!this.#closing.signal.aborted) await this.#round();
    } catch (error) {
      this.#end(error);
      return;
    }
    this.#end(null);
  }

  /* One connection, from before to after. Only what no node would answer otherwise is thrown. */
  async #round() {
    const { core, endpoints } = this.#client;
    const index = core.order(endpoints.length)[0];
    const fault = await this.#faultOf(index);
    if (this.#closing.signal.aborted) return;
    this.#state('connecting', fault);
    /* A node that sends its picture and hangs up at once has not served anybody. */
    const hasServed = this.#liveAt !== null && Date.now() - this.#liveAt >= SERVED_MS;
    this.#failures = hasServed ? 1 : this.#failures + 1;
    this.#liveAt = null;
    if (fault) this.#client.endpointFailed(index, fault);
    await this.#sleep(this.#pauseMs());
  }

  /* null: the node ended the stream in good order, and can be asked again. */
  async #faultOf(index) {
    try {
      await this.#stream(index);
    } catch (error) {
      if (isNodeFault(error) || this.#closing.signal.aborted) return error;
      throw error;
    }
    return this.#liveAt === null
      ? new AuroraError('nonsense', `${this.#client.endpoints[index]}: a stream without a picture`)
      : null;
  }

  /* To the next node at once; when all have failed, or said that we are too slow, in a while. */
  #pauseMs() {
    const { core, endpoints } = this.#client;
    const random = randomBits();
    const wishMs = this.#retryMs / 2 + random % (this.#retryMs / 2 + 1);
    const wasDropped = this.#wasDropped;
    this.#wasDropped = false;
    if (this.#failures >= endpoints.length)
      return Math.max(wishMs, core.c.schedule_retry_ms(this.#failures - endpoints.length + 1,
                                                       random));
    return wasDropped ? wishMs : random % FAILOVER_JITTER_MS;
  }

  #sleep(ms) {
    return new Promise((resolve) => {
      const done = () => {
        clearTimer(timer);
        this.#closing.signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimer(done, ms);
      this.#closing.signal.addEventListener('abort', done, { once: true });
    });
  }

  async #stream(index) {
    const endpoint = this.#client.endpoints[index];
    const deadline = deadlineOf(this.#client.timeoutMs, this.#closing.signal);
    this.#page = new Map();
    try {
      const response = await this.#opened(endpoint, deadline);
      await this.#read(readerOf(response.body, deadline.signal), index, deadline);
    } catch (error) {
      if (error instanceof AuroraError) throw error;
      const code = deadline.signal.aborted ? 'timeout' : 'unreachable';
      const why = code === 'timeout' ? 'nothing was heard' : error?.cause?.code ?? error?.message;
      throw new AuroraError(code, `${endpoint}: ${why}`, { endpoint, cause: error });
    } finally {
      deadline.clear();
      deadline.abort();
    }
  }

  async #opened(endpoint, deadline) {
    const response = await fetch(`${endpoint}/v1/watch${this.#query}`, {
      ...FETCH_OPTIONS, signal: deadline.signal,
      headers: { Accept: 'text/event-stream',
                 ...(this.#lastId ? { 'Last-Event-ID': this.#lastId } : {}) },
    });
    const type = response.headers.get('Content-Type') ?? '';
    if (!response.ok) throw await this.#refusal(response, endpoint, deadline.signal);
    if (!type.startsWith('text/event-stream') || !response.body)
      throw new AuroraError('nonsense', `${endpoint}: no event stream`, { endpoint });
    return response;
  }

  async #refusal(response, endpoint, signal) {
    const said = await objectOrNull(response, REFUSAL_MAX_BYTES, endpoint, signal);
    const error = refusalOf(response, said, endpoint);
    return error.status === 404
      ? new AuroraError('nonsense', `${endpoint}: no /v1/watch there`, { endpoint, status: 404 })
      : error;
  }

  async #read(reader, index, deadline) {
    const parser = new SseParser();
    for (let movedAt = 0;;) {
      if (Date.now() - movedAt > EXTEND_MS) {
        deadline.extend(this.#silenceMs);
        movedAt = Date.now();
      }
      const { done, value } = await reader.read();
      if (done) return;
      for (const event of parser.push(value)) {
        this.#heard(event, index);
        this.#lastId = event.id || this.#lastId;
      }
      this.#lastId = parser.lastId || this.#lastId;
      this.#retryMs = parser.retryMs ?? this.#retryMs;
    }
  }

  /* --- Events -------------------------------------------------------------------------------- */

  #heard(event, index) {
    const data = parsed(event);
    if (event.name === 'snapshot') this.#snapshot(data, index);
    else if (event.name === 'resumed') this.#resumed(data, index);
    else if (event.name === 'up' || event.name === 'update') this.#put(peerOf(data.peer));
    else if (event.name === 'down') this.#take(peerOf(data).peer_id, data);
    else if (event.name === 'home') this.#home(data);
    else if (event.name === 'dropped') this.#dropped(data);
  }

  #dropped(data) {
    this.#wasDropped = true;
    this.#tell('dropped', data);
  }

  #live(index) {
    this.#liveAt = Date.now();
    this.endpoint = this.#client.endpoints[index];
    this.#client.endpointAnswered(index);
    this.#state('live');
  }

  #state(state, error = null) {
    if (this.state === state && !error) return;
    this.state = state;
    if (state !== 'live') this.endpoint = null;
    this.emit('state', { state, endpoint: this.endpoint, error });
  }

  #resumed(data, index) {
    if (!this.#hasPicture)
      throw new AuroraError('nonsense', 'a stream that resumes what never was');
    this.#live(index);
    this.#tell('resumed', data);
  }

  /* Pages gather until the last one; then the picture changes at once, by its differences. */
  #snapshot(data, index) {
    if (!Array.isArray(data.peers))
      throw new AuroraError('nonsense', 'a snapshot without peers');
    for (const peer of data.peers) this.#page.set(peerOf(peer).peer_id, peer);
    if (this.#page.size > this.#peersMax)
      throw new AuroraError('too-large', `a snapshot of over ${this.#peersMax} peers`);
    if (data.more) return;
    const fresh = this.#page;
    this.#page = new Map();
    this.#live(index);
    for (const peer of fresh.values()) this.#put(peer);
    for (const id of [...this.peers.keys()])
      if (!fresh.has(id)) this.#take(id, { peer_id: id, reason: 'not-in-snapshot' });
    this.#hasPicture = true;
    this.#tell('snapshot', { peers: [...this.peers.values()], node: data.node,
                             reason: data.reason });
  }

  #put(peer) {
    const before = this.peers.get(peer.peer_id);
    if (!before && this.peers.size >= this.#peersMax)
      throw new AuroraError('too-large', `over ${this.#peersMax} peers`);
    this.peers.set(peer.peer_id, peer);
    if (!before) this.#tell('up', { peer });
    else if (printOf(before) !== printOf(peer)) this.#tell('update', { peer, before });
  }

  #take(id, data) {
    const peer = this.peers.get(id);
    if (this.peers.delete(id)) this.#tell('down', { ...data, peer });
  }

  /* Of all the peers of one life of a home at once. */
  #home({ home, epoch, status }) {
    this.#tell('home', { home, epoch, status });
    for (const peer of [...this.peers.values()])
      if (peer.home === home && peer.epoch === epoch) this.#put({ ...peer, status });
  }

  #tell(type, event) {
    this.emit(type, event);
    if (!this.#isQueueing) return;
    this.#queue.push({ type, ...event });
    if (this.#queue.length > QUEUE_MAX)
      this.#queue = [{ type: 'snapshot', peers: [...this.peers.values()], reason: 'too-slow' }];
    this.#wake?.();
  }

  /* --- As an iterator ------------------------------------------------------------------------ */

  /** Begins with the picture as it is; ends with close(), or with what made it end. */
  async *[Symbol.asyncIterator]() {
    if (this.#isQueueing) throw new AuroraError('invalid', 'watch: only one loop over it');
    this.#isQueueing = true;
    if (this.#hasPicture)
      this.#queue.push({ type: 'snapshot', peers: [...this.peers.values()], reason: 'new' });
    try {
      for (;;) {
        while (this.#queue.length > 0) yield this.#queue.shift();
        if (this.state === 'closed') break;
        await new Promise((resolve) => { this.#wake = resolve; });
      }
      if (this.#error) throw this.#error;
    } finally {
      this.#isQueueing = false;
      this.#queue = [];
    }
  }

  #end(error) {
    if (this.state === 'closed') return;
    this.#error = error;
    this.state = 'closed';
    this.endpoint = null;
    this.#closing.abort();
    this.#outside?.removeEventListener('abort', this.#close);
    if (error) this.emit('error', { error });
    this.emit('state', { state: 'closed', endpoint: null, error });
    this.emit('closed', { error });
    this.#wake?.();
  }

  /** Ends the stream; the picture stays as it is. */
  close() {
    this.#closing.abort();
    this.#end(null);
  }
}
