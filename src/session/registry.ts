import type { Cancel, Clock } from '../core/clock.js';
import type { CloseInfo } from '../core/types.js';
import { type AwayOrder, AwayPlaces, type SessionOwner } from './away.js';
import { Outcome, type Ticket } from './controls.js';
import { TOKEN_BYTES } from './limits.js';

/** What a server's platform must provide for secrets. */
export interface Secrets {
  /** From a cryptographically secure generator. */
  randomBytes(length: number): Uint8Array<ArrayBuffer>;
  /** In a time that does not tell where two secrets of the same length differ. */
  isEqual(one: Uint8Array, other: Uint8Array): boolean;
}

/** A server's end of a session, as the registry knows it. */
export interface Resident {
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

interface Entry<R> {
  readonly ticket: Ticket;
  readonly resident: R;
  readonly since: number;
}

/** A session whose client is away, and what it held when it was last weighed. */
interface Away<R> {
  readonly resident: R;
  bytes: number;
}

/** A session that is younger gives way as if it had never been used: nothing that it carried is old. */
const YOUNG_MS = 10_000;

/** Why a session is not there any more. */
export interface Gone {
  readonly outcome: number;
  readonly lost: number | undefined;
  /** What its end was closed with: where nobody is to come back after it, who comes late is told so. */
  readonly verdict?: CloseInfo | undefined;
  /** Records received in all, where the client ended it: it may come to hear that its goodbye arrived. */
  readonly finalCount?: number | undefined;
}

/** Detached sessions may grow while their clients are away, so they are weighed again this often. */
const WEIGH_MS = 1_000;
/** Sessions that are gone and whose end can still be told: a hundred bytes each. */
const MAX_GONE = 10_000;
const UNKNOWN: Gone = { outcome: Outcome.unknown, lost: undefined };

/** The sessions of a server: who is there, who is away and for how long it is kept, and what became of the others. */
export class SessionRegistry<R extends Resident> {
  readonly #secrets: Secrets;
  readonly #clock: Clock;
  readonly #bounds: RegistryBounds;
  readonly #entries = new Map<string, Entry<R>>();
  readonly #detached = new Map<string, Away<R>>();
  readonly #places = new AwayPlaces();
  readonly #gone = new Map<string, Gone & { readonly ticket: Ticket }>();
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

  newTicket(): Ticket {
    return { id: this.#secrets.randomBytes(TOKEN_BYTES), secret: this.#secrets.randomBytes(TOKEN_BYTES) };
  }

  add(ticket: Ticket, resident: R): void {
    this.#entries.set(keyOf(ticket), { ticket, resident, since: this.#clock.now() });
  }

  /** A wrong secret finds what an unknown session finds. */
  find(ticket: Ticket): R | undefined {
    const entry = this.#entries.get(keyOf(ticket));
    return entry !== undefined && this.#secrets.isEqual(entry.ticket.secret, ticket.secret) ? entry.resident : undefined;
  }

  /** What became of a session that is not found. */
  whereabouts(ticket: Ticket): Gone {
    const gone = this.#gone.get(keyOf(ticket));
    return gone !== undefined && this.#secrets.isEqual(gone.ticket.secret, ticket.secret) ? gone : UNKNOWN;
  }

  /** The client is away. Over the bounds, those that were hardly used end first, and then those that left first. */
  detached(ticket: Ticket): void {
    const key = keyOf(ticket);
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#release(key);
    // This one alone is weighed: to weigh all whenever one leaves takes seconds when thousands are cut off at once.
    const { resident, since } = entry;
    const away: Away<R> = { resident, bytes: resident.heldBytes };
    this.#detached.set(key, away);
    this.#detachedBytes += away.bytes;
    // The absolute value: a clock that was set back makes nothing young.
    const isUsed = resident.hasCarried && Math.abs(this.#clock.now() - since) >= YOUNG_MS;
    this.#places.add(key, isUsed, resident.owner);
    this.#evictFrom(resident.owner);
    this.#evict();
    this.#weighLater();
  }

  /** The client is back, before it was seen to be away perhaps. */
  attached(ticket: Ticket): void {
    this.#release(keyOf(ticket));
    this.#resumed += 1;
  }

  /** Copies what it needs of `gone`, which may be the resident itself: the rest is to be freed. */
  remove(ticket: Ticket, { outcome, lost, verdict, finalCount }: Gone): void {
    const key = keyOf(ticket);
    this.#entries.delete(key);
    this.#release(key);
    if (outcome === Outcome.windowOver) this.#expired += 1;
    this.#undelivered += lost ?? 0;
    this.#gone.set(key, { outcome, lost, verdict, finalCount, ticket });
    if (this.#gone.size > MAX_GONE) this.#gone.delete(this.#gone.keys().next().value as string);
  }

  /** The server ends. */
  close(): void {
    this.#cancel?.();
  }

  /** Counted as away no more. */
  #release(key: string): void {
    const away = this.#detached.get(key);
    if (away === undefined) return;
    this.#detachedBytes -= away.bytes;
    this.#detached.delete(key);
    this.#places.delete(key);
  }

  /** Too many of one address, or of one user. */
  #evictFrom({ address, user }: SessionOwner): void {
    const { maxDetachedPerAddress, maxDetachedPerUser } = this.#bounds;
    const ofAddress = this.#places.of('address', address);
    for (; ofAddress.size > maxDetachedPerAddress; this.#evictedPerAddress += 1) this.#evictFirst(ofAddress);
    const ofUser = this.#places.of('user', user);
    for (; ofUser.size > maxDetachedPerUser; this.#evictedPerUser += 1) this.#evictFirst(ofUser);
  }

  #evict(): void {
    const { maxDetached, maxDetachedBytes } = this.#bounds;
    while (this.#detached.size > maxDetached || (this.#detachedBytes > maxDetachedBytes && this.#detached.size > 0)) {
      this.#evictFirst(this.#places.all);
    }
  }

  #evictFirst(among: AwayOrder): void {
    const key = among.first() as string;
    const { resident } = this.#detached.get(key) as Away<R>;
    this.#release(key);
    this.#evicted += 1;
    resident.evict();
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
    for (const away of this.#detached.values()) {
      away.bytes = away.resident.heldBytes;
      this.#detachedBytes += away.bytes;
    }
    this.#evict();
    this.#weighLater();
  }
}

function keyOf({ id }: Ticket): string {
  return Array.from(id, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
