import { once } from 'node:events';
import { connect as connectSocket, type Socket } from 'node:net';
import { generate } from 'selfsigned';
import { onTestFinished, vi } from 'vitest';
import WebSocket, { type ClientOptions as WsOptions } from 'ws';
import { type Deferred, deferred } from '../../src/core/util.js';
import { type ClientOptions, connect, type IWebsocketClient, type Message } from '../../src/entry/node.js';
import { listen, type ServerClient, type ServerOptions, type WebsocketServer } from '../../src/entry/server.js';
import { limit } from '../support/pace.js';

/** Waits for a condition, however long the machine takes; the test's own timeout ends it. */
export function until(condition: () => void): Promise<void> {
  return vi.waitFor(condition, { timeout: limit(10_000), interval: 2 });
}

/** A server on a free port of loopback, gone when the test is. */
export async function serve(options: ServerOptions = {}): Promise<WebsocketServer> {
  const server = await listen('127.0.0.1', 0, options);
  onTestFinished(() => server.close({ graceMs: 1 }));
  return server;
}

/** A server that sends every message back. */
export async function serveEcho(options: ServerOptions = {}): Promise<WebsocketServer> {
  const server = await serve(options);
  server.on('connection', (client) => {
    client.on('message', (message) => {
      if (typeof message === 'string') client.sendMessage(message);
      else client.sendMessageBinary(message);
    });
  });
  return server;
}

export function nextClient(server: WebsocketServer): Promise<ServerClient> {
  return new Promise((resolve) => {
    const off = server.on('connection', (client) => {
      off();
      resolve(client);
    });
  });
}

/** Our own client, and the server's end of it. */
export async function pair(
  server: WebsocketServer,
  options: ClientOptions = {},
  path = '',
): Promise<{ client: IWebsocketClient; accepted: ServerClient }> {
  const accepting = nextClient(server);
  const client = await connect(`ws://127.0.0.1:${server.port}${path}`, { type: 'insecure', reconnect: false, ...options });
  onTestFinished(async () => {
    await client.close();
  });
  return { client, accepted: await accepting };
}

/** All messages of the client from now on. */
export function collect(client: IWebsocketClient): Message[] {
  const received: Message[] = [];
  client.on('message', (message) => received.push(message));
  return received;
}

/** A client that others wrote. */
export function foreign(url: string, protocols: string[] = [], options: WsOptions = {}): WebSocket {
  const socket = new WebSocket(url, protocols, options);
  socket.on('error', () => {});
  onTestFinished(() => socket.terminate());
  return socket;
}

export async function foreignOpen(server: WebsocketServer, protocols?: string[], options?: WsOptions): Promise<WebSocket> {
  const socket = foreign(`ws://127.0.0.1:${server.port}`, protocols, options);
  await once(socket, 'open');
  return socket;
}

/** The HTTP status that a handshake is answered with. */
export async function statusOf(url: string, options: WsOptions = {}): Promise<number> {
  const socket = foreign(url, [], options);
  return new Promise((resolve, reject) => {
    socket.on('open', () => resolve(101));
    socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0));
    socket.on('error', reject);
  });
}

export async function closeOf(socket: WebSocket): Promise<{ code: number; reason: string }> {
  const [code, reason] = (await once(socket, 'close')) as [number, Buffer];
  return { code, reason: reason.toString() };
}

export async function messageOf(socket: WebSocket): Promise<string> {
  const [message] = (await once(socket, 'message')) as [Buffer];
  return message.toString();
}

export const Opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** One frame as it stands on the wire (RFC 6455, 5.2); masked with a key of zeros unless said otherwise. */
export function frame(opcode: number, payload: string | Uint8Array, { fin = true, masked = true } = {}): Buffer {
  const body = Buffer.from(payload as Uint8Array);
  const maskBit = masked ? 0x80 : 0;
  const key = masked ? Buffer.alloc(4) : Buffer.alloc(0);
  return Buffer.concat([Buffer.from([(fin ? 0x80 : 0) | opcode]), lengthOf(body.length, maskBit), key, body]);
}

