// SPDX-License-Identifier: Apache-2.0
/* aurora.d.ts - what aurora.js offers, for TypeScript and for readers */

/* --- Errors -------------------------------------------------------------------------------- */

export type AuroraErrorCode =
  /** An argument is wrong, and `field` names it. Nothing was sent. */
  | 'invalid'
  /** No WebCrypto with Ed25519: the page is not in a secure context, or the browser too old. */
  | 'no-identity'
  /** aurora.wasm could not be loaded. */
  | 'wasm'
  /** No connection, or it broke. */
  | 'unreachable'
  /** The answer was not there in time. */
  | 'timeout'
  /** The answer exceeds its bound. */
  | 'too-large'
  /** The answer is not what a node says: most often a wrong endpoint. */
  | 'nonsense'
  /** The node cannot, just now (408, 429, 5xx); `retryAfterMs` when it said how long. */
  | 'unavailable'
  /** The cluster does not know the peer (404). */
  | 'unknown-peer'
  /** The lease's token, or the peer's signature, is missing or wrong (401, 403). */
  | 'forbidden'
  /** A `peer_version` that is not new (409). */
  | 'conflict'
  /** Any other answer that says no; `status` has it. */
  | 'refused'
  /** The caller's signal, or close(). */
  | 'aborted';

/** The only error that this package raises. */
export class AuroraError extends Error {
  constructor(code: AuroraErrorCode, message: string, more?: {
    field?: string; status?: number; endpoint?: string; retryAfterMs?: number; cause?: unknown;
  });
  readonly code: AuroraErrorCode;
  /** As the HTTP API spells it. */
  readonly field: string | null;
  readonly status: number | null;
  readonly endpoint: string | null;
  readonly retryAfterMs: number | null;
}

/* --- Peers --------------------------------------------------------------------------------- */

export type Metadata = Record<string, unknown>;

/** What GET /discover says of a peer. Times are UTC in ISO 8601, without a zone. */
export interface Peer {
  peer_id: string;
  address: string;
  port: number;
  archetypes: string[];
  last_seen: string;
  metadata: Metadata;
  /** With `reputation: true` only. */
  reputation_hint?: { score: number; age_hours: number; is_new: boolean; note: string };
}

/** What /v1 says of a peer: see docs/HTTP.md, "Records". */
export interface PeerRecord extends Peer {
  home: string;
  status: 'live' | 'orphaned';
  issued_by: 'self' | 'home';
  expires_in: number | null;
  ttl_seconds: number;
  registered_at: string;
  has_token: boolean;
  epoch: number;
  version: number;
  signature: string;
  public_key?: string;
  peer_version?: number;
  peer_signature?: string;
  /** Of a single peer only. */
  statement?: string;
}

export interface Filter {
  /** A peer must have all of them. */
  archetypes?: string | string[];
  /** Values that a peer's metadata must have at its top level. */
  metadata?: Metadata;
  /** Ids of peers that are not wanted. */
  exclude?: string | string[];
}

export interface DiscoverFilter extends Filter {
  limit?: number;
  reputation?: boolean;
}

export interface Registered {
  message?: string;
  peer_id: string;
  ttl_expires: string;
  [more: string]: unknown;
}

export interface Renewed {
  message: string;
  peer_id: string;
  timestamp: string;
  ttl_expires: string;
}

/* --- The functions of the original client -------------------------------------------------- */

/** Registers with one node. Without an address: the one that the request comes from. */
export function discovery_register(endpoint: string, peerId: string, archetypes?: string[] | null,
                                   address?: string | null, port?: number): Promise<Registered>;
/** The peers that have all the archetypes and fit the filter; the asker is not among them. */
export function discovery_find_peers(endpoint: string, peerId?: string | null,
                                     archetypes?: string | string[] | null,
                                     filter?: DiscoverFilter | null): Promise<Peer[]>;
export function discovery_heartbeat(endpoint: string, peerId: string): Promise<Renewed>;
export function discovery_health(endpoint: string): Promise<{ status: string }>;
/** A client, ready and not registered. */
export function create_discovery_client(endpoints: string | string[],
                                        options?: Partial<ClientOptions>): Promise<DiscoveryClient>;

/* --- Identity ------------------------------------------------------------------------------ */

