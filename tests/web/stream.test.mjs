// SPDX-License-Identifier: Apache-2.0
/* stream.test.mjs - reading a stream of events, from servers that say exactly what a test wants */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DiscoveryClient, eventsOf, nobody, packageUrl, serverOf, until } from './support.mjs';

const { SseParser, EVENT_MAX_CHARS } = await import(new URL('sse.js', packageUrl));

/* --- The parser ------------------------------------------------------------------------------ */

const bytesOf = (text) => new TextEncoder().encode(text);

function parsed(text, size = Infinity) {
  const parser = new SseParser();
  const bytes = bytesOf(text);
  const events = [];
  for (let at = 0; at < bytes.length; at += size)
    events.push(...parser.push(bytes.subarray(at, at + size)));
  return { events, parser };
}

const TEXT = 'retry: 2000\n\n: keep-alive\n\nevent: up\nid: a-1\ndata: {"ü":"🍅"}\n\n'
  + 'data:one\ndata: two\ndata:  three\n\nevent: nothing\n\nid: a-2\n: words\n\ndata\n\n';

test('events are read however the bytes are cut, with any ends of lines', () => {
  const expected = [
    { name: 'up', data: '{"ü":"🍅"}', id: 'a-1' },
    { name: 'message', data: 'one\ntwo\n three', id: 'a-1' },
    { name: 'message', data: '', id: 'a-2' },
  ];
  for (const end of ['\n', '\r\n', '\r'])
    for (const size of [1, 2, 3, 7, Infinity]) {
      /* After a CR at the very end a LF may follow: what comes then ends the waiting. */
      const { events, parser } = parsed(`${TEXT.replaceAll('\n', end)}:\n`, size);
      assert.deepEqual(events, expected, `${JSON.stringify(end)} ${size}`);
      assert.deepEqual([parser.lastId, parser.retryMs], ['a-2', 2000]);
    }
});

test('an id counts when its event is complete, not before', () => {
  assert.equal(parsed('id: 1\ndata: x\n\nid: 2\ndata: y\n').parser.lastId, '1');
  assert.equal(parsed('id: 1\n\nid: a\0b\n\n').parser.lastId, '1');
  assert.equal(parsed('retry: soon\nretry: 99999999999\n\n').parser.retryMs, null);
});

test('what is no UTF-8 is nonsense', () => {
  assert.throws(() => [...new SseParser().push(Uint8Array.of(0x64, 0xff))], { code: 'nonsense' });
});

test('no event, and no line, is endless', () => {
  const piece = bytesOf('x'.repeat(1 << 16));
  for (const start of ['data: ', ': ', 'data: x\ndata: ']) {
    const parser = new SseParser();
    assert.throws(() => {
      for (const _ of parser.push(bytesOf(start)));
      for (let i = 0; i <= EVENT_MAX_CHARS / piece.length; i++) for (const _ of parser.push(piece));
    }, { code: 'too-large' });
  }
  const parser = new SseParser();
  assert.throws(() => {
    for (let i = 0; i < 100; i++)
      for (const _ of parser.push(bytesOf(`data: ${'x'.repeat(60000)}\n`)));
  }, { code: 'too-large' });
});

/* --- Streams --------------------------------------------------------------------------------- */

const record = (peer_id, more = {}) => ({ peer_id, archetypes: [], home: 'n', epoch: 1,
                                          status: 'live', version: 1, ...more });
const event = (name, data, id) =>
  `event: ${name}\n${id ? `id: ${id}\n` : ''}data: ${JSON.stringify(data)}\n\n`;
const snapshot = (ids, id, more = false) => event('snapshot',
  { peers: ids.map((it) => (typeof it === 'string' ? record(it) : it)), more, node: 'n' }, id);

/* A server of streams: `speak(send, connection, request)` for each; what was asked is kept. */
async function streamsOf(speak) {
  const asked = [];
  const server = await serverOf((request, response) => {
    asked.push({ url: request.url, lastId: request.headers['last-event-id'] ?? null });
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.flushHeaders();
    speak((text) => response.write(text), response, asked.length - 1);
  });
  return { ...server, asked };
}

/* A watch of these servers; all is closed in the end. */
async function watching(servers, use, options = {}) {
  const client = new DiscoveryClient({ endpoints: servers.map(({ url }) => url), timeoutMs: 300 });
  const watch = client.watch({ archetypes: ['a b'] }, options);
  const events = eventsOf(watch);
  try {
    await use(watch, events, client);
  } finally {
    client.close();
    servers.forEach((server) => server.close?.());
  }
  assert.equal(watch.state, 'closed');
}

const ids = (watch) => [...watch.peers.keys()].sort();
const told = (events, ...names) => events.filter(({ name }) => names.includes(name))
  .map(({ name, peer, peer_id, reason }) => [name, peer?.peer_id ?? peer_id ?? reason].join(' '));

