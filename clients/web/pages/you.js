// SPDX-License-Identifier: Apache-2.0
/* you.js - this browser as a peer: the form, the registration, what keeps it alive */
import { DiscoveryClient } from '../client.js';
import { Beat } from './beat.js';
import { byId, say } from './dom.js';
import { listOf, reasonOf } from './words.js';

const MOVE_WITHIN_MS = 1500;
const KEPT_ID = 'aurora-demo-peer-id';
/* Which input a field's name in an error belongs to. */
const INPUTS = {
  peer_id: 'peer-id', archetypes: 'archetypes', address: 'address', port: 'port',
  ttl_seconds: 'ttl', heartbeatMs: 'interval',
};

function idMade() {
  const digits = crypto.getRandomValues(new Uint8Array(3));
  return `tab-${Array.from(digits, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}

/* A page that is loaded again is the same peer. */
function idKept() {
  try {
    const id = sessionStorage.getItem(KEPT_ID) ?? idMade();
    sessionStorage.setItem(KEPT_ID, id);
    return id;
  } catch {
    return idMade();
  }
}

function keepId(id) {
  try {
    sessionStorage.setItem(KEPT_ID, id);
  } catch { /* then the next page has another one */ }
}

function numberIn(id) {
  const text = byId(id).value.trim();
  return /^\d+$/.test(text) ? Number(text) : NaN;
}

export class You {
  client = null;
  #session;
  #log;
  #onChange;
  #beat;
  #isBusy = false;

  constructor(session, log, onChange) {
    this.#session = session;
    this.#log = log;
    this.#onChange = onChange;
    this.#beat = new Beat(this);
    byId('peer-id').value = idKept();
    byId('you').addEventListener('submit', (event) => {
      event.preventDefault();
      this.register();
    });
    byId('leave').addEventListener('click', () => this.leave());
    byId('signs').addEventListener('change', () => this.#signsChanged());
    session.on('endpoints', () => this.#endpointsChanged());
    session.on('peer', (event) => this.#orphaned(event));
    this.#signsOffered();
  }

  /** The id of the peer that this page is; null: it is none. */
  get peerId() {
    return this.client?.isRegistered ? this.client.peerId : null;
  }

  /* --- The form ------------------------------------------------------------------------------ */

  #signsOffered() {
    if (globalThis.crypto?.subtle) return;
    byId('signs').disabled = true;
    say(byId('signs-text'), 'Only pages of https: and of localhost can sign for themselves');
  }

  #signsChanged() {
    const isSigning = byId('signs').checked;
    byId('peer-id').readOnly = isSigning;
    byId('peer-id').value = isSigning ? 'this browser’s key' : idKept();
  }

  #options() {
    const isSigning = byId('signs').checked;
    return {
      endpoints: this.#session.endpoints,
      ...(isSigning ? { identity: 'demo' } : { peerId: byId('peer-id').value.trim() }),
      archetypes: listOf(byId('archetypes').value),
      address: byId('address').value.trim() || null,
      port: numberIn('port'),
      ttlSeconds: numberIn('ttl'),
      heartbeatMs: numberIn('interval') * 1000,
      metadata: { page: 'demo' },
    };
  }

  #showWrong(error) {
    for (const id of Object.values(INPUTS)) byId(id).removeAttribute('aria-invalid');
    byId('you-wrong').hidden = !error;
    if (!error) return;
    say(byId('you-wrong'), reasonOf(error));
    const input = error.code === 'invalid' && INPUTS[error.field];
    if (!input) return;
    byId(input).setAttribute('aria-invalid', 'true');
    byId(input).focus();
  }

  #show() {
    const { client } = this;
    const state = byId('you-state');
    const isIn = client?.isRegistered ?? false;
    say(state, isIn ? 'registered' : client ? 'registering again' : 'not registered');
    state.className = `aside state ${isIn ? 'is-good' : client ? 'is-warn' : ''}`;
    say(byId('register'), client ? 'Update' : 'Register');
    byId('register').disabled = this.#isBusy;
    byId('leave').disabled = this.#isBusy || !client;
    if (client?.isSelfCertified) byId('peer-id').value = client.peerId;
    this.#beat.show();
    this.#onChange();
  }

  /* One thing after the other: a second press while one is under way means nothing. */
  async #busy(what) {
    if (this.#isBusy) return;
    this.#isBusy = true;
    this.#showWrong(null);
    this.#show();
    try {
      await what();
    } catch (error) {
      this.#showWrong(error);
      this.#log.add(reasonOf(error), 'bad');
    }
    this.#isBusy = false;
    this.#endpointsChanged();
    this.#show();
  }

  /* --- What the buttons do ------------------------------------------------------------------- */

  register() {
    return this.#busy(async () => {
      const before = this.client;
      const client = new DiscoveryClient(this.#options());
      await client.ready();
      if (before?.peerId === client.peerId) client.leaseToken = before.leaseToken;
      this.#listen(client);
      await client.register();
      await client.startHeartbeat();
      this.client = client;
      this.#beat.begin();
      if (!client.isSelfCertified) keepId(client.peerId);
      await this.#end(before, before?.peerId !== client.peerId);
    });
  }

  async #end(client, isAnother) {
    if (client && isAnother)
      await client.deregister().catch(() => {}); /* then its lease ends by itself */
    client?.close();
  }

  leave() {
    return this.#busy(async () => {
      const { client } = this;
      await client.deregister();
      client.close();
      this.client = null;
      this.#log.add(`${client.peerId} has left`, 'good');
    });
  }

  toggle() {
    if (this.client.isHeartbeating) {
      this.client.stopHeartbeat();
      this.#log.add('heartbeats stopped: the lease will run out', 'warn');
    } else this.client.startHeartbeat();
    this.#show();
  }

  beatNow() {
    return this.#busy(() => this.client.heartbeat());
  }

  /* --- What happens to the peer -------------------------------------------------------------- */

  #listen(client) {
    client.on('registered', ({ peerId, endpoint }) => {
      this.#log.add(`registered ${peerId} at ${endpoint}`, 'good');
      this.#show();
    });
    client.on('heartbeat', (event) => {
      this.#beat.renewed(event);
      this.#log.add(`heartbeat to ${event.endpoint}`);
      this.#show();
    });
    client.on('failover', ({ error }) => this.#log.add(reasonOf(error), 'warn'));
    client.on('unknown', () => this.#log.add('the lease is gone: registering again', 'warn'));
    client.on('vouched', ({ error }) => {
      this.#log.add(`${reasonOf(error)} Its node vouches for it.`, 'warn');
    });
    client.on('error', ({ error, retryMs }) => {
      this.#log.add(`${reasonOf(error)} Next try in ${Math.ceil(retryMs / 1000)} s.`, 'bad');
      this.#show();
    });
  }

  /* Its home is gone: with the next heartbeat another node takes it over. Why wait? Only so that
   * not all pages come at once. */
  #orphaned({ type, peer }) {
    if (type !== 'update' || peer.peer_id !== this.peerId || peer.status !== 'orphaned') return;
    setTimeout(() => {
      if (this.client?.isHeartbeating) this.client.heartbeat().catch(() => {});
    }, Math.random() * MOVE_WITHIN_MS);
  }

  /* There are more nodes to fall back to: the same peer, with the same lease, may ask them. */
  async #endpointsChanged() {
    const before = this.client;
    const { endpoints } = this.#session;
    if (!before || this.#isBusy || before.endpoints.join() === endpoints.join()) return;
    const client = new DiscoveryClient({
      endpoints, peerId: before.peerId, leaseToken: before.leaseToken,
      identity: before.isSelfCertified ? 'demo' : undefined, archetypes: before.archetypes,
      address: before.address, port: before.port, metadata: before.metadata,
      ttlSeconds: before.ttlSeconds, heartbeatMs: before.heartbeatMs,
    });
    await client.ready();
    if (this.client !== before) return;
    this.#listen(client);
    this.client = client;
    if (before.isHeartbeating) client.startHeartbeat();
    else client.isRegistered = before.isRegistered;
    before.close();
  }
}