/** A peer whose id is its own key, which no script can carry away. */
export class Identity {
  /** `ed25519:` and the public key. */
  readonly peerId: string;
  readonly publicKey: string;
  /**
   * The identity of that name in this browser (IndexedDB), made when there is none. In Node.js: a
   * new one in memory. Raises `no-identity` where there is no Ed25519.
   */
  static open(name?: string): Promise<Identity>;
  /** A new one that nobody keeps. */
  static create(): Promise<Identity>;
  /** One of your own keys, which must be able to sign. */
  static of(keys: CryptoKeyPair): Promise<Identity>;
  /** 128 hexadecimal digits. */
  sign(bytes: Uint8Array): Promise<string>;
}

/* --- The client ---------------------------------------------------------------------------- */

export interface ClientOptions {
  /** The nodes, by preference: at most 16 URLs. */
  endpoints: string | string[];
  /** A random one when absent; an identity brings its own. */
  peerId?: string;
  archetypes?: string[];
  /** Absent: where the request comes from; with an identity, which must sign it: nowhere. */
  address?: string | null;
  /** 0, the default: it has none, like a browser's tab. */
  port?: number;
  /** At most 512 bytes as JSON. */
  metadata?: Metadata;
  /** true or a name: Identity.open(). Where it cannot be had, `vouched` says so. */
  identity?: boolean | string | Identity;
  /** Default 30,000. */
  heartbeatMs?: number;
  /** Absent: four heartbeats' worth, in a page at least four minutes. */
  ttlSeconds?: number;
  /** How long one node may take to answer, to the last byte. Default 5,000. */
  timeoutMs?: number;
  /** How long all of them together may take. Default 15,000. */
  deadlineMs?: number;
  /** The largest answer. Default 16 MiB. */
  answerMaxBytes?: number;
  /** Default true: the lease gets a token, and nobody else can end or change it. */
  protect?: boolean;
  /** The token of a lease that was made before. */
  leaseToken?: string;
  /**
   * Where the token survives a reload. In a page by default sessionStorage, or localStorage for an
   * identity, whose other tabs share it.
   */
  tokenStorage?: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;
  /** Default true: a page that is closed takes its peer along, while startHeartbeat() is on. */
  leaveWithPage?: boolean;
}

export interface ClientEvents {
  registered: { peerId: string; endpoint: string; ttlExpires: string; answer: Registered };
  heartbeat: { peerId: string; endpoint: string; ttlExpires: string; answer: Renewed };
  /** The cluster has forgotten the peer; it is about to be registered again. */
  unknown: { peerId: string; endpoint: string };
  deregistered: { peerId: string };
  /** Another node than before has answered. */
  endpoint: { endpoint: string };
  /** A node failed; the next one is asked, and this one last. */
  failover: { endpoint: string; error: AuroraError };
  /** An automatic registration or heartbeat failed at every node; again in `retryMs`. */
  error: { error: AuroraError; action: 'register' | 'heartbeat'; retryMs: number };
  /** There is no identity here; the node vouches for the peer. */
  vouched: { error: AuroraError };
}

declare class Emitter<Events> {
  /** Returns what takes the listener away again. `*` hears everything. */
  on<Name extends keyof Events>(name: Name,
                                listener: (event: Events[Name], name: Name) => void): () => void;
  on(name: '*', listener: (event: Events[keyof Events], name: keyof Events) => void): () => void;
}

export class DiscoveryClient extends Emitter<ClientEvents> {
  constructor(options: ClientOptions);
  /** Like `new`, and ready: module loaded, identity opened. Nothing is sent yet. */
  static create(options: ClientOptions): Promise<DiscoveryClient>;
  ready(): Promise<void>;

  readonly endpoints: string[];
  /** The node that answered last. */
  readonly endpoint: string;
  peerId: string;
  archetypes: string[];
  address: string | null;
  port: number;
  metadata: Metadata;
  leaseToken: string | null;
  readonly ttlSeconds: number;
  readonly isSelfCertified: boolean;
  /** Why it is not, though it should be. */
  readonly vouchedBecause: AuroraError | null;
  readonly isRegistered: boolean;
  readonly isHeartbeating: boolean;

