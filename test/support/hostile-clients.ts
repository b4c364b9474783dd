import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { encodeControl } from '../../src/session/controls.js';
import { closeFrame, frame, Opcode } from './raw-peer.js';

const MASK = { mask: Buffer.of(1, 2, 3, 4) };
/** The step between two cuts of a dialogue: an odd number, so the cuts fall on every part of a frame. */
const CUT_STEP_BYTES = 17;
const AT_ONCE = 16;

const masked = (opcode: number, payload: string | Uint8Array) => frame(opcode, payload, MASK);
const hello = (maxMessageBytes: number, initialCredit = 65_536) =>
  masked(Opcode.binary, encodeControl({ is: 'hello', initialCredit, maxMessageBytes, protocols: [] }));
/** TEXT records; and END with 1000, which follows the last message of an honest session. */
const records = (...texts: string[]) =>
  masked(Opcode.binary, Buffer.concat(texts.map((text) => Buffer.concat([Buffer.of((text.length << 4) | 1), Buffer.from(text)]))));
const END = masked(Opcode.binary, Buffer.of(0x23, 0x03, 0xe8));

/** The actions of a hostile client on its socket, once it is connected. */
type Attack = (socket: Socket) => void;

/**
 * Clients that disconnect at every point of a dialogue, announce nonsense, vanish and flood, with and without a session. Resolves
 * when all of them are done. Their answers are ignored: the server must keep running and serve good clients.
 */
export async function besiege(port: number, path = '/'): Promise<void> {
  const attacks = attacksOn(port, path);
  for (let at = 0; at < attacks.length; at += AT_ONCE) {
    await Promise.all(attacks.slice(at, at + AT_ONCE).map((attack) => run(port, attack)));
  }
}

async function run(port: number, attack: Attack): Promise<void> {
  const socket = connect(port, 'localhost');
  socket.on('error', () => {});
  const closed = once(socket, 'close');
  socket.once('connect', () => attack(socket));
  await closed;
}

function attacksOn(port: number, path: string): Attack[] {
  const plain = upgrade(port, path);
  const session = upgrade(port, path, 'gem.1');
  const plainTalk = [
    plain,
    ...['one', 'two', 'three'].map((text) => masked(Opcode.text, text)),
    masked(Opcode.close, closeFrame(1000).subarray(2)),
  ];
  const sessionTalk = [session, hello(16_777_216), records('one', 'two', 'three'), END];
  return [
    ...[plainTalk, sessionTalk].flatMap((talk) => cuts(Buffer.concat(talk))),
    // The whole dialogue in one packet: the client has closed before the server's application reads a message.
    ...[plainTalk, sessionTalk].flatMap((talk) => [leaves(...talk), answered(talk.slice(0, 1), talk.slice(1))]),
    ...[0, 1, 16_383, 16_384, 2 ** 53 - 1].flatMap((largest) => [
      answered([session, hello(largest)], [records('one', 'two', 'three')]),
      answered([session, hello(largest, 0)], [records('one'), END]),
    ]),
    ...NONSENSE.flatMap((nonsense) => [answered([plain], [nonsense]), answered([session, hello(65_536)], [nonsense])]),
    vanishes(plain, masked(Opcode.text, 'one')),
    vanishes(session, hello(65_536), records('one')),
    floods([plain], masked(Opcode.text, 'x'.repeat(100))),
    floods([plain], masked(Opcode.ping, '')),
    floods([session, hello(65_536)], records('x', 'y', 'z')),
  ];
}

const NONSENSE = [
  frame(Opcode.text, 'unmasked'),
  frame(3, 'a reserved opcode', MASK),
  masked(Opcode.text, Buffer.of(0xff, 0xfe)),
  masked(Opcode.close, Buffer.of(3)),
  masked(Opcode.binary, Buffer.of(0x18, 0x7f)), // an acknowledgement of records that were never sent
  masked(Opcode.binary, Buffer.of(0x01, 0x03)),
  frame(Opcode.text, new Uint8Array(70_000), MASK),
];

function upgrade(port: number, path: string, protocol?: string): Buffer {
  const lines = [
    `GET ${path} HTTP/1.1`,
    `Host: localhost:${port}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ...(protocol === undefined ? [] : [`Sec-WebSocket-Protocol: ${protocol}`]),
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`);
}

/** Alternates between a FIN and a reset. */
function cuts(talk: Buffer): Attack[] {
  const ends = Array.from({ length: Math.ceil(talk.length / CUT_STEP_BYTES) }, (_, index) => index * CUT_STEP_BYTES);
  return ends.map((end, index) => (socket) => {
    socket.resume();
    socket.write(talk.subarray(0, end), () => (index % 2 === 0 ? socket.end() : socket.resetAndDestroy()));
  });
}

function leaves(...talk: Buffer[]): Attack {
  return (socket) => {
    socket.resume();
    socket.end(Buffer.concat(talk));
  };
}

/** Waits for an answer before it sends the rest, and is reset by the next received byte. */
function answered(first: Buffer[], rest: Buffer[]): Attack {
  return (socket) => {
    socket.once('data', () => {
      socket.once('data', () => socket.resetAndDestroy());
      socket.end(Buffer.concat(rest));
    });
    socket.write(Buffer.concat(first));
  };
}

/** Reads nothing, and disconnects once the server has started to send. */
function vanishes(...talk: Buffer[]): Attack {
  return (socket) => {
    socket.write(Buffer.concat(talk));
    socket.once('readable', () => socket.resetAndDestroy());
  };
}

function floods(first: Buffer[], again: Buffer): Attack {
  return (socket) => {
    socket.resume();
    socket.write(Buffer.concat([...first, ...Array.from({ length: 1_500 }, () => again)]), () => socket.resetAndDestroy());
  };
}
