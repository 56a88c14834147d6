// SPDX-License-Identifier: Apache-2.0
/* query.js - what a client may ask for, as a query string, and what it registers, as a body */
import { invalid } from './error.js';

/* JavaScript's half surrogates survive as \ud8xx in JSON, which nodes refuse. */
const LONE_SURROGATE = /(^|[^\\])(\\\\)*\\ud[89a-f]/;

/**
 * The JSON text of metadata: what is sent, signed, and given back to others, byte for byte.
 * @param {object|null|undefined} metadata
 * @returns {string}
 */
export function metadataText(metadata) {
  let text;
  try {
    text = JSON.stringify(metadata ?? {});
  } catch (error) {
    throw invalid('metadata', `no JSON can be made of it: ${error?.message}`);
  }
  if (text === undefined || text[0] !== '{') throw invalid('metadata', 'must be an object');
  if (LONE_SURROGATE.test(text)) throw invalid('metadata', 'half of a surrogate pair');
  return text;
}

/**
 * The body of a registration. The metadata's text goes in as it is: what was signed.
 * @param {{peerId: string, address?: string, port: number, archetypes: string[], metadata: string,
 *   ttlSeconds?: number, peerVersion?: bigint, signature?: string}} peer
 * @returns {string}
 */
export function registrationBody(peer) {
  const fields = { peer_id: peer.peerId, port: peer.port, archetypes: peer.archetypes };
  if (peer.address) fields.address = peer.address;
  if (peer.ttlSeconds !== undefined) fields.ttl_seconds = peer.ttlSeconds;
  if (peer.signature !== undefined) fields.signature = peer.signature;
  const version = peer.peerVersion === undefined ? '' : `,"peer_version":${peer.peerVersion}`;
  return `${JSON.stringify(fields).slice(0, -1)}${version},"metadata":${peer.metadata}}`;
}

function strings(field, value) {
  const list = value === undefined || value === null ? [] : Array.isArray(value) ? value : [value];
  if (!list.every((item) => typeof item === 'string')) throw invalid(field, 'must be strings');
  return list;
}

/* As GET /discover compares them: strings by what they say, everything else by its JSON text. */
function metaText(value) {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/**
 * @param {{archetypes?: string[]|string, metadata?: Record<string, unknown>,
 *   exclude?: string[]|string, limit?: number, reputation?: boolean} | null} [filter]
 * @returns {string} '' or '?...'
 */
export function queryOf(filter) {
  const query = new URLSearchParams();
  for (const archetype of strings('archetypes', filter?.archetypes))
    query.append('archetype', archetype);
  for (const [key, value] of Object.entries(filter?.metadata ?? {}))
    query.append(`meta.${key}`, metaText(value));
  for (const id of strings('exclude', filter?.exclude)) query.append('exclude', id);
  if (filter?.limit !== undefined) query.append('limit', String(filter.limit));
  if (filter?.reputation) query.append('reputation', 'true');
  const text = query.toString();
  return text && `?${text}`;
}
