// SPDX-License-Identifier: Apache-2.0
/* request.js - one HTTP request to one node: it ends in time, reads no more than it should, and
 * raises nothing but AuroraError */
import { AuroraError, invalid } from './error.js';
import { clearTimer, setTimer } from './timers.js';

/** From the first byte sent to the last one read. */
export const TIMEOUT_MS = 5000;
/** 10,000 peers, the most that a node gives unasked, are below it. */
export const ANSWER_MAX_BYTES = 16 << 20;
/** Of what a node says when it refuses, this much is shown. */
const REASON_MAX_CHARS = 300;

/**
 * A node's address without the slash at its end.
 * @param {unknown} endpoint
 * @returns {string}
 */
export function endpointOf(endpoint) {
  let url;
  try {
    url = new URL(String(endpoint));
  } catch {
    throw invalid('endpoint', `no URL: ${String(endpoint).slice(0, REASON_MAX_CHARS)}`);
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw invalid('endpoint', `http: or https:, not ${url.protocol}`);
  if (url.username || url.password || url.search || url.hash)
    throw invalid('endpoint', 'without user, query and fragment');
  return url.origin + url.pathname.replace(/\/+$/, '');
}

/**
 * A deadline, joined to the caller's own signal. Call clear() in the end; extend() begins anew.
 * @param {number} timeoutMs
 * @param {AbortSignal} [signal]
 */
export function deadlineOf(timeoutMs, signal) {
  const controller = new AbortController();
  const abort = () => controller.abort();
  let timer = setTimer(abort, timeoutMs);
  const extend = (ms) => {
    clearTimer(timer);
    timer = setTimer(abort, ms);
  };
  const clear = () => {
    clearTimer(timer);
    signal?.removeEventListener('abort', abort);
  };
  if (signal?.aborted) abort();
  signal?.addEventListener('abort', abort, { once: true });
  return { signal: controller.signal, abort, extend, clear };
}

/* What fetch, or the reading of its answer, threw. */
function failureOf(error, endpoint, deadline, timeoutMs, signal) {
  if (error instanceof AuroraError) return error;
  if (signal?.aborted) return new AuroraError('aborted', 'aborted', { endpoint, cause: error });
  if (deadline.signal.aborted)
    return new AuroraError('timeout', `${endpoint}: no answer in ${timeoutMs} ms`,
                           { endpoint, cause: error });
  const why = error?.cause?.code ?? error?.cause?.message ?? error?.message ?? String(error);
  return new AuroraError('unreachable', `${endpoint}: ${why}`, { endpoint, cause: error });
}

/**
 * Reads a body until the signal says that it is enough. fetch should see to that itself, but that
 * of Node.js forgets its signal once the Response that nobody holds any more has been collected.
 * @param {ReadableStream<Uint8Array>} body
 * @param {AbortSignal} signal
 * @returns {{read: () => Promise<ReadableStreamReadResult<Uint8Array>>}}
 */
export function readerOf(body, signal) {
  const reader = body.getReader();
  let giveUp = () => {};
  signal.addEventListener('abort', () => {
    giveUp(signal.reason);
    reader.cancel().catch(() => {}); /* what it was broken off for is known */
  }, { once: true });
  return {
    read: () => new Promise((resolve, reject) => {
      if (signal.aborted) throw signal.reason;
      giveUp = reject;
      reader.read().then(resolve, reject);
    }),
  };
}

/* The whole body as text, of at most `maxBytes`. */
async function textOf(response, maxBytes, endpoint, signal) {
  const reader = response.body ? readerOf(response.body, signal) : null;
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const parts = [];
  let bytes = 0;
  for (;;) {
    const { done, value } = reader ? await reader.read() : { done: true };
    if (done) break;
    bytes += value.byteLength;
    if (bytes > maxBytes)
      throw new AuroraError('too-large', `${endpoint}: an answer over ${maxBytes} bytes`,
                            { endpoint });
    parts.push(decodedWith(decoder, value, endpoint));
  }
  parts.push(decodedWith(decoder, undefined, endpoint));
  return parts.join('');
}

function decodedWith(decoder, bytes, endpoint) {
  try {
    return decoder.decode(bytes, { stream: bytes !== undefined });
  } catch (error) {
    throw new AuroraError('nonsense', `${endpoint}: an answer that is not UTF-8`,
                          { endpoint, cause: error });
  }
}

/* A node answers with a JSON object, whatever it has to say. */
function objectOf(text, endpoint) {
  let value;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new AuroraError('nonsense', `${endpoint}: an answer that is not JSON`,
                          { endpoint, cause: error });
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw new AuroraError('nonsense', `${endpoint}: an answer that is no JSON object`,
                          { endpoint });
  return value;
}

const CODES = new Map([[401, 'forbidden'], [403, 'forbidden'], [409, 'conflict'],
                       [408, 'unavailable'], [429, 'unavailable']]);

/** The error that a status above 299 stands for; `said` is the answer, if it was one. */
export function refusalOf(response, said, endpoint) {
  const status = response.status;
  const isOurs = typeof said?.error === 'string';
  const reason = isOurs ? said.error.slice(0, REASON_MAX_CHARS) : `status ${status}`;
  const seconds = Number(response.headers.get('Retry-After') ?? NaN);
  const retryAfterMs = seconds >= 0 ? seconds * 1000 : undefined;
  return new AuroraError(codeOf(status, said), `${endpoint}: ${reason}`,
                         { status, endpoint, retryAfterMs });
}

/* A 404 of what is no node, or of a path that is none: a wrong endpoint, not a lost lease. */
function codeOf(status, said) {
  if (status >= 500) return 'unavailable';
  if (status === 404 && typeof said?.error !== 'string') return 'nonsense';
  if (status === 404) return said.error.startsWith('unknown peer') ? 'unknown-peer' : 'refused';
  return CODES.get(status) ?? 'refused';
}

/** What a refusal says; null: nothing that could be read. */
export async function objectOrNull(response, maxBytes, endpoint, signal) {
  try {
    return objectOf(await textOf(response, maxBytes, endpoint, signal), endpoint);
  } catch (error) {
    if (error instanceof AuroraError) return null;
    throw error;
  }
}

/** What fetch is told for every request: no cookies, no cache, no way elsewhere. */
export const FETCH_OPTIONS = {
  mode: 'cors', credentials: 'omit', cache: 'no-store', redirect: 'error',
  referrerPolicy: 'no-referrer',
};

/**
 * Asks one node and returns its answer, a JSON object.
 * @param {string} endpoint as endpointOf() gives it
 * @param {{method?: string, path: string, body?: object|string, headers?: Record<string, string>,
 *   timeoutMs?: number, maxBytes?: number, signal?: AbortSignal, keepalive?: boolean}} request
 * @returns {Promise<Record<string, any>>}
 */
export async function request(endpoint, request) {
  const timeoutMs = request.timeoutMs ?? TIMEOUT_MS;
  const maxBytes = request.maxBytes ?? ANSWER_MAX_BYTES;
  const deadline = deadlineOf(timeoutMs, request.signal);
  try {
    const response = await fetch(endpoint + request.path, {
      ...FETCH_OPTIONS,
      method: request.method ?? 'GET',
      signal: deadline.signal,
      headers: { ...(request.body === undefined ? {} : { 'Content-Type': 'application/json' }),
                 ...request.headers },
      body: typeof request.body === 'object' ? JSON.stringify(request.body) : request.body,
      keepalive: request.keepalive ?? false,
    });
    if (!response.ok) {
      const said = await objectOrNull(response, maxBytes, endpoint, deadline.signal);
      throw refusalOf(response, said, endpoint);
    }
    return objectOf(await textOf(response, maxBytes, endpoint, deadline.signal), endpoint);
  } catch (error) {
    const failure = failureOf(error, endpoint, deadline, timeoutMs, request.signal);
    deadline.abort(); /* whatever still comes is not read */
    throw failure;
  } finally {
    deadline.clear();
  }
}