  /** Registers the peer, or changes its registration. */
  register(changes?: Pick<Partial<ClientOptions>, 'archetypes' | 'address' | 'port' | 'metadata'>):
    Promise<Registered>;
  /** Renews the lease; where the cluster does not know the peer (any more), registers it. */
  heartbeat(): Promise<Renewed | Registered>;
  /**
   * Registers if need be and then sends heartbeats by itself, also in a background tab. Returns
   * once that is under way; how it goes comes as events.
   */
  startHeartbeat(intervalMs?: number): Promise<void>;
  stopHeartbeat(): void;
  /** Ends the lease, everywhere, and the heartbeats. */
  deregister(): Promise<void>;

  discover(filter?: DiscoverFilter | null): Promise<Peer[]>;
  /** null: the cluster does not know it. */
  peer(peerId: string): Promise<PeerRecord | null>;
  health(): Promise<{ status: string }>;
  /** Any path of a node: `/v1/members`, `/v1/status`, ... */
  get(path: string, options?: { signal?: AbortSignal }): Promise<Record<string, any>>;
  watch(filter?: Filter | null, options?: WatchOptions): PeerWatch;
  /** Ends what is under way. A lease that was not ended by deregister() runs out. */
  close(): void;
}

/* --- Watching ------------------------------------------------------------------------------ */

export interface WatchOptions {
  signal?: AbortSignal;
  /** More peers than this are an error. Default 100,000. */
  peersMax?: number;
  /** A stream that says nothing for so long is dead. Nodes speak every 15 s. Default 45,000. */
  silenceMs?: number;
}

export type Down = {
  peer_id: string;
  /** The node's reason, or `not-in-snapshot`: gone while no stream was there. */
  reason: string;
  home?: string;
  /** What was known of it. */
  peer: PeerRecord;
};

export interface WatchEvents {
  up: { peer: PeerRecord };
  update: { peer: PeerRecord; before: PeerRecord };
  down: Down;
  /** All peers of this life of a home have this status now; an `update` for each follows. */
  home: { home: string; epoch: number; status: 'live' | 'orphaned' };
  /** The picture is whole (again). Its differences came before it. */
  snapshot: { peers: PeerRecord[]; node?: string; reason: string };
  /** The same node goes on where it was interrupted. */
  resumed: { node: string; missed: number };
  /** The node closes the stream, we were too slow; it will be opened again. */
  dropped: { reason: string };
  state: { state: 'connecting' | 'live' | 'closed'; endpoint: string | null;
           error: AuroraError | null };
  /** What no node would answer otherwise; `closed` follows. */
  error: { error: AuroraError };
  closed: { error: AuroraError | null };
}

export type WatchEvent =
  | ({ type: 'up' } & WatchEvents['up'])
  | ({ type: 'update' } & WatchEvents['update'])
  | ({ type: 'down' } & WatchEvents['down'])
  | ({ type: 'snapshot' } & WatchEvents['snapshot'])
  | ({ type: 'resumed' } & WatchEvents['resumed'])
  | ({ type: 'home' } & WatchEvents['home'])
  | ({ type: 'dropped' } & WatchEvents['dropped']);

/** The peers that fit a filter, live: follows from node to node. */
export class PeerWatch extends Emitter<WatchEvents> implements AsyncIterable<WatchEvent> {
  private constructor();
  /** As they are now, by id. */
  readonly peers: ReadonlyMap<string, PeerRecord>;
  readonly state: 'connecting' | 'live' | 'closed';
  readonly endpoint: string | null;
  [Symbol.asyncIterator](): AsyncGenerator<WatchEvent, void, void>;
  close(): void;
}

/* --- The C code ---------------------------------------------------------------------------- */

/** A peer's description as it is signed; `metadata` is JSON text. */
export interface Description {
  peerId: string;
  address: string;
  port: number;
  archetypes?: string[];
  metadata?: string;
  ttlSeconds: number;
  peerVersion?: bigint | number;
}

/** Checks and encodes what peers say about themselves, with the node's own code. */
export class Core {
  static load(): Promise<Core>;
  /** Raises `invalid`, with the field that a node would refuse. */
  check(peer: Description): void;
  /** What the peer signs; `body` is that without the domain in front. */
  encode(peer: Description): { signed: Uint8Array; body: Uint8Array };
}

/** For bundlers that move aurora.wasm: its bytes, or the compiled module. Before anything else. */
export function loadFrom(source: BufferSource | WebAssembly.Module): void;

export {};
