import type { CloseInfo } from '../core/types.js';
import type { AcceptedClient } from './accepted-client.js';

/** How long a closed client stays in `clients` for a frame loop that polls. */
const LINGER_MS = 5_000;

/** How many closed clients stay; the oldest is removed first. */
const MAX_LINGERING = 1_024;

export interface ClientSetEvents {
  /** The client is in `server.clients` no longer. */
  unlisted(client: AcceptedClient): void;
  closing(client: AcceptedClient): void;
  /** The client is closing or closed; may be called for each. */
  ended(client: AcceptedClient): void;
  closed(client: AcceptedClient, info: CloseInfo): void;
}

/** Open clients, closing clients, and closed clients with unread messages. */
export class ClientSet {
  /** Clients that are not closed. */
  readonly #live = new Set<AcceptedClient>();
  /** The content of `server.clients`. */
  readonly #listed = new Set<AcceptedClient>();
  readonly #lingering = new Map<AcceptedClient, NodeJS.Timeout>();
  readonly #events: ClientSetEvents;
  #snapshot: readonly AcceptedClient[] | undefined;
  #openCount = 0;
  #isPolled = false;

  constructor(events: ClientSetEvents) {
    this.#events = events;
  }

  get openCount(): number {
    return this.#openCount;
  }

  get live(): ReadonlySet<AcceptedClient> {
    return this.#live;
  }

  isListed(client: AcceptedClient): boolean {
    return this.#listed.has(client);
  }

  /** A new array only after a change, because a frame loop reads it sixty times a second. */
  get listed(): readonly AcceptedClient[] {
    this.#snapshot ??= Object.freeze([...this.#listed]);
    return this.#snapshot;
  }

  add(client: AcceptedClient): void {
    this.#live.add(client);
    this.#listed.add(client);
    this.#snapshot = undefined;
    this.#openCount += 1;
    client.on('state', (now, before) => {
      if (now === 'closing') this.#events.closing(client);
      if (now === 'open') this.#openCount += 1;
      if (before === 'open') this.#openCount -= 1;
      // A session still accepts messages while its client is disconnected.
      if (now === 'closing' || now === 'closed') this.#ends(client);
    });
    client.on('close', (info) => {
      this.#events.closed(client, info);
      this.#live.delete(client);
      if (this.#listed.has(client)) this.#linger(client);
    });
  }

  /** The application reads by polling. */
  polled(): void {
    this.#isPolled = true;
  }

  /** The client is closed, and its end has been read. */
  finished(client: AcceptedClient): void {
    this.#unlist(client);
  }

  clear(): void {
    for (const client of [...this.#listed]) this.#unlist(client);
  }

  #ends(client: AcceptedClient): void {
    this.#events.ended(client);
    if (!client.awaitsPoll(this.#isPolled)) this.#unlist(client);
  }

  #linger(client: AcceptedClient): void {
    const timer = setTimeout(() => this.#unlist(client), LINGER_MS);
    timer.unref();
    this.#lingering.set(client, timer);
    if (this.#lingering.size <= MAX_LINGERING) return;
    const [oldest] = this.#lingering.keys();
    if (oldest !== undefined) this.#unlist(oldest);
  }

  #unlist(client: AcceptedClient): void {
    clearTimeout(this.#lingering.get(client));
    this.#lingering.delete(client);
    if (!this.#listed.delete(client)) return;
    this.#snapshot = undefined;
    this.#events.unlisted(client);
  }
}
