import type { Address, ClientEvents, ClientOptions, IWebsocketClient, Message, Received } from '../../src/entry/common.js';
import type { Env, Gemsocket, PlatformFacts } from './env.js';
import type { Awaited, Log, ServerInfo, Step } from './steps.js';

export interface Parameters {
  /** The steps for the first connection, the second, and so on. */
  readonly open?: readonly (readonly Step[])[];
  /** Attempts that are answered with 503: '1-2', or '2-' for all from the second on. */
  readonly refuse?: string;
  /** The subprotocol that the server names. */
  readonly choose?: string;
  readonly [more: string]: unknown;
}

/** Attempts follow each other at once, but for the turn of a timer. */
export const AT_ONCE = { minDelayMs: 1, maxDelayMs: 1 } as const;

/** What one case works with: a key of its own at the server, and clients that are closed at its end. */
export class Bench {
  readonly gemsocket: Gemsocket;
  readonly facts: PlatformFacts;
  readonly server: ServerInfo;
  readonly #pace: number;
  readonly #key = Math.random().toString(36).slice(2);
  readonly #clients: IWebsocketClient[] = [];
  #isSilenceAsked = false;

  constructor({ gemsocket, facts, server, pace }: Env) {
    this.gemsocket = gemsocket;
    this.facts = facts;
    this.server = server;
    this.#pace = pace;
  }

  /** A time that leaves a margin at the reference pace leaves it here, too. */
  limit(ms: number): number {
    return Math.ceil(ms * this.#pace);
  }

  /** `host:port/path?…`, under this case's key. */
  hostAndPath(path: string, parameters: Parameters = {}): string {
    this.#isSilenceAsked ||= path === '/silent';
    const query = Object.entries(parameters).map(([name, value]) => `&${name}=${encodeURIComponent(asText(value))}`);
    return `127.0.0.1:${this.server.port}${path}?key=${this.#key}${query.join('')}`;
  }

  address(path: string, parameters?: Parameters): string {
    return `ws://${this.hostAndPath(path, parameters)}`;
  }

  /** A client that is not yet started. */
  client(address: Address, options?: ClientOptions): InstanceType<Gemsocket['WebsocketClient']> {
    return this.track(new this.gemsocket.WebsocketClient(address, options));
  }

  /** An open connection. */
  async connect(path: string, parameters?: Parameters, options?: ClientOptions): Promise<IWebsocketClient> {
    return this.track(await this.gemsocket.connect(this.address(path, parameters), { type: 'insecure', ...options }));
  }

  /** Closed at the end of the case. With a listener, so that an error which the case provokes is not logged. */
  track<T extends IWebsocketClient>(client: T): T {
    client.on('error', () => {});
    this.#clients.push(client);
    return client;
  }

  /** Tells the server what to do on the connection. */
  tell(client: IWebsocketClient, ...steps: Step[]): void {
    client.sendMessage(JSON.stringify(steps));
  }

  /** The same from outside, on the case's latest connection. */
  async command(...steps: Step[]): Promise<void> {
    await this.#fetch(`/do?key=${this.#key}&steps=${encodeURIComponent(JSON.stringify(steps))}`);
  }

  /** What the server has seen, once it has seen as much as awaited. */
  async log(until: Awaited = {}): Promise<Log> {
    return (await this.#fetch(`/log?key=${this.#key}&until=${encodeURIComponent(JSON.stringify(until))}`)) as Log;
  }

  async end(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    // Firefox keeps a handshake that was given up, and six of them are all that it grants a host.
    if (this.#isSilenceAsked) await this.#fetch(`/hangup?key=${this.#key}`);
  }

  async #fetch(path: string): Promise<unknown> {
    const response = await fetch(`http://127.0.0.1:${this.server.port}${path}`);
    return response.json();
  }
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The next time that the event comes: its arguments. */
export function next<E extends keyof ClientEvents>(client: IWebsocketClient, event: E): Promise<globalThis.Parameters<ClientEvents[E]>> {
  return new Promise((resolve) => {
    const off = client.on(event, ((...args: globalThis.Parameters<ClientEvents[E]>) => {
      off();
      resolve(args);
    }) as ClientEvents[E]);
  });
}

/** Every event from now on, as a line. */
export function record(client: IWebsocketClient): string[] {
  const lines: string[] = [];
  client.on('state', (now) => lines.push(`state ${now}`));
  client.on('open', () => lines.push('open'));
  client.on('reconnecting', ({ attempt }) => lines.push(`reconnecting ${attempt}`));
  client.on('reconnected', () => lines.push('reconnected'));
  client.on('error', ({ code }) => lines.push(`error ${code}`));
  client.on('close', ({ code }) => lines.push(`close ${code}`));
  return lines;
}

/** Polls until something is there. */
export async function poll(client: Pick<IWebsocketClient, 'getMessage'>): Promise<Received> {
  for (;;) {
    const received = client.getMessage();
    if (received !== undefined) return received;
    await turn();
  }
}

/** The next message, polled; an error if the connection has ended instead. */
export async function nextMessage(client: Pick<IWebsocketClient, 'getMessage'>): Promise<Message> {
  const received = await poll(client);
  if ('message' in received) return received.message;
  throw new Error(`Expected a message, but the connection ended: ${JSON.stringify(received)}`);
}

/** A moment in which events may come. */
export function turn(): Promise<void> {
  return after(1);
}

/** Only for what must NOT happen within the time, or must take as long: never to wait for something. */
export function after(delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, delayMs);
  });
}

export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await turn();
}

/** Bytes 0, 1, 2 … 255, 0 … */
export function counting(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index++) bytes[index] = index; // a callback for each byte of a megabyte takes seconds on a busy machine
  return bytes;
}
