// SPDX-License-Identifier: Apache-2.0
/* errors.test.mjs - whatever is at the other end: one sort of error, in time, and no more read than
 * the bound; meanwhile the program goes on */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { AuroraError, DiscoveryClient, aurora, errorOf, nobody, serverOf, tcpServerOf }
  from './support.mjs';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');

const json = (response, value, status = 200) => {
  response.writeHead(status, { 'Content-Type': 'application/json' });
  response.end(JSON.stringify(value));
};

/* Runs `use` with a server that answers like that, and ends it. */
async function against(answer, use) {
  const server = await serverOf(answer);
  try {
    return await use(server.url);
  } finally {
    server.close();
  }
}

const clientOf = (url, options = {}) =>
  new DiscoveryClient({ endpoints: url, timeoutMs: 300, deadlineMs: 600, ...options });

/* Does the program go on? The longest time in which no timer could run. */
async function pauseDuring(promise) {
  let longest = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  }, 5);
  try {
    await promise;
  } finally {
    clearInterval(timer);
  }
  return longest;
}

test('what is no URL of a node is refused before anything is sent', async () => {
  for (const endpoint of ['', 'nonsense', 'ftp://h/', 'file:///etc', 'http://', null, undefined, 7,
                          'http://user:pass@h/', 'http://h/?q=1', 'http://h/#f', {}]) {
    const error = await errorOf(aurora.discovery_health(endpoint));
    assert.equal(error.code, 'invalid', String(endpoint));
    assert.equal(error.field, 'endpoint');
  }
  for (const endpoints of [[], Array.from({ length: 17 }, (_, i) => `http://h${i}`)])
    assert.throws(() => new DiscoveryClient({ endpoints }),
                  { code: 'invalid', field: 'endpoints' });
});

test('options that make no sense are refused', () => {
  for (const [field, value] of [['timeoutMs', 0], ['timeoutMs', NaN], ['deadlineMs', -1],
                                ['heartbeatMs', 2 ** 40], ['timeoutMs', 'soon']])
    assert.throws(() => new DiscoveryClient({ endpoints: 'http://h', [field]: value }),
                  { code: 'invalid', field });
});

test('nobody there', async () => {
  const endpoint = await nobody();
  const error = await errorOf(aurora.discovery_health(endpoint));
  assert.equal(error.code, 'unreachable');
  assert.equal(error.endpoint, endpoint);
  assert.match(error.message, /ECONNREFUSED/);
});

const NONSENSE = {
  'not JSON': (response) => response.end('<html>hello</html>'),
  'cut JSON': (response) => response.end('{"status":'),
  'an array': (response) => json(response, []),
  'a number': (response) => json(response, 7),
  null: (response) => json(response, null),
  nothing: (response) => response.end(),
  'no UTF-8': (response) => response.end(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d])),
  'half a character': (response) => response.end(Buffer.from([0x7b, 0x7d, 0xe2, 0x82])),
  'a 404 of somebody else': (response) => {
    response.writeHead(404);
    response.end('no such page');
  },
};
for (const [what, answer] of Object.entries(NONSENSE))
  test(`an answer that is ${what} is nonsense`, () => against((_, response) => answer(response),
    async (url) => assert.equal((await errorOf(clientOf(url).health())).code, 'nonsense')));

test('answers of the wrong shape are nonsense', () => against((_, response) => json(response, {}),
  async (url) => {
    assert.equal((await errorOf(aurora.discovery_find_peers(url))).code, 'nonsense');
    assert.equal((await errorOf(clientOf(url).discover())).code, 'nonsense');
    assert.equal((await errorOf(clientOf(url).register())).code, 'nonsense');
  }));

test('a redirect is not followed', () => against((_, response) => {
  response.writeHead(302, { Location: 'http://127.0.0.1:1/' });
  response.end();
}, async (url) => assert.equal((await errorOf(clientOf(url).health())).code, 'unreachable')));

const STATUS = [[400, 'refused'], [401, 'forbidden'], [403, 'forbidden'], [405, 'refused'],
                [408, 'unavailable'], [409, 'conflict'], [413, 'refused'], [429, 'unavailable'],
                [500, 'unavailable'], [503, 'unavailable'], [504, 'unavailable']];
