// SPDX-License-Identifier: Apache-2.0
/* legend.js - the archetypes, their colours, and which of them to show */
import { clipped, make, reconcile, say } from './dom.js';
import { hueOf } from './words.js';

const CHIPS_MAX = 12;

/** How many peers there are of each archetype, most first. @returns {[string, number][]} */
export function tally(peers) {
  const counts = new Map();
  for (const { archetypes } of peers)
    for (const archetype of archetypes) counts.set(archetype, (counts.get(archetype) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
}

export class Legend {
  #list;
  #onChange;
  #chosen = new Set();

  constructor(list, onChange) {
    this.#list = list;
    this.#onChange = onChange;
  }

  /** Has the peer all the archetypes that were chosen? Without any, everybody has. */
  matches(peer) {
    return [...this.#chosen].every((archetype) => peer.archetypes.includes(archetype));
  }

  get isFiltering() {
    return this.#chosen.size > 0;
  }

  show(counts) {
    const shown = counts.filter(([archetype], i) => i < CHIPS_MAX || this.#chosen.has(archetype));
    /* One that was chosen and has nobody left can still be given up. */
    for (const archetype of this.#chosen)
      if (!counts.some(([name]) => name === archetype)) shown.push([archetype, 0]);
    shown.sort((a, b) => (a[0] < b[0] ? -1 : 1));
    reconcile(this.#list, shown, ([archetype]) => archetype, ([archetype]) => this.#chip(archetype),
              (item, [archetype, count]) => this.#update(item, archetype, count));
  }

  #chip(archetype) {
    const button = make('button', { type: 'button', 'aria-pressed': 'false' }, clipped(archetype),
                        make('span', { class: 'tick' }));
    button.style.setProperty('--hue', hueOf(archetype));
    button.addEventListener('click', () => {
      if (!this.#chosen.delete(archetype)) this.#chosen.add(archetype);
      this.#onChange();
    });
    return make('li', {}, button);
  }

  #update(item, archetype, count) {
    const button = item.firstElementChild;
    say(button.lastElementChild, String(count));
    button.setAttribute('aria-pressed', String(this.#chosen.has(archetype)));
  }
}
