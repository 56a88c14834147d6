// SPDX-License-Identifier: Apache-2.0
/* client.test.mjs - DiscoveryClient with three real nodes, one of which dies on the way */
import assert from 'node:assert/strict';
import { webcrypto } from 'node:crypto';
import { test } from 'node:test';
import { DiscoveryClient, Identity, endpoints, errorOf, eventsOf, nobody, nodes, order, someId,
         until } from './support.mjs';

const create = (options = {}) => DiscoveryClient.create({ endpoints, ...options });
const seenAt = (name, id) => fetch(`${nodes[name]}/v1/peers/${encodeURIComponent(id)}`)
  .then((answer) => (answer.ok ? answer.json() : null));
const everywhere = (id, isThere = true) => until(async () => {
  const seen = await Promise.all(Object.keys(nodes).map((name) => seenAt(name, id)));
  return seen.every((record) => (record !== null) === isThere) && seen;
}, `${id} is ${isThere ? '' : 'not '}seen everywhere`);

test('a peer registers with one node and is seen at all', async () => {
  const metadata = { nested: { list: [1, 2.5, null, 'ü'] }, empty: {} };
  const client = await create({ archetypes: ['pepino'], port: 9000, metadata });
  await client.register();
  const [record] = await everywhere(client.peerId);
  assert.deepEqual(record.metadata, metadata);
  assert.deepEqual([record.port, record.issued_by, record.has_token], [9000, 'home', true]);
  assert.equal(record.ttl_seconds, 120);
  await client.register({ archetypes: ['tomate'], metadata: {} });
  await until(async () => (await seenAt('n2', client.peerId)).archetypes[0] === 'tomate', 'change');
  await client.deregister();
  await everywhere(client.peerId, false);
});

test('a lease is its holder\'s, unless it is open', async () => {
  const client = await create();
  const other = await create({ peerId: client.peerId, endpoints: nodes.n1 });
  await client.register();
  await everywhere(client.peerId);
  assert.equal((await errorOf(other.register())).code, 'forbidden');
  assert.equal((await errorOf(other.deregister())).code, 'forbidden');
  assert.equal((await errorOf((await create({ peerId: client.peerId, leaseToken: 'wrong' }))
    .heartbeat())).code, 'forbidden');
  const heir = await create({ peerId: client.peerId, leaseToken: client.leaseToken });
  await heir.register({ port: 7 });
  const open = await create({ protect: false });
  await open.register();
  await (await create({ peerId: open.peerId, protect: false })).register({ port: 8 });
});

test('a token is kept, and found again', async () => {
  const kept = new Map();
  const tokenStorage = { getItem: (key) => kept.get(key) ?? null,
                         setItem: (key, value) => kept.set(key, value),
                         removeItem: (key) => kept.delete(key) };
  const client = await create({ tokenStorage });
  await client.register();
  assert.equal(kept.get(`aurora-lease:${client.peerId}`), client.leaseToken);
  const reloaded = await create({ peerId: client.peerId, tokenStorage });
  await reloaded.register({ port: 9 });
  await reloaded.deregister();
  assert.equal(kept.size, 0);
});

/* --- Identity -------------------------------------------------------------------------------- */

test('a signature is accepted, and stands for the peer everywhere', async () => {
  const client = await create({ identity: true, archetypes: ['b', 'a', 'b'],
                                metadata: { 'ключ': '🍅', n: 1.5 } });
  assert(client.isSelfCertified);
  assert.match(client.peerId, /^ed25519:[0-9a-f]{64}$/);
  await client.register();
  for (const record of await everywhere(client.peerId)) {
    assert.equal(record.issued_by, 'self');
    assert.deepEqual(record.archetypes, ['b', 'a']);
    assert.equal(record.address, 'unreachable.invalid');
  }
  const { peer_version: before } = await client.peer(client.peerId);
  await client.register({ address: '192.0.2.1', port: 80 });
  const { address, peer_version: after } = await client.peer(client.peerId);
  assert.equal(address, '192.0.2.1');
  assert(after > before);
});

test('nobody else can register under a key', async () => {
  const client = await create({ identity: true });
  const other = await Identity.create();
  const thief = await create({ identity: new Identity(other.keys, client.peerId.slice(8)) });
  assert.equal((await errorOf(thief.register())).code, 'forbidden');
  assert.equal((await errorOf((await create({ peerId: client.peerId })).register())).code,
               'forbidden');
});

test('an identity whose version is behind catches up', async () => {
  const identity = await Identity.create();
  const first = await create({ identity });
  await first.register();
  await everywhere(first.peerId);
  const now = Date.now;
  Date.now = () => now() - 86400000;
  try {
    const late = await create({ identity, leaseToken: first.leaseToken });
    await late.register({ port: 5 });
  } finally {
    Date.now = now;
  }
  assert.equal((await first.peer(first.peerId)).port, 5);
});

test('one\'s own keys will do', async () => {
  const keys = await webcrypto.subtle.generateKey({ name: 'Ed25519' }, true, ['sign', 'verify']);
  const client = await create({ identity: await Identity.of(keys) });
  await client.register();
  assert.equal((await client.peer(client.peerId)).issued_by, 'self');
});

