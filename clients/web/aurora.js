// SPDX-License-Identifier: Apache-2.0
/* aurora.js - Aurora's client for browsers and Node.js: the one module to import */
import { DiscoveryClient } from './client.js';
import { Core } from './core.js';
import { AuroraError } from './error.js';
import { metadataText, queryOf, registrationBody } from './query.js';
import { endpointOf, request } from './request.js';

export { DiscoveryClient } from './client.js';
export { Core, loadFrom } from './core.js';
export { AuroraError } from './error.js';
export { Identity } from './identity.js';
export { PeerWatch } from './watch.js';

/* A ttl that any node accepts, for checks of what has none of its own. */
const ANY_TTL_S = 300;
/* The address that a node fills in where none is given is not ours to check. */
const ANY_ADDRESS = 'unreachable.invalid';

/* --- The functions of the original client ---------------------------------------------------- */

/**
 * Registers a peer with one node. Resolves to the node's answer.
 * @param {string} endpoint
 * @param {string} peerId
 * @param {string[]} archetypes
 * @param {string} [address] none: the one that the request comes from
 * @param {number} [port]
 */
export async function discovery_register(endpoint, peerId, archetypes, address, port) {
  const peer = { peerId, archetypes: archetypes ?? [], address: address ?? '', port: port ?? 0,
                 metadata: metadataText({}) };
  const core = await Core.load();
  core.check({ ...peer, address: peer.address || ANY_ADDRESS, ttlSeconds: ANY_TTL_S });
  return request(endpointOf(endpoint),
                 { method: 'POST', path: '/register', body: registrationBody(peer) });
}

/**
 * The peers that have all the archetypes, and fit the filter; the asker is not among them.
 * Resolves to an array of peers.
 */
export async function discovery_find_peers(endpoint, peerId, archetypes, filter) {
  const exclude = [peerId, ...[filter?.exclude ?? []].flat()].filter(Boolean);
  const wanted = [...[archetypes ?? []].flat(), ...[filter?.archetypes ?? []].flat()];
  const query = queryOf({ ...filter, archetypes: wanted, exclude });
  const at = endpointOf(endpoint);
  const answer = await request(at, { path: `/discover${query}` });
  if (!Array.isArray(answer.peers))
    throw new AuroraError('nonsense', `${at}: an answer without peers`, { endpoint: at });
  return answer.peers;
}

/** Renews a peer's lease. Resolves to the node's answer. */
export async function discovery_heartbeat(endpoint, peerId) {
  return request(endpointOf(endpoint),
                 { method: 'POST', path: '/heartbeat', body: { peer_id: String(peerId) } });
}

/** Is the node up? Resolves to `{"status": "healthy"}`. */
export async function discovery_health(endpoint) {
  return request(endpointOf(endpoint), { path: '/health' });
}

/**
 * A client, ready and not registered.
 * @param {string | string[]} endpoints
 * @param {object} [options] as DiscoveryClient's
 * @returns {Promise<DiscoveryClient>}
 */
export async function create_discovery_client(endpoints, options = {}) {
  return DiscoveryClient.create({ ...options, endpoints });
}