test('pages of a snapshot become a picture at once, and changes change it', async () => {
  const server = await streamsOf((send) => {
    send(snapshot(['a', 'b'], '', true));
    send(snapshot(['c'], 'x-1'));
    send(event('up', { peer: record('d') }, 'x-2'));
    send(event('update', { peer: record('a', { version: 2 }) }, 'x-3'));
    send(event('update', { peer: record('b', { last_seen: 'later', expires_in: 3 }) }, 'x-4'));
    send(event('up', { peer: record('c') }, 'x-5'));
    send(event('down', { peer_id: 'b', reason: 'expired', home: 'n' }, 'x-6'));
    send(event('down', { peer_id: 'nobody', reason: 'left', home: 'n' }, 'x-7'));
    send(event('later-invention', { any: 1 }, 'x-8'));
    send(event('up', { peer: record('end') }, 'x-9'));
  });
  await watching([server], async (watch, events) => {
    await until(() => watch.peers.has('end'), 'the last event');
    assert.deepEqual(ids(watch), ['a', 'c', 'd', 'end']);
    assert.deepEqual(told(events, 'up', 'update', 'down', 'snapshot'),
                     ['up a', 'up b', 'up c', 'snapshot ', 'up d', 'update a', 'down b', 'up end']);
    const down = events.find(({ name }) => name === 'down');
    assert.deepEqual([down.reason, down.home, down.peer.peer_id], ['expired', 'n', 'b']);
    assert.equal(server.asked[0].url, '/v1/watch?archetype=a+b');
    assert.equal(watch.state, 'live');
  });
});

test('a broken stream goes on where it was, with the last id, comments\' included', async () => {
  const server = await streamsOf((send, connection, count) => {
    if (count > 0) {
      send(event('resumed', { node: 'n', missed: 1 }));
      return send(event('up', { peer: record('b') }, 'x-9'));
    }
    send(snapshot(['a'], 'x-1'));
    send(': keep-alive\nid: x-7\n\n');
    return setTimeout(() => connection.destroy(), 50);
  });
  await watching([server], async (watch, events) => {
    await until(() => watch.peers.has('b'), 'the missed event');
    assert.deepEqual(server.asked.map(({ lastId }) => lastId), [null, 'x-7']);
    assert.deepEqual(told(events, 'up', 'down'), ['up a', 'up b']);
    assert.equal(events.find(({ name }) => name === 'resumed').missed, 1);
  });
});

test('another node\'s picture comes as its differences', async () => {
  const first = await streamsOf((send, connection) => {
    send(snapshot(['gone', 'same', 'changed'], 'x-1'));
    setTimeout(() => connection.destroy(), 50);
  });
  const second = await streamsOf((send) => {
    send(snapshot(['same', record('changed', { version: 2 })], '', true));
    send(snapshot(['new'], 'y-1'));
  });
  await watching([first, second], async (watch, events) => {
    await until(() => watch.peers.has('new'), 'the other picture');
    assert.equal(second.asked[0].lastId, 'x-1');
    assert.deepEqual(ids(watch), ['changed', 'new', 'same']);
    await until(() => told(events, 'snapshot').length === 2, 'the second snapshot');
    assert.deepEqual(told(events, 'up', 'update', 'down').slice(3),
                     ['update changed', 'up new', 'down gone']);
    assert.equal(events.find(({ name }) => name === 'down').reason, 'not-in-snapshot');
    assert.equal(watch.endpoint, second.url);
  });
});

test('a snapshot that breaks off changes nothing', async () => {
  const server = await streamsOf((send, connection, count) => {
    if (count === 0) send(snapshot(['a', 'b'], 'x-1'));
    else if (count === 1) send(snapshot(['c', 'd'], '', true));
    else return send(snapshot(['a', 'z'], 'x-5'));
    return setTimeout(() => connection.destroy(), 50);
  });
  await watching([server], async (watch, events) => {
    await until(() => watch.peers.has('z'), 'the third stream');
    assert.deepEqual(server.asked.map(({ lastId }) => lastId), [null, 'x-1', 'x-1']);
    await until(() => told(events, 'down').length > 0, 'b is gone');
    assert.deepEqual(told(events, 'up', 'down'), ['up a', 'up b', 'up z', 'down b']);
  });
});

test('what happens to a home is told of its peers, and of no others', async () => {
  const server = await streamsOf((send) => {
    send(snapshot(['a', 'b', record('c', { home: 'm' }), record('d', { epoch: 2 })], 'x-1'));
    send(event('home', { home: 'n', epoch: 1, status: 'orphaned' }, 'x-2'));
    send(event('up', { peer: record('end') }, 'x-3'));
  });
  await watching([server], async (watch, events) => {
    await until(() => watch.peers.has('end'), 'the last event');
    assert.deepEqual(told(events, 'update'), ['update a', 'update b']);
    assert.equal(watch.peers.get('a').status, 'orphaned');
    assert.equal(watch.peers.get('d').status, 'live');
  });
});

