// SPDX-License-Identifier: Apache-2.0
/* sse.js - Server-Sent Events, read from bytes as they come, within bounds */
import { AuroraError } from './error.js';

/** A page of a snapshot has some 16 KB. */
export const EVENT_MAX_CHARS = 1 << 20;

/** Reads bytes, gives events: the standard's parser, except that no event may be endless. */
export class SseParser {
  #decoder = new TextDecoder('utf-8', { fatal: true });
  #rest = '';
  #event = { name: '', data: [], chars: 0 };
  #id = '';
  /** The last id, '' until there is one. An event without data moves it, too. */
  lastId = '';
  /** What the server wishes before one connects again; null: nothing. @type {number | null} */
  retryMs = null;

  /**
   * @param {Uint8Array} bytes
   * @returns {Generator<{name: string, data: string, id: string}>}
   */
  *push(bytes) {
    const text = this.#rest + this.#decoded(bytes);
    /* A CR at the very end may be half of a CR LF: it waits for what follows. */
    const whole = text.endsWith('\r') ? text.slice(0, -1) : text;
    const lines = whole.split(/\r\n|\n|\r/);
    this.#rest = lines.pop() + text.slice(whole.length);
    this.#bound(this.#rest.length);
    for (const line of lines) {
      const event = this.#line(line);
      if (event) yield event;
    }
  }

  #decoded(bytes) {
    try {
      return this.#decoder.decode(bytes, { stream: true });
    } catch (error) {
      throw new AuroraError('nonsense', 'a stream that is not UTF-8', { cause: error });
    }
  }

  #bound(more) {
    if (this.#event.chars + more > EVENT_MAX_CHARS)
      throw new AuroraError('too-large', `an event over ${EVENT_MAX_CHARS} characters`);
  }

  #line(line) {
    if (line === '') return this.#dispatched();
    if (line[0] === ':') return null;
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    this.#field(name, value);
    return null;
  }

  #field(name, value) {
    if (name === 'event') this.#event.name = value;
    else if (name === 'id' && !value.includes('\0')) this.#id = value;
    else if (name === 'retry' && /^\d{1,9}$/.test(value)) this.retryMs = Number(value);
    else if (name === 'data') {
      this.#bound(value.length);
      this.#event.data.push(value);
      this.#event.chars += value.length + 1;
    }
  }

  #dispatched() {
    const { name, data } = this.#event;
    this.#event = { name: '', data: [], chars: 0 };
    this.lastId = this.#id;
    return data.length === 0 ? null
      : { name: name || 'message', data: data.join('\n'), id: this.lastId };
  }
}
