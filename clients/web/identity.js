// SPDX-License-Identifier: Apache-2.0
/* identity.js - a peer whose id is its own key: WebCrypto's Ed25519, and where the key is kept
 *
 * The private key is made not to be extractable: a script in the page can use it while the page is
 * open, and nobody can carry it away. IndexedDB keeps the key itself, not its bytes. */
import { AuroraError } from './error.js';

const DATABASE = 'aurora-p2p';
const STORE = 'identities';
const ALGORITHM = { name: 'Ed25519' };

async function subtle() {
  if (globalThis.crypto?.subtle) return globalThis.crypto.subtle;
  /* Node.js 18 has it, but not as a global. */
  if (globalThis.process?.versions?.node) return (await import('node:crypto')).webcrypto.subtle;
  throw new AuroraError('no-identity', 'crypto.subtle is missing: this page is not in a secure ' +
    'context (https:, or http: on localhost), so its peer cannot sign for itself');
}

async function keysMade() {
  const webCrypto = await subtle();
  try {
    return await webCrypto.generateKey(ALGORITHM, false, ['sign', 'verify']);
  } catch (error) {
    throw new AuroraError('no-identity', `WebCrypto has no Ed25519 here: ${error?.message}`,
                          { cause: error });
  }
}

/* --- IndexedDB, as promises ------------------------------------------------------------------ */

function promised(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function databaseOpened() {
  const opening = indexedDB.open(DATABASE, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
  return promised(opening);
}

/* Adds the keys unless another tab was first; whose keys stand there are the identity's. */
async function keysKept(database, name, made) {
  const store = database.transaction(STORE, 'readwrite').objectStore(STORE);
  const found = await promised(store.get(name));
  if (found !== undefined || made === null) return found ?? null;
  await promised(store.put(made, name));
  return made;
}

async function keysOf(name) {
  const database = await databaseOpened();
  try {
    return await keysKept(database, name, null) ?? await keysKept(database, name, await keysMade());
  } finally {
    database.close();
  }
}

/* --- Identities ------------------------------------------------------------------------------ */

function hexOf(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** A key pair, and the peer id that is its public key. */
export class Identity {
  /**
   * @param {CryptoKeyPair} keys
   * @param {string} publicKey 64 hexadecimal digits
   */
  constructor(keys, publicKey) {
    this.keys = keys;
    this.publicKey = publicKey;
    this.peerId = `ed25519:${publicKey}`;
  }

  /** @param {CryptoKeyPair} keys @returns {Promise<Identity>} */
  static async of(keys) {
    const raw = await (await subtle()).exportKey('raw', keys.publicKey);
    return new Identity(keys, hexOf(new Uint8Array(raw)));
  }

  /**
   * The identity of that name in this browser, made when there is none; in Node.js and wherever
   * IndexedDB is missing a new one, for as long as it is held.
   * @param {string} [name]
   * @returns {Promise<Identity>}
   */
  static async open(name = 'default') {
    await subtle(); /* says so, where there is none */
    if (typeof indexedDB === 'undefined') return Identity.create();
    try {
      return await Identity.of(await keysOf(name));
    } catch (error) {
      if (error instanceof AuroraError) throw error;
      throw new AuroraError('no-identity', `IndexedDB cannot keep a key here: ${error?.message}`,
                            { cause: error });
    }
  }

  /** A new one that nobody keeps. @returns {Promise<Identity>} */
  static async create() {
    return Identity.of(await keysMade());
  }

  /** @param {Uint8Array<ArrayBuffer>} bytes @returns {Promise<string>} 128 hexadecimal digits */
  async sign(bytes) {
    const signature = await (await subtle()).sign(ALGORITHM, this.keys.privateKey, bytes);
    return hexOf(new Uint8Array(signature));
  }
}
