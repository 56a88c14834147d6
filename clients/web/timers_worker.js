// SPDX-License-Identifier: Apache-2.0
/* timers_worker.js - counts the time for timers.js; a Worker of its own, that is all it does */
const running = new Map();

self.onmessage = ({ data: { id, delay } }) => {
  clearTimeout(running.get(id));
  running.delete(id);
  if (delay === undefined) return;
  running.set(id, setTimeout(() => {
    running.delete(id);
    self.postMessage(id);
  }, delay));
};
