import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Seen, Step } from './steps.js';

/** How much of a flood may wait in this process. */
const FLOOD_MARK_BYTES = 256 * 1024;
const LOGGED_BYTES = 64;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** The server's end of one connection: carries out steps, and notes what it sees. */
export class Peer {
  readonly seen: Mutable<Seen>;
  readonly #messages: string[] = [];
  readonly #ws: WebSocket;
  readonly #socket: Duplex;
  readonly #changed: () => void;
  #isFlooding = true;

  constructor(ws: WebSocket, socket: Duplex, request: IncomingMessage, changed: () => void) {
    this.#ws = ws;
    this.#socket = socket;
    this.#changed = changed;
    const { headers, url = '' } = request;
    const protocols = headers['sec-websocket-protocol'] ?? '';
    this.seen = { protocols, headers, url, messages: this.#messages, pings: 0, pongs: 0, flooded: 0 };
    this.#watch();
  }

  echo(): void {
    this.#ws.on('message', (data: Buffer, isBinary) => this.#ws.send(data, { binary: isBinary }));
  }

  /** Text messages are steps. */
  obey(): void {
    this.#ws.on('message', (data: Buffer, isBinary) => {
      if (!isBinary) this.run(JSON.parse(data.toString()) as Step[]);
    });
  }

  /** In one packet, as far as they fit. */
  run(steps: readonly Step[]): void {
    this.#socket.cork();
    for (const step of steps) this.#do(step);
    this.#socket.uncork();
  }

  #do(step: Step): void {
    const ws = this.#ws;
    if ('text' in step) ws.send(step.text);
    else if ('hex' in step) ws.send(Buffer.from(step.hex, 'hex'));
    else if ('raw' in step) this.#socket.write(Buffer.from(step.raw, 'hex'));
    else if ('ping' in step) ws.ping(step.ping);
    else if ('close' in step) ws.close(...step.close);
    else if ('fragments' in step) this.#sendFragments(step.fragments);
    else if ('flood' in step) void this.#flood(step.flood.bytes, step.flood.times);
    else if ('endFlood' in step) this.#endFlood(step.endFlood);
    else if ('drop' in step) this.#drop(step.drop);
    else if (step.silence) ws.pause();
    else ws.resume();
  }

  #sendFragments(fragments: readonly string[]): void {
    for (const [index, fragment] of fragments.entries()) this.#ws.send(fragment, { fin: index === fragments.length - 1 });
  }

  #drop(how: 'end' | 'reset'): void {
    const socket = this.#socket as Socket;
    if (how === 'reset') socket.resetAndDestroy();
    else socket.destroySoon(); // after what was written before
  }

  async #flood(bytes: number, times: number): Promise<void> {
    const message = new Uint8Array(bytes).map((_, index) => index);
    for (let sent = 0; sent < times && this.#isFlooding && this.#ws.readyState === this.#ws.OPEN; sent++) {
      const taken = new Promise<void>((resolve) => this.#ws.send(message, () => resolve()));
      if (this.#ws.bufferedAmount > FLOOD_MARK_BYTES) await taken;
      this.seen.flooded += 1;
      this.#changed();
    }
  }

  #endFlood(last: string): void {
    this.#isFlooding = false;
    this.#ws.send(last);
  }

  #watch(): void {
    const ws = this.#ws;
    ws.on('message', (data: Buffer, isBinary) => {
      const isLong = data.byteLength > LOGGED_BYTES;
      const content = isLong ? `of ${data.byteLength} bytes` : data.toString(isBinary ? 'hex' : 'utf8');
      this.#messages.push(`${isBinary ? 'binary' : 'text'} ${content}`);
      this.#changed();
    });
    ws.on('ping', () => {
      this.seen.pings += 1;
      this.#changed();
    });
    ws.on('pong', () => {
      this.seen.pongs += 1;
      this.#changed();
    });
    ws.on('error', () => {});
    ws.on('close', (code, reason) => {
      this.seen.closed = { code, reason: reason.toString() };
      this.#changed();
    });
  }
}
