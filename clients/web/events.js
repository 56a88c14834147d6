// SPDX-License-Identifier: Apache-2.0
/* events.js - listeners by name; one that throws stops nobody else */

function reported(error) {
  if (typeof globalThis.reportError === 'function') globalThis.reportError(error);
  else setTimeout(() => { throw error; });
}

/** What DiscoveryClient and PeerWatch have in common. */
export class Emitter {
  /** @type {Map<string, Set<(event: any) => void>>} */
  #listeners = new Map();

  /**
   * @param {string} name of the event; `*` hears all, with their names
   * @param {(event: any, name: string) => void} listener
   * @returns {() => void} takes the listener away again
   */
  on(name, listener) {
    if (!this.#listeners.has(name)) this.#listeners.set(name, new Set());
    this.#listeners.get(name).add(listener);
    return () => this.#listeners.get(name).delete(listener);
  }

  /** @param {string} name @param {any} event */
  emit(name, event) {
    for (const listener of [...this.#listeners.get(name) ?? [], ...this.#listeners.get('*') ?? []])
      try {
        listener(event, name);
      } catch (error) {
        reported(error);
      }
  }
}
