import type { AcceptedClient } from './accepted-client.js';

/** How long a closed client waits in `clients` for a frame loop to see its end; frames come far more often. */
const LINGER_MS = 5_000;

/** How many may wait at once: the oldest goes first, so that a frame loop that hangs does not make us hold thousands. */
const MAX_LINGERING = 1_024;

/** Who is connected, who is leaving, and who has left but is still to be read. */
export class ClientSet {
  /** All whose connection is not down yet. */
  readonly #live = new Set<AcceptedClient>();
  /** What `server.clients` shows. */
  readonly #listed = new Set<AcceptedClient>();
  readonly #lingering = new Map<AcceptedClient, NodeJS.Timeout>();
  readonly #unlisted: (client: AcceptedClient) => void;
  #snapshot: readonly AcceptedClient[] | undefined;
  #openCount = 0;
  #isPolled = false;

  constructor(unlisted: (client: AcceptedClient) => void) {
    this.#unlisted = unlisted;
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

  /** Made anew only after a change: a frame loop asks sixty times a second. */
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
      if (now === 'open') this.#openCount += 1;
      if (before === 'open') this.#openCount -= 1;
      // A session whose client is away still takes what is sent to it.
      if (now === 'closing' || now === 'closed') this.#ends(client);
    });
    client.on('close', () => {
      this.#live.delete(client);
      if (this.#listed.has(client)) this.#linger(client);
    });
  }

  /** The application reads by polling. */
  polled(): void {
    this.#isPolled = true;
  }

  /** No one will read anything from this client any more. */
  finished(client: AcceptedClient): void {
    this.#unlist(client);
  }

  clear(): void {
    for (const client of [...this.#listed]) this.#unlist(client);
  }

  #ends(client: AcceptedClient): void {
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
    this.#unlisted(client);
  }
}