test('a slow reader that was dropped comes back, but not at once', async () => {
  const times = [];
  const server = await streamsOf((send, connection, count) => {
    times.push(performance.now());
    send('retry: 300\n\n');
    if (count > 0) return send(event('resumed', { node: 'n', missed: 0 }));
    send(snapshot(['a'], 'x-1'));
    send(event('dropped', { reason: 'too-slow' }));
    return connection.end();
  });
  await watching([server, { url: await nobody() }], async (watch, events) => {
    await until(() => times.length > 1, 'the second stream');
    assert(times[1] - times[0] >= 145, `${times[1] - times[0]} ms`);
    assert.deepEqual(told(events, 'dropped'), ['dropped too-slow']);
  });
});

const BAD = {
  'another type': (_, response) => response.end('{"peers":[]}'),
  'a status of 503': (_, response) => { response.writeHead(503); response.end('{"error":"x"}'); },
  'a 404': (_, response) => { response.writeHead(404); response.end('{"error":"no such path"}'); },
  nothing: () => {},
};
const STREAMS = {
  'a stream that says nothing': () => {},
  'a stream that ends before it began': (send, connection) => connection.end(),
  'data that is no JSON': (send) => send('event: snapshot\ndata: {"peers":\n\n'),
  'a snapshot without peers': (send) => send(event('snapshot', {})),
  'peers without ids': (send) => send(event('snapshot', { peers: [{}], more: false })),
  'an up of nobody': (send) => send(snapshot([], 'x-1') + event('up', {})),
  'a resumption of nothing': (send) => send(event('resumed', { node: 'n', missed: 0 })),
  'no UTF-8': (send) => send(Buffer.from([0xff, 0xff])),
  'more peers than one wants': (send) =>
    send(snapshot(Array.from({ length: 11 }, (_, i) => `p${i}`), 'x')),
  'an endless line': (send, connection) => {
    const timer = setInterval(() => send('x'.repeat(1 << 18)), 1);
    connection.on('close', () => clearInterval(timer));
  },
};
const good = () => streamsOf((send) => send(snapshot(['fine'], 'g-1')));
const options = { silenceMs: 300, peersMax: 10 };

for (const [what, answer] of [
  ...Object.entries(BAD).map(([what, answer]) => [what, () => serverOf(answer)]),
  ...Object.entries(STREAMS).map(([what, speak]) => [what, () => streamsOf(speak)])])
  test(`${what}: the next node is asked`, async () => {
    await watching([await answer(), await good()], async (watch, events) => {
      await until(() => watch.peers.has('fine'), 'the other node\'s picture');
      const { error } = events.find(({ name, state }) => name === 'state' && state !== 'live');
      assert.equal(error.name, 'AuroraError');
    }, options);
  });

test('a node that hangs up after its picture is not asked over and over', async () => {
  const server = await streamsOf((send, connection) => connection.end(snapshot(['a'], 'x-1')));
  await watching([server], async () => {
    await new Promise((resolve) => setTimeout(resolve, 1000)); /* the span that is measured */
    assert(server.asked.length <= 4, `${server.asked.length} times in a second`);
    assert(server.asked.length >= 1);
  });
});

test('what a node refuses ends the watch, with the error', async () => {
  const server = await serverOf((_, response) => {
    response.writeHead(400, { 'Content-Type': 'application/json' });
    response.end('{"error":"meta: at most 8"}');
  });
  await watching([server], async (watch, events) => {
    await until(() => watch.state === 'closed', 'the end');
    assert.equal(events.find(({ name }) => name === 'error').error.code, 'refused');
    await assert.rejects(async () => { for await (const _ of watch); }, { code: 'refused' });
  });
});

/* --- As an iterator -------------------------------------------------------------------------- */

test('for await begins with the picture and goes on with the changes, until close()', async () => {
  const server = await streamsOf((send) => {
    send(snapshot(['a'], 'x-1'));
    setTimeout(() => send(event('down', { peer_id: 'a', reason: 'left', home: 'n' }, 'x-2')), 50);
  });
  await watching([server], async (watch) => {
    await until(() => watch.state === 'live' && watch.peers.size === 1, 'the picture');
    const types = [];
    for await (const { type } of watch) {
      types.push(type);
      if (type === 'down') watch.close();
    }
    assert.deepEqual(types, ['snapshot', 'down']);
  });
});

test('a loop that is too slow gets the whole picture instead of what it missed', async () => {
  const many = 12000;
  const server = await streamsOf((send) => {
    send(snapshot(['a'], 'x-1'));
    for (let i = 0; i < many; i++)
      send(event('up', { peer: record(i % 2 ? 'odd' : 'even', { version: i }) }, `x-${i}`));
  });
  await watching([server], async (watch) => {
    const loop = watch[Symbol.asyncIterator]();
    await loop.next();
    await until(() => watch.peers.get('odd')?.version === many - 1, 'all events');
    const events = [];
    do events.push((await loop.next()).value); while (events.at(-1).peer?.version !== many - 1);
    const snapshot = events.find(({ type }) => type === 'snapshot');
    assert(events.length < many);
    assert.equal(snapshot.reason, 'too-slow');
    assert.equal(snapshot.peers.length, 3);
  });
});
