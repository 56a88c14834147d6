// SPDX-License-Identifier: Apache-2.0
/* beat.js - the heartbeat: its buttons, and how long it is until the next one */
import { byId, say } from './dom.js';
import { clock, count } from './words.js';

const LOOK_MS = 250;
const NEVER_MS = 0x7fffffff;

/* "2026-11-22T12:05:00.123456" is UTC without saying so. */
function localClock(utc) {
  const date = new Date(`${utc}Z`);
  return Number.isNaN(date.getTime()) ? utc : clock(date);
}

export class Beat {
  #you;
  #sent = 0;

  /** @param {{client: object|null, toggle: () => void, beatNow: () => void}} you */
  constructor(you) {
    this.#you = you;
    byId('beat-toggle').addEventListener('click', () => you.toggle());
    byId('beat-now').addEventListener('click', () => you.beatNow());
    setInterval(() => this.show(), LOOK_MS);
  }

  /** A new registration: the count begins again. */
  begin() {
    this.#sent = 0;
    say(byId('beat-note'), '');
  }

  renewed({ endpoint, ttlExpires }) {
    this.#sent++;
    say(byId('beat-note'), `${count(this.#sent, 'heartbeat')} sent; the last to ${endpoint}, ` +
      `the lease holds until ${localClock(ttlExpires)}`);
  }

  show() {
    const { client } = this.#you;
    const isOn = client?.isHeartbeating ?? false;
    byId('beat-toggle').disabled = byId('beat-now').disabled = !client;
    byId('beat-toggle').setAttribute('aria-pressed', String(isOn));
    say(byId('beat-toggle'), isOn ? 'Stop' : 'Start');
    const leftMs = isOn ? client.core.c.schedule_wait_ms(Date.now()) : NEVER_MS;
    const share = isOn ? Math.min(100, (100 * leftMs) / client.heartbeatMs) : 0;
    byId('beat-left').style.strokeDasharray = `${share} 100`;
    say(byId('beat-text'), this.#text(client, isOn, leftMs));
  }

  #text(client, isOn, leftMs) {
    if (!client) return 'Heartbeats keep the lease once you are registered.';
    if (!isOn) return 'Stopped: the lease will run out by itself.';
    if (leftMs >= NEVER_MS || leftMs <= 0) return 'Sending…';
    return `Next heartbeat in ${Math.ceil(leftMs / 1000)} s`;
  }
}