for (const [status, code] of STATUS)
  test(`status ${status} is "${code}", in the node's words`, () => against(
    (_, response) => json(response, { error: 'because of port' }, status),
    async (url) => {
      const error = await errorOf(aurora.discovery_health(url));
      assert.deepEqual([error.code, error.status], [code, status]);
      assert.match(error.message, /because of port/);
    }));

test('what a node says when it refuses is cut', () => against(
  (_, response) => json(response, { error: 'x'.repeat(60000) }, 400),
  async (url) => assert((await errorOf(clientOf(url).health())).message.length < 500)));

test('how long a node wants to be left alone is told', () => against((_, response) => {
  response.writeHead(503, { 'Retry-After': '7' });
  response.end('{"error":"busy"}');
}, async (url) => assert.equal((await errorOf(clientOf(url).health())).retryAfterMs, 7000)));

/* --- In time --------------------------------------------------------------------------------- */

async function endsInTime(url, atMost = 5000) {
  const start = performance.now();
  const asked = errorOf(clientOf(url).health());
  const pause = await pauseDuring(asked);
  assert.equal((await asked).code, 'timeout');
  assert(performance.now() - start < atMost, `${performance.now() - start} ms`);
  assert(performance.now() - start >= 290);
  assert(pause < 2000, `a pause of ${pause} ms`);
}

test('a server that accepts and says nothing', async () => {
  const server = await tcpServerOf(() => {});
  await endsInTime(server.url);
  server.close();
});

