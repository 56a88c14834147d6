// SPDX-License-Identifier: Apache-2.0
/* vectors.test.mjs - the module says what the golden vectors say: the same bytes and refusals */
import assert from 'node:assert/strict';
import { readFile, stat } from 'node:fs/promises';
import { createPublicKey, verify } from 'node:crypto';
import { test } from 'node:test';
import { Core, Identity, packageUrl } from './support.mjs';

const read = async (name) =>
  JSON.parse(await readFile(new URL(`../vectors/${name}.json`, import.meta.url)));
const peers = await read('peers');
const fields = await read('fields');
const core = await Core.load();
const hex = (bytes) => Buffer.from(bytes).toString('hex');

function descriptionOf(fields) {
  return {
    peerId: fields.peer_id, address: fields.address, port: fields.port,
    archetypes: fields.archetypes, metadata: fields.metadata, ttlSeconds: fields.ttl_s,
    ...(fields.peer_version === null ? {} : { peerVersion: BigInt(fields.peer_version) }),
  };
}

/* Node's own crypto, so that nothing of ours checks itself. */
function verifies(peerId, signed, signature) {
  const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'),
                              Buffer.from(peerId.slice('ed25519:'.length), 'hex')]);
  const key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
  return verify(null, signed, key, Buffer.from(signature, 'hex'));
}

test('peers sign the bytes of the vectors', () => {
  assert(peers.peers.length >= 3);
  for (const { name, fields, body, signature } of peers.peers) {
    const encoded = core.encode(descriptionOf(fields));
    assert.equal(hex(encoded.body), body, name);
    assert(verifies(fields.peer_id, encoded.signed, signature), name);
  }
});

test('bad signatures do not fit what is encoded', () => {
  assert(peers.bad.length > 4);
  for (const { name, fields, signature } of peers.bad)
    assert(!verifies(fields.peer_id, core.encode(descriptionOf(fields)).signed, signature), name);
});

test('what a node takes is taken, and signed as a node verifies it', () => {
  assert(fields.taken.length >= 50);
  for (const { name, fields: taken, body } of fields.taken) {
    core.check(descriptionOf(taken));
    if (body !== null) assert.equal(hex(core.encode(descriptionOf(taken)).body), body, name);
  }
});

test('what a node refuses is refused, and the field is named', () => {
  assert(fields.refused.length >= 50);
  for (const { name, field, fields: refused } of fields.refused) {
    for (const call of ['check', 'encode'])
      assert.throws(() => core[call](descriptionOf(refused)),
                    (error) => error.code === 'invalid' && error.field === field, name);
  }
});

const ORDINARY = { peerId: 'p', address: 'h', port: 1, ttlSeconds: 60 };
const WRONG = [
  ['peer_id', { peerId: 7 }], ['peer_id', { peerId: undefined }], ['peer_id', { peerId: '\ud800' }],
  ['peer_id', { peerId: 'a\0b' }], ['address', { address: null }],
  ['archetypes', { archetypes: 'a' }],
  ['archetypes', { archetypes: [1] }], ['archetypes', { archetypes: ['\udfff'] }],
  ['archetypes', { archetypes: Array(100000).fill('a') }], ['port', { port: 1.5 }],
  ['port', { port: -1 }], ['port', { port: '80' }], ['port', { port: NaN }],
  ['port', { port: 2 ** 32 + 80 }], ['ttl_seconds', { ttlSeconds: Infinity }],
  ['metadata', { metadata: 'x'.repeat(1e6) }], ['metadata', { metadata: {} }],
  ['peer_version', { peerVersion: -1 }], ['peer_version', { peerVersion: 1.5 }],
  ['peer_version', { peerVersion: 1n << 63n }],
];

test('what JavaScript makes possible beyond the vectors is refused by name, too', () => {
  core.check(ORDINARY);
  for (const [field, change] of WRONG)
    assert.throws(() => core.check({ ...ORDINARY, ...change }),
                  (error) => error.code === 'invalid' && error.field === field,
                  `${field} ${String(Object.values(change)[0]).slice(0, 20)}`);
  core.check(ORDINARY);
});

test('what is too long to be signed is refused', () => {
  const full = descriptionOf(peers.peers.find(({ name }) => name === 'full').fields);
  const archetypes = Array.from({ length: 16 }, (_, i) => `${i}`.padStart(64, 'x'));
  assert.throws(() => core.encode({ ...full, archetypes }), { code: 'invalid' });
});

test('instances share nothing', async () => {
  const other = await Core.load();
  other.c.schedule_init(2, 1000);
  core.c.schedule_init(2, 1000);
  core.c.schedule_endpoint_failed(0, 5);
  assert.deepEqual(core.order(2), [1, 0]);
  assert.deepEqual(other.order(2), [0, 1]);
});

test('the module imports nothing and is small', async () => {
  const url = new URL('aurora.wasm', packageUrl);
  assert.deepEqual(WebAssembly.Module.imports(await WebAssembly.compile(await readFile(url))), []);
  assert((await stat(url)).size < 64 * 1024);
});

test('an identity signs what verifies under its id, and its key stays where it is', async () => {
  const identity = await Identity.create();
  const { signed } = core.encode({ ...ORDINARY, peerId: identity.peerId, peerVersion: 1 });
  assert(verifies(identity.peerId, signed, await identity.sign(signed)));
  assert.equal(identity.keys.privateKey.extractable, false);
});

test('a broken promise is a trap, not a wrong answer', async () => {
  const broken = await Core.load();
  assert.throws(() => broken.c.schedule_init(17, 1000), WebAssembly.RuntimeError);
});

