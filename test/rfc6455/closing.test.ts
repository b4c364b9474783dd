import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { closeFrame, Opcode } from '../support/raw-peer.js';
import { write } from './cases.js';
import { type Half, halves, type Meeting } from './halves.js';

const CODES_TO_SEND = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999];

/** Codes without a meaning yet, codes that must never be sent, and codes outside the ranges of 7.4.2. */
const CODES_NOT_TO_SEND = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2999, 5000, 32_768, 65_535];

function close(half: Half, code: number, reason: string | Uint8Array = ''): Buffer {
  const payload = Buffer.concat([Buffer.alloc(2), Buffer.from(reason as Uint8Array)]);
  payload.writeUInt16BE(code);
  return half.frame(Opcode.close, payload);
}

/** The peer's bytes are sent in one write with its part of the opening handshake, after it, or byte by byte. */
const deliveries: Readonly<Record<string, (half: Half, bytes: Buffer) => Promise<Meeting>>> = {
  'with the handshake': (half, bytes) => half.meet(bytes),
  'in one write': async (half, bytes) => {
    const meeting = await half.meet();
    await write(meeting, bytes);
    return meeting;
  },
  'byte by byte': async (half, bytes) => {
    const meeting = await half.meet();
    for (const byte of bytes) await write(meeting, Buffer.of(byte));
    return meeting;
  },
};

async function ended(meeting: Meeting) {
  const info = await meeting.closed;
  await meeting.ended;
  expect(meeting.wrote.faults).toEqual([]);
  expect(meeting.wrote.pendingBytes).toBe(0);
  return info;
}