test('without Ed25519 it says so, and registers as vouched', async () => {
  const subtle = webcrypto.subtle;
  const had = Object.getOwnPropertyDescriptor(globalThis, 'crypto');
  const lacking = { ...webcrypto, subtle: { generateKey: () => Promise.reject(new Error('no')) } };
  Object.defineProperty(globalThis, 'crypto', { value: lacking, configurable: true });
  const warn = console.warn;
  const warnings = [];
  console.warn = (text) => warnings.push(text);
  try {
    const peerId = someId();
    const client = new DiscoveryClient({ endpoints, peerId, identity: true });
    const events = eventsOf(client);
    await client.register();
    assert.equal(client.isSelfCertified, false);
    assert.equal(client.vouchedBecause.code, 'no-identity');
    assert.deepEqual(events.map(({ name }) => name), ['vouched', 'registered']);
    assert.equal(warnings.length, 1);
    assert.equal((await client.peer(peerId)).issued_by, 'home');
  } finally {
    console.warn = warn;
    if (had) Object.defineProperty(globalThis, 'crypto', had);
    else delete globalThis.crypto;
  }
  assert.equal(webcrypto.subtle, subtle);
});

/* --- Heartbeats ------------------------------------------------------------------------------ */

test('heartbeats keep a peer alive beyond its ttl, and end with stopHeartbeat', async () => {
  const client = await create({ ttlSeconds: 10, heartbeatMs: 1000 });
  const events = eventsOf(client);
  await client.startHeartbeat();
  assert(client.isHeartbeating);
  const beats = () => events.filter(({ name }) => name === 'heartbeat').length;
  await until(() => beats() >= 3, 'three heartbeats', 6000);
  assert.equal(events[0].name, 'registered');
  client.stopHeartbeat();
  assert(!client.isHeartbeating);
  const count = beats();
  await until(async () => (await client.peer(client.peerId)) === null, 'it expired', 20000);
  assert.equal(beats(), count);
});

test('a forgotten peer is registered again by its next heartbeat', async () => {
  const client = await create({ protect: false });
  await client.register();
  const events = eventsOf(client);
  await (await create({ peerId: client.peerId })).deregister();
  await everywhere(client.peerId, false);
  await client.heartbeat();
  assert.deepEqual(events.map(({ name }) => name), ['unknown', 'registered']);
  await everywhere(client.peerId);
});

test('a forgotten peer with a token gets a new one', async () => {
  const client = await create();
  await client.register();
  const token = client.leaseToken;
  await (await create({ peerId: client.peerId, leaseToken: token })).deregister();
  await everywhere(client.peerId, false);
  await client.heartbeat();
  assert.notEqual(client.leaseToken, token);
  await client.deregister();
});

test('heartbeats that fail everywhere are events, come again, and end in a registration',
     async () => {
  const client = await create({ endpoints: await nobody(), heartbeatMs: 1000 });
  const events = eventsOf(client);
  await client.startHeartbeat();
  const errors = () => events.filter(({ name }) => name === 'error');
  await until(() => errors().length >= 3, 'errors');
  for (const { error, action, retryMs } of errors()) {
    assert.deepEqual([error.code, action], ['unreachable', 'register']);
    assert(retryMs > 0 && retryMs <= 30000);
  }
  client.close();
});

/* --- Nodes die ------------------------------------------------------------------------------- */

test('a frozen node costs one timeout, and is asked last from then on', async () => {
  const client = await create({ timeoutMs: 3000 });
  await client.register();
  await everywhere(client.peerId);
  assert.equal(client.endpoint, nodes.n0);
  await order('n0', 'freeze');
  try {
    const events = eventsOf(client);
    const start = performance.now();
    await client.health();
    assert(performance.now() - start >= 2990, 'one timeout');
    for (let i = 0; i < 5; i++) await client.health();
    const failed = events.filter(({ name }) => name === 'failover');
    assert.deepEqual(failed.map(({ endpoint, error }) => [endpoint, error.code]),
                     [[nodes.n0, 'timeout']], 'and only one');
    assert.notEqual(client.endpoint, nodes.n0);
  } finally {
    await order('n0', 'thaw');
  }
});

test('through its home\'s death a peer stays registered, without a word from its owner',
     async () => {
  const client = await create({ heartbeatMs: 1000, timeoutMs: 1000 });
  const events = eventsOf(client);
  await client.startHeartbeat();
  await until(() => client.isRegistered, 'registered');
  await everywhere(client.peerId);
  const home = Object.keys(nodes).find((name) => nodes[name] === client.endpoint);
  await order(home, 'kill');
  const rest = Object.keys(nodes).filter((name) => name !== home);
  await until(() => events.some(({ name, endpoint }) => name === 'heartbeat'
    && endpoint !== nodes[home]), 'a heartbeat elsewhere');
  for (const name of rest) {
    const record = await until(async () => {
      const found = await seenAt(name, client.peerId);
      return found?.status === 'live' && found.home !== home && found;
    }, 'another home', 20000);
    assert(rest.includes(record.home));
  }
  const fine = await client.discover();
  assert(fine.some(({ peer_id }) => peer_id === client.peerId));
  client.close();
  await order(home, 'start');
});
