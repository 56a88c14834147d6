// SPDX-License-Identifier: Apache-2.0
/* functions.test.mjs - the functions of the original client, with one node */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DiscoveryClient, aurora, endpoints, errorOf, someId } from './support.mjs';

const { discovery_register, discovery_find_peers, discovery_heartbeat, discovery_health,
        create_discovery_client } = aurora;
const [node] = endpoints;
const ids = (peers) => peers.map(({ peer_id }) => peer_id);

test('a node is healthy', async () => {
  assert.deepEqual(await discovery_health(node), { status: 'healthy' });
  assert.deepEqual(await discovery_health(`${node}/`), { status: 'healthy' });
  assert.deepEqual(await discovery_health(`${node}/dev`), { status: 'healthy' });
});

test('a peer registers, is found by others, and renews its lease', async () => {
  const me = someId('me');
  const other = someId('other');
  const kind = someId('kind');
  const registered = await discovery_register(node, me, [kind, 'x'], '192.0.2.7', 9100);
  assert.equal(registered.peer_id, me);
  await discovery_register(node, other, [kind]);
  const [found] = await discovery_find_peers(node, other, [kind]);
  assert.deepEqual([found.peer_id, found.address, found.port, found.archetypes],
                   [me, '192.0.2.7', 9100, [kind, 'x']]);
  const [itself] = await discovery_find_peers(node, me, kind);
  assert.deepEqual([itself.peer_id, itself.address, itself.port], [other, '127.0.0.1', 0]);
  assert.equal((await discovery_heartbeat(node, me)).peer_id, me);
});

test('filters go beside archetypes', async () => {
  const kind = someId('kind');
  const metadata = [{ colour: true, n: 'a&b=c' }, { colour: false }];
  const [red, grey] = await Promise.all(metadata.map(async (metadata) => {
    const client = await create_discovery_client(node, { archetypes: [kind], metadata });
    await client.register();
    return client.peerId;
  }));
  const find = async (filter, archetypes = [kind]) =>
    ids(await discovery_find_peers(node, null, archetypes, filter));
  assert.deepEqual(await find({ metadata: { colour: true } }), [red]);
  assert.deepEqual(await find({ metadata: { n: 'a&b=c' } }), [red]);
  assert.deepEqual(await find({ exclude: red }), [grey]);
  assert.deepEqual(await find({ exclude: [red, grey] }), []);
  assert.deepEqual((await find({ limit: 1 })).length, 1);
  assert.deepEqual(await find({ archetypes: 'nobody' }), []);
  assert.deepEqual(await find({ archetypes: kind }, null), [red, grey].sort());
});

test('an unknown peer is said to be one', async () => {
  const error = await errorOf(discovery_heartbeat(node, someId('nobody')));
  assert.deepEqual([error.code, error.status], ['unknown-peer', 404]);
});

test('a path that no node has is no lost lease', async () => {
  const error = await errorOf(discovery_heartbeat(`${node}/nowhere`, someId()));
  assert.deepEqual([error.code, error.status], ['refused', 404]);
});

test('what a node would refuse is refused before it is sent', async () => {
  for (const [field, ...rest] of [['peer_id', ''], ['peer_id', 'a\nb'], ['archetypes', 'p', ['']],
                                  ['port', 'p', [], null, 70000], ['address', 'p', [], '\t']]) {
    const error = await errorOf(discovery_register(node, ...rest));
    assert.deepEqual([error.code, error.field], ['invalid', field]);
  }
});

test('create_discovery_client makes a DiscoveryClient', async () => {
  const client = await create_discovery_client(node, { peerId: someId() });
  assert(client instanceof DiscoveryClient);
  assert.equal(await client.peer(client.peerId), null);
  await client.register();
  assert.equal((await client.peer(client.peerId)).peer_id, client.peerId);
});

test('ids of any sort find their way', async () => {
  for (const peerId of [`${someId()}/a b?c#d%20&é`, `${someId()}"\\🍅`]) {
    const client = await create_discovery_client(node, { peerId });
    await client.register();
    assert.equal((await client.peer(peerId)).peer_id, peerId);
    await client.heartbeat();
    assert(!ids(await discovery_find_peers(node, peerId)).includes(peerId));
    await client.deregister();
    assert.equal(await client.peer(peerId), null);
  }
});
