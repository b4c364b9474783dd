import type { Cancel, Clock } from '../core/clock.js';
import type { CloseInfo } from '../core/types.js';
import { Outcome, type SessionCredentials, TOKEN_BYTES } from './controls.js';
import { type EvictionOrder, EvictionOrders, type SessionOwner } from './eviction.js';

/** The cryptography of a server's platform. */
export interface Secrets {
  /** From a cryptographically secure generator. */
  randomBytes(length: number): Uint8Array<ArrayBuffer>;
  /** Compares in constant time. */
  isEqual(one: Uint8Array, other: Uint8Array): boolean;
}

/** A session, as the registry sees it. */
export interface Evictable {
  /** Memory of the session while its client is disconnected. */
  readonly heldBytes: number;
  /** Whether its client has sent a message, or acknowledged one. */
  readonly hasCarried: boolean;
  readonly owner: SessionOwner;
  /** Ends the session to make room. `remove` follows. */
  evict(): void;
}

export interface RegistryBounds {
  readonly resumeWindowMs: number;
  /** Detached sessions, whose clients are disconnected. */
  readonly maxDetached: number;
  /** Memory of all detached sessions together. */
  readonly maxDetachedBytes: number;
  /** Detached sessions of one address, and of one user. */
  readonly maxDetachedPerAddress: number;
  readonly maxDetachedPerUser: number;
}

export interface RegistryMetrics {
  readonly detached: number;
  readonly detachedBytes: number;
  /** All evicted sessions; then those that were evicted for the bound of an address, and of a user. */
  readonly evicted: number;
  readonly evictedPerAddress: number;
  readonly evictedPerUser: number;
  readonly resumed: number;
  readonly expired: number;
  /** Messages returned to the application as undelivered. */
  readonly undelivered: number;
}

interface RegisteredSession<R> {
  readonly credentials: SessionCredentials;
  readonly evictable: R;
  readonly since: number;
}

/** A session whose client is disconnected, and its memory at the last measurement. */
interface DetachedSession<R> {
  readonly evictable: R;
  bytes: number;
}

/** A younger session is evicted as if it had never been used. */
const YOUNG_MS = 10_000;

/** Why a session is gone. */
export interface Tombstone {
  readonly outcome: number;
  readonly lost: number | undefined;
  /** Code and reason of its end. After a final code, a late RESUME is closed with the same code. */
  readonly closeInfo?: CloseInfo | undefined;
  /** Records received, if the client ended the session: it may reconnect for the acknowledgement of its END. */
  readonly finalCount?: number | undefined;
}

/** Detached sessions may grow, so their memory is measured this often. */
const WEIGH_MS = 1_000;
/** Bound of tombstones, about a hundred bytes each. */
const MAX_TOMBSTONES = 10_000;
const UNKNOWN: Tombstone = { outcome: Outcome.unknown, lost: undefined };

/** The sessions of a server: attached ones, detached ones, and tombstones of those that are gone. */
export class SessionRegistry<R extends Evictable> {
  readonly #secrets: Secrets;
  readonly #clock: Clock;
  readonly #bounds: RegistryBounds;
  readonly #entries = new Map<string, RegisteredSession<R>>();
  readonly #detached = new Map<string, DetachedSession<R>>();
  readonly #evictionOrders = new EvictionOrders();
  readonly #tombstones = new Map<string, Tombstone & { readonly credentials: SessionCredentials }>();
  #detachedBytes = 0;
  #evicted = 0;
  #evictedPerAddress = 0;
  #evictedPerUser = 0;
  #resumed = 0;
  #expired = 0;
  #undelivered = 0;
  #cancel: Cancel | undefined;

  constructor(secrets: Secrets, clock: Clock, bounds: RegistryBounds) {
    this.#secrets = secrets;
    this.#clock = clock;
    this.#bounds = bounds;
  }

  get metrics(): RegistryMetrics {
    return {
      detached: this.#detached.size,
      detachedBytes: this.#detached.size === 0 ? 0 : this.#detachedBytes,
      evicted: this.#evicted,
      evictedPerAddress: this.#evictedPerAddress,
      evictedPerUser: this.#evictedPerUser,
      resumed: this.#resumed,
      expired: this.#expired,
      undelivered: this.#undelivered,
    };
  }

  /** Sessions that are not known to be detached. */
  get present(): number {
    return this.#entries.size - this.#detached.size;
  }

