// SPDX-License-Identifier: Apache-2.0
/* core.js - the C code, as WebAssembly: what a peer may say about itself, the bytes that it signs,
 * and the schedule of a client */
import { AuroraError, invalid } from './error.js';

/* enum draft_field and enum schedule_action of the C side. */
const FIELD = { peerId: 1, address: 2, metadata: 3, archetype: 4 };
export const ACTION = { wait: 0, register: 1, heartbeat: 2 };
export const ENDPOINTS_MAX = 16;

/* What each field must be, for the message: limits.h has the figures. */
const RULES = {
  peer_id: '1 to 128 bytes without control characters, and a key if it begins with ed25519:',
  archetypes: 'at most 16, each of 1 to 64 bytes without control characters',
  address: '1 to 255 bytes without control characters',
  port: 'a whole number from 0 to 65535',
  metadata: 'a JSON object of at most 512 bytes',
  ttl_seconds: 'a whole number from 10 to 86400',
  peer_version: 'a whole number from 1 to 9223372036854775807',
};

const VERSION_MAX = (1n << 63n) - 1n;
const encoder = new TextEncoder();

async function bytesOfModule() {
  const url = new URL('./aurora.wasm', import.meta.url);
  if (url.protocol === 'file:') {
    const { readFile } = await import('node:fs/promises');
    return readFile(url);
  }
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: status ${response.status}`);
  return response.arrayBuffer();
}

/** @type {Promise<WebAssembly.Module> | null} */
let loading = null;

/** Where a bundler moved aurora.wasm, or a test has another: its bytes, or the module. */
export function loadFrom(source) {
  loading = source instanceof WebAssembly.Module
    ? Promise.resolve(source) : WebAssembly.compile(source);
}

async function compiled() {
  loading ??= bytesOfModule().then((bytes) => WebAssembly.compile(bytes));
  try {
    return await loading;
  } catch (error) {
    loading = null; /* the next one may have more luck */
    throw new AuroraError('wasm', `aurora.wasm cannot be loaded: ${error?.message ?? error}`,
                          { cause: error });
  }
}

/** One instance of the module: a draft and a schedule of its own. */
export class Core {
  /** @returns {Promise<Core>} */
  static async load() {
    return new Core((await WebAssembly.instantiate(await compiled())).exports);
  }

  /** @param {any} exports */
  constructor(exports) {
    this.c = exports;
  }

  /* Writes a text where C wants it. One that is longer than the room is cut, and its length, which
   * is then too large, lets C refuse it. */
  #put(field, text) {
    const bytes = encoder.encode(text);
    const room = new Uint8Array(this.c.memory.buffer, this.c.draft_room(),
                                this.c.draft_room_bytes());
    room.set(bytes.subarray(0, room.length));
    this.c.draft_text(field, bytes.length);
  }

  #textAt(pointer) {
    const bytes = new Uint8Array(this.c.memory.buffer, pointer);
    return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
  }

  /* Types are JavaScript's to check; C takes it from there. */
  #fill(peer) {
    this.c.draft_begin();
    this.#put(FIELD.peerId, textOf('peer_id', peer.peerId));
    this.#put(FIELD.address, textOf('address', peer.address));
    this.#put(FIELD.metadata, textOf('metadata', peer.metadata ?? ''));
    for (const archetype of listOf('archetypes', peer.archetypes ?? []))
      this.#put(FIELD.archetype, textOf('archetypes', archetype));
    this.c.draft_numbers(wholeOf('port', peer.port), wholeOf('ttl_seconds', peer.ttlSeconds));
    if (peer.peerVersion !== undefined) this.c.draft_version(versionOf(peer.peerVersion));
    const fault = this.c.draft_check();
    if (fault !== 0) {
      const field = this.#textAt(fault);
      throw invalid(field, RULES[field]);
    }
  }

  /**
   * Raises what a node would refuse. `metadata` is JSON text, as it will be sent.
   * @param {{peerId: string, address: string, port: number, archetypes?: string[],
   *   metadata?: string, ttlSeconds: number, peerVersion?: bigint|number}} peer
   */
  check(peer) {
    this.#fill(peer);
  }

  /**
   * What a self-certifying peer signs.
   * @returns {{signed: Uint8Array<ArrayBuffer>, body: Uint8Array<ArrayBuffer>}} `body` is `signed`
   *   without the domain in front
   */
  encode(peer) {
    this.#fill(peer);
    const length = this.c.draft_encode();
    if (length === 0) throw invalid('metadata', 'too long beside the other fields');
    const start = this.c.draft_out();
    const signed = new Uint8Array(this.c.memory.buffer.slice(start, start + length));
    return { signed, body: signed.slice(this.c.draft_frame_bytes()) };
  }

  /** The endpoints' numbers, in the order in which to ask them. */
  order(count) {
    return Array.from(new Uint32Array(this.c.memory.buffer, this.c.schedule_order(), count));
  }
}

function textOf(field, value) {
  if (typeof value !== 'string') throw invalid(field, RULES[field]);
  if (hasLoneSurrogate(value)) throw invalid(field, 'not Unicode: half of a surrogate pair');
  return value;
}

/* The encoder would put a replacement character there, silently. */
function hasLoneSurrogate(text) {
  return /[\ud800-\udfff]/u.test(text);
}

function listOf(field, value) {
  if (!Array.isArray(value)) throw invalid(field, RULES[field]);
  return value;
}

function wholeOf(field, value) {
  if (!Number.isInteger(value) || value < 0 || value > 0xffffffff)
    throw invalid(field, RULES[field]);
  return value;
}

function versionOf(value) {
  const isWhole = typeof value === 'bigint' || Number.isSafeInteger(value);
  if (!isWhole || value < 0 || BigInt(value) > VERSION_MAX)
    throw invalid('peer_version', RULES.peer_version);
  return BigInt(value);
}

/** 32 random bits, for the schedule. */
export function randomBits() {
  return Math.floor(Math.random() * 0x100000000);
}
