// SPDX-License-Identifier: Apache-2.0
/* error.js - the one kind of error that this package raises, and its codes */

/**
 * What went wrong. `code` says which sort, `message` which field, node or bound it was about.
 *
 * | code | |
 * |---|---|
 * | `invalid` | an argument; `field` names it. Nothing was sent |
 * | `no-identity` | no WebCrypto with Ed25519 here: the page is not in a secure context |
 * | `wasm` | aurora.wasm could not be loaded |
 * | `unreachable` | no connection, or it broke |
 * | `timeout` | the answer was not there in time |
 * | `too-large` | the answer exceeds its bound |
 * | `nonsense` | the answer is not what a node says |
 * | `unavailable` | the node cannot, just now (429 or 5xx); `retryAfterMs` when it said how long |
 * | `unknown-peer` | the cluster does not know the peer (404) |
 * | `forbidden` | the lease's token or the peer's signature is missing or wrong (401, 403) |
 * | `conflict` | a `peer_version` that is not new (409) |
 * | `refused` | any other answer that says no; `status` has it |
 * | `aborted` | the caller's signal, or close() |
 */
export class AuroraError extends Error {
  /**
   * @param {string} code
   * @param {string} message
   * @param {{field?: string, status?: number, endpoint?: string, retryAfterMs?: number,
   *   cause?: unknown}} [more]
   */
  constructor(code, message, more = {}) {
    super(message, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = 'AuroraError';
    this.code = code;
    this.field = more.field ?? null;
    this.status = more.status ?? null;
    this.endpoint = more.endpoint ?? null;
    this.retryAfterMs = more.retryAfterMs ?? null;
  }
}

/* Would another node perhaps do better? The errors that are about a node, not about the request. */
const NODE_FAULTS = new Set(['unreachable', 'timeout', 'too-large', 'nonsense', 'unavailable']);

/** @param {unknown} error @returns {boolean} */
export function isNodeFault(error) {
  return error instanceof AuroraError && NODE_FAULTS.has(error.code);
}

/** @param {string} field @param {string} what @returns {AuroraError} */
export function invalid(field, what) {
  return new AuroraError('invalid', `${field}: ${what}`, { field });
}
