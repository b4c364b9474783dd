import { createHash } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';

/** RFC 6455, 5.2. */
export const Opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface FrameBits {
  readonly isFinal?: boolean;
  /** The mask of the frame; required from a client, forbidden for a server. */
  readonly mask?: Buffer | undefined;
  /** The three reserved bits, as a number from 0 to 7. */
  readonly reserved?: number;
  /** The bits of the length field, when it is to be longer than necessary. */
  readonly lengthBits?: 16 | 64;
}

/** One frame, byte by byte, so that a test can write frames that no library would. */
export function frame(opcode: number, payload: string | Uint8Array = '', bits: FrameBits = {}): Buffer {
  const { isFinal = true, mask, reserved = 0 } = bits;
  const body = Buffer.from(payload as Uint8Array);
  const first = Buffer.of((isFinal ? 0x80 : 0) | (reserved << 4) | opcode);
  const head = Buffer.concat([first, lengthField(body.length, mask === undefined ? 0 : 0x80, bits.lengthBits)]);
  if (mask === undefined) return Buffer.concat([head, body]);
  for (let index = 0; index < body.length; index++) body[index] = (body[index] as number) ^ (mask[index % 4] as number);
  return Buffer.concat([head, mask, body]);
}

function lengthField(length: number, maskBit: number, bits: 7 | 16 | 64 = length < 126 ? 7 : length < 65_536 ? 16 : 64): Buffer {
  if (bits === 7) return Buffer.of(maskBit | length);
  const field = Buffer.alloc(bits === 16 ? 3 : 9, maskBit | (bits === 16 ? 126 : 127));
  if (bits === 16) field.writeUInt16BE(length, 1);
  else field.writeBigUInt64BE(BigInt(length), 1);
  return field;
}

export function closeFrame(code: number, reason = ''): Buffer {
  const payload = Buffer.from(`  ${reason}`);
  payload.writeUInt16BE(code);
  return frame(Opcode.close, payload);
}

/** The key with which a server proves that it supports WebSockets (RFC 6455, 1.3). */
export function acceptKey(request: string): string {
  const key = /sec-websocket-key: *(\S+)/i.exec(request)?.[1] ?? '';
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}

export function switchingProtocols(request: string, ...headers: readonly string[]): string {
  return [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${acceptKey(request)}`,
    ...headers,
    '\r\n',
  ].join('\r\n');
}

export interface RawServer extends AsyncDisposable {
  readonly port: number;
  readonly address: string;
  readonly sockets: readonly Socket[];
}

/** A TCP server that passes each connection on once its request has arrived. The test writes the answer. */
export async function rawServer(onRequest: (socket: Socket, request: string) => void): Promise<RawServer> {
  const sockets: Socket[] = [];
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    let request = '';
    const onData = (bytes: Buffer) => {
      request += bytes.toString('latin1');
      if (!request.includes('\r\n\r\n')) return;
      socket.off('data', onData);
      onRequest(socket, request);
      socket.resume();
    };
    socket.on('data', onData);
  });
  return asRawServer(server, sockets);
}

/** The same after the opening handshake: the test begins with frames. */
export function rawWebsocketServer(onOpen: (socket: Socket) => void): Promise<RawServer> {
  return rawServer((socket, request) => {
    socket.write(switchingProtocols(request));
    onOpen(socket);
  });
}

async function asRawServer(server: Server, sockets: Socket[]): Promise<RawServer> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return {
    port,
    address: `ws://127.0.0.1:${port}`,
    sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
