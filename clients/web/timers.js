// SPDX-License-Identifier: Apache-2.0
/* timers.js - timers that go on while a page is in the background
 *
 * Browsers let the timers of a hidden page run once a minute. Those of a Worker they leave alone,
 * so a Worker counts the time where there can be one: not in Node.js, which needs none, and not
 * where this module was loaded from another origin. There the page's own timers must do, and
 * whoever has something to do on time looks again when the page becomes visible (client.js). */

/** @type {Map<number, {run: () => void, fallback?: any, at: number}>} */
const waiting = new Map();
let lastId = 0;
/** @type {Worker | null | undefined} undefined: not tried yet; null: none to be had */
let worker;

function fire(id) {
  const timer = waiting.get(id);
  waiting.delete(id);
  timer?.run();
}

/* From here on without a Worker; what waited for it is taken over. */
function giveUp() {
  worker?.terminate();
  worker = null;
  for (const [id, timer] of waiting)
    timer.fallback ??= setTimeout(() => fire(id), Math.max(0, timer.at - Date.now()));
}

function start() {
  if (typeof document === 'undefined' || typeof Worker === 'undefined') return null;
  try {
    const made = new Worker(new URL('./timers_worker.js', import.meta.url));
    made.onmessage = (event) => fire(event.data);
    made.onerror = giveUp;
    return made;
  } catch {
    return null;
  }
}

/**
 * Like setTimeout.
 * @param {() => void} run
 * @param {number} delayMs
 * @returns {number} for clearTimer()
 */
export function setTimer(run, delayMs) {
  const id = ++lastId;
  const delay = Math.min(Math.max(delayMs, 0), 0x7fffffff); /* above, setTimeout fires at once */
  const timer = { run, at: Date.now() + delay };
  waiting.set(id, timer);
  if (worker === undefined) worker = start();
  if (worker) worker.postMessage({ id, delay });
  else timer.fallback = setTimeout(() => fire(id), delay);
  return id;
}

/** @param {number} id */
export function clearTimer(id) {
  const timer = waiting.get(id);
  if (!waiting.delete(id)) return;
  if (timer.fallback !== undefined) clearTimeout(timer.fallback);
  else worker?.postMessage({ id });
}
