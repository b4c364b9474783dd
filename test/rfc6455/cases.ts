import { describe, expect, it } from 'vitest';
import { closeFrame, Opcode } from '../support/raw-peer.js';
import { type Half, halves, type MakeFrame, type Meeting, type MeetingOptions } from './halves.js';

/** The frames of a peer, and the reaction of our half that RFC 6455 requires. */
export interface Case {
  readonly section: string;
  readonly name: string;
  readonly frames: (frame: MakeFrame) => readonly Buffer[];
  /** The messages that our application receives; none by default. */
  readonly messages?: readonly (string | Uint8Array)[];
  readonly pongs?: readonly string[];
  /** The close code with which our half fails the connection. Without it the connection stays open, and our half answers a close with 1000. */
  readonly fails?: number;
  readonly options?: MeetingOptions;
}

type Delivery = (half: Half, before: Buffer, bytes: Buffer, after: Buffer, options: MeetingOptions) => Promise<Meeting>;

/** TCP keeps the order of the bytes but not their boundaries, so the split must make no difference. */
const deliveries: Readonly<Record<string, Delivery>> = {
  'in one write': async (half, before, bytes, after, options) => {
    const meeting = await half.meet(undefined, options);
    for (const part of [before, bytes, after]) await write(meeting, part);
    return meeting;
  },
  'in one write with the handshake and its neighbours': (half, before, bytes, after, options) =>
    half.meet(Buffer.concat([before, bytes, after]), options),
  'byte by byte': async (half, before, bytes, after, options) => {
    const meeting = await half.meet(undefined, options);
    for (const part of split(Buffer.concat([before, bytes, after]))) await write(meeting, part);
    return meeting;
  },
};

/** Each case with each delivery, between other messages, for each half. */
export function describeCases(cases: readonly Case[], only: readonly Half[] = halves): void {
  const rows = cases.flatMap((row) =>
    Object.entries(deliveries).map(([how, delivery]) => [`${row.section} ${row.name}, ${how}`, row, delivery] as const),
  );
  describe.each(only)('$name', (half) => {
    it.each(rows)('%s', (_title, row, delivery) => play(half, row, delivery));
  });
}

async function play(half: Half, { frames, messages = [], pongs = [], fails, options = {} }: Case, deliver: Delivery): Promise<void> {
  const { frame } = half;
  const goodbye = frame(Opcode.close, closeFrame(1000, 'goodbye').subarray(2));
  const after = Buffer.concat([frame(Opcode.text, 'after'), goodbye]);
  const meeting = await deliver(half, frame(Opcode.text, 'before'), Buffer.concat(frames(frame)), after, options);
  const info = await meeting.closed;
  await meeting.ended;
  const read = ['before', ...messages, ...(fails === undefined ? ['after'] : [])];
  expect(meeting.messages.map(comparable)).toEqual(read.map(comparable));
  expect(meeting.wrote.faults).toEqual([]);
  expect(meeting.wrote.pongs).toEqual(pongs);
  expect(meeting.wrote.closeCode).toBe(fails ?? 1000);
  if (fails === undefined) {
    expect(info).toEqual({ code: 1000, reason: 'goodbye', wasClean: true });
    expect(meeting.errors).toEqual([]);
  } else {
    expect(info).toMatchObject({ code: fails, wasClean: false });
    expect(meeting.errors).toMatchObject([{ code: fails === 1009 ? 'MESSAGE_TOO_BIG' : 'PROTOCOL_ERROR', context: { closeCode: fails } }]);
  }
}

/** Distinguishes text from bytes; megabytes are compared in one step instead of byte by byte. */
export function comparable(message: string | Uint8Array): string {
  return typeof message === 'string' ? `text ${message}` : `bytes ${Buffer.from(message).toString('latin1')}`;
}

/** Single bytes for a short input; for a long one single bytes at both ends, and pieces in between that match no boundary. */
function split(bytes: Buffer): readonly Buffer[] {
  const single = bytes.length <= 1_000 ? bytes.length : 100;
  const head = [...bytes.subarray(0, single)].map((byte) => Buffer.of(byte));
  if (single === bytes.length) return head;
  const middle: Buffer[] = [];
  const end = bytes.length - single;
  for (let at = single; at < end; at += 4_093) middle.push(bytes.subarray(at, Math.min(at + 4_093, end)));
  return [...head, ...middle, ...[...bytes.subarray(end)].map((byte) => Buffer.of(byte))];
}

/** Lets our half, which is in the same process, read; stops once it has destroyed the socket. */
export async function write({ socket }: Pick<Meeting, 'socket'>, bytes: Buffer): Promise<void> {
  if (!socket.writable) return;
  await new Promise<void>((resolve) => socket.write(bytes, () => resolve()));
  await new Promise(setImmediate);
}
