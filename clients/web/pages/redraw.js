// SPDX-License-Identifier: Apache-2.0
/* redraw.js - draws soon after something changed, not after each thing that did */

const LEAST_MS = 60;
const SHARE = 4; /* of the time, drawing takes at most a fourth */

export class Redraw {
  #draw;
  #timer = null;
  #nextAt = 0;

  constructor(draw) {
    this.#draw = draw;
  }

  soon() {
    if (this.#timer !== null) return;
    this.#timer = setTimeout(() => this.#run(), Math.max(0, this.#nextAt - performance.now()));
  }

  #run() {
    const begun = performance.now();
    this.#timer = null;
    this.#draw();
    const took = performance.now() - begun;
    this.#nextAt = begun + Math.max(LEAST_MS, SHARE * took);
  }
}
