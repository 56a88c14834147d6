// SPDX-License-Identifier: Apache-2.0
/* log.js - the console: what happened, newest last */
import { make } from './dom.js';
import { clock, count } from './words.js';

const LINES_MAX = 200;
const BURST_LINES = 12; /* a second; what is over is counted, not shown */
const BOTTOM_PX = 30;

export class Log {
  #list;
  #second = 0;
  #shown = 0;
  #hidden = 0;

  /** @param {HTMLElement} list */
  constructor(list) {
    this.#list = list;
  }

  /** @param {string} text @param {'good'|'warn'|'bad'|''} [kind] */
  add(text, kind = '') {
    if (this.#isTooMuch()) return;
    const isAtEnd = this.#list.scrollHeight - this.#list.scrollTop - this.#list.clientHeight
      < BOTTOM_PX;
    this.#list.append(make('li', { class: kind && `is-${kind}` },
                           make('time', {}, clock()), make('span', {}, text)));
    while (this.#list.childElementCount > LINES_MAX) this.#list.firstElementChild.remove();
    if (isAtEnd) this.#list.scrollTop = this.#list.scrollHeight;
  }

  clear() {
    this.#list.replaceChildren();
  }

  #isTooMuch() {
    const second = Math.floor(Date.now() / 1000);
    if (second !== this.#second) {
      const hidden = this.#hidden;
      this.#second = second;
      this.#shown = this.#hidden = 0;
      if (hidden > 0) this.add(`… and ${count(hidden, 'more change')}`);
    }
    this.#hidden += this.#shown >= BURST_LINES ? 1 : 0;
    return this.#shown++ >= BURST_LINES;
  }
}