function lengthOf(length: number, maskBit: number): Buffer {
  if (length < 126) return Buffer.from([maskBit | length]);
  const long = length > 0xffff;
  const bytes = Buffer.alloc(long ? 9 : 3);
  bytes[0] = maskBit | (long ? 127 : 126);
  if (long) bytes.writeBigUInt64BE(BigInt(length), 1);
  else bytes.writeUInt16BE(length, 1);
  return bytes;
}

export interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** A bare TCP socket that speaks only what the test writes. */
export class RawPeer {
  readonly socket: Socket;
  #received = Buffer.alloc(0);
  #isEnded = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
    });
    socket.once('close', () => {
      this.#isEnded = true;
    });
    onTestFinished(() => {
      socket.destroy();
    });
  }

  static async connect(port: number): Promise<RawPeer> {
    const socket = connectSocket(port, '127.0.0.1');
    await once(socket, 'connect');
    return new RawPeer(socket);
  }

  /** With the handshake done. */
  static async upgraded(server: Pick<WebsocketServer, 'port'>, headers?: Record<string, string>): Promise<RawPeer> {
    const peer = await RawPeer.connect(server.port);
    peer.socket.write(handshake(headers));
    await until(() => peer.head());
    return peer;
  }

  /** All that came until the server closed. */
  async text(): Promise<string> {
    await this.ended();
    return this.#received.toString();
  }

  async ended(): Promise<void> {
    await until(() => {
      if (!this.#isEnded) throw new Error('The socket is still open.');
    });
  }

  send(...parts: Uint8Array[]): void {
    this.socket.write(Buffer.concat(parts));
  }

  /** The next frame that the server sends. */
  async frame(): Promise<Frame> {
    let next: Frame | undefined;
    await until(() => {
      next = this.#take();
      if (next === undefined) throw new Error('No frame has come.');
    });
    return next as Frame;
  }

  async closeCode(): Promise<number> {
    for (;;) {
      const { opcode, payload } = await this.frame();
      if (opcode === Opcode.close) return payload.readUInt16BE(0);
    }
  }

  head(): string {
    const end = this.#received.indexOf('\r\n\r\n');
    if (end < 0) throw new Error('No answer has come.');
    const head = this.#received.subarray(0, end).toString();
    this.#received = this.#received.subarray(end + 4);
    return head;
  }

  #take(): Frame | undefined {
    const [first, second] = this.#received;
    if (first === undefined || second === undefined) return undefined;
    const short = second & 0x7f;
    const offset = short === 127 ? 10 : short === 126 ? 4 : 2;
    if (this.#received.length < offset) return undefined;
    const length = short === 127 ? Number(this.#received.readBigUInt64BE(2)) : short === 126 ? this.#received.readUInt16BE(2) : short;
    if (this.#received.length < offset + length) return undefined;
    const payload = this.#received.subarray(offset, offset + length);
    this.#received = this.#received.subarray(offset + length);
    return { opcode: first & 0x0f, payload };
  }
}

/** A request for an upgrade; `headers` replace or add, undefined leaves out. */
export function handshake(headers: Record<string, string | undefined> = {}, requestLine = 'GET / HTTP/1.1'): string {
  const all: Record<string, string | undefined> = {
    Host: 'localhost',
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    ...headers,
  };
  const lines = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]));
  return `${[requestLine, ...lines].join('\r\n')}\r\n\r\n`;
}

export async function certificate(): Promise<{ key: string; cert: string }> {
  const pems = await generate([{ name: 'commonName', value: 'localhost' }], { keyType: 'ec' });
  return { key: pems.private, cert: pems.cert };
}

/** An `authenticate` that takes as long as the test lets it. */
export function slowAuthentication(): { authenticate: () => Promise<string>; asked: Promise<void>; answer: Deferred<string> } {
  const [asked, answer] = [deferred<void>(), deferred<string>()];
  const authenticate = () => {
    asked.resolve();
    return answer.promise;
  };
  return { authenticate, asked: asked.promise, answer };
}
