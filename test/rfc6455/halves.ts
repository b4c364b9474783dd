import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectSocket, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { type ClientOptions, type CloseInfo, type IWebsocketClient, WebsocketClient, type WebsocketError } from '../../src/entry/node.js';
import { listen, type ServerOptions, type WebsocketServer } from '../../src/entry/server.js';
import { type FrameBits, frame, rawServer, switchingProtocols } from '../support/raw-peer.js';
import { StrictReader } from './strict-reader.js';

/** One of our halves, open, and the results of the raw socket's bytes. */
export interface Meeting {
  readonly client: IWebsocketClient;
  /** The raw socket. */
  readonly socket: Socket;
  /** The frames that our half wrote. */
  readonly wrote: StrictReader;
  readonly messages: (string | Uint8Array)[];
  readonly errors: WebsocketError[];
  /** The close info that our half reports. */
  readonly closed: Promise<CloseInfo>;
  /** Resolves when our half has destroyed its socket. */
  readonly ended: Promise<unknown>;
}

export interface MeetingOptions {
  readonly maxMessageBytes?: number;
  readonly client?: ClientOptions;
  readonly server?: ServerOptions;
  /** The raw socket's answer to our close frame; none by default. */
  readonly goodbye?: Buffer;
  /** Additional headers of the raw server's answer. */
  readonly headers?: readonly string[];
}

/** A frame as the raw socket must write it to this half: masked or not. */
export type MakeFrame = (opcode: number, payload?: string | Uint8Array, bits?: FrameBits) => Buffer;

export interface Half {
  readonly name: string;
  readonly isClient: boolean;
  readonly frame: MakeFrame;
  /** Opens; `first` is sent in one write with the raw socket's part of the opening handshake. */
  meet(first?: Uint8Array, options?: MeetingOptions): Promise<Meeting>;
}

export const ourClient: Half = {
  name: 'our client, and a raw server',
  isClient: true,
  frame,
  async meet(first = Buffer.alloc(0), { maxMessageBytes, client: options = {}, headers = [], goodbye } = {}) {
    const server = await rawServer((socket, request) =>
      socket.write(Buffer.concat([Buffer.from(switchingProtocols(request, ...headers)), first])),
    );
    onTestFinished(() => server[Symbol.asyncDispose]());
    const messages: (string | Uint8Array)[] = [];
    const client = new WebsocketClient(server.address, {
      reconnect: false,
      ...(maxMessageBytes === undefined ? {} : { maxMessageBytes }),
      ...options,
      onMessage: (message) => void messages.push(message),
    });
    const watched = watch(client);
    await client.connect();
    const socket = server.sockets[0] as Socket;
    return { client, socket, messages, ...watched, ...read(socket, 'client', goodbye) };
  },
};

/** The same half, with access to the whole server. */
interface ServerHalf extends Half {
  meet(first?: Uint8Array, options?: MeetingOptions): Promise<Meeting & { readonly server: WebsocketServer }>;
}

export const ourServer: ServerHalf = {
  name: 'our server, and a raw client',
  isClient: false,
  frame: (opcode, payload, bits) => frame(opcode, payload, { mask: randomBytes(4), ...bits }),
  async meet(first = Buffer.alloc(0), { maxMessageBytes, server: options = {}, goodbye } = {}) {
    const server = await listen('127.0.0.1', 0, { ...(maxMessageBytes === undefined ? {} : { maxMessageBytes }), ...options });
    onTestFinished(() => server.close({ graceMs: 1 }));
    const messages: (string | Uint8Array)[] = [];
    const accepting = new Promise<Pick<Meeting, 'client' | 'errors' | 'closed'>>((resolve) =>
      server.on('connection', (client) => {
        client.on('message', (message) => void messages.push(message));
        resolve({ client, ...watch(client) });
      }),
    );
    const socket = connectSocket({ port: server.port, host: '127.0.0.1', noDelay: true });
    socket.on('error', () => {});
    onTestFinished(() => void socket.destroy());
    socket.write(Buffer.concat([Buffer.from(request()), first]));
    await answer(socket);
    return { server, socket, messages, ...read(socket, 'server', goodbye), ...(await accepting) };
  },
};

export const halves: readonly Half[] = [ourClient, ourServer];

function watch(client: IWebsocketClient): Pick<Meeting, 'errors' | 'closed'> {
  const errors: WebsocketError[] = [];
  client.on('error', (error) => errors.push(error));
  return { errors, closed: new Promise((resolve) => void client.on('close', resolve)) };
}

/** A raw server ends the connection after our client's close frame; with a raw client, our server ends it. */
function read(socket: Socket, sender: 'client' | 'server', goodbye: Uint8Array = Buffer.alloc(0)): Pick<Meeting, 'wrote' | 'ended'> {
  const wrote = new StrictReader(sender);
  let isAnswered = false;
  socket.on('data', (bytes) => {
    wrote.push(bytes);
    if (isAnswered || wrote.closeCode === undefined) return;
    isAnswered = true;
    if (sender === 'client') socket.end(goodbye);
    else socket.write(goodbye);
  });
  return { wrote, ended: once(socket, 'close') };
}

function request(): string {
  return [
    'GET / HTTP/1.1',
    'Host: localhost',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    '\r\n',
  ].join('\r\n');
}

/** Reads the answer and leaves the bytes after it in the socket. */
async function answer(socket: Socket): Promise<void> {
  let head = Buffer.alloc(0);
  while (!head.includes('\r\n\r\n')) {
    const [bytes] = (await once(socket, 'data')) as [Buffer];
    head = Buffer.concat([head, bytes]);
  }
  socket.pause();
  const rest = head.subarray(head.indexOf('\r\n\r\n') + 4);
  if (rest.length > 0) socket.unshift(rest);
  socket.resume();
}