  newCredentials(): SessionCredentials {
    return { id: this.#secrets.randomBytes(TOKEN_BYTES), secret: this.#secrets.randomBytes(TOKEN_BYTES) };
  }

  add(credentials: SessionCredentials, evictable: R): void {
    this.#entries.set(keyOf(credentials), { credentials, evictable, since: this.#clock.now() });
  }

  /** Undefined also for a wrong secret. */
  find(credentials: SessionCredentials): R | undefined {
    const entry = this.#entries.get(keyOf(credentials));
    return entry !== undefined && this.#secrets.isEqual(entry.credentials.secret, credentials.secret) ? entry.evictable : undefined;
  }

  /** The tombstone of a session that is not found. */
  fateOf(credentials: SessionCredentials): Tombstone {
    const tombstones = this.#tombstones.get(keyOf(credentials));
    return tombstones !== undefined && this.#secrets.isEqual(tombstones.credentials.secret, credentials.secret) ? tombstones : UNKNOWN;
  }

  /** The client is disconnected. Over the bounds, hardly used sessions are evicted first, then those that were detached first. */
  detached(credentials: SessionCredentials): void {
    const key = keyOf(credentials);
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#release(key);
    // Only this one is measured: measuring all takes seconds when thousands lose their connections at once.
    const { evictable, since } = entry;
    const detachedSession: DetachedSession<R> = { evictable, bytes: evictable.heldBytes };
    this.#detached.set(key, detachedSession);
    this.#detachedBytes += detachedSession.bytes;
    // The absolute value, in case the clock was set back.
    const isUsed = evictable.hasCarried && Math.abs(this.#clock.now() - since) >= YOUNG_MS;
    this.#evictionOrders.add(key, isUsed, evictable.owner);
    this.#evictFrom(evictable.owner);
    this.#evict();
    this.#weighLater();
  }

  /** The client has resumed, perhaps before its disconnect was noticed. */
  attached(credentials: SessionCredentials): void {
    this.#release(keyOf(credentials));
    this.#resumed += 1;
  }

  /** Copies the facts: the argument may be the session itself, whose memory must be freed. */
  remove(credentials: SessionCredentials, { outcome, lost, closeInfo, finalCount }: Tombstone): void {
    const key = keyOf(credentials);
    this.#entries.delete(key);
    this.#release(key);
    if (outcome === Outcome.windowOver) this.#expired += 1;
    this.#undelivered += lost ?? 0;
    this.#tombstones.set(key, { outcome, lost, closeInfo, finalCount, credentials });
    if (this.#tombstones.size > MAX_TOMBSTONES) this.#tombstones.delete(this.#tombstones.keys().next().value as string);
  }

  /** The server is closed. */
  close(): void {
    this.#cancel?.();
  }

  /** No longer counts the session as detached. */
  #release(key: string): void {
    const detachedSession = this.#detached.get(key);
    if (detachedSession === undefined) return;
    this.#detachedBytes -= detachedSession.bytes;
    this.#detached.delete(key);
    this.#evictionOrders.delete(key);
  }

  /** Evicts sessions over the bounds of an address and of a user. */
  #evictFrom({ address, user }: SessionOwner): void {
    const { maxDetachedPerAddress, maxDetachedPerUser } = this.#bounds;
    const ofAddress = this.#evictionOrders.of('address', address);
    for (; ofAddress.size > maxDetachedPerAddress; this.#evictedPerAddress += 1) this.#evictFirst(ofAddress);
    const ofUser = this.#evictionOrders.of('user', user);
    for (; ofUser.size > maxDetachedPerUser; this.#evictedPerUser += 1) this.#evictFirst(ofUser);
  }

  #evict(): void {
    const { maxDetached, maxDetachedBytes } = this.#bounds;
    while (this.#detached.size > maxDetached || (this.#detachedBytes > maxDetachedBytes && this.#detached.size > 0)) {
      this.#evictFirst(this.#evictionOrders.all);
    }
  }

  #evictFirst(among: EvictionOrder): void {
    const key = among.first() as string;
    const { evictable } = this.#detached.get(key) as DetachedSession<R>;
    this.#release(key);
    this.#evicted += 1;
    evictable.evict();
  }

  #weighLater(): void {
    if (this.#detached.size === 0) return;
    this.#cancel ??= this.#clock.after(WEIGH_MS, () => {
      this.#cancel = undefined;
      this.#weigh();
    });
  }

  #weigh(): void {
    this.#detachedBytes = 0;
    for (const detachedSession of this.#detached.values()) {
      detachedSession.bytes = detachedSession.evictable.heldBytes;
      this.#detachedBytes += detachedSession.bytes;
    }
    this.#evict();
    this.#weighLater();
  }
}

function keyOf({ id }: SessionCredentials): string {
  return Array.from(id, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
