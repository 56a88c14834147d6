// SPDX-License-Identifier: Apache-2.0
/* watch.test.mjs - watching three real nodes, through the death of the one that told */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DiscoveryClient, endpoints, eventsOf, nodes, order, someId, until } from './support.mjs';

const create = (options = {}) => DiscoveryClient.create({ endpoints, timeoutMs: 1000, ...options });
const nameOf = (url) => Object.keys(nodes).find((name) => nodes[name] === url);
const namesOf = (events, type) => events.filter(({ name }) => name === type);

/* A client at one node, with a peer of this kind. */
async function peerAt(name, kind, options = {}) {
  const client = await create({ endpoints: nodes[name], archetypes: [kind], ...options });
  await client.register();
  return client;
}

async function watched(kind, client) {
  const watch = client.watch({ archetypes: kind });
  const events = eventsOf(watch);
  await until(() => namesOf(events, 'snapshot').length > 0, 'the first picture');
  return { watch, events };
}

test('peers are seen to come, change and go, with the reason, wherever they are', async () => {
  const kind = someId('kind');
  const early = await peerAt('n1', kind);
  const watcher = await create();
  await until(() => watcher.peer(early.peerId), 'it is known at the first node');
  const { watch, events } = await watched(kind, watcher);
  assert.deepEqual([...watch.peers.keys()], [early.peerId]);
  const late = await peerAt('n2', kind, { metadata: { n: 1 } });
  await until(() => watch.peers.has(late.peerId), 'up');
  await late.register({ metadata: { n: 2 } });
  await until(() => watch.peers.get(late.peerId).metadata.n === 2, 'update');
  await late.register({ archetypes: ['other'] });
  await until(() => !watch.peers.has(late.peerId), 'down: it fits no longer');
  await early.deregister();
  await until(() => watch.peers.size === 0, 'down: it left');
  assert.deepEqual(namesOf(events, 'down').map(({ reason }) => reason), ['filter', 'left']);
  watcher.close();
  assert.equal(watch.state, 'closed');
});

test('a peer without heartbeats is seen to expire', async () => {
  const kind = someId('kind');
  const watcher = await create();
  const { watch, events } = await watched(kind, watcher);
  const { peerId } = await peerAt('n1', kind, { ttlSeconds: 10 });
  await until(() => watch.peers.has(peerId), 'up');
  await until(() => !watch.peers.has(peerId), 'down', 20000);
  assert.equal(namesOf(events, 'down')[0].reason, 'expired');
  watcher.close();
});

test('a stream that is cut goes on where it was, at the same node', async () => {
  const kind = someId('kind');
  const watcher = await create({ endpoints: nodes.n0 });
  const watch = watcher.watch({ archetypes: kind }, { silenceMs: 300 });
  const events = eventsOf(watch);
  await until(() => namesOf(events, 'resumed').length > 0, 'silence, and a new stream');
  const { peerId } = await peerAt('n1', kind);
  await until(() => watch.peers.has(peerId), 'up');
  assert.equal(namesOf(events, 'snapshot').length, 1);
  watcher.close();
});

test('the node that told dies: another tells the differences, and nothing is missed',
     { timeout: 60000 }, async () => {
  const kind = someId('kind');
  const watcher = await create();
  const stays = await peerAt('n1', kind);
  const { watch, events } = await watched(kind, watcher);
  await until(() => watch.peers.has(stays.peerId), 'up');
  const dead = nameOf(watch.endpoint);
  const alive = Object.keys(nodes).filter((name) => name !== dead);
  const leaves = await peerAt(alive[0], kind);
  await until(() => watch.peers.has(leaves.peerId), 'up');
  await order(dead, 'kill');
  await leaves.deregister();
  const comes = await peerAt(alive[1], kind);
  await until(() => watch.peers.has(comes.peerId) && !watch.peers.has(leaves.peerId), 'both news');
  assert(watch.peers.has(stays.peerId));
  assert.notEqual(nameOf(watch.endpoint), dead);
  const ups = namesOf(events, 'up').map(({ peer }) => peer.peer_id);
  assert.equal(new Set(ups).size, ups.length, 'nobody comes twice');
  assert(namesOf(events, 'state').some(({ state }) => state === 'connecting'));
  watcher.close();
  await order(dead, 'start');
});

test('two pages on two nodes see each other, as an iterator tells it', async () => {
  const kind = someId('kind');
  const sees = async (name, other) => {
    const client = await peerAt(name, kind);
    for await (const event of client.watch({ archetypes: kind, exclude: client.peerId })) {
      const peers = event.type === 'snapshot' ? event.peers : event.peer ? [event.peer] : [];
      if (peers.length > 0) {
        client.close();
        return [client.peerId, peers[0].peer_id];
      }
    }
    throw new Error(`${other} was not seen`);
  };
  const [[one, seenByOne], [two, seenByTwo]] = await Promise.all([sees('n1', 'n2'),
                                                                  sees('n2', 'n1')]);
  assert.deepEqual([seenByOne, seenByTwo], [two, one]);
});