describe.each(halves)('$name', (half) => {
  describe.each(Object.entries(deliveries))('%s', (_how, deliver) => {
    it.each(CODES_TO_SEND)('7.4 close code %i is answered with the same code and reported', async (code) => {
      const meeting = await deliver(half, close(half, code, 'because'));
      expect(await ended(meeting)).toEqual({ code, reason: 'because', wasClean: true });
      expect(meeting.wrote.closeCode).toBe(code);
      // 1009 means that one of our messages is lost.
      expect(meeting.errors).toMatchObject(code === 1009 ? [{ code: 'MESSAGE_TOO_BIG' }] : []);
    });

    it.each(CODES_NOT_TO_SEND)('7.4 close code %i is answered with 1002', async (code) => {
      const meeting = await deliver(half, close(half, code, 'because'));
      expect(await ended(meeting)).toMatchObject({ code: 1002, wasClean: false });
      expect(meeting.wrote.closeCode).toBe(1002);
      expect(meeting.errors).toMatchObject([{ code: 'PROTOCOL_ERROR' }]);
    });

    it('5.5.1 a close frame without a code is reported as 1005 and answered without a code', async () => {
      const meeting = await deliver(half, half.frame(Opcode.close));
      expect(await ended(meeting)).toEqual({ code: 1005, reason: '', wasClean: true });
      expect(meeting.wrote.closeCode).toBe(1005);
    });

    it('5.5.1 a close frame of one byte is answered with 1002', async () => {
      const meeting = await deliver(half, half.frame(Opcode.close, Buffer.of(0x03)));
      expect(await ended(meeting)).toMatchObject({ code: 1002, wasClean: false });
      expect(meeting.wrote.closeCode).toBe(1002);
    });

    it.each([
      ['empty', ''],
      ['of 123 bytes, the maximum', 'x'.repeat(123)],
      ['of 123 bytes in characters of three bytes', '好'.repeat(41)],
      ['beyond the basic plane', '💎'],
    ])('5.5.1 a reason that is %s is reported', async (_what, reason) => {
      const meeting = await deliver(half, close(half, 1000, reason));
      expect(await ended(meeting)).toEqual({ code: 1000, reason, wasClean: true });
      expect(meeting.wrote.closeReason).toBe(reason);
    });

    it('5.5.1 a reason that is one byte too long is answered with 1002', async () => {
      const meeting = await deliver(half, close(half, 1000, 'x'.repeat(124)));
      expect(await ended(meeting)).toMatchObject({ code: 1002, wasClean: false });
    });

    it.each([
      ['no UTF-8', Buffer.from([0xff])],
      ['cut off in a character', Buffer.from('💎').subarray(0, 3)],
      ['a surrogate', Buffer.from([0xed, 0xa0, 0x80])],
    ])('5.5.1 a reason that is %s is answered with 1007', async (_what, reason) => {
      const meeting = await deliver(half, close(half, 1000, reason));
      expect(await ended(meeting)).toMatchObject({ code: 1007, wasClean: false });
      expect(meeting.wrote.closeCode).toBe(1007);
    });

    it.each([
      ['a message', [half.frame(Opcode.text, 'too late')]],
      ['a ping', [half.frame(Opcode.ping, 'too late')]],
      ['another close frame', [close(half, 1001, 'too late')]],
      ['the rest of a message', [half.frame(Opcode.continuation, 'too late')]],
      ['an invalid frame', [half.frame(3, 'too late'), Buffer.from('no frame at all')]],
    ])('1.4 data after the close frame is ignored: %s', async (_what, frames) => {
      const meeting = await deliver(half, Buffer.concat([half.frame(Opcode.text, 'in time'), close(half, 1000, 'bye'), ...frames]));
      expect(await ended(meeting)).toEqual({ code: 1000, reason: 'bye', wasClean: true });
      expect(meeting.messages).toEqual(['in time']);
      expect(meeting.wrote.pongs).toEqual([]);
      expect(meeting.errors).toEqual([]);
    });

    it('5.5.1 a close frame within a fragmented message closes cleanly, and the partial message is not delivered', async () => {
      const meeting = await deliver(
        half,
        Buffer.concat([half.frame(Opcode.text, 'half a ', { isFinal: false }), close(half, 1000, 'bye')]),
      );
      expect(await ended(meeting)).toEqual({ code: 1000, reason: 'bye', wasClean: true });
      expect(meeting.messages).toEqual([]);
    });

    it('7.1.5 the end of the connection without a close frame is reported as 1006', async () => {
      const meeting = await deliver(half, half.frame(Opcode.text, 'the last'));
      meeting.socket.end();
      expect(await ended(meeting)).toMatchObject({ code: 1006, wasClean: false });
      expect(meeting.messages).toEqual(['the last']);
      expect(meeting.wrote.closeCode).toBeUndefined();
    });

    it('7.1.5 the end of the connection within a frame is reported as 1006, and the partial message is not delivered', async () => {
      const meeting = await deliver(half, half.frame(Opcode.text, 'the last').subarray(0, -1));
      meeting.socket.end();
      expect(await ended(meeting)).toMatchObject({ code: 1006, wasClean: false });
      expect(meeting.messages).toEqual([]);
    });
  });

  it.each([1000, 1001, 3000, 4999])('7.1.2 our own close with %i is answered and clean', async (code) => {
    const meeting = await half.meet(undefined, { goodbye: close(half, code, 'yes') });
    expect(await meeting.client.close(code, 'enough')).toEqual({ code, reason: 'yes', wasClean: true });
    expect(await ended(meeting)).toEqual({ code, reason: 'yes', wasClean: true });
    expect(meeting.wrote).toMatchObject({ closeCode: code, closeReason: 'enough' });
  });

  it.each([1004, 1005, 1006, 1015, 999, 2999, 5000])('7.4 our own close with %i throws', async (code) => {
    const { client, wrote } = await half.meet();
    await expect(async () => client.close(code)).rejects.toMatchObject({ code: 'INVALID_CLOSE' });
    expect(wrote.closeCode).toBeUndefined();
  });

  it('1.4 our messages are sent before our close frame, and nothing after it', async () => {
    const meeting = await half.meet(undefined, { goodbye: Buffer.concat([half.frame(Opcode.ping, 'too late'), close(half, 1000)]) });
    for (let index = 0; index < 100; index++) meeting.client.sendMessage(`${index}`);
    const closed = meeting.client.close(1000, 'enough');
    expect(() => meeting.client.sendMessage('too late')).toThrow();
    expect(await closed).toMatchObject({ code: 1000, wasClean: true });
    await ended(meeting);
    expect(meeting.wrote.messages).toEqual(Array.from({ length: 100 }, (_, index) => `${index}`));
    expect(meeting.wrote.frames.at(-1)?.opcode).toBe(Opcode.close);
  });

  it('7.1.2 a simultaneous close is clean, with the code of the other side', async () => {
    const meeting = await half.meet();
    meeting.socket.write(close(half, 4001, 'theirs'));
    void meeting.client.close(4002, 'ours');
    expect(await ended(meeting)).toEqual({ code: 4001, reason: 'theirs', wasClean: true });
    expect(meeting.wrote).toMatchObject({ closeCode: 4002, closeReason: 'ours' });
  });

  it('7.1.4 a message in transit during our close is delivered, and the answer after it is accepted', async () => {
    const meeting = await half.meet();
    void meeting.client.close(1000);
    await write(meeting, Buffer.concat([half.frame(Opcode.text, 'on its way'), close(half, 1000, 'yes')]));
    expect(await ended(meeting)).toEqual({ code: 1000, reason: 'yes', wasClean: true });
    expect(meeting.messages).toEqual(['on its way']);
  });
});

it('7.1.1 our server ends the TCP connection after the closing handshake without waiting for the client', async () => {
  const server = halves.find(({ isClient }) => !isClient) as Half;
  const { socket } = await server.meet();
  const end = once(socket, 'end');
  socket.write(close(server, 1000));
  await end;
});

it('7.1.1 our client has sent its close frame before it ends the TCP connection', async () => {
  const client = halves.find(({ isClient }) => isClient) as Half;
  const { socket, wrote } = await client.meet();
  const end = once(socket, 'end');
  socket.write(closeFrame(1000));
  await end;
  expect(wrote.closeCode).toBe(1000);
  expect(wrote.faults).toEqual([]);
});
