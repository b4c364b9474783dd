import type { Cancel, Clock } from '../core/clock.js';
import type { CloseInfo } from '../core/types.js';
import { Outcome, type SessionCredentials, TOKEN_BYTES } from './controls.js';
import { type EvictionOrder, EvictionOrders, type SessionOwner } from './eviction.js';

/** What a server's platform must provide for secrets. */
export interface Secrets {
  /** From a cryptographically secure generator. */
  randomBytes(length: number): Uint8Array<ArrayBuffer>;
  /** In a time that does not tell where two secrets of the same length differ. */
  isEqual(one: Uint8Array, other: Uint8Array): boolean;
}

/** A server's end of a session, as the registry knows it. */
export interface Evictable {
  /** Memory that it takes while its client is away. */
  readonly heldBytes: number;
  /** Whether its client has sent a message, or acknowledged one. */
  readonly hasCarried: boolean;
  readonly owner: SessionOwner;
  /** Room is needed: it ends now. `remove` follows. */
  evict(): void;
}

export interface RegistryBounds {
  readonly resumeWindowMs: number;
  /** Sessions whose client is away. */
  readonly maxDetached: number;
  /** What those hold together. */
  readonly maxDetachedBytes: number;
  /** Sessions whose clients are away and came from one address, and those of one user. */
  readonly maxDetachedPerAddress: number;
  readonly maxDetachedPerUser: number;
}

const MAX_DETACHED = 10_000;

export const registryDefaults: RegistryBounds = {
  /** A tunnel, a lift, a change of networks, a phone that was put away for a moment. */
  resumeWindowMs: 120_000,
  /** All clients of a mid-sized server, cut off at once. */
  maxDetached: MAX_DETACHED,
  /** A quarter of a small server's memory. */
  maxDetachedBytes: 256 * 1024 * 1024,
  /** Half of the places: a proxy's clients all have its address, and many servers have one user for all guests. */
  maxDetachedPerAddress: MAX_DETACHED / 2,
  maxDetachedPerUser: MAX_DETACHED / 2,
};

export interface RegistryMetrics {
  readonly detached: number;
  readonly detachedBytes: number;
  /** For want of room, for whatever reason; then those among them that were too many of one address, or of one user. */
  readonly evicted: number;
  readonly evictedPerAddress: number;
  readonly evictedPerUser: number;
  readonly resumed: number;
  readonly expired: number;
  /** Messages that were handed back to the application. */
  readonly undelivered: number;
}

interface RegisteredSession<R> {
  readonly credentials: SessionCredentials;
  readonly evictable: R;
  readonly since: number;
}

/** A session whose client is away, and what it held when it was last weighed. */
interface DetachedSession<R> {
  readonly evictable: R;
  bytes: number;
}

/** A session that is younger gives way as if it had never been used: nothing that it carried is old. */
const YOUNG_MS = 10_000;

/** Why a session is not there any more. */
export interface Tombstone {
  readonly outcome: number;
  readonly lost: number | undefined;
  /** What its end was closed with: where nobody is to come back after it, who comes late is told so. */
  readonly closeInfo?: CloseInfo | undefined;
  /** Records received in all, where the client ended it: it may come to hear that its goodbye arrived. */
  readonly finalCount?: number | undefined;
}

/** Detached sessions may grow while their clients are away, so they are weighed again this often. */
const WEIGH_MS = 1_000;
/** Sessions that are gone and whose end can still be told: a hundred bytes each. */
const MAX_TOMBSTONES = 10_000;
const UNKNOWN: Tombstone = { outcome: Outcome.unknown, lost: undefined };

/** The sessions of a server: who is there, who is away and for how long it is kept, and what became of the others. */
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

  /** Sessions whose client is there, as far as is known. */
  get present(): number {
    return this.#entries.size - this.#detached.size;
  }

  newCredentials(): SessionCredentials {
    return { id: this.#secrets.randomBytes(TOKEN_BYTES), secret: this.#secrets.randomBytes(TOKEN_BYTES) };
  }

  add(credentials: SessionCredentials, evictable: R): void {
    this.#entries.set(keyOf(credentials), { credentials, evictable, since: this.#clock.now() });
  }

  /** A wrong secret finds what an unknown session finds. */
  find(credentials: SessionCredentials): R | undefined {
    const entry = this.#entries.get(keyOf(credentials));
    return entry !== undefined && this.#secrets.isEqual(entry.credentials.secret, credentials.secret) ? entry.evictable : undefined;
  }

  /** What became of a session that is not found. */
  fateOf(credentials: SessionCredentials): Tombstone {
    const tombstones = this.#tombstones.get(keyOf(credentials));
    return tombstones !== undefined && this.#secrets.isEqual(tombstones.credentials.secret, credentials.secret) ? tombstones : UNKNOWN;
  }

  /** The client is away. Over the bounds, those that were hardly used end first, and then those that left first. */
  detached(credentials: SessionCredentials): void {
    const key = keyOf(credentials);
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#release(key);
    // This one alone is weighed: to weigh all whenever one leaves takes seconds when thousands are cut off at once.
    const { evictable, since } = entry;
    const detachedSession: DetachedSession<R> = { evictable, bytes: evictable.heldBytes };
    this.#detached.set(key, detachedSession);
    this.#detachedBytes += detachedSession.bytes;
    // The absolute value: a clock that was set back makes nothing young.
    const isUsed = evictable.hasCarried && Math.abs(this.#clock.now() - since) >= YOUNG_MS;
    this.#evictionOrders.add(key, isUsed, evictable.owner);
    this.#evictFrom(evictable.owner);
    this.#evict();
    this.#weighLater();
  }

  /** The client is back, before it was seen to be away perhaps. */
  attached(credentials: SessionCredentials): void {
    this.#release(keyOf(credentials));
    this.#resumed += 1;
  }

  /** Copies what it needs: the argument may be the session itself, which is to be freed. */
  remove(credentials: SessionCredentials, { outcome, lost, closeInfo, finalCount }: Tombstone): void {
    const key = keyOf(credentials);
    this.#entries.delete(key);
    this.#release(key);
    if (outcome === Outcome.windowOver) this.#expired += 1;
    this.#undelivered += lost ?? 0;
    this.#tombstones.set(key, { outcome, lost, closeInfo, finalCount, credentials });
    if (this.#tombstones.size > MAX_TOMBSTONES) this.#tombstones.delete(this.#tombstones.keys().next().value as string);
  }

  /** The server ends. */
  close(): void {
    this.#cancel?.();
  }

  /** Counted as away no more. */
  #release(key: string): void {
    const detachedSession = this.#detached.get(key);
    if (detachedSession === undefined) return;
    this.#detachedBytes -= detachedSession.bytes;
    this.#detached.delete(key);
    this.#evictionOrders.delete(key);
  }

  /** Too many of one address, or of one user. */
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
