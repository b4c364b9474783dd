import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { attach, type ServerClient } from '../../src/entry/server.js';
import type { Seen, Step } from './steps.js';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const LOGGED_BYTES = 64;

/** Makes the server's end of a connection that was made under the key, with the newest socket of that key. */
export type Join = (url: string, makePeer: (socket: () => Socket, changed: () => void) => SessionPeer) => void;

/** What `Peer` is to a plain connection, to a session: it outlives its sockets. */
export class SessionPeer {
  readonly seen: Mutable<Seen>;
  readonly #messages: string[] = [];
  readonly #client: ServerClient;
  readonly #socket: () => Socket;
  readonly #changed: () => void;
  #isFlooding = true;

  /** @param socket the newest of the session's. */
  constructor(client: ServerClient, socket: () => Socket, changed: () => void) {
    this.#client = client;
    this.#socket = socket;
    this.#changed = changed;
    const { headers, url } = client.request;
    this.seen = {
      protocols: headers['sec-websocket-protocol'] ?? '',
      headers,
      url,
      messages: this.#messages,
      pings: 0,
      pongs: 0,
      flooded: 0,
    };
    this.#watch();
  }

  echo(): void {
    this.#client.on('message', (message) => {
      if (typeof message === 'string') this.#client.sendMessage(message);
      else this.#client.sendMessageBinary(message);
    });
  }

  /** Text messages are steps. */
  obey(): void {
    this.#client.on('message', (message) => {
      if (typeof message === 'string') this.run(JSON.parse(message) as Step[]);
    });
  }

  run(steps: readonly Step[]): void {
    for (const step of steps) this.#do(step);
  }

  #do(step: Step): void {
    const client = this.#client;
    if ('text' in step) client.sendMessage(step.text);
    else if ('hex' in step) client.sendMessageBinary(Buffer.from(step.hex, 'hex'));
    else if ('fragments' in step) client.sendMessage(step.fragments.join(''));
    else if ('close' in step) void client.close(...step.close);
    else if ('flood' in step)
      this.#flood(step.flood.bytes, step.flood.times).catch(() => {}); // closed meanwhile
    else if ('endFlood' in step) this.#endFlood(step.endFlood);
    else if ('drop' in step) setImmediate(() => setImmediate(() => this.#drop(step.drop)));
    else if ('silence' in step) this.#silence(step.silence);
    else throw new Error(`A session has no frames: it cannot ${JSON.stringify(step)}.`);
  }

  #silence(isSilent: boolean): void {
    if (isSilent) this.#socket().pause();
    else this.#socket().resume();
  }

  /** After the turn, whose batch has left then. */
  #drop(how: 'end' | 'reset'): void {
    if (how === 'reset') this.#socket().resetAndDestroy();
    else this.#socket().destroySoon();
  }

  async #flood(bytes: number, times: number): Promise<void> {
    const message = new Uint8Array(bytes).map((_, index) => index);
    for (let sent = 0; sent < times && this.#isFlooding && this.#client.state !== 'closed'; sent++) {
      if (!this.#client.sendMessageBinary(message)) await this.#client.drained();
      this.seen.flooded += 1;
      this.#changed();
    }
  }

  #endFlood(last: string): void {
    this.#isFlooding = false;
    this.#client.sendMessage(last);
  }

  #watch(): void {
    this.#client.on('message', (message) => {
      const isText = typeof message === 'string';
      const bytes = Buffer.from(message as string);
      const content = bytes.length > LOGGED_BYTES ? `of ${bytes.length} bytes` : bytes.toString(isText ? 'utf8' : 'hex');
      this.#messages.push(`${isText ? 'text' : 'binary'} ${content}`);
      this.#changed();
    });
    this.#client.on('error', () => {});
    this.#client.on('close', ({ code, reason }) => {
      this.seen.closed = { code, reason };
      this.#changed();
    });
  }
}

/** Sessions are spoken by our own server alone: on an HTTP server that listens nowhere, and is handed its upgrades. */
export function startSessions(join: Join): Server {
  const http = createServer();
  const server = attach(http, { origins: '*', maxMessageBytes: 256 * 1024 * 1024, maxBufferedBytes: 16 * 1024 * 1024 });
  server.on('connection', (client) => join(client.request.url, (socket, changed) => new SessionPeer(client, socket, changed)));
  return http;
}
