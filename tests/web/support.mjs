// SPDX-License-Identifier: Apache-2.0
/* support.mjs - what the tests of the browser's client share: the built package, real nodes that
 * test_web_module.py runs, and servers that are none */
import { createServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { pathToFileURL } from 'node:url';

const build = process.env.AURORA_BUILD ?? 'build';
export const packageUrl = pathToFileURL(`${build}/web/`);
export const aurora = await import(new URL('aurora.js', packageUrl));
export const { AuroraError, Core, DiscoveryClient, Identity } = aurora;

/** The nodes that run for this file, as `http://host:port`, by their names n0, n1, ... */
export const nodes = JSON.parse(process.env.AURORA_NODES ?? '{}');
export const endpoints = Object.values(nodes);

/** Tells the harness to do something to a node: kill, stop, freeze, thaw, start. */
export async function order(name, what) {
  const answer = await fetch(`${process.env.AURORA_CONTROL}/${name}/${what}`, { method: 'POST' });
  if (!answer.ok) throw new Error(await answer.text());
  Object.assign(nodes, await answer.json());
}

/** Waits for what must come true, within a bound. */
export async function until(condition, what, ms = 10000) {
  const end = Date.now() + ms;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5)); /* a polling interval, not a hope */
  }
}

let count = 0;
export const someId = (stem = 'peer') => `${stem}-${process.pid}-${++count}`;

/** A server that is no node: its URL, and how to end it. */
export async function serverOf(answer) {
  const server = createServer(answer);
  return listening(server);
}

/** One that hands over the bare connection. */
export async function tcpServerOf(connected) {
  const server = createTcpServer((socket) => {
    socket.on('error', () => {});
    connected(socket);
  });
  return listening(server);
}

async function listening(server) {
  const sockets = new Set();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { url: `http://127.0.0.1:${server.address().port}`, close };
}

/** An address at which nobody listens. */
export async function nobody() {
  const server = await tcpServerOf(() => {});
  server.close();
  return server.url;
}

/** The AuroraError that a promise ends with; anything else fails the test. */
export async function errorOf(promise) {
  let value;
  try {
    value = await promise;
  } catch (error) {
    if (!(error instanceof AuroraError)) throw error;
    return error;
  }
  throw new Error(`no error, but ${JSON.stringify(value)}`);
}

/** Every event of a client or a watch, in order. */
export function eventsOf(emitter) {
  const events = [];
  emitter.on('*', (event, name) => events.push({ name, ...event }));
  return events;
}