test('headers that stop half-way', async () => {
  const server = await tcpServerOf((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-'));
  await endsInTime(server.url);
  server.close();
});

test('a body that stops half-way', () => against((_, response) => {
  response.writeHead(200, { 'Content-Length': 100 });
  response.write('{"status":');
}, endsInTime));

test('a body that drips, and would take for ever', () => against((_, response) => {
  const timer = setInterval(() => response.write(' '), 20);
  response.on('close', () => clearInterval(timer));
}, endsInTime));

test('an error\'s body that drips', () => against((_, response) => {
  response.writeHead(400);
  const timer = setInterval(() => response.write(' '), 20);
  response.on('close', () => clearInterval(timer));
}, endsInTime));

test('a body that drips, while memory is collected', () => against((_, response) => {
  response.writeHead(400);
  const timer = setInterval(() => { response.write(' '); collect(); }, 20);
  response.on('close', () => clearInterval(timer));
}, endsInTime));

test('a connection that breaks in the middle of an answer', () => against((_, response) => {
  response.writeHead(200, { 'Content-Length': 100 });
  response.write('{"status":');
  setTimeout(() => response.destroy(), 20);
}, async (url) => assert.equal((await errorOf(clientOf(url).health())).code, 'unreachable')));

test('all nodes together take no longer than the deadline', async () => {
  const servers = await Promise.all([1, 2, 3, 4, 5].map(() => tcpServerOf(() => {})));
  const start = performance.now();
  const client = clientOf(servers.map(({ url }) => url), { timeoutMs: 3000 });
  assert.equal((await errorOf(client.health())).code, 'timeout');
  assert(performance.now() - start < 2900, 'less than even one of them may take');
  servers.forEach((server) => server.close());
});

/* --- In bounds ------------------------------------------------------------------------------- */

/* Endless, in large pieces; counts what the other side took. */
function flood(sent) {
  const piece = Buffer.alloc(1 << 16, ' ');
  return (_, response) => {
    const more = () => {
      while (!response.destroyed && response.write(piece)) sent.bytes += piece.length;
      sent.bytes += piece.length;
    };
    response.on('drain', more);
    more();
  };
}

test('a huge answer is not read beyond its bound', async () => {
  const sent = { bytes: 0 };
  await against(flood(sent), async (url) => {
    const client = clientOf(url, { answerMaxBytes: 1 << 20, timeoutMs: 5000, deadlineMs: 5000 });
    const asked = errorOf(client.health());
    const pause = await pauseDuring(asked);
    assert.equal((await asked).code, 'too-large');
    assert(pause < 2000, `a pause of ${pause} ms`);
    assert(sent.bytes < 32 << 20, `${sent.bytes} bytes taken`);
  });
});

test('a huge error is not read beyond its bound, either', () => against((request, response) => {
  response.writeHead(400);
  flood({ bytes: 0 })(request, response);
}, async (url) => {
  const client = clientOf(url, { answerMaxBytes: 1 << 20, timeoutMs: 5000, deadlineMs: 5000 });
  assert.equal((await errorOf(client.health())).code, 'refused');
}));

/* --- Given up -------------------------------------------------------------------------------- */

test('close() ends what is under way', async () => {
  const server = await tcpServerOf(() => {});
  const client = clientOf(server.url, { timeoutMs: 60000, deadlineMs: 60000 });
  const asked = errorOf(client.health());
  await client.ready();
  client.close();
  assert.equal((await asked).code, 'aborted');
  assert.equal((await errorOf(client.health())).code, 'aborted');
  server.close();
});

test('the caller\'s signal ends what is under way', async () => {
  const server = await tcpServerOf(() => {});
  const controller = new AbortController();
  const asked = errorOf(clientOf(server.url).get('/health', { signal: controller.signal }));
  controller.abort();
  assert.equal((await asked).code, 'aborted');
  assert.equal((await errorOf(clientOf(server.url).get('/', { signal: AbortSignal.abort() }))).code,
               'aborted');
  server.close();
});

/* --- Failover, seen from a client ------------------------------------------------------------- */

test('a node that talks nonsense is passed over, and asked last from then on', async () => {
  let asked = 0;
  await against((_, response) => { asked += 1; response.end('?'); }, (bad) => against(
    (_, response) => json(response, { status: 'healthy' }), async (good) => {
      const client = clientOf([bad, good]);
      for (let i = 0; i < 5; i++) assert.deepEqual(await client.health(), { status: 'healthy' });
      assert.equal(asked, 1);
      assert.equal(client.endpoint, good);
    }));
});

test('when the good one dies, one that has not failed is asked before one that has', async () => {
  let asked = 0;
  const healthy = (_, response) => json(response, { status: 'healthy' });
  await against((_, response) => { asked += 1; response.end('?'); }, async (bad) => {
    const [second, third] = await Promise.all([serverOf(healthy), serverOf(healthy)]);
    const client = clientOf([bad, second.url, third.url]);
    await client.health();
    second.close();
    await client.health();
    assert.deepEqual([client.endpoint, asked], [third.url, 1]);
    third.close();
  });
});

test('what one node refuses the others are not asked', async () => {
  let asked = 0;
  await against((_, response) => json(response, { error: 'port' }, 400), (first) => against(
    (_, response) => { asked += 1; json(response, {}); }, async (second) => {
      assert.equal((await errorOf(clientOf([first, second]).health())).code, 'refused');
      assert.equal(asked, 0);
    }));
});

test('metadata that is no object, or no JSON, is refused', async () => {
  const ring = {};
  ring.ring = ring;
  for (const metadata of [[1], 'text', 7, ring, { big: 1n }, { half: '\ud800' },
                          { long: 'x'.repeat(600) }]) {
    const client = clientOf('http://127.0.0.1:1', { metadata });
    const error = await errorOf(client.register());
    assert.deepEqual([error.code, error.field], ['invalid', 'metadata']);
  }
});

test('what a filter cannot mean is refused', async () => {
  for (const filter of [{ archetypes: [1] }, { exclude: {} }])
    assert.equal((await errorOf(clientOf('http://127.0.0.1:1').discover(filter))).code, 'invalid');
});

test('a listener that throws stops nobody', async () => {
  const client = clientOf(await nobody());
  const seen = [];
  const reported = [];
  globalThis.reportError = (error) => reported.push(error);
  client.on('failover', () => { throw new RangeError('in a listener'); });
  client.on('failover', ({ error }) => seen.push(error));
  await errorOf(client.health());
  assert(seen[0] instanceof AuroraError);
  delete globalThis.reportError;
  assert.equal(reported[0].message, 'in a listener');
});
