// SPDX-License-Identifier: Apache-2.0
/* types.mts - every declaration in use; what is marked must not compile */
import {
  AuroraError, Core, DiscoveryClient, Identity, PeerWatch, create_discovery_client,
  discovery_find_peers, discovery_health, discovery_heartbeat, discovery_register, loadFrom,
} from 'aurora-p2p';
import type { ClientOptions, Description, Peer, PeerRecord, WatchEvent } from 'aurora-p2p';

const options: ClientOptions = {
  endpoints: ['http://h'], archetypes: ['a'], metadata: { n: [1] }, identity: 'name',
  protect: false,
};

async function functions(): Promise<number> {
  await discovery_register('http://h', 'p', ['a'], '192.0.2.1', 80);
  await discovery_register('http://h', 'p');
  await discovery_heartbeat('http://h', 'p');
  const { status }: { status: string } = await discovery_health('http://h');
  const peers: Peer[] = await discovery_find_peers('http://h', 'p', 'a', { limit: status.length });
  return peers[0].port;
}

async function clients(): Promise<void> {
  const client: DiscoveryClient = await create_discovery_client('http://h', { port: 1 });
  const off: () => void = client.on('error', ({ error, retryMs }) => {
    console.log(error.code, error.retryAfterMs?.toFixed(), retryMs.toFixed());
  });
  client.on('*', (event, name) => console.log(name, event));
  off();
  await client.startHeartbeat(1000);
  const record: PeerRecord | null = await client.peer('p');
  console.log(record?.status === 'live', await client.discover({ reputation: true }));
  await new DiscoveryClient(options).register({ metadata: {} });
  // @ts-expect-error: there is no such event
  client.on('nothing', () => {});
  // @ts-expect-error: endpoints are missing
  new DiscoveryClient({});
  // @ts-expect-error: who answered is not ours to say
  client.endpoint = 'x';
}

async function watches(client: DiscoveryClient): Promise<WatchEvent | null> {
  const watch: PeerWatch = client.watch({ archetypes: ['a'], exclude: 'p' }, { silenceMs: 1 });
  watch.on('down', ({ reason, peer }) => console.log(reason, peer.home));
  for await (const event of watch) {
    if (event.type === 'down') return event;
    if (event.type === 'snapshot') console.log(event.peers.length);
    // @ts-expect-error: only some events are about one peer
    console.log(event.peer);
  }
  return null;
}

async function encodings(): Promise<Uint8Array> {
  const peer: Description = { peerId: 'p', address: 'h', port: 1, ttlSeconds: 60, peerVersion: 1n };
  const core = await Core.load();
  core.check(peer);
  const identity = await Identity.open('name');
  await identity.sign(core.encode(peer).signed);
  loadFrom(new Uint8Array(8));
  return core.encode(peer).body;
}

function codes(error: unknown): string {
  if (!(error instanceof AuroraError)) return 'other';
  // @ts-expect-error: there is no such code
  if (error.code === 'no-such-code') return 'never';
  return error.code === 'timeout' ? error.endpoint ?? '' : error.message;
}

console.log(functions, clients, watches, encodings, codes);
